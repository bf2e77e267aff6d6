//! The tests of lists, of the cards that lead to them, and of the forms that they make.

use std::time::Duration;

use axum::http::{StatusCode, header};
use postback_core::{
    delivery::{Record, State},
    redaction::Reason,
};

use super::{
    bed::{Bed, delivery, pass},
    writes::decided,
};
use crate::fixtures::validation;

/// Half a day.
const HALF_A_DAY: Duration = Duration::from_hours(12);

#[tokio::test]
async fn a_cut_off_is_as_long_ago_as_its_words_say_at_every_look() {
    let mut bed = Bed::open(false).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;

    let page = bed.get("/orders?which=open&until=2h").await.text;
    assert!(page.contains("Nothing matches."), "{page}");
    pass(Duration::from_hours(6));
    let page = bed.get("/orders?which=open&until=2h").await.text;

    assert!(page.contains(">A-1</bdi>"), "{page}");
}

#[tokio::test]
async fn the_card_of_lost_messages_leads_to_those_alone() {
    let mut bed = Bed::open(true).await;
    let mut watched = delivery("A-2", "retrying");
    watched.message_until = Some(watched.updated_at + HALF_A_DAY);
    bed.put([delivery("A-1", "retrying"), watched]).await;
    pass(Duration::from_hours(6));

    let page = bed.get("/").await.text;

    assert!(page.contains("net: 1 has no message any more: 10.5 EUR"), "{page}");
    assert!(page.contains("\"/orders?which=unwatched&amp;network=net\""), "{page}");
    assert!(page.contains("\"/decide?which=unwatched&amp;network=net\""), "{page}");
    for path in ["/orders", "/decide"] {
        let page = bed.get(&format!("{path}?which=unwatched&network=net")).await.text;
        assert!(page.contains(">A-1</bdi>") && !page.contains(">A-2</bdi>"), "{page}");
    }
    let fields = "which=unwatched&network=net&decision=confirm&why=seen";
    let preview = bed.submit("/decide/preview", fields).await.text;
    assert!(preview.contains("Confirm: the network has it, 1 delivery"), "{preview}");
}

#[tokio::test]
async fn the_card_of_claim_backs_leads_to_a_list_that_is_acknowledged_at_once() {
    let mut bed = Bed::open(true).await;
    let refunded = |mut record: Record, sum: &str| {
        let refunds = serde_json::json!({ "r-1": { "amount": sum } });
        record.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
        let returned = serde_json::json!({ "version": 1, "at": record.updated_at });
        record.returned = serde_json::from_value(returned).expect("a write");
        record
    };
    let approved = validation("delivered", Some(("approved", "10.5")));
    bed.put([
        refunded(approved, "4"),
        refunded(delivery("A-2", "delivered"), "1.5"),
        delivery("A-3", "delivered"),
    ])
    .await;

    let page = bed.get("/").await.text;

    assert!(page.contains("net: 2 conversions have come back: claim them back: 5.5 EUR"), "{page}");
    for path in ["/orders", "/decide"] {
        let link = format!("\"{path}?which=claim%2Dback&amp;network=net\"");
        assert!(page.contains(&link), "{page}");
        let list = bed.get(&format!("{path}?which=claim-back&network=net")).await.text;
        assert!(list.contains("2 deliveries</strong> 5.5 EUR"), "{list}");
        assert!(list.contains("To claim back") && !list.contains(">A-3</bdi>"), "{list}");
    }
    let fields = "which=claim-back&network=net&decision=acknowledge&why=claimed";
    let preview = bed.submit("/decide/preview", fields).await.text;
    assert!(preview.contains("2 deliveries</strong> 5.5 EUR"), "{preview}");
    let work = decided(&mut bed, &preview).await;
    assert!(work.contains("decided, 0 refused"), "{work}");
    assert!(bed.get("/").await.text.contains("Nothing needs you."), "{work}");
    let money = bed.get("/money").await.text;
    assert!(money.contains("5.5 (2)") && money.contains("Claimed back"), "{money}");
}

#[tokio::test]
async fn the_card_of_unclear_refusals_leads_to_those_that_nobody_has_answered() {
    let mut bed = Bed::open(true).await;
    let refused = |order_id: &str| {
        let mut record = delivery(order_id, "rejected");
        record.protocol.reason = Some(Reason::new("duplicate_elsewhere"));
        record
    };
    let mut answered = refused("A-2");
    answered.decisions = serde_json::from_value(serde_json::json!({ "entries": [{
        "version": 2, "at": "2026-11-21T10:20:00Z", "attempt": 1, "decision": "acknowledge",
        "by": "arn", "why": "rightly",
    }]}))
    .expect("decisions");
    bed.put([refused("A-1"), answered]).await;

    let page = bed.get("/").await.text;

    assert!(page.contains("net: 1 was refused unclearly (duplicate_elsewhere)"), "{page}");
    let query = "which=unclear&amp;network=net&amp;reason=duplicate%5Felsewhere";
    assert!(page.contains(&format!("\"/decide?{query}\"")), "{page}");
    let page = bed.get(&format!("/orders?{}", query.replace("amp;", ""))).await.text;
    assert!(page.contains(">A-1</bdi>") && !page.contains(">A-2</bdi>"), "{page}");
}

