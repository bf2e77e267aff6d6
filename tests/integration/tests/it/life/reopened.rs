//! A person takes a decision back and brings the order again, or forgets to.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, DecisionRecord, Event, Policy, Record, Recovery, Stamp, step},
    redaction::OperatorNote,
};
use postback_harness::order_event;
use postback_integration::Bundle;
use postback_runtime::ledger::Change;
use postback_sandbox::{Fault, Network};

use super::{DAY, at_shopback, order, script, state, sweeping::sweep};

/// Writes a person's decision, as the tool does.
async fn decide(bundle: &Bundle, order_id: &str, decision: Decision) {
    let held = bundle.shopback.record(order_id).await.expect("a record");
    let (attempt, now) = (held.protocol.attempt, bundle.bed.now());
    let note = |text| OperatorNote::new(text).expect("a note");
    let policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);
    let write = |held: Option<&Record>| {
        let held = held.expect("a record");
        let decisions = held.protocol.decisions;
        let event = Event::Decide { attempt, decisions, decision };
        let next = step(Some(&held.protocol), &event, &policy, now).next.expect("it fits");
        let (by, why) = (note("test"), note("test"));
        let evidence = None;
        let (version, contents_left_out) = (0, 0);
        let record = DecisionRecord {
            version,
            at: now,
            attempt,
            decision,
            by,
            why,
            evidence,
            claim_back: None,
            contents_left_out,
        };
        let stamp = Stamp { now, write_id: 7 };
        Change::Write(Box::new(held.decided(next, record, stamp)), ())
    };
    bundle.bed.table.ledger().update(Some(held), write).await.expect("written");
}

/// An order at ShopBack whose answer was lost, given up by a person and taken back: its message is
/// gone meanwhile.
async fn reopened() -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading().processed());
    bundle.shopback.enqueue(&order("A-1", "a"));
    bundle.shopback.work().await;
    decide(&bundle, "A-1", Decision::Abandon).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await, "its message is done with");
    decide(&bundle, "A-1", Decision::Reopen).await;
    bundle
}

#[tokio::test]
async fn one_whose_order_was_not_brought_is_counted_as_unwatched() {
    let bundle = reopened().await;

    bundle.bed.advance(Duration::from_hours(3));
    let counts = sweep(&bundle).await;

    assert_eq!((counts["shopback"].open, counts["shopback"].unwatched), (1, 1));
    let unconfirmed = ("unconfirmed".to_owned(), Some("connection_lost".to_owned()));
    assert_eq!(at_shopback(&bundle, "A-1").await, unconfirmed);
}

#[tokio::test]
async fn one_whose_order_was_brought_goes_on_and_is_reported_once() {
    let bundle = reopened().await;

    bundle.shopback.services.enqueue(order_event(&order("A-1", "a")).to_string());
    let is_done = bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert!(is_done);
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
    let swept: Timestamp = bundle.bed.now();
    assert!(!sweep(&bundle).await.contains_key("shopback"), "nothing is open at {swept}");
}
