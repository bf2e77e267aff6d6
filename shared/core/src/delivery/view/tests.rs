//! The views of records, word by word.

use super::*;
use crate::{
    delivery::{
        Call, Delivery, Facts, Key, Note, RefundEntry, Stamp, Standing, Validation,
        samples::{self, NOW, cancellation, delivery},
    },
    redaction::OperatorNote,
};

const APPROVED: Option<Call> = Some(Call { status: Status::Approved, amount: Decimal::TEN });
const REJECTED: Option<Call> = Some(Call { status: Status::Rejected, amount: Decimal::TEN });

fn record(key: &Key, delivery: Delivery) -> Record {
    Record::after(None, key, delivery, Note::default(), Stamp { now: NOW, write_id: 1 })
}

fn key(line: Option<&str>) -> Key {
    Key::known("A-1".to_owned(), "network", line)
}

fn facts() -> Facts {
    serde_json::from_value(serde_json::json!({ "amount": "12", "currency": "EUR" })).expect("facts")
}

/// A delivery of 12 euros, of which the network took `state`.
fn reported(state: State) -> Delivery {
    Delivery { facts: facts(), ..delivery(state, 1) }
}

/// The validation of a report of 11 euros.
fn validation(state: State, call: Option<Call>) -> Record {
    let own = Validation {
        of_version: 1,
        lock_at: NOW,
        standing: Standing::Reported,
        cancelled: None,
        call,
    };
    let reason = Some(Reason::new("its_reason"));
    let delivery = delivery(state, 1);
    let delivery = Delivery {
        reported: Some(samples::reported(11)),
        validation: Some(own),
        reason,
        ..delivery
    };
    record(&key(None).validation(), delivery)
}

#[test]
fn a_network_that_validates_nothing_has_no_word_and_one_that_is_asked_has_it_later() {
    let status = |state, tracked, word: Option<Option<Status>>| {
        let mut record = Record { tracked, ..record(&key(None), reported(state)) };
        if let Some(word) = word {
            let status = Details::none().code("stage", "any");
            let stamp = Stamp { now: NOW, write_id: 2 };
            record = record.with_status(&status, word, stamp).expect("news");
        }
        ValidationView::of(&record).status
    };

    assert_eq!(status(State::Delivered, false, None), "none");
    assert_eq!(status(State::Delivered, true, None), "waiting");
    assert_eq!(status(State::Retrying, true, None), "none");
    assert_eq!(status(State::Delivered, true, Some(None)), "waiting");
    assert_eq!(status(State::Delivered, true, Some(Some(Status::Approved))), "approved");
    assert_eq!(status(State::Delivered, true, Some(Some(Status::Rejected))), "rejected");
}

#[test]
fn each_state_of_a_validation_has_its_word_and_its_money() {
    use MoneyStanding::{GivenUp, Pending, Rejected, Validated};
    for (state, call, word, standing, amount) in [
        (State::Delivered, APPROVED, "approved", Some(Validated), 10),
        (State::Delivered, REJECTED, "rejected", Some(Rejected), 10),
        (State::Delivered, None, "waiting", Some(Pending), 11),
        (State::Rejected, APPROVED, "refused", Some(Pending), 11),
        (State::Parked, None, "held", Some(Pending), 11),
        (State::Unconfirmed, APPROVED, "unconfirmed", Some(Pending), 11),
        (State::Abandoned, APPROVED, "abandoned", Some(GivenUp), 11),
        (State::Skipped, None, "none", None, 11),
        (State::Withdrawn, None, "none", None, 11),
        (State::Retrying, None, "waiting", Some(Pending), 11),
        (State::Sending, APPROVED, "waiting", Some(Pending), 11),
    ] {
        let record = validation(state, call);
        let view = ValidationView::of(&record);

        assert_eq!((view.status, view.amount), (word, Some(amount.into())), "{state:?}");
        assert_eq!(view.reason.map(Reason::as_str), Some("its_reason"));
        assert_eq!((view.currency, view.lock_at), (Some("EUR"), Some(NOW)));
        assert_eq!(view.attempts, record.attempts.entries());
        let money = standing.map(|standing| (standing, amount.into(), "EUR"));
        assert_eq!(record.validated_money(), money, "{state:?}");
    }
}

#[test]
fn a_person_confirms_what_was_called() {
    for (call, standing) in [
        (APPROVED, MoneyStanding::Validated),
        (REJECTED, MoneyStanding::Rejected),
        (None, MoneyStanding::Validated),
    ] {
        let mut record = validation(State::Delivered, call);
        record.protocol.proof = Some(Proof::Operator);

        assert_eq!(ValidationView::of(&record).status, "confirmed");
        assert_eq!(record.validated_money().map(|money| money.0), Some(standing));
    }
}

