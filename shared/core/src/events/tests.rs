//! The events of a record, from whatever version.

use std::time::Duration;

use super::*;
use crate::delivery::{
    Arrival, Event, Facts, IfAbsent, Key, Lookup, Note, Planned, Policy, Recovery, Refunds, Stamp,
    Verdict, step,
};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

fn arrive(now: Timestamp) -> Event {
    Event::Arrive(Arrival {
        refunds: Refunds::default(),
        reported: None,
        facts: Facts::none(),
        updated_at: None,
        planned: Planned::Send("a".to_owned()),
        shown_scope: None,
        deadline: now + Duration::from_mins(1),
        settings: "v1".to_owned(),
        open: None,
        is_implausible: false,
        is_delayed: false,
        has_waited: false,
    })
}

fn settle(verdict: Verdict) -> Event {
    Event::Settle { attempt: 1, verdict, settings: "v1".to_owned(), jitter: 0 }
}

fn cancel() -> Event {
    Event::Cancel { facts: Facts::none(), updated_at: None, by_refunds: false }
}

/// The record after `event` at `now`.
fn after(before: Option<&Record>, event: &Event, now: Timestamp) -> Record {
    let policy = Policy::new(Recovery::LookUp, Duration::from_secs(10), Duration::ZERO);
    let held = before.map(|record| &record.protocol);
    let next = step(held, event, &policy, now).next.expect("a change");
    let lookup = match event {
        Event::LookedUp { lookup, .. } => Some(lookup.result()),
        _ => None,
    };
    let key = Key::known("A-1001".to_owned(), "one_network", None);
    let note = Note { lookup, ..Note::default() };
    Record::after(before, &key, next, note, Stamp { now, write_id: 1 })
}

fn record(events: &[Event]) -> Record {
    let mut record = after(None, &events[0], NOW);
    for event in &events[1..] {
        record = after(Some(&record), event, NOW);
    }
    record
}

fn kinds(since: u64, record: &Record) -> Vec<(u64, String)> {
    events(since, record).iter().map(|event| (event.version, event.detail_type())).collect()
}

fn yes() -> Event {
    settle(Verdict::Delivered(Proof::Response))
}

#[test]
fn a_delivery_is_published_once_at_its_version() {
    let record = record(&[arrive(NOW), yes()]);

    assert_eq!(kinds(0, &record), [(2, "postback.delivered".to_owned())]);
    assert_eq!(kinds(1, &record), kinds(0, &record));
    assert_eq!(kinds(2, &record), []);
}

#[test]
fn an_event_has_the_same_id_whenever_and_from_whichever_version_it_is_derived() {
    let delivered = record(&[arrive(NOW), yes()]);
    let later = after(Some(&delivered), &cancel(), NOW + Duration::from_hours(1));

    let then = events(1, &delivered).remove(0);
    let backfilled = events(0, &later).remove(0);

    assert_eq!(then.id, backfilled.id);
    let anew = Record {
        protocol: crate::delivery::Delivery {
            first_seen_at: NOW + Duration::from_hours(1),
            ..delivered.protocol.clone()
        },
        ..delivered
    };
    assert_ne!(events(1, &anew).remove(0).id, then.id, "an item that was erased and written anew");
}

#[test]
fn a_cancellation_and_a_delivery_are_published_together_in_either_order() {
    let before = record(&[arrive(NOW), cancel(), yes()]);
    let after = record(&[arrive(NOW), yes(), cancel()]);

    for record in [&before, &after] {
        let last = (3, "postback.cancelled_after_delivery".to_owned());
        assert!(kinds(2, record).contains(&last), "{:?}", kinds(0, record));
        assert!(!kinds(0, record).iter().any(|(version, kind)| *version < 3 && *kind == last.1));
    }
}

#[test]
fn a_completion_that_changes_nothing_does_not_hide_the_cancellation() {
    let record = record(&[arrive(NOW), cancel(), arrive(NOW), yes()]);

    let kinds = kinds(0, &record);
    assert!(kinds.contains(&(3, "postback.completed_after_withdrawal".to_owned())), "{kinds:?}");
    assert!(kinds.contains(&(4, "postback.cancelled_after_delivery".to_owned())), "{kinds:?}");
}