#[tokio::test]
async fn validations_that_wait_are_explained_and_decided_apart_from_deliveries() {
    let mut bed = Bed::open(true).await;
    let lost = |mut record: Record| {
        record.protocol.reason = Some(Reason::new("timed_out"));
        record
    };
    let order = validation("unconfirmed", None).order_id;
    let delivered = delivery(&order, "delivered");
    let held = delivery("B-1", "unconfirmed");
    Box::pin(bed.put([lost(validation("unconfirmed", None)), delivered, lost(held)])).await;

    let page = bed.get("/").await.text;

    assert!(page.contains("net: 1 validation waits for a person (timed_out): 10.5 EUR"), "{page}");
    assert!(page.contains("Until they are decided the customers get no cashback"), "{page}");
    let query = "which=validations&amp;network=net&amp;reason=timed%5Fout";
    assert!(page.contains(&format!("\"/orders?{query}\"")), "{page}");
    let page = bed.get(&format!("/orders?{}", query.replace("amp;", ""))).await.text;
    assert!(page.contains(">net!validation<") && !page.contains(">B-1</bdi>"), "{page}");
    let page = bed.get("/orders?which=held&reason=timed_out").await.text;
    assert!(!page.contains("net!validation") && page.contains(">B-1</bdi>"), "{page}");
    let page = bed.get(&format!("/order?id={order}")).await.text;
    assert!(page.contains("The validating call was sent and its answer was lost."), "{page}");
    assert!(page.contains("The network has validated it"), "{page}");
    let fields = "which=validations&decision=permit&why=not+validated+there";
    let preview = bed.submit("/decide/preview", fields).await.text;
    assert!(preview.contains("Confirm: permit a call, 1 delivery"), "{preview}");
}

#[tokio::test]
async fn a_url_chooses_deliveries_and_no_decision() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;

    let page = bed.get("/decide?which=held&decision=permit&why=x&order=A-1&from_archive=1").await;

    assert!(page.text.contains("type=\"hidden\" name=\"which\" value=\"held\""), "{}", page.text);
    for name in ["decision", "why", "order", "from_archive"] {
        let hidden = format!("type=\"hidden\" name=\"{name}\"");
        assert!(!page.text.contains(&hidden), "{name}: {}", page.text);
    }
}

#[tokio::test]
async fn an_order_with_an_item_of_a_later_version_shows_the_others() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    let later = serde_json::json!({
        "order_id": { "S": "A-1" }, "delivery": { "S": "later" }, "format": { "N": "99" },
        "version": { "N": "7" }, "attempt": { "N": "3" }, "state": { "S": "levitating" },
    });
    bed.table.put_raw(&later).await;

    let order = bed.get("/order?id=A-1").await;

    assert_eq!(order.status, StatusCode::OK);
    assert!(order.text.contains("later: levitating"), "{}", order.text);
    assert!(order.text.contains("read it (format 99)"), "{}", order.text);
    assert!(order.text.contains("Nothing: it waits for a person."), "{}", order.text);
    // The ledger could not take it: a decision reads all of the order.
    assert!(!order.text.contains("name=\"decision\""), "{}", order.text);
    let found = bed.get("/orders?find=A-1").await;
    assert_eq!(&found.headers[header::LOCATION], "/order?id=A%2D1");
}

#[tokio::test]
async fn what_a_later_version_wrote_is_never_left_out_in_silence() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    let later = serde_json::json!({
        "order_id": { "S": "B-1" }, "delivery": { "S": "net" }, "format": { "N": "99" },
        "version": { "N": "7" }, "attempt": { "N": "3" }, "state": { "S": "unconfirmed" },
        "waiting": { "S": "yes" },
    });
    bed.table.put_raw(&later).await;

    let words = "1 delivery is of a later version and left out: update the tool.";
    let lists = ["/orders", "/orders?which=held", "/decide?which=held"];
    for path in ["/", "/networks", "/money", "/activity"].into_iter().chain(lists) {
        let page = bed.get(path).await.text;
        assert!(page.contains(&format!("<p role=\"alert\">{words}")), "{path}: {page}");
    }
    for path in ["/money.csv", "/orders.csv"] {
        let file = bed.get(path).await.text;
        assert!(file.ends_with(&format!("LEFT OUT: {words}\n")), "{path}: {file}");
    }
    let preview = bed.submit("/decide/preview", "which=held&decision=confirm&why=w").await.text;
    assert!(preview.contains(words), "{preview}");
}

#[tokio::test]
async fn what_can_be_no_orders_id_is_no_order() {
    let mut bed = Bed::open(false).await;
    let long = "x".repeat(2_049);

    for id in ["", long.as_str(), &long[..2_045]] {
        let order = bed.get(&format!("/order?id={id}")).await;
        assert_eq!(order.status, StatusCode::NOT_FOUND, "{}", order.text);
    }
    assert_eq!(bed.get("/order").await.status, StatusCode::NOT_FOUND);
    let found = bed.get(&format!("/orders?find={long}")).await;
    assert!(found.text.contains("Nothing matches."), "{}", found.text);
}

#[tokio::test]
async fn calm_is_said_with_the_time_since_which_nothing_was_seen() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    assert!(bed.get("/").await.text.contains("net: 1 waits for a person"));
    let mut settled = bed.record("A-1").await;
    settled.version += 1;
    settled.protocol.state = State::Delivered;
    bed.table.ledger().put(&settled, Some(1)).await.expect("a write");
    pass(Duration::from_hours(1));
    bed.submit("/letters/run", "network=net").await;

    let page = bed.get("/").await.text;

    let calm =
        "This console has seen nothing that does since <time datetime=\"2026-11-21T11:45:00Z\">";
    assert!(page.contains(calm), "{page}");
}
