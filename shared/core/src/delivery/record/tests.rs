//! What each write makes of a record.

use std::time::Duration;

use super::*;
use crate::{
    delivery::{Decision, Fingerprint},
    redaction::OperatorNote,
};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
const SECOND: Duration = Duration::from_secs(1);
const DAY_SECS: i64 = 24 * 60 * 60;

fn key() -> Key {
    Key::known("A-1001".to_owned(), "one_network", None)
}

fn delivery(state: State, attempt: u32) -> Delivery {
    Delivery {
        state,
        reason: None,
        proof: None,
        attempt,
        content: Fingerprint::of(&"an order"),
        first_seen_at: NOW,
        claim_expires_at: NOW,
        not_before: NOW,
        reached_network: false,
        in_doubt: false,
        if_absent: crate::delivery::IfAbsent::default(),
        parked_settings: None,
    }
}

fn claimed() -> Record {
    Record::after(None, &key(), delivery(State::Sending, 1), Note::default(), NOW, 0xab)
}

fn after(before: &Record, next: Delivery, note: Note, now: Timestamp) -> Record {
    Record::after(Some(before), &key(), next, note, now, 0xcd)
}

fn code(word: &'static str) -> Details {
    Details::none().code("code", word)
}

fn said(stage: &'static str) -> Progress {
    Progress { status: Details::none().code("stage", stage), is_final: false, is_dropped: false }
}

#[test]
fn the_claim_is_the_first_version_and_begins_the_story() {
    let record = claimed();

    assert_eq!((record.order_id.as_str(), record.delivery.as_str()), ("A-1001", "one_network"));
    assert_eq!((record.version, record.write_id.as_str()), (1, "00000000000000ab"));
    assert_eq!(record.attempts, [AttemptRecord::started(1, NOW)]);
    assert_eq!((record.updated_at, record.conflicts), (NOW, 0));
    assert!(record.references.is_empty() && record.progress.is_empty());
}

#[test]
fn a_line_has_a_delivery_of_its_own() {
    let line = Key::known("A-1001".to_owned(), "other_network", Some("2"));
    let record =
        Record::after(None, &line, delivery(State::Sending, 1), Note::default(), NOW, 0xab);

    assert_eq!(record.delivery, "other_network#2");
    assert_eq!(
        (record.network(), record.line(), line.line()),
        ("other_network", Some("2"), Some("2"))
    );
    assert_eq!((claimed().network(), claimed().line(), key().line()), ("one_network", None, None));
}

#[test]
fn a_settlement_ends_the_story_of_its_attempt_and_keeps_the_networks_ids() {
    let next = Delivery { reason: Some(Reason::new("cap")), ..delivery(State::Rejected, 1) };
    let note = Note { references: Details::none().id("id", "c-1"), details: code("E1") };

    let record = after(&claimed(), next, note, NOW + SECOND);

    let [attempt] = record.attempts.as_slice() else { panic!("{:?}", record.attempts) };
    assert_eq!((attempt.number, attempt.started_at), (1, NOW));
    assert_eq!((attempt.ended_at, attempt.state), (Some(NOW + SECOND), Some(State::Rejected)));
    assert_eq!(attempt.reason, Some(Reason::new("cap")));
    assert_eq!(attempt.details.get("code"), Some("E1"));
    assert_eq!(record.references.get("id"), Some("c-1"));
    assert_eq!((record.version, record.write_id.as_str()), (2, "00000000000000cd"));
    assert_eq!(record.updated_at, NOW + SECOND);
}

#[test]
fn a_later_word_on_an_attempt_adds_to_its_story_and_leaves_its_end() {
    let lost = after(&claimed(), delivery(State::Unconfirmed, 1), Note::default(), NOW + SECOND);
    let note = Note { references: Details::none(), details: code("E2") };

    let record = after(&lost, delivery(State::Delivered, 1), note, NOW + SECOND * 9);

    assert_eq!(record.attempts[0].ended_at, Some(NOW + SECOND));
    assert_eq!(record.attempts[0].state, Some(State::Delivered));
    assert_eq!(record.attempts[0].details.get("code"), Some("E2"));
    assert_eq!(record.version, 3);
}

#[test]
fn a_later_attempt_leaves_the_story_of_the_earlier_as_it_is() {
    let lost = after(&claimed(), delivery(State::Retrying, 1), Note::default(), NOW + SECOND);
    let note = Note { references: Details::none(), details: code("E2") };

    let record = after(&lost, delivery(State::Sending, 2), note, NOW + SECOND * 9);

    assert_eq!(record.attempts[0], lost.attempts[0]);
    assert_eq!(record.attempts[1..], [AttemptRecord::started(2, NOW + SECOND * 9)]);
}

#[test]
fn what_is_written_while_sending_is_no_end_of_the_attempt() {
    let still = after(&claimed(), delivery(State::Sending, 1), Note::default(), NOW + SECOND);

    assert_eq!(still.attempts, claimed().attempts);
}

/// As a person's decision, or a fence, of a delivery whose earlier story is gone.
#[test]
fn a_write_about_an_attempt_without_a_story_invents_none() {
    let before = Record { attempts: Vec::new(), ..claimed() };
    let refused = Record { protocol: delivery(State::Rejected, 0), ..before.clone() };

    let decided = after(&before, delivery(State::Delivered, 1), Note::default(), NOW);
    assert_eq!(decided.attempts, []);
    let refused_again = after(&refused, delivery(State::Rejected, 0), Note::default(), NOW);
    assert_eq!(refused_again.attempts, []);
}

