//! Single decisions over an embedded ledger.
//!
//! More than 300 lines: each decision has its cases.

use clap::Parser;
use postback_core::{
    clock::Timestamp,
    delivery::{Note, Stamp},
};
use serde_json::json;

use super::*;
use crate::{
    args::{Arguments, Command, Orders},
    fixtures::{FakeAws, paid, validation},
};

/// A delivery that a person has confirmed, and its validation after so many calls.
async fn put(aws: &FakeAws, order_id: &str, calls: u32) {
    let mut confirmed = paid("net", "delivered", "10", "EUR");
    confirmed.protocol.proof = Some(Proof::Operator);
    confirmed.protocol.undecided =
        serde_json::from_value(json!({ "state": "unconfirmed", "reason": "read_timeout" })).ok();
    let state = if calls > 0 { "sending" } else { "retrying" };
    let mut validation = paid("net!validation", state, "10", "EUR");
    validation.protocol.attempt = calls;
    validation.protocol.validation = serde_json::from_value(json!({
        "of_version": 1, "lock_at": "2026-12-21T10:15:00Z", "standing": "reported",
    }))
    .ok();
    for mut record in [confirmed, validation] {
        order_id.clone_into(&mut record.order_id);
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
}

async fn reopen(aws: &FakeAws, order_id: &str) -> Result<(), Failure> {
    let line =
        ["postback", "orders", "settle", order_id, "net", "--reopen", "--reason", "a mistake"];
    let line = line.into_iter().chain(["--attempt", "1"]);
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Orders(Orders::Settle(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    run(&aws.account, wanted, &mut output).await
}

#[tokio::test]
async fn a_decision_is_taken_back_until_its_validation_is_claimed_and_not_after() {
    let aws = FakeAws::start().await;
    put(&aws, "BEFORE", 0).await;
    put(&aws, "AFTER", 1).await;

    assert_eq!(reopen(&aws, "BEFORE").await, Ok(()));
    let refused = reopen(&aws, "AFTER").await.err().map(|failure| failure.code());

    assert_eq!(refused, Some("validated"));
    let states = ["BEFORE", "AFTER"].map(async |order_id| {
        let records = aws.table.ledger().of_order(order_id).await.expect("a read");
        records.iter().find(|record| !record.is_validation()).map(|record| record.protocol.state)
    });
    let [before, after] = states;
    assert_eq!(before.await, Some(State::Unconfirmed));
    assert_eq!(after.await, Some(State::Delivered));
}

#[tokio::test]
async fn a_permission_that_waits_is_taken_back() {
    let aws = FakeAws::start().await;
    let mut held = paid("net", "unconfirmed", "10", "EUR");
    held.protocol.doubt = serde_json::from_value(json!({
        "since": "2026-11-21T10:15:00Z", "recovery": "hold", "scope": "",
    }))
    .ok();
    held.protocol.permission = serde_json::from_value(json!({
        "until": "2099-01-01T00:00:00Z", "scope": "",
    }))
    .ok();
    assert!(held.protocol.permission.is_some(), "a permission");
    aws.table.ledger().put(&held, None).await.expect("a write");

    assert_eq!(reopen(&aws, "A-1").await, Ok(()));

    let record = aws.table.ledger().of_order("A-1").await.expect("a read").remove(0);
    assert_eq!((record.protocol.state, record.protocol.permission), (State::Unconfirmed, None));
}

fn wanted(more: &[&str]) -> Settle {
    let line = ["postback", "orders", "settle", "A-1", "net", "--reason", "r"];
    let arguments = Arguments::try_parse_from(line.iter().chain(more)).expect("arguments");
    let Command::Orders(Orders::Settle(wanted)) = arguments.command else { panic!("a decision") };
    wanted
}

fn seen_by(record: &Record, more: &[&str]) -> Result<Seen, Failure> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    let wanted = wanted(more);
    seen(record, &wanted, decision(&wanted), &mut output)
}

#[test]
fn who_acknowledges_other_content_says_how_many_contents_were_seen() {
    let record = paid("net", "delivered", "10", "EUR");
    let facts = serde_json::from_value(json!({ "amount": "11" })).expect("facts");
    let stamp = Stamp { now: Timestamp::EPOCH, write_id: 1 };
    let conflict = record.with_conflict(&facts, stamp);

    let given = seen_by(&conflict, &["--acknowledge", "--attempt", "1", "--conflicts", "1"]);
    assert_eq!(given, Ok(Seen { attempt: 1, conflicts: 1, came_back: None, decisions: None }));
    let not_given = seen_by(&conflict, &["--acknowledge", "--attempt", "1"]);
    assert!(matches!(not_given, Err(Failure::NotAsked(what)) if what.contains("--conflicts")));
    assert!(seen_by(&conflict, &["--delivered", "--attempt", "1"]).is_ok());
    let nothing = seen_by(&record, &["--acknowledge"]).expect_err("nothing to acknowledge");
    assert_eq!(nothing.code(), "nothing_to_acknowledge");
}

/// A validation that was approved with 10.5 EUR, and these refunds since.
fn to_claim_back(refunds: serde_json::Value) -> Record {
    let mut approved = validation("delivered", Some(("approved", "10.5")));
    approved.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
    approved
}

#[test]
fn who_acknowledges_what_came_back_says_how_much_was_seen() {
    let approved = to_claim_back(json!({ "r-1": { "amount": "4" } }));

    let given = seen_by(&approved, &["--acknowledge", "--attempt", "1", "--came-back", "4.00"]);

    let came_back = approved.protocol.claim_back();
    assert_eq!(given, Ok(Seen { attempt: 1, conflicts: 0, came_back, decisions: None }));
    let not_given = seen_by(&approved, &["--acknowledge", "--attempt", "1"]);
    assert!(matches!(not_given, Err(Failure::NotAsked(what)) if what.contains("--came-back")));
    // The message names all that is missing at once.
    let facts = serde_json::from_value(json!({ "amount": "11" })).expect("facts");
    let both = approved.with_conflict(&facts, Stamp { now: Timestamp::EPOCH, write_id: 1 });
    let not_given = seen_by(&both, &["--acknowledge", "--attempt", "1", "--came-back", "4"]);
    let names_both =
        |what: &str| ["--attempt", "--conflicts", "--came-back"].iter().all(|it| what.contains(it));
    assert!(matches!(not_given, Err(Failure::NotAsked(what)) if names_both(what)));
}

#[tokio::test]
async fn what_comes_back_between_the_look_and_the_record_is_not_acknowledged() {
    let aws = FakeAws::start().await;
    let four = to_claim_back(json!({ "r-1": { "amount": "4" } }));
    let more = to_claim_back(json!({ "r-1": { "amount": "4" }, "r-2": { "amount": "1.5" } }));
    aws.table.ledger().put(&four, None).await.expect("a write");
    let stamp = Stamp { now: four.updated_at, write_id: 1 };
    let more = Record::after(Some(&four), &four.key(), more.protocol, Note::default(), stamp);
    let wanted = wanted(&["--acknowledge"]);
    let settled = async |record: &Record, seen: Seen| {
        Box::pin(settle(&aws.account, &wanted, record.clone(), seen)).await.map(|done| done.record)
    };
    aws.table.ledger().put(&more, Some(four.version)).await.expect("a write");

    let stale = settled(&four, Seen::of(&four)).await.err();
    let acknowledged = settled(&more, Seen::of(&more)).await.expect("no failure");

    let moved_on = "5.5 that came back, you saw 4 that came back.";
    assert!(stale.is_some_and(|it| it.to_string().contains(moved_on)));
    assert_eq!(acknowledged.open_claim_back(), None);
    let story = crate::view::story(&acknowledged).join("\n");
    for line in ["of which 0 to claim back", "acknowledge 5.5 that came back: r (arn"] {
        assert!(story.contains(line), "{story}");
    }
}

#[test]
fn an_acknowledgement_is_repeated_without_another_entry() {
    let mut refused = paid("net", "rejected", "10", "EUR");
    refused.protocol.reason = Some(postback_core::redaction::Reason::new("unknown_refusal"));
    assert!(!was_taken(&refused, Decision::Acknowledge));

    refused.decisions = serde_json::from_value(json!({ "entries": [{
        "version": 2, "at": "2026-11-21T10:20:00Z", "attempt": 1, "decision": "acknowledge",
        "by": "arn", "why": "asked them",
    }]}))
    .expect("decisions");

    assert!(was_taken(&refused, Decision::Acknowledge));
}

#[tokio::test]
async fn what_is_reopened_already_is_said_to_be() {
    let aws = FakeAws::start().await;
    let mut held = paid("net", "delivered", "10", "EUR");
    held.protocol.proof = Some(Proof::Operator);
    held.protocol.undecided = serde_json::from_value(json!({
        "state": "unconfirmed", "reason": "read_timeout",
        "doubt": { "since": "2026-11-21T10:15:00Z", "recovery": "hold", "scope": "" },
    }))
    .ok();
    aws.table.ledger().put(&held, None).await.expect("a write");

    assert_eq!(reopen(&aws, "A-1").await, Ok(()));
    let record = aws.table.ledger().of_order("A-1").await.expect("a read").remove(0);
    let line = ["postback", "orders", "settle", "A-1", "net", "--reopen", "--reason", "a mistake"];
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Orders(Orders::Settle(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let seen = Seen::of(&record);
    let again = Box::pin(settle(&aws.account, wanted, record, seen)).await.expect("no failure");

    assert_eq!(again.message, "Nothing to do: it was reopened before.");
}

#[tokio::test]
async fn who_decides_has_seen_every_decision_before() {
    let aws = FakeAws::start().await;
    let mut held = paid("net", "unconfirmed", "10", "EUR");
    let doubt = json!({ "since": "2026-11-21T10:15:00Z", "recovery": "hold", "scope": "" });
    held.protocol.doubt = serde_json::from_value(doubt).ok();
    aws.table.ledger().put(&held, None).await.expect("a write");
    let record = aws.table.ledger().of_order("A-1").await.expect("a read").remove(0);
    let seen = Seen::of(&record);
    let settled = async |record: Record, decision: &str| {
        let wanted = wanted(&[decision]);
        Box::pin(settle(&aws.account, &wanted, record, seen)).await.map(|settled| settled.message)
    };

    assert!(settled(record.clone(), "--abandon").await.is_ok());
    let second = settled(record, "--delivered").await;

    assert!(matches!(second, Err(Failure::MovedOn { found, .. }) if found == "decision 1"));
}

#[tokio::test]
async fn a_delivery_is_settled_beside_one_of_a_later_version() {
    let aws = FakeAws::start().await;
    let mut held = paid("net", "unconfirmed", "10", "EUR");
    let doubt = json!({ "since": "2026-11-21T10:15:00Z", "recovery": "hold", "scope": "" });
    held.protocol.doubt = serde_json::from_value(doubt).ok();
    aws.table.ledger().put(&held, None).await.expect("a write");
    aws.put_later("A-1", "other").await;
    let settle = async |wanted: &Settle| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: false, out: &mut out, err: &mut err };
        let done = run(&aws.account, wanted, &mut output).await;
        (done, String::from_utf8(err).expect("text"))
    };
    let net = wanted(&["--delivered", "--attempt", "1"]);
    let mut other = wanted(&["--delivered", "--attempt", "1"]);
    "other".clone_into(&mut other.delivery);

    let (done, remark) = settle(&net).await;
    let (refused, _) = settle(&other).await;

    assert_eq!(done, Ok(()));
    assert!(remark.contains("Left out: A-1 at other (format 9)"), "{remark}");
    let Err(Failure::LaterFormat { what }) = refused else { panic!("{refused:?}") };
    assert_eq!(what, "Order A-1 at other (format 9)");
}

#[tokio::test]
async fn a_permission_for_an_order_that_the_archive_may_not_hold_changes_nothing_else() {
    for state in ["unconfirmed", "rejected"] {
        let aws = FakeAws::start().await;
        let mut held = paid("net", state, "10", "EUR");
        held.protocol.doubt = (state == "unconfirmed").then(|| {
            let doubt = json!({ "since": "2026-11-21T10:15:00Z", "recovery": "hold", "scope": "" });
            serde_json::from_value(doubt).expect("a doubt")
        });
        aws.table.ledger().put(&held, None).await.expect("a write");
        let wanted = wanted(&["--send-again", "--from-archive", "--attempt", "1"]);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: false, out: &mut out, err: &mut err };

        assert_eq!(run(&aws.account, &wanted, &mut output).await, Ok(()));

        let said = String::from_utf8(out).expect("text");
        let advice = "the archive does not hold it: send it with POST /orders/net instead";
        assert!(said.contains(advice), "{said}");
        let records = aws.table.ledger().of_order("A-1").await.expect("a read");
        let [record] = &records[..] else { panic!("not one delivery") };
        let is = &record.protocol;
        assert_eq!((is.state.as_str(), &is.doubt), (state, &held.protocol.doubt));
        // The sweep counts it, and names it on the dashboard, until the order comes or it lapses.
        assert!(is.permission.is_some() && record.message_until.is_none());
    }
}

#[tokio::test]
async fn a_permission_for_a_parked_doubt_whose_message_is_gone_needs_its_order() {
    for (recovery, needed) in [("hold", Some("order_needed")), ("send_again", None)] {
        let aws = FakeAws::start().await;
        let mut parked = paid("net", "parked", "10", "EUR");
        let doubt = json!({ "since": "2026-11-21T10:15:00Z", "recovery": recovery, "scope": "" });
        parked.protocol.doubt = serde_json::from_value(doubt).ok();
        aws.table.ledger().put(&parked, None).await.expect("a write");
        let wanted = wanted(&["--send-again", "--attempt", "1"]);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: false, out: &mut out, err: &mut err };

        let done = run(&aws.account, &wanted, &mut output).await;

        assert_eq!(done.err().map(|failure| failure.code()), needed, "{recovery}");
        let records = aws.table.ledger().of_order("A-1").await.expect("a read");
        let is_permitted = records.iter().all(|record| record.protocol.permission.is_some());
        assert_eq!(is_permitted, needed.is_none(), "{recovery}");
    }
}

