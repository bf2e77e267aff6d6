//! Each state in which a delivery or a validation waits, and the ones beside it in which it does not.

use super::*;
use crate::{
    delivery::{
        Delivery, Facts, Key, Note, Permission, Proof, Reported, Stamp, Validation,
        samples::{NOW, cancellation, delivery, doubt, reported},
    },
    redaction::Reason,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

fn record(delivery: Delivery) -> Record {
    let key = Key::known("A-1".to_owned(), "network", None);
    Record::after(None, &key, delivery, Note::default(), Stamp { now: NOW, write_id: 1 })
}

fn refused(state: State, reason: &'static str) -> Delivery {
    Delivery { reason: Some(Reason::new(reason)), ..delivery(state, 1) }
}

fn in_doubt(state: State, recovery: Recovery) -> Delivery {
    Delivery { doubt: Some(doubt(recovery)), ..delivery(state, 1) }
}

fn cancelled(delivery: Delivery) -> Delivery {
    Delivery { cancelled: Some(cancellation(NOW)), ..delivery }
}

fn permitted(delivery: Delivery) -> Delivery {
    Delivery { permission: Some(Permission { until: NOW + HOUR }), ..delivery }
}

/// A validation whose return period ends now.
fn validation(delivery: Delivery) -> Record {
    let validation = Some(Validation {
        of_version: 1,
        lock_at: NOW,
        standing: Standing::Reported,
        cancelled: None,
        call: None,
    });
    record(Delivery { validation, reported: Some(reported(10)), ..delivery })
}

#[test]
fn a_refusal_is_unclear_where_the_network_holds_what_is_not_ours_or_nobody_knows_it() {
    for reason in UNCLEAR_REFUSALS {
        assert!(record(refused(State::Rejected, reason)).is_unclear_refusal(), "{reason}");
        assert!(!record(refused(State::Parked, reason)).is_unclear_refusal(), "{reason}");
    }
    assert!(!record(refused(State::Rejected, "invalid_click")).is_unclear_refusal());
    assert!(!record(delivery(State::Rejected, 1)).is_unclear_refusal());
}

#[test]
fn a_decision_answers_what_was_there_before_it() {
    let decided = |record: &Record, version| {
        let mut record = record.clone();
        let decision = crate::delivery::record::tests::decision(1);
        record.decisions.push(DecisionRecord { version, ..decision });
        record
    };
    let refusal = record(refused(State::Rejected, UNCLEAR_REFUSALS[0]));
    let stamp = Stamp { now: NOW, write_id: 2 };
    let conflict = record(delivery(State::Delivered, 1)).with_conflict(&Facts::none(), stamp);

    assert!(refusal.is_open_refusal() && decided(&refusal, 1).is_open_refusal());
    assert!(!decided(&refusal, 2).is_open_refusal());
    assert!(conflict.has_open_conflict() && decided(&conflict, 1).has_open_conflict());
    assert!(!decided(&conflict, 2).has_open_conflict());
}

#[test]
fn only_a_person_can_go_on_with_what_exceeds_a_bound_or_is_held_in_doubt() {
    use Recovery::{Hold, LookUp, SendAgain};
    for (delivery, is_held, comes_round) in [
        (Delivery { reason: Some(IMPLAUSIBLE), ..delivery(State::Parked, 0) }, true, true),
        (Delivery { reason: Some(IMPLAUSIBLE), ..delivery(State::Rejected, 0) }, false, false),
        (refused(State::Parked, "wrong_key"), false, true),
        (delivery(State::Unconfirmed, 1), true, false),
        (in_doubt(State::Unconfirmed, Hold), true, false),
        (in_doubt(State::Unconfirmed, SendAgain), false, false),
        (in_doubt(State::Unconfirmed, LookUp), false, false),
        (cancelled(in_doubt(State::Unconfirmed, SendAgain)), true, false),
        (cancelled(in_doubt(State::Unconfirmed, LookUp)), false, false),
        (in_doubt(State::Parked, Hold), true, false),
        (in_doubt(State::Parked, SendAgain), false, true),
        (cancelled(in_doubt(State::Parked, SendAgain)), true, false),
        (in_doubt(State::Retrying, Hold), false, false),
    ] {
        let record = record(delivery);
        assert_eq!(record.is_held(), is_held, "{:?}", record.protocol);
        assert_eq!(record.comes_round_parked(), comes_round, "{:?}", record.protocol);
    }
}

#[test]
fn what_may_need_a_person_waits_and_what_is_open_and_not_being_sent() {
    let waits = |delivery| record(delivery).is_waiting();

    for state in State::ALL {
        assert_eq!(waits(delivery(state, 1)), state.is_waiting(), "{state:?}");
        assert!(waits(permitted(delivery(state, 1))), "{state:?}");
    }
    assert!(waits(refused(State::Rejected, UNCLEAR_REFUSALS[0])));
    let facts: Facts =
        serde_json::from_value(serde_json::json!({ "amount": "9", "currency": "EUR" }))
            .expect("facts");
    let delivered = Delivery { facts: facts.clone(), ..delivery(State::Delivered, 1) };
    assert!(!waits(delivered.clone()) && waits(cancelled(delivered.clone())));
    let conflict = record(delivered).with_conflict(&facts, Stamp { now: NOW, write_id: 2 });
    assert!(conflict.is_waiting());
    for state in State::ALL {
        let is_a_persons = VALIDATIONS_FOR_A_PERSON.contains(&state);
        assert_eq!(validation(delivery(state, 1)).is_waiting(), is_a_persons, "{state:?}");
    }
}

#[test]
fn an_open_delivery_is_unwatched_two_hours_after_its_message_should_have_come() {
    let open = |delivery: Delivery| {
        let record = record(Delivery { not_before: NOW + HOUR, ..delivery });
        let is = |after| record.is_unwatched(NOW + HOUR + after);
        (is(UNWATCHED_AFTER), is(UNWATCHED_AFTER + SECOND))
    };

    assert_eq!(open(delivery(State::Retrying, 1)), (false, true));
    assert_eq!(open(delivery(State::Sending, 1)), (false, true));
    assert_eq!(open(delivery(State::Delivered, 1)), (false, false));
    assert_eq!(open(delivery(State::Unconfirmed, 1)), (false, false), "a person's");
    let named =
        Record { message_until: Some(NOW + 2 * HOUR), ..record(delivery(State::Retrying, 1)) };
    assert_eq!(named.due_at(), NOW + 2 * HOUR);
    assert_eq!(record(delivery(State::Retrying, 1)).due_at(), NOW);
}

#[test]
fn a_call_validates_what_the_network_took_and_no_workbook_validates() {
    let wants =
        |state, reported| record(Delivery { reported, ..delivery(state, 1) }).wants_validation();

    let by_workbook = Reported { workbook_days: Some(30), ..reported(10) };
    assert!(
        wants(State::Delivered, Some(reported(10))) && wants(State::Accepted, Some(reported(10)))
    );
    assert!(!wants(State::Rejected, Some(reported(10))));
    assert!(!wants(State::Delivered, Some(by_workbook)) && !wants(State::Delivered, None));
    assert!(!validation(delivery(State::Delivered, 1)).wants_validation());
}

#[test]
fn a_validation_is_due_at_its_time_or_once_something_changed() {
    let later = |delivery| Delivery { not_before: NOW + SECOND, ..delivery };
    let parked_settings = Some("v1".to_owned());
    for (delivery, is_due) in [
        (delivery(State::Retrying, 0), true),
        (later(delivery(State::Retrying, 0)), false),
        (later(Delivery { parked_settings, ..delivery(State::Retrying, 0) }), true),
        (later(permitted(delivery(State::Retrying, 0))), true),
        (delivery(State::Parked, 0), true),
        (in_doubt(State::Parked, Recovery::Hold), false),
        (permitted(in_doubt(State::Parked, Recovery::Hold)), true),
        (in_doubt(State::Unconfirmed, Recovery::Hold), false),
        (permitted(in_doubt(State::Unconfirmed, Recovery::Hold)), true),
        (delivery(State::Rejected, 1), false),
        (permitted(delivery(State::Rejected, 1)), true),
        (permitted(delivery(State::Delivered, 1)), false),
        (delivery(State::Sending, 1), false),
    ] {
        let record = validation(delivery);
        assert_eq!(record.is_validation_due(NOW), is_due, "{:?}", record.protocol);
    }
    let lapsed = validation(permitted(delivery(State::Rejected, 1)));
    assert!(!lapsed.is_validation_due(NOW + HOUR), "its permission has lapsed");
    assert!(!record(delivery(State::Retrying, 1)).is_validation_due(NOW), "it is no validation");
}

#[test]
fn a_validation_is_held_for_a_person_or_a_day_after_its_time() {
    let is_held = |state, after| validation(delivery(state, 1)).is_validation_held(NOW + after);

    for state in [State::Retrying, State::Sending] {
        assert!(!is_held(state, OVERDUE_AFTER) && is_held(state, OVERDUE_AFTER + SECOND));
    }
    for state in VALIDATIONS_FOR_A_PERSON {
        assert!(is_held(state, Duration::ZERO), "{state:?}");
        let record = record(delivery(state, 1));
        assert!(!record.is_validation_held(NOW) && !record.is_validation_for_a_person());
    }
    assert!(!is_held(State::Delivered, 2 * OVERDUE_AFTER));
}

#[test]
fn a_confirmation_that_rests_on_a_report_is_the_networks_word() {
    let proof = Some(Proof::Operator);
    let mut confirmed = record(Delivery { proof, ..delivery(State::Delivered, 1) });
    assert_eq!(confirmed.standing(), Standing::Confirmed);

    confirmed.decisions.push(DecisionRecord {
        evidence: Some("0".repeat(64)),
        ..crate::delivery::record::tests::decision(1)
    });

    assert_eq!(confirmed.standing(), Standing::Reported);
    confirmed.protocol.state = State::Unconfirmed;
    assert_eq!(confirmed.standing(), Standing::NotReported);
}

#[test]
fn money_is_an_amount_with_its_currency() {
    let money = |facts: serde_json::Value| {
        let facts = serde_json::from_value(facts).expect("facts");
        let record = record(Delivery { facts, ..delivery(State::Delivered, 1) });
        record.money().map(|(amount, currency)| format!("{amount} {currency}"))
    };

    let whole = money(serde_json::json!({ "amount": "9", "currency": "EUR" }));
    assert_eq!(whole.as_deref(), Some("9 EUR"));
    assert_eq!(money(serde_json::json!({ "currency": "EUR" })), None);
    assert_eq!(money(serde_json::json!({ "amount": "9" })), None);
}
