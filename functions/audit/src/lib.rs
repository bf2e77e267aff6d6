//! `GET /orders/{order_id}`: every delivery of an order, with its history.

use percent_encoding::percent_decode_str;
use postback_core::{
    clock::Timestamp,
    delivery::{DeliveryView, PartialView, Record},
    order::composed,
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{self, Request, Response},
    ledger::{Ledger, LedgerError, UnclaimedOrder},
};
use serde::Serialize;

#[derive(Serialize)]
struct Audit<'a> {
    order_id: &'a str,
    deliveries: Vec<Shown<'a>>,
    /// Present where it concerned no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    unclaimed: Option<Unclaimed<'a>>,
}

/// An order that concerned no network.
#[derive(Serialize)]
struct Unclaimed<'a> {
    accepted_at: Timestamp,
    amount: &'a str,
    currency: &'a str,
    source: &'a str,
    clicks: &'a [String],
}

impl<'a> Unclaimed<'a> {
    fn of(order: &'a UnclaimedOrder) -> Self {
        let UnclaimedOrder { accepted_at, amount, currency, source, clicks, .. } = order;
        Self { accepted_at: *accepted_at, amount, currency, source, clicks }
    }
}

/// A delivery as far as this version can read it.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Whole(Box<DeliveryView<'a>>),
    Partial(&'a PartialView),
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
    let spellings = spellings(given);
    for order_id in &spellings {
        let (records, partial) = ledger.readable_of_order(order_id).await.map_err(unavailable)?;
        if !records.is_empty() || !partial.is_empty() {
            return Ok(api::answer(200, &audit(order_id, &records, &partial)));
        }
    }
    for order_id in &spellings {
        if let Some(order) = ledger.unclaimed(order_id).await.map_err(unavailable)? {
            let unclaimed = Some(Unclaimed::of(&order));
            return Ok(api::answer(200, &Audit { order_id, deliveries: Vec::new(), unclaimed }));
        }
    }
    let detail = "The ledger holds no delivery of this order: it was never sent, it concerns no \
                  network, or it is still on its way.";
    Err(Problem::new(Code::UnknownOrder, detail))
}

fn unavailable(_: LedgerError) -> Problem {
    let detail = "The ledger could not be reached. Send the request again.";
    Problem::new(Code::LedgerUnavailable, detail)
}

/// The most characters of an order's id.
const LONGEST_ID: usize = 128;

/// The order ids that the path may mean: as it came, decoded where API Gateway has not done so, and
/// without a slash at its end. Ids are composed (NFC), as at intake. None that is longer than an id:
/// the ledger takes no such key.
fn spellings(given: &str) -> Vec<String> {
    let decoded = percent_decode_str(given).decode_utf8().unwrap_or_default();
    let all = [given, &decoded, given.trim_end_matches('/'), decoded.trim_end_matches('/')];
    let mut spellings = Vec::new();
    for spelling in all.map(composed) {
        if !spelling.is_empty() && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings.retain(|spelling| spelling.chars().count() <= LONGEST_ID);
    spellings
}

fn audit<'a>(order_id: &'a str, records: &'a [Record], partial: &'a [PartialView]) -> Audit<'a> {
    let whole = records.iter().filter(|record| !record.is_order_of_lines());
    let whole = whole.map(|record| Shown::Whole(Box::new(DeliveryView::of(record))));
    let deliveries = whole.chain(partial.iter().map(Shown::Partial)).collect();
    Audit { order_id, deliveries, unclaimed: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_looked_for_as_it_came_and_decoded() {
        assert_eq!(spellings("A-1"), ["A-1"]);
        assert_eq!(spellings("A%2F1"), ["A%2F1", "A/1"]);
        assert_eq!(spellings("A-1/"), ["A-1/", "A-1"]);
        assert_eq!(spellings("Bestellung-e\u{301}"), ["Bestellung-\u{e9}"]);
        assert!(spellings("").is_empty());
        assert!(spellings(&"x".repeat(129)).is_empty());
        assert_eq!(spellings(&"é".repeat(128)).len(), 1);
    }
}
