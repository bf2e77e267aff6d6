//! The report after the validation: what was validated counts before what was reported.

use postback_core::{
    delivery::{Key, Record, Stamp},
    redaction::OperatorNote,
};
use postback_integration::Bundle;
use postback_reconcile::{
    bucket::Bucket, compare::Outcome, decide::Decisions, format::Format, shop::Shop,
};
use postback_runtime::ledger::Change;
use postback_sandbox::{Fault, Network};
use serde_json::json;

use super::{
    DAY, cancelled, order, script,
    validation::{bundle, lock_at, refunds, shown, validate, validated},
};
use crate::reconcile::{compared, counted, records};

const CLICKS: [(&str, &str); 3] = [("A-1", "a"), ("A-2", "b"), ("A-3", "c")];

/// One order that is whole, one with a part refunded, and one that is cancelled.
async fn report_three(bundle: &Bundle) {
    for (id, click) in CLICKS {
        bundle.post("/orders/shopback", &order(id, click)).await;
    }
    bundle.post("/orders/shopback", &refunds(order("A-2", "b"), &[("r-1", "9.01")])).await;
    bundle.post("/orders/shopback", &cancelled("A-3")).await;
}

async fn compare(bundle: &Bundle, report: &str) -> (Outcome, String) {
    let records = records(bundle, "shopback").await;
    compared(report, "shopback", &records, &Shop::none())
}

#[tokio::test]
async fn a_report_agrees_with_the_ledger_before_and_after_the_validation() {
    let bundle = bundle().await;
    report_three(&bundle).await;

    let (before, _) = compare(&bundle, &bundle.bed.sandbox.report(Network::ShopBack)).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    let report = bundle.bed.sandbox.report(Network::ShopBack);
    let (after, _) = compare(&bundle, &report).await;

    // What is cancelled and still pending is asked about.
    assert_eq!(counted(&before, Bucket::Matched), (2, 2), "{before:#?}");
    assert_eq!(counted(&before, Bucket::StatusDiffers), (1, 1));
    assert_eq!(validated(&bundle).len(), 3);
    assert_eq!(counted(&after, Bucket::Matched), (3, 3), "{after:#?}\n{report}");
}

#[tokio::test]
async fn another_amount_than_validated_and_what_came_back_since_are_found() {
    let bundle = bundle().await;
    report_three(&bundle).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    bundle.post("/orders/shopback", &refunds(order("A-1", "a"), &[("r-9", "100")])).await;
    // ShopBack approves with what was reported, not with what was validated.
    let report = bundle.bed.sandbox.report(Network::ShopBack);
    assert!(report.contains(",1489.99,"), "{report}");
    let report = report.replace(",1489.99,", ",1499,");

    let (outcome, _) = compare(&bundle, &report).await;

    assert_eq!(counted(&outcome, Bucket::AmountDiffers), (1, 1), "{outcome:#?}");
    assert_eq!(counted(&outcome, Bucket::RefundedButApproved), (1, 1));
    assert_eq!(counted(&outcome, Bucket::Matched), (1, 1));
    assert_eq!(outcome.claim_back.in_words(), "100 INR");
}

#[tokio::test]
async fn a_report_settles_a_validation_whose_answer_was_lost() {
    let bundle = bundle().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.advance_to(lock_at());
    script(&bundle, Network::ShopBack, Fault::close_after_reading().processed());
    validate(&bundle).await;
    assert_eq!(shown(&bundle, "A-1").await["status"], "unconfirmed");
    let report = bundle.bed.sandbox.report(Network::ShopBack);

    let (outcome, text) = compare(&bundle, &report).await;
    assert_eq!((outcome.decisions.delivered, outcome.decisions.all()), (1, 1), "{outcome:#?}");
    let decisions = Decisions::parse(&text).expect("decisions");
    let row = &decisions.rows[0];
    let key = Key { order_id: row.order_id.clone(), delivery: row.delivery.clone() };
    assert_eq!(key, Key::known("A-1".to_owned(), "shopback", None).validation());
    let format = Format::of_network("shopback").expect("a format");
    let (by, why) = (OperatorNote::identity("arn"), OperatorNote::new("report").expect("words"));
    let stamp = Stamp { now: bundle.bed.now(), write_id: 7 };
    let ledger = bundle.bed.table.ledger();
    let held = ledger.get(&key).await.expect("the ledger");
    let decide = |held: Option<&Record>| {
        let next = decisions.apply(row, held.expect("a record"), &format, &by, &why, stamp);
        Change::Write(Box::new(next.expect("decided")), ())
    };
    ledger.update(held, decide).await.expect("written");

    // Nothing is called again, and what comes back is claimed back.
    let calls = bundle.bed.sandbox.requests();
    bundle.post("/orders/shopback", &refunds(order("A-1", "a"), &[("r-1", "9")])).await;
    bundle.bed.advance(DAY);
    validate(&bundle).await;
    let shown = shown(&bundle, "A-1").await;
    assert_eq!((&shown["status"], &shown["claim_back"]), (&json!("confirmed"), &json!("9")));
    assert!(shown["came_back_at"].is_string(), "{shown}");
    assert_eq!(bundle.bed.sandbox.requests(), calls);
    let (after, text) = compare(&bundle, &report).await;
    assert_eq!(after.decisions.all(), 0, "{text}");
    assert_eq!(after.claim_back.in_words(), "9 INR");
}