#[test]
fn what_comes_back_without_a_call_counts_from_a_persons_confirmation() {
    let back = |state, proof| {
        let mut record = validation(state, None);
        record.protocol.proof = proof;
        let entry = RefundEntry { amount: Some(Decimal::from(4)), at: None };
        let refunds = Refunds::of(std::iter::once(("R-1".to_owned(), entry)));
        let next = Delivery { refunds, ..record.protocol.clone() };
        let stamp = Stamp { now: NOW, write_id: 2 };
        let record = Record::after(Some(&record), &record.key(), next, Note::default(), stamp);
        ValidationView::of(&record).claim_back
    };

    assert_eq!(back(State::Delivered, Some(Proof::Operator)), Some(Decimal::from(4)));
    assert_eq!(back(State::Delivered, Some(Proof::Response)), None);
    assert_eq!(back(State::Parked, Some(Proof::Operator)), None);
}

#[test]
fn the_networks_own_word_is_about_the_amount_that_was_reported() {
    let record = Record { tracked: true, ..record(&key(None), reported(State::Delivered)) };
    let (status, stamp) = (Details::none().code("stage", "any"), Stamp { now: NOW, write_id: 2 });
    let approved = record.with_status(&status, Some(Status::Approved), stamp).expect("news");

    for (record, standing) in
        [(record, MoneyStanding::Pending), (approved, MoneyStanding::Validated)]
    {
        assert_eq!(record.validated_money(), Some((standing, Decimal::from(12), "EUR")));
    }
}

#[test]
fn a_validation_is_part_of_its_delivery_and_the_item_of_lines_is_no_delivery() {
    let shown = |records: &[Record]| -> Vec<_> {
        let views = views(records, DeliveryView::of);
        views.iter().map(|view| (view.line.map(str::to_owned), view.validation.status)).collect()
    };
    let line = |place: &str| record(&key(Some(place)), reported(State::Delivered));
    let lines = Some(vec!["1".to_owned()]);
    let item = |state| record(&key(None), Delivery { lines: lines.clone(), ..reported(state) });
    let cancelled = || {
        let mut item = item(State::Withdrawn);
        item.protocol.cancelled = Some(cancellation(NOW));
        item
    };
    let elsewhere =
        || record(&Key::known("A-1".to_owned(), "other", Some("1")), reported(State::Delivered));
    let (first, whole) = (Some("1".to_owned()), None);

    let delivered = record(&key(None), reported(State::Delivered));
    let both = [delivered, validation(State::Delivered, APPROVED)];
    assert_eq!(shown(&both), [(whole.clone(), "approved")]);
    assert_eq!(shown(&[item(State::Skipped), line("1")]), [(first.clone(), "none")]);
    assert_eq!(shown(&[item(State::Skipped)]), []);
    assert_eq!(shown(&[cancelled(), line("1")]), [(first.clone(), "none")]);
    // It was cancelled before any of its lines was tried.
    assert_eq!(shown(&[cancelled()]), [(whole.clone(), "none")]);
    assert_eq!(shown(&[cancelled(), elsewhere()]), [(whole, "none"), (first, "none")]);
}

#[test]
fn the_accounts_own_people_see_who_decided_and_why() {
    let note = |text| OperatorNote::new(text).expect("a note");
    let mut record = record(&key(None), reported(State::Unconfirmed));
    record.decisions.push(DecisionRecord {
        version: 2,
        at: NOW,
        attempt: 1,
        decision: Decision::Abandon,
        by: note("an operator"),
        why: note("asked the network"),
        evidence: None,
        claim_back: None,
        contents_left_out: 0,
    });

    let (api, own) = (DeliveryView::of(&record), DeliveryView::for_operator(&record));

    assert_eq!((api.order_id, own.order_id), (None, Some("A-1")));
    assert_eq!((api.decisions[0].by, api.decisions[0].why), (None, None));
    let (by, why) = (note("an operator"), note("asked the network"));
    assert_eq!((own.decisions[0].by, own.decisions[0].why), (Some(&by), Some(&why)));
}

#[test]
fn refunds_are_shown_where_there_are_any() {
    let entry = RefundEntry { amount: Some(Decimal::ONE), at: None };
    let refunds = Refunds::of(std::iter::once(("R-1".to_owned(), entry)));
    let plain = record(&key(None), reported(State::Delivered));
    let refunded = Delivery { refunds: refunds.clone(), ..reported(State::Delivered) };
    let refunded = record(&key(None), refunded);

    assert_eq!(DeliveryView::of(&plain).refunds, None);
    assert_eq!(DeliveryView::of(&refunded).refunds, Some(&refunds));
}

#[test]
fn what_is_left_out_of_the_history_is_counted() {
    let plain = record(&key(None), reported(State::Delivered));
    let mut long = plain.clone();
    for number in 2..14 {
        let (next, stamp) = (delivery(State::Sending, number), Stamp { now: NOW, write_id: 2 });
        long = Record::after(Some(&long), &key(None), next, Note::default(), stamp);
    }

    assert_eq!(left_out_of(&plain), []);
    assert_eq!(left_out_of(&long), [("attempts", 3)]);
}

fn left_out_of(record: &Record) -> Vec<(&'static str, u32)> {
    DeliveryView::of(record).left_out.into_iter().collect()
}
