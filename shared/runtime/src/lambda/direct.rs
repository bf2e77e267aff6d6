//! `POST /orders/{network}`: delivers an order to this network now, and answers with the result.

use postback_core::{
    clock::Timestamp,
    delivery::{RETENTION, State},
    fields::{Fault, MOST_FAULTS, UnknownFields, is_absent, nearest, unknown_member},
    network::Network,
    order::{Arrived, clicks_fault, goes_by_status, id_of, readable},
    problem::{Code, Problem},
    redaction::Reason,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::api::{self, Posted, Response};
use crate::{
    dispatch::{DeliverError, DeliveryResult, Dispatcher, NO_LINES, Source, Trigger},
    ledger::{TOO_OLD, UpdateError},
    metrics::Intake,
    services::Services,
};

#[derive(Serialize)]
struct Body<'a> {
    order_id: &'a str,
    network: &'static str,
    #[serde(flatten)]
    whole: Part<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    state: State,
    reason: Option<&'a Reason>,
    attempt: u32,
    replayed: bool,
}

pub(super) async fn order<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    posted: Posted<'_>,
    caller: &str,
    deadline: Timestamp,
) -> Response {
    let answer = deliver(dispatcher, posted, caller, deadline).await;
    let measured = match &answer {
        Ok(_) => Some(Intake::DIRECT),
        // The order came and is held; the conflict is a metric of its own.
        Err(problem) if problem.code == Code::Conflict => Some(Intake::DIRECT),
        Err(problem) => Intake::refusal(problem),
    };
    if let Some(measured) = measured {
        dispatcher.metrics().record_order(measured);
    }
    answer.unwrap_or_else(|problem| api::problem(&problem))
}

async fn deliver<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    posted: Posted<'_>,
    caller: &str,
    deadline: Timestamp,
) -> Result<Response, Problem> {
    let body = posted.text()?;
    // As every reader takes it: this text may go on the queue.
    let body = readable(&body);
    let order = parse::<N>(&body, dispatcher.services().now())?;
    let trigger = Trigger {
        body: &body,
        sender: Some(caller),
        source: Source::Api,
        is_delayed: false,
        expect_existing: false,
        deadline,
        parked_rounds: 0,
        message_until: None,
    };
    let delivered = deliver_read(dispatcher, &order, &trigger).await;
    delivered.map_err(|problem| problem.of_order(order.order_id().clone()))
}

async fn deliver_read<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    order: &Arrived,
    trigger: &Trigger<'_>,
) -> Result<Response, Problem> {
    let results = match order {
        Arrived::Order(order) => dispatcher.deliver(order, trigger).await,
        Arrived::Cancelled(cancelled) => dispatcher.cancel(cancelled, trigger).await,
        Arrived::PartlyRefunded(partial) => dispatcher.refund(partial, trigger).await,
    };
    let results = results.map_err(|error| {
        dispatcher.metrics().record_not_taken();
        unavailable(error)
    })?;
    if results.iter().any(|result| result.reason == Some(TOO_OLD)) {
        return Err(Problem::invalid_order(
            order.too_old(dispatcher.services().now(), RETENTION).into_iter().collect(),
        ));
    }
    if is_cookie_missed(order, &results) {
        let (code, order_id) = ("click_cookie_not_read", order.order_id().as_str());
        tracing::warn!(code, order_id, network = N::NAME, "POST /orders reads it");
    }
    dispatcher.requeue(trigger, &results).await.map_err(|_| {
        let detail = "The order is recorded but its next attempt could not be scheduled. \
                      Send it again: nothing is reported twice.";
        Problem::new(Code::QueueUnavailable, detail)
    })?;
    // Another line of it may wait, and is on the queue now.
    if let Some(conflict) = results.iter().find(|result| result.conflict) {
        return Err(Problem {
            lines: by_line(&results).iter().map(|line| json!(line)).collect(),
            ..Problem::new(Code::Conflict, conflict_detail(conflict, &results))
        });
    }
    Ok(answer::<N>(order, &results))
}

/// Returns whether a completed order was left out, and its cookie, which may hold its click, not read.
fn is_cookie_missed(order: &Arrived, results: &[DeliveryResult]) -> bool {
    let Arrived::Order(order) = order else { return false };
    let is_skipped = results.iter().all(|result| result.state == State::Skipped);
    is_skipped && order.is_completed() && order.click_cookie.is_some()
}

/// Parses the order of a direct call; every member that nobody would read is a fault, but for the
/// clicks of other networks, whose names are not known here.
pub fn parse<N: Network>(body: &str, now: Timestamp) -> Result<Arrived, Problem> {
    let value = api::json(body)?;
    let order = Arrived::from_json(&value, UnknownFields::Deny);
    let mut faults: Vec<_> = order.iter().flat_map(|order| order.too_far_ahead(now)).collect();
    faults.extend(click_faults::<N>(&value));
    match order {
        Ok(order) if faults.is_empty() => return Ok(order),
        Ok(_) => {}
        Err(more) => {
            faults.splice(0..0, more);
        }
    }
    Err(Problem::invalid_order(faults).of_order(id_of(&value)))
}

