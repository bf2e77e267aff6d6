//! `POST /orders/{network}`: tell this network now, and answer what came of it.

use serde::Serialize;

use super::api::{self, Posted, Response};
use crate::{
    clock::Timestamp,
    courier::{Call, Courier, Outcome, Trouble, Way},
    delivery::State,
    fields::{self, Fault, Unknown},
    network::Network,
    order::Order,
    problem::{Code, Problem},
    surroundings::Surroundings,
    word::Reason,
};

#[derive(Serialize)]
struct Told<'a> {
    order_id: &'a str,
    network: &'static str,
    #[serde(flatten)]
    whole: Line<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "line")]
    number: Option<&'a str>,
    state: State,
    reason: Option<&'a Reason>,
    attempt: u32,
    replayed: bool,
}

pub(super) async fn order<N: Network, S: Surroundings>(
    courier: &Courier<N, S>,
    posted: Posted<'_>,
    deadline: Timestamp,
) -> Response {
    match tell(courier, posted, deadline).await {
        Ok(response) => response,
        Err(problem) => api::problem(&problem),
    }
}

async fn tell<N: Network, S: Surroundings>(
    courier: &Courier<N, S>,
    posted: Posted<'_>,
    deadline: Timestamp,
) -> Result<Response, Problem> {
    let body = posted.text()?;
    let order = read::<N>(&body)?;
    let call = Call {
        body: &body,
        way: Way::Api,
        known: false,
        deadline,
        rounds: 0,
        announce: false,
        noted: false,
    };
    let outcomes = courier.deliver(&order, &call).await.map_err(|trouble| {
        courier.metrics().not_taken();
        refused(trouble)
    })?;
    if outcomes.iter().any(|outcome| outcome.conflict) {
        let detail = "This network was told of this order with other content, which stands. \
                      Nothing was sent. Use another order id for another order.";
        return Err(Problem::new(Code::Conflict, detail));
    }
    courier.follow_up(&call, &outcomes).await.map_err(|_| {
        let detail = "The order is recorded but its next attempt could not be scheduled. \
                      Send it again: nothing is told twice.";
        Problem::new(Code::QueueUnavailable, detail)
    })?;
    Ok(answer::<N>(&order, &outcomes))
}

/// The order, with everything refused that nobody would read.
fn read<N: Network>(body: &str) -> Result<Order, Problem> {
    let value = serde_json::from_str(body).map_err(|_| api::not_json())?;
    let order = Order::read(&value, Unknown::Refused);
    let mut faults = click_faults::<N>(&value);
    match order {
        Ok(order) if faults.is_empty() => Ok(order),
        Ok(_) => Err(Problem::invalid_order(faults)),
        Err(more) => {
            faults.splice(0..0, more);
            Err(Problem::invalid_order(faults))
        }
    }
}

fn click_faults<N: Network>(order: &serde_json::Value) -> Vec<Fault> {
    let click = order.get("clicks").and_then(|clicks| clicks.get(N::NAME));
    let Some(click) = click.filter(|click| click.is_object()) else { return Vec::new() };
    let checked = fields::read(click, Unknown::Refused, |fields| {
        N::check_click(fields);
        Some(())
    });
    let mut faults = checked.err().unwrap_or_default();
    for fault in &mut faults {
        fault.pointer = format!("/clicks/{}{}", N::NAME, fault.pointer);
    }
    faults
}

fn refused(trouble: Trouble) -> Problem {
    let detail = match trouble {
        Trouble::Ledger(_) => {
            "The ledger could not be reached, so nothing was sent. Send the order again."
        }
        Trouble::Contended => {
            "This order is being sent many times at once. Send it again in a moment."
        }
    };
    Problem::new(Code::LedgerUnavailable, detail)
}

fn answer<N: Network>(order: &Order, outcomes: &[Outcome]) -> Response {
    let lines: Vec<_> = outcomes.iter().map(line).collect();
    // The whole is as far as its last line: a line that is not final comes first.
    let last = outcomes.iter().min_by_key(|outcome| outcome.state.is_final());
    let Some(last) = last else {
        let reason = Reason::new("no_lines");
        let skipped = Line {
            number: None,
            state: State::Skipped,
            reason: Some(&reason),
            attempt: 0,
            replayed: false,
        };
        return api::json(200, &told::<N>(order, skipped, Vec::new()));
    };
    let status = if last.state.is_final() { 200 } else { 202 };
    let whole = Line {
        number: None,
        replayed: outcomes.iter().all(|outcome| outcome.replayed),
        ..line(last)
    };
    let by_line = outcomes.iter().any(|outcome| outcome.line.is_some());
    api::json(status, &told::<N>(order, whole, if by_line { lines } else { Vec::new() }))
}

fn told<'a, N: Network>(order: &'a Order, whole: Line<'a>, lines: Vec<Line<'a>>) -> Told<'a> {
    Told { order_id: order.order_id.as_str(), network: N::NAME, whole, lines }
}

fn line(outcome: &Outcome) -> Line<'_> {
    Line {
        number: outcome.line.as_deref(),
        state: outcome.state,
        reason: outcome.reason.as_ref(),
        attempt: outcome.attempt,
        replayed: outcome.replayed,
    }
}
