//! The tests of an order's page.

use std::time::Duration;

use axum::http::StatusCode;
use postback_core::clock::Timestamp;
use serde_json::json;

use super::bed::{Bed, delivery, now};
use crate::fixtures::validation;

#[tokio::test]
async fn an_order_shows_why_what_comes_next_and_what_can_be_done() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed"), delivery("A-2", "delivered")]).await;

    let held = bed.get("/order?id=A-1").await.text;
    assert!(held.contains("Nothing: it waits for a person."), "{held}");
    assert!(
        held.contains("name=\"attempt\" value=\"1\"") && held.contains("value=\"confirm\""),
        "{held}"
    );
    assert!(held.contains("<svg") && held.contains("role=\"img\""), "{held}");
    let done = bed.get("/order?id=A-2").await.text;
    assert!(!done.contains("method=\"post\""), "{done}");
    assert_eq!(bed.get("/order?id=none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_order_shows_until_when_it_waits() {
    let mut bed = Bed::open(true).await;
    let until = now() + Duration::from_hours(3);
    let at = |order_id: &str, state: &str| {
        let mut record = delivery(order_id, state);
        record.protocol.not_before = until;
        record.protocol.claim_expires_at = until;
        record
    };
    let mut permitted = at("A-3", "rejected");
    permitted.protocol.permission = serde_json::from_value(json!({ "until": until })).ok();
    let records =
        [at("A-1", "sending"), at("A-2", "retrying"), permitted, at("A-4", "unconfirmed")];
    Box::pin(bed.put(records)).await;

    for (order_id, words) in
        [("A-1", "Claim expires"), ("A-2", "Next try, at the earliest"), ("A-3", "Permit lapses")]
    {
        let page = bed.get(&format!("/order?id={order_id}")).await.text;
        let fact = format!("<dt>{words}</dt><dd><time datetime=\"{until}\">");
        assert!(page.contains(&fact), "{page}");
        // On its line, too.
        assert!(page.contains("stroke=\"#00FFFF\"") && page.contains("<td>to come</td>"), "{page}");
    }
    // A person has no time.
    assert!(!bed.get("/order?id=A-4").await.text.contains(&until.to_string()));
}

#[tokio::test]
async fn an_order_shows_what_came_back_to_whom_acknowledges_it() {
    let mut bed = Bed::open(true).await;
    let mut back = validation("delivered", Some(("approved", "10.5")));
    let refunds = json!({ "r-1": { "amount": "4" } });
    back.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
    bed.put([back]).await;

    let page = bed.get("/order?id=A-1").await.text;

    for shown in [
        "<dt>Validation</dt><dd>approved, 10.5 EUR</dd>",
        "<dt>Not before</dt><dd>2026-11-21T10:15:00Z</dd>",
        "<dt>Refunded</dt><dd>4</dd>",
        "<dt>Came back</dt><dd>4, of which 4 to claim back</dd>",
        "the shop: refund of 4: r-1",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[tokio::test]
async fn an_order_says_what_is_left_out_of_each_kind() {
    let mut bed = Bed::open(true).await;
    let mut record = delivery("A-1", "delivered");
    let attempt =
        |number: u32| json!({ "number": number, "started_at": now(), "state": "retrying" });
    let attempts = [1, 2].into_iter().chain(5..=12).map(attempt).collect::<Vec<_>>();
    record.attempts =
        serde_json::from_value(json!({ "entries": attempts, "left_out": 2 })).expect("attempts");
    let noted = json!({ "version": 1, "at": now(), "status": {} });
    record.statuses =
        serde_json::from_value(json!({ "entries": [noted], "left_out": 3 })).expect("statuses");
    bed.put([record]).await;

    let page = bed.get("/order?id=A-1").await.text;

    for words in ["2 attempts between the first", "3 statuses between the first"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

/// The instants in UTC that a person sees on a page.
fn in_utc(page: &str) -> Vec<&str> {
    // Programs get them so.
    let shown = page.split(" datetime=\"").filter_map(|part| part.split_once('>').map(|it| it.1));
    let pieces = shown.flat_map(|part| part.split_inclusive('Z'));
    // With or without the parts of a second.
    let ends = pieces.flat_map(|piece| {
        [20, 24].map(|length| piece.len().checked_sub(length).and_then(|at| piece.get(at..)))
    });
    ends.flatten().filter(|end| Timestamp::parse(end).is_some()).collect()
}

#[tokio::test]
async fn every_time_is_in_the_zone_that_was_asked_for() {
    let mut bed = Bed::open_in("+02:00").await;
    bed.put([validation("retrying", None), delivery("A-2", "retrying")]).await;
    bed.submit("/pause", "network=net&change=pause&why=they+asked").await;

    for path in ["/", "/networks", "/orders", "/order?id=A-1", "/order?id=A-2", "/activity"] {
        let page = bed.get(path).await.text;
        assert!(page.contains("+02:00"), "{path}: {page}");
        assert_eq!(in_utc(&page), [""; 0], "{path}: {page}");
    }
    assert_eq!(in_utc("<p><time datetime=\"x\">at 2026-11-21T10:15:00Z</time>").len(), 1);
}