#[test]
fn a_cancellation_that_came_first_and_the_completion_after_it_are_published() {
    let record = record(&[cancel(), arrive(NOW)]);

    let words = ["postback.withdrawn", "postback.cancelled", "postback.completed_after_withdrawal"];
    let versions = [1, 1, 2];
    let wanted: Vec<_> = versions.into_iter().zip(words.map(str::to_owned)).collect();
    assert_eq!(kinds(0, &record), wanted);
}

#[test]
fn a_lookup_that_settles_nothing_publishes_nothing() {
    let lost =
        settle(Verdict::Unconfirmed { reason: Reason::new("db"), if_absent: IfAbsent::SendAgain });
    let lost = record(&[arrive(NOW), lost]);
    let at = lost.protocol.not_before;
    let deadline = at + Duration::from_mins(1);
    let absent = Event::LookedUp {
        asked: at,
        lookup: Lookup::Absent,
        is_plannable: true,
        deadline,
        jitter: 0,
    };

    let asked = after(Some(&lost), &absent, at);

    assert_eq!(kinds(lost.version, &asked), []);
    assert_eq!(kinds(0, &asked), [(2, "postback.unconfirmed".to_owned())]);
}

#[test]
fn an_event_has_the_same_time_from_the_stream_and_from_a_backfill() {
    let (second, hour) = (Duration::from_secs(1), Duration::from_hours(1));
    let cancelled_late = [(yes(), second), (cancel(), second * 2)];
    let cancelled_early = [(cancel(), second), (yes(), second * 2)];
    let withdrawn = [(cancel(), second)];
    let expired = [(Event::Expire, hour)];
    let stories: [&[(Event, Duration)]; 4] =
        [&cancelled_late, &cancelled_early, &withdrawn, &expired];
    for story in stories {
        let first = after(None, &arrive(NOW), NOW);
        let (mut record, mut streamed) = (first.clone(), events(0, &first));
        for (event, at) in story {
            let next = after(Some(&record), event, NOW + *at);
            streamed.extend(events(record.version, &next));
            record = next;
        }

        let later = Stamp { now: NOW + hour * 2, write_id: 1 };
        let backfilled = events(0, &record.with_message_until(NOW + hour * 3, later));

        let times = |events: &[DeliveryEvent]| {
            events.iter().map(|event| (event.id.clone(), event.at)).collect::<Vec<_>>()
        };
        assert_eq!(times(&backfilled), times(&streamed), "{streamed:?}");
    }
}

#[test]
fn only_a_success_right_after_the_first_claim_is_routine() {
    let routine = |events_of: &[Event]| {
        let record = record(events_of);
        events(0, &record).iter().map(DeliveryEvent::is_routine).collect::<Vec<_>>()
    };

    assert_eq!(routine(&[arrive(NOW), yes()]), [true]);
    assert_eq!(routine(&[arrive(NOW), settle(Verdict::rejected("no"))]), [false]);
    assert_eq!(routine(&[arrive(NOW), cancel(), yes()]), [false, false, false]);
}

#[test]
fn what_came_back_after_a_person_confirmed_its_validation_is_to_be_claimed_back() {
    let confirmed = serde_json::json!({
        "state": "delivered", "proof": "operator", "attempt": 0, "facts": {}, "first_seen_at": NOW,
        "claim_expires_at": NOW, "not_before": NOW, "refunds": { "r-1": { "amount": "4" } },
        "reported": { "amount": "10.5", "currency": "EUR", "completed_at": NOW, "ids": {} },
        "validation": { "of_version": 2, "lock_at": NOW, "standing": "reported" },
    });
    let protocol = serde_json::from_value(confirmed).expect("a validation");
    let returned = Some(Written { version: 3, at: NOW });
    let record = Record { protocol, returned, version: 3, ..after(None, &arrive(NOW), NOW) };

    let events = events(2, &record);

    let kinds: Vec<_> = events.iter().map(|event| (event.kind, event.amount)).collect();
    assert_eq!(kinds, [(Kind::ClaimBack, Some(Decimal::from(4)))]);
}
