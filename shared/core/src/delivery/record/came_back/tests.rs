//! The money that came back: after a call, after a person's word, and where nothing validates it.

use std::time::Duration;

use super::{super::Written, *};
use crate::{
    delivery::{
        Cancellation, Delivery, Key, Note, RefundEntry, Refunds, Stamp, Standing, Validation,
        samples::{NOW, cancellation, delivery, reported},
    },
    redaction::Details,
};

const SECOND: Duration = Duration::from_secs(1);

fn refunds(entries: &[(&str, i64, Option<Timestamp>)]) -> Refunds {
    let one = |(id, amount, at): &(&str, i64, Option<Timestamp>)| {
        ((*id).to_owned(), RefundEntry { amount: Some((*amount).into()), at: *at })
    };
    Refunds::of(entries.iter().map(one))
}

fn record(delivery: Delivery) -> Record {
    let key = Key::known("A-1".to_owned(), "network", None);
    Record::after(None, &key, delivery, Note::default(), Stamp { now: NOW, write_id: 1 })
}

/// A validation of ten that a person confirmed now, at version 2; goods came back at `version`.
fn confirmed(version: u64, refunds: Refunds, cancelled: Option<Cancellation>) -> Record {
    let validation = Validation {
        of_version: 1,
        lock_at: NOW,
        standing: Standing::Reported,
        cancelled,
        call: None,
    };
    let (validation, proof) = (Some(validation), Some(Proof::Operator));
    let held = Delivery {
        validation,
        proof,
        refunds,
        reported: Some(reported(10)),
        ..delivery(State::Delivered, 0)
    };
    let returned = Some(Written { version, at: NOW + SECOND });
    Record { state_version: 2, state_at: NOW, returned, ..record(held) }
}

#[test]
fn after_a_confirmation_what_came_back_since_is_claimed_back() {
    let back = |version, entries: &[_], cancelled| {
        let record = confirmed(version, refunds(entries), cancelled);
        record.came_back().map(|back| {
            assert_eq!(back.why, ClaimBackReason::AfterConfirmation);
            (back.amount, back.of_amount)
        })
    };
    let some = |amount: i64, of_amount: i64| Some((amount.into(), of_amount.into()));
    let (known, later) = (Some(NOW), Some(NOW + SECOND));

    assert_eq!(back(3, &[("r-1", 4, None)], None), some(4, 10));
    assert_eq!(back(3, &[("r-1", 4, known), ("r-2", 1, later)], None), some(1, 6));
    // The person can't have counted it: the ledger learned of it later.
    assert_eq!(back(3, &[("r-1", 4, known)], None), some(4, 10));
    assert_eq!(back(3, &[], Some(cancellation(NOW + SECOND))), some(10, 10));
    assert_eq!(back(3, &[], Some(cancellation(NOW))), None);
    assert_eq!(back(2, &[("r-1", 4, None)], None), None, "the person's word came after it");
    assert_eq!(back(3, &[], None), None);
    let mut open = confirmed(3, refunds(&[("r-1", 4, None)]), None);
    open.protocol.state = State::Unconfirmed;
    assert_eq!(open.came_back(), None);
}

#[test]
fn where_nothing_validates_it_all_that_was_refunded_of_a_report_comes_back() {
    let facts = serde_json::json!({ "amount": "12", "currency": "EUR" });
    let facts: crate::delivery::Facts = serde_json::from_value(facts).expect("facts");
    let held = |state, refunds| Delivery { facts: facts.clone(), refunds, ..delivery(state, 1) };
    let back = |delivery| {
        let back = record(delivery).came_back();
        back.map(|back| (back.why, back.amount, back.of_amount))
    };
    let four = || refunds(&[("r-1", 4, None)]);
    let some = |why, amount: i64| Some((why, amount.into(), 12.into()));
    let whole = some(ClaimBackReason::Refunded, 12);

    assert_eq!(back(held(State::Delivered, four())), some(ClaimBackReason::Refunded, 4));
    assert_eq!(back(held(State::Accepted, refunds(&[("r-1", 13, None)]))), whole);
    let unclear = refunds(&[("r-1", 4, None)]).and(&refunds(&[("r-1", 5, None)]));
    assert_eq!(back(held(State::Delivered, unclear)), whole, "it may be all of it");
    assert_eq!(back(held(State::Delivered, refunds(&[]))), None);
    assert_eq!(back(held(State::Delivered, refunds(&[("r-1", 0, None)]))), None);
    assert_eq!(back(held(State::Rejected, four())), None);
    let validated = Delivery { reported: Some(reported(10)), ..held(State::Delivered, four()) };
    assert_eq!(back(validated), None, "its validation takes it off");
    let cancelled =
        Delivery { cancelled: Some(cancellation(NOW)), ..held(State::Delivered, refunds(&[])) };
    assert_eq!(back(cancelled), some(ClaimBackReason::Cancelled, 12));
}

#[test]
fn what_the_network_rejects_by_itself_does_not_come_back() {
    let facts = serde_json::json!({ "amount": "12", "currency": "EUR" });
    let facts = serde_json::from_value(facts).expect("facts");
    let refunds = refunds(&[("r-1", 4, None)]);
    let record = record(Delivery { facts, refunds, ..delivery(State::Delivered, 1) });
    let says = |word| {
        let stamp = Stamp { now: NOW, write_id: 2 };
        let record = record.with_status(&Details::none().code("stage", "any"), Some(word), stamp);
        record.expect("news").came_back().is_some()
    };

    assert!(says(Status::Approved) && !says(Status::Rejected));
}

#[test]
fn each_reason_has_its_word() {
    use ClaimBackReason::{AfterConfirmation, AfterValidation, Cancelled, Refunded};

    let words =
        [AfterValidation, AfterConfirmation, Cancelled, Refunded].map(ClaimBackReason::as_str);
    let expected = [
        "came_back_after_validation",
        "came_back_after_confirmation",
        "cancelled_after_delivery",
        "refunded_after_delivery",
    ];
    assert_eq!(words, expected);
}
