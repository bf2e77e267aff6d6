//! `GET /orders/{order_id}`: every delivery of an order, with its history.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use postback_core::{
    clock::Timestamp,
    delivery::{DeliveryView, PartialView, Record, views},
    order::composed,
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{self, Request, Response},
    ledger::{Ledger, LedgerError, Pause, UnclaimedView},
};
use serde::Serialize;

#[derive(Serialize)]
struct Audit<'a> {
    order_id: &'a str,
    deliveries: Vec<Shown<'a>>,
    /// The networks that are paused, of those that still have an open delivery of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paused: Vec<Paused<'a>>,
    /// Present where it concerned no network.
    #[serde(skip_serializing_if = "Option::is_none")]
    unclaimed: Option<UnclaimedView<'a>>,
}

/// A network that a person has paused.
#[derive(Serialize)]
struct Paused<'a> {
    network: &'a str,
    since: Timestamp,
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
            let is_open = records.iter().any(|record| !record.protocol.state.is_final());
            let pauses = if is_open { ledger.pauses().await.map_err(unavailable)? } else { vec![] };
            return Ok(api::answer(200, &audit(order_id, &records, &partial, &pauses)));
        }
    }
    for order_id in &spellings {
        if let Some(order) = ledger.unclaimed(order_id).await.map_err(unavailable)? {
            let unclaimed = Some(UnclaimedView::of(&order));
            let (deliveries, paused) = (Vec::new(), Vec::new());
            return Ok(api::answer(200, &Audit { order_id, deliveries, paused, unclaimed }));
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

fn audit<'a>(
    order_id: &'a str,
    records: &'a [Record],
    partial: &'a [PartialView],
    pauses: &[Pause],
) -> Audit<'a> {
    let open = records
        .iter()
        .filter(|record| !record.protocol.state.is_final() && !record.is_validation());
    let networks: BTreeSet<_> = open.map(Record::network).collect();
    let on_hold = networks.into_iter().filter_map(|network| {
        let since = Pause::of(pauses, network)?.in_force()?.at;
        Some(Paused { network, since })
    });
    let whole = views(records, DeliveryView::of).into_iter();
    let whole = whole.map(|view| Shown::Whole(Box::new(view)));
    let deliveries = whole.chain(partial.iter().map(Shown::Partial)).collect();
    Audit { order_id, deliveries, paused: on_hold.collect(), unclaimed: None }
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
