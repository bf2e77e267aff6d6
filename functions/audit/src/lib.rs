//! `GET /orders/{order_id}`: every delivery of an order, with its history.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use postback_core::{
    delivery::{DeliveryView, PartialView, Record},
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{self, Request, Response},
    ledger::Ledger,
};
use serde::Serialize;

#[derive(Serialize)]
struct Audit<'a> {
    order_id: &'a str,
    deliveries: Vec<Shown<'a>>,
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
    for order_id in spellings(given) {
        let (records, partial) = ledger.readable_of_order(&order_id).await.map_err(|_| {
            let detail = "The ledger could not be reached. Send the request again.";
            Problem::new(Code::LedgerUnavailable, detail)
        })?;
        if !records.is_empty() || !partial.is_empty() {
            return Ok(api::json(200, &audit(&order_id, &records, &partial)));
        }
    }
    let detail = "The ledger holds no delivery of this order: it was never sent, it concerns no \
                  network, or it is still on its way.";
    Err(Problem::new(Code::UnknownOrder, detail))
}

/// The order ids that the path may mean: as it came, and decoded where API Gateway has not done so.
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

fn audit<'a>(order_id: &'a str, records: &'a [Record], partial: &'a [PartialView]) -> Audit<'a> {
    let whole = records.iter().filter(|record| !record.is_order_of_lines());
    let whole = whole.map(|record| Shown::Whole(Box::new(DeliveryView::of(record))));
    Audit { order_id, deliveries: whole.chain(partial.iter().map(Shown::Partial)).collect() }
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