#[test]
fn the_archive_is_replayed_for_the_version_that_is_held() {
    let now = Timestamp::parse("2026-12-01T00:00:00Z").expect("an instant");
    let first = paid("net", "rejected", "10", "EUR");
    let mut corrected = first.clone();
    corrected.protocol.order_updated_at = Timestamp::parse("2026-11-23T08:00:00Z");
    let span = |records: &[&Record]| {
        let span = send_again::span_of(records.iter().copied(), now);
        [span.from.to_string(), span.to.to_string()]
    };

    assert_eq!(span(&[&first]), ["2026-11-21T09:15:00Z", "2026-11-21T10:16:00Z"]);
    assert_eq!(span(&[&corrected]), ["2026-11-23T07:59:00Z", "2026-11-23T09:00:00Z"]);
    let both = span(&[&first, &corrected]);
    assert_eq!(both, ["2026-11-21T09:15:00Z", "2026-11-23T09:00:00Z"]);
}

#[test]
fn an_earlier_version_than_the_one_held_is_not_brought() {
    let of = |updated_at: &str| {
        let order = json!({ "order_id": "A-1", "updated_at": updated_at });
        let order = GivenOrder::of(&order, "order.json".to_owned()).expect("an order");
        order.check_version(Timestamp::parse("2026-11-23T08:00:00Z"))
    };

    assert_eq!(of("2026-11-23T07:59:59Z").map_err(|it| it.code()), Err("earlier_version"));
    for taken in ["2026-11-23T08:00:00Z", "2026-11-23T09:30:00+01:30", "2026-11-24T00:00:00Z", ""] {
        assert_eq!(of(taken), Ok(()), "{taken}");
    }
}

#[tokio::test]
async fn a_decision_that_is_repeated_writes_nothing_more() {
    for decision in ["--abandon", "--delivered", "--send-again"] {
        let aws = FakeAws::start().await;
        let mut held = paid("net", "unconfirmed", "10", "EUR");
        let doubt = json!({ "since": "2026-11-21T10:15:00Z", "recovery": "hold", "scope": "" });
        held.protocol.doubt = serde_json::from_value(doubt).ok();
        aws.table.ledger().put(&held, None).await.expect("a write");
        let archive = (decision == "--send-again").then_some("--from-archive");
        let arguments: Vec<_> = [decision, "--attempt", "1"].into_iter().chain(archive).collect();
        let wanted = wanted(&arguments);
        let settle = async || {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut output = Output { json: false, out: &mut out, err: &mut err };
            let done = run(&aws.account, &wanted, &mut output).await;
            let records = aws.table.ledger().of_order("A-1").await.expect("a read");
            (done, records[0].version, records[0].decisions.count())
        };

        let first = settle().await;

        assert_eq!(first, (Ok(()), 2, 1), "{decision}");
        assert_eq!(settle().await, first, "{decision}");
    }
}