#[test]
fn a_write_about_another_attempt_than_the_last_changes_no_story() {
    let mut before = claimed();
    before.attempts[0].number = 7;
    before.protocol.attempt = 8;

    let record = after(&before, delivery(State::Delivered, 8), Note::default(), NOW);

    assert_eq!(record.attempts, before.attempts);
}

#[test]
fn of_many_attempts_the_first_and_the_latest_nine_are_kept() {
    let mut record = claimed();
    for attempt in 2..=10 {
        record = after(&record, delivery(State::Sending, attempt), Note::default(), NOW);
    }
    let numbers =
        |record: &Record| record.attempts.iter().map(|story| story.number).collect::<Vec<_>>();
    assert_eq!(numbers(&record), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

    for attempt in 11..=12 {
        record = after(&record, delivery(State::Sending, attempt), Note::default(), NOW);
    }
    assert_eq!(numbers(&record), [1, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn references_add_up_and_the_rest_of_the_story_stays() {
    let before = claimed()
        .with_conflict(NOW, 1)
        .with_progress(&said("wait"), NOW, 2)
        .expect("something new");
    let note = |name, id| Note { references: Details::none().id(name, id), ..Note::default() };

    let first = after(&before, delivery(State::Unconfirmed, 1), note("our_id", "A-1001"), NOW);
    let record = after(&first, delivery(State::Delivered, 1), note("lead_id", "7"), NOW);

    assert_eq!(record.references.get("our_id"), Some("A-1001"));
    assert_eq!(record.references.get("lead_id"), Some("7"));
    assert_eq!((record.conflicts, &record.progress), (1, &before.progress));
}

#[test]
fn is_remembered_for_400_days_from_its_last_write() {
    assert_eq!(RETENTION, Duration::from_hours(400 * 24));
    assert_eq!(claimed().expires_at, NOW.as_secs() + 400 * DAY_SECS);

    let later = after(&claimed(), delivery(State::Delivered, 1), Note::default(), NOW + RETENTION);
    assert_eq!(later.expires_at, NOW.as_secs() + 800 * DAY_SECS);
}

/// The clock of the host that writes may be behind that of the one that first heard of it.
#[test]
fn a_clock_that_is_behind_shortens_no_guard() {
    let early = Timestamp::from_millis(NOW.as_millis() - 60_000);

    let record = after(&claimed(), delivery(State::Delivered, 1), Note::default(), early);

    assert_eq!(record.expires_at, NOW.as_secs() + 400 * DAY_SECS);
}

#[test]
fn a_conflict_is_counted_and_nothing_else_changes() {
    let record = claimed().with_conflict(NOW + SECOND, 0xef).with_conflict(NOW + SECOND, 0xef);

    let expected = Record {
        version: 3,
        write_id: "00000000000000ef".to_owned(),
        conflicts: 2,
        updated_at: NOW + SECOND,
        ..claimed()
    };
    assert_eq!(record, expected);
}

#[test]
fn progress_is_kept_when_it_says_something_new() {
    let waits = claimed().with_progress(&said("wait"), NOW + SECOND, 0xef).expect("something new");

    let expected = Record {
        version: 2,
        write_id: "00000000000000ef".to_owned(),
        updated_at: NOW + SECOND,
        progress: vec![ProgressRecord { seen_at: NOW + SECOND, status: said("wait").status }],
        ..claimed()
    };
    assert_eq!(waits, expected);
    assert_eq!(waits.with_progress(&said("wait"), NOW + SECOND * 2, 1), None);
    assert!(waits.with_progress(&said("hold"), NOW + SECOND * 2, 1).is_some());
}

#[test]
fn of_much_progress_the_first_and_the_latest_nine_are_kept() {
    const STAGES: [&str; 12] =
        ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12"];
    let mut record = claimed();
    let mut grow = |stages: &[&'static str]| {
        for stage in stages {
            record = record.with_progress(&said(stage), NOW, 1).expect("something new");
        }
        let stages =
            record.progress.iter().map(|seen| seen.status.get("stage").unwrap_or_default());
        stages.map(str::to_owned).collect::<Vec<_>>()
    };

    assert_eq!(grow(&STAGES[..10]), STAGES[..10]);
    assert_eq!(grow(&STAGES[10..]).first().map(String::as_str), Some("s1"));
    let mut latest = vec!["s1"];
    latest.extend(&STAGES[3..]);
    assert_eq!(grow(&[]), latest);
}

#[test]
fn what_is_empty_takes_no_room() {
    let text = |record: &Record| serde_json::to_string(record).expect("JSON");
    let bare = text(&claimed());

    for absent in ["references", "progress", "conflicts", "ended_at", "reason", "details"] {
        assert!(!bare.contains(&format!("\"{absent}\"")), "{absent}: {bare}");
    }
    assert!(text(&claimed().with_conflict(NOW, 1)).contains("\"conflicts\":1"));
}

#[test]
fn of_many_decisions_the_first_and_the_latest_nine_are_kept() {
    let mut record = claimed();
    let mut seen = |attempts: std::ops::RangeInclusive<u32>| {
        for attempt in attempts {
            let remark = |text| OperatorNote::new(text).expect("a remark");
            let decision = DecisionRecord {
                at: NOW + SECOND,
                attempt,
                decision: Decision::SendAgain,
                by: remark("an operator"),
                why: remark("asked the network"),
            };
            record = record.decided(delivery(State::Retrying, 1), decision, 0xef);
        }
        record.decisions.iter().map(|decision| decision.attempt).collect::<Vec<_>>()
    };

    assert_eq!(seen(1..=10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(seen(11..=12), [1, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!((record.version, record.updated_at), (13, NOW + SECOND));
    assert_eq!(record.protocol.state, State::Retrying);
}