fn click_faults<N: Network>(order: &Value) -> Vec<Fault> {
    if goes_by_status(order) {
        return Vec::new();
    }
    let click = order.get("clicks").and_then(|clicks| clicks.get(N::NAME));
    // One that holds nothing may stand beside the one that is meant.
    let Some(click) = click.filter(|click| !is_absent(click) && **click != json!({})) else {
        return clicks_fault(order).into_iter().chain(misspelt::<N>(order)).collect();
    };
    let given = click.as_object().into_iter().flatten();
    let unknown = given.filter(|(name, _)| !N::CLICK.contains(&name.as_str()));
    let fault = |(name, _): (&String, &Value)| {
        let fault = unknown_member(name, N::CLICK.iter().copied());
        Fault { pointer: format!("/clicks/{}{}", N::NAME, fault.pointer), ..fault }
    };
    unknown.map(fault).take(MOST_FAULTS).collect()
}

/// The members of `clicks` by which this network is meant. It is the one name that is known here.
fn misspelt<N: Network>(order: &Value) -> impl Iterator<Item = Fault> {
    let clicks = order.get("clicks").and_then(Value::as_object).into_iter().flatten();
    let meant =
        clicks.filter(|(name, _)| name.as_str() != N::NAME && nearest(name, [N::NAME]).is_some());
    meant.map(|(name, _)| {
        let fault = unknown_member(name, [N::NAME]);
        Fault { pointer: format!("/clicks{}", fault.pointer), ..fault }
    })
}

/// Says what was reported, or that nothing was.
fn conflict_detail(conflict: &DeliveryResult, results: &[DeliveryResult]) -> String {
    let sent = results.iter().filter(|result| result.sent);
    let sent: Vec<_> = sent.filter_map(|result| result.line.as_deref()).collect();
    let what = conflict
        .line
        .as_ref()
        .map_or_else(|| "This order".to_owned(), |line| format!("Line {line} of this order"));
    let Some((amount, currency)) = &conflict.reported else {
        let nothing = "nothing has been sent. To correct it, send it with a later `updated_at`.";
        return if sent.is_empty() {
            format!("{what} is held with other content, and {nothing}")
        } else {
            format!("{what} is held with other content. Sent now: line {}.", sent.join(", line "))
        };
    };
    let now = if sent.is_empty() {
        "Nothing was sent".to_owned()
    } else {
        format!("Sent now: line {}", sent.join(", line "))
    };
    format!(
        "{what} was reported to this network as {amount} {currency}, which stands. {now}. Use another \
         order id for another order."
    )
}

fn unavailable(error: DeliverError) -> Problem {
    let (code, detail) = match error {
        DeliverError::NotWritten(UpdateError::Ledger(_)) => (
            Code::LedgerUnavailable,
            "The ledger could not be reached, so nothing was sent. Send the order again.",
        ),
        DeliverError::NotWritten(UpdateError::Contended) => (
            Code::LedgerUnavailable,
            "This order is being sent many times at once. Send it again in a moment.",
        ),
        DeliverError::NotPut(_) => (
            Code::QueueUnavailable,
            "This version of the order could not be put on its queue, so nothing was sent. Send it \
             again.",
        ),
    };
    Problem::new(code, detail)
}

fn answer<N: Network>(order: &Arrived, results: &[DeliveryResult]) -> Response {
    // The worst line stands for the whole.
    let worst = results.iter().min_by_key(|result| result.state.rank());
    let whole = worst.map_or(
        Part {
            line: None,
            state: State::Skipped,
            reason: Some(&NO_LINES),
            attempt: 0,
            replayed: false,
        },
        |worst| Part {
            line: None,
            replayed: results.iter().all(|result| result.replayed),
            ..line(worst)
        },
    );
    let is_final = results.iter().all(|result| result.state.is_final());
    let lines = by_line(results);
    let order_id = order.order_id().as_str();
    let body = Body { order_id, network: N::NAME, whole, lines };
    api::answer(if is_final { 200 } else { 202 }, &body)
}

/// The results by lines, where the network wants lines.
fn by_line(results: &[DeliveryResult]) -> Vec<Part<'_>> {
    let has_lines = results.iter().any(|result| result.line.is_some());
    if has_lines { results.iter().map(line).collect() } else { Vec::new() }
}

fn line(result: &DeliveryResult) -> Part<'_> {
    Part {
        line: result.line.as_deref(),
        state: result.state,
        reason: result.reason.as_ref(),
        attempt: result.attempt,
        replayed: result.replayed,
    }
}
