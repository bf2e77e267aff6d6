//! Answers what has become of an order: every delivery, with every attempt.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use postback::{
    clock::Timestamp,
    delivery::{Decision, State},
    lambda::api::{self, Request, Response},
    ledger::{AttemptRecord, DecisionRecord, Ledger, ProgressRecord, Record},
    network::Proof,
    problem::{Code, Problem},
    word::{Evidence, Reason},
};
use serde::Serialize;

#[derive(Serialize)]
struct Audit<'a> {
    order_id: &'a str,
    deliveries: Vec<DeliveryView<'a>>,
}

#[derive(Serialize)]
struct DeliveryView<'a> {
    network: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    state: State,
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    attempt: u32,
    references: &'a Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<Timestamp>,
    conflicts: u32,
    updated_at: Timestamp,
    attempts: &'a [AttemptRecord],
    #[serde(skip_serializing_if = "<[ProgressRecord]>::is_empty")]
    progress: &'a [ProgressRecord],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<DecisionView>,
}

/// What a person decided, and when. Who and why is for the account's own people: the command-line
/// tool shows it.
#[derive(Serialize)]
struct DecisionView {
    at: Timestamp,
    attempt: u32,
    decision: Decision,
}

/// Answers one request.
pub async fn answer(request: &Request, ledger: &Ledger) -> Response {
    match find(request, ledger).await {
        Ok(response) => response,
        Err(problem) => api::problem(&problem),
    }
}

async fn find(request: &Request, ledger: &Ledger) -> Result<Response, Problem> {
    let given = request.path_parameters.get("order_id").map(String::as_str).unwrap_or_default();
    for order_id in spellings(given) {
        let records = ledger.of_order(&order_id).await.map_err(|_| {
            let detail = "The ledger could not be reached. Ask again.";
            Problem::new(Code::LedgerUnavailable, detail)
        })?;
        if !records.is_empty() {
            return Ok(api::json(200, &audit(&order_id, &records)));
        }
    }
    let detail = "No network was told of an order with this id: it was never sent, it concerns \
                  no network, or it is still on its way.";
    Err(Problem::new(Code::UnknownOrder, detail))
}

/// The id as it came, and decoded where the gateway has not done so.
fn spellings(given: &str) -> Vec<Cow<'_, str>> {
    let mut spellings = Vec::new();
    if !given.is_empty() {
        spellings.push(Cow::Borrowed(given));
    }
    if let Ok(decoded) = percent_decode_str(given).decode_utf8()
        && decoded != given
    {
        spellings.push(decoded);
    }
    spellings
}

fn audit<'a>(order_id: &'a str, records: &'a [Record]) -> Audit<'a> {
    Audit { order_id, deliveries: records.iter().map(view).collect() }
}

fn view(record: &Record) -> DeliveryView<'_> {
    let protocol = &record.protocol;
    let waits = matches!(protocol.state, State::Retrying | State::Parked);
    DeliveryView {
        network: record.network(),
        line: record.line(),
        state: protocol.state,
        reason: protocol.reason.as_ref(),
        proof: protocol.proof,
        attempt: protocol.attempt,
        references: &record.references,
        next_at: waits.then_some(protocol.not_before),
        conflicts: record.conflicts,
        updated_at: record.updated_at,
        attempts: &record.attempts,
        progress: &record.progress,
        decisions: record.decisions.iter().map(decision).collect(),
    }
}

const fn decision(record: &DecisionRecord) -> DecisionView {
    DecisionView { at: record.at, attempt: record.attempt, decision: record.decision }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_looked_for_as_it_came_and_decoded() {
        assert_eq!(spellings("A-1"), ["A-1"]);
        assert_eq!(spellings("A%2F1"), ["A%2F1", "A/1"]);
        assert!(spellings("").is_empty());
    }
}
