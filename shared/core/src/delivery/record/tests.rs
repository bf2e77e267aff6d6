//! Each write and the record that follows. More than 300 lines: a test for each fact that a write keeps.

use std::time::Duration;

use super::*;
use crate::{
    delivery::{
        Cancellation, Decision, Facts, ORDER_UNKNOWN, Proof, RefundEntry, Refunds,
        samples::{NOW, delivery},
    },
    redaction::OperatorNote,
};

const SECOND: Duration = Duration::from_secs(1);
const DAY_SECS: i64 = 24 * 60 * 60;

fn key() -> Key {
    Key::known("A-1001".to_owned(), "one_network", None)
}

fn claimed() -> Record {
    Record::after(None, &key(), delivery(State::Sending, 1), Note::default(), stamp(NOW, 0xab))
}

fn after(before: &Record, next: Delivery, note: Note, now: Timestamp) -> Record {
    Record::after(Some(before), &key(), next, note, stamp(now, 0xcd))
}

/// The content of an order of this total.
fn total(total: &str) -> Facts {
    serde_json::from_value(serde_json::json!({ "amount": total })).expect("facts")
}

fn noted(
    content: &str,
    version: u64,
    first: Duration,
    last: Duration,
    count: u32,
) -> ConflictRecord {
    let (at, last_at) = (NOW + first, NOW + last);
    ConflictRecord { version, at, last_at, count, facts: total(content) }
}

fn code(word: &'static str) -> Details {
    Details::none().code("code", word)
}

fn stage(word: &'static str) -> Details {
    Details::none().code("stage", word)
}

fn stamp(now: Timestamp, write_id: u64) -> Stamp {
    Stamp { now, write_id }
}

#[test]
fn the_claim_is_the_first_version_and_starts_the_history() {
    let record = claimed();

    assert_eq!((record.order_id.as_str(), record.delivery.as_str()), ("A-1001", "one_network"));
    assert_eq!((record.version, record.write_id.as_str()), (1, "00000000000000ab"));
    let started = AttemptRecord::started(&delivery(State::Sending, 1), NOW);
    assert_eq!(record.attempts.entries(), [started]);
    assert_eq!((record.updated_at, record.state_version), (NOW, 1));
    assert!(record.references.is_empty() && record.statuses.is_empty());
}

#[test]
fn the_use_of_a_click_stands_for_the_content_with_that_click_alone() {
    let with_click = total("1499").digest("click", "a");
    let of = |facts: &Facts| Delivery { facts: facts.clone(), ..delivery(State::Retrying, 1) };
    let noted = Note { click_noted: true, ..Note::default() };
    let first = after(&claimed(), of(&with_click), noted, NOW);

    let same = after(&first, of(&with_click), Note::default(), NOW);
    let without = after(&first, of(&total("1499")), Note::default(), NOW);

    assert_eq!((same.click_noted, without.click_noted), (true, false));
}

#[test]
fn a_validation_is_known_by_its_delivery() {
    assert_eq!(key().validation().validated(), Some(key()));
    assert_eq!(key().validated(), None);
}

#[test]
fn a_line_has_a_delivery_of_its_own() {
    let line = Key::known("A-1001".to_owned(), "other_network", Some("2"));
    let start = delivery(State::Sending, 1);
    let record = Record::after(None, &line, start, Note::default(), stamp(NOW, 0xab));

    assert_eq!(record.delivery, "other_network#2");
    assert_eq!(
        (record.network(), record.line(), line.line()),
        ("other_network", Some("2"), Some("2"))
    );
    assert_eq!((claimed().network(), claimed().line(), key().line()), ("one_network", None, None));
}

#[test]
fn a_settlement_ends_its_attempt_and_keeps_the_networks_ids() {
    let next = Delivery { reason: Some(Reason::new("cap")), ..delivery(State::Rejected, 1) };
    let references = Details::none().id("id", "c-1");
    let note = Note { references, details: code("E1"), ..Note::default() };

    let record = after(&claimed(), next, note, NOW + SECOND);

    let [attempt] = record.attempts.entries() else { panic!("{:?}", record.attempts) };
    assert_eq!((attempt.number, attempt.started_at), (1, NOW));
    assert_eq!((attempt.ended_at, attempt.state), (Some(NOW + SECOND), Some(State::Rejected)));
    assert_eq!((attempt.version, &attempt.reason), (Some(2), &Some(Reason::new("cap"))));
    assert_eq!(attempt.details.get("code"), Some("E1"));
    assert_eq!(record.references.get("id"), Some("c-1"));
    assert_eq!((record.version, record.write_id.as_str()), (2, "00000000000000cd"));
    assert_eq!((record.updated_at, record.state_version), (NOW + SECOND, 2));
}

#[test]
fn a_later_version_that_waits_leaves_the_message_of_the_one_held() {
    let at = NOW + SECOND;
    let named = Note { message_until: Some(at), ..Note::default() };
    let lost = after(&claimed(), delivery(State::Unconfirmed, 1), named, at);
    let noted = Delivery { waiting_version: Some(at), ..lost.protocol.clone() };

    let waited_for = after(&lost, noted.clone(), Note::default(), at);

    assert_eq!(waited_for.message_until, Some(at));
    assert_eq!(waited_for.state_version, lost.state_version, "it is no event");
    assert_eq!(after(&waited_for, noted, Note::default(), at).message_until, None);
}

#[test]
fn an_attempt_that_ended_stays_as_it_ended() {
    let lost = after(&claimed(), delivery(State::Unconfirmed, 1), Note::default(), NOW + SECOND);
    let later = NOW + SECOND * 9;

    let lookup = Note { lookup: Some(Reason::new("found")), ..Note::default() };
    let found = after(&lost, delivery(State::Delivered, 1), lookup, later);
    let settled_late = after(&lost, delivery(State::Delivered, 1), Note::default(), later);
    let decided = lost.decided(delivery(State::Delivered, 1), decision(1), stamp(later, 1));
    let next = after(&lost, delivery(State::Sending, 2), Note::default(), later);

    for record in [&found, &settled_late, &decided, &next] {
        assert_eq!(record.attempts.entries()[0], lost.attempts.entries()[0]);
    }
    let started = AttemptRecord::started(&delivery(State::Sending, 2), later);
    assert_eq!(next.attempts.entries()[1..], [started]);
    let result = Reason::new("found");
    let looked_up = LookupRecord { version: 3, at: later, result, state: State::Delivered };
    assert_eq!(found.lookups.entries(), [looked_up]);
}

#[test]
fn each_attempt_keeps_the_amount_that_it_reported() {
    let of =
        |attempt, amount| Delivery { facts: total(amount), ..delivery(State::Sending, attempt) };
    let first = Record::after(None, &key(), of(1, "1499"), Note::default(), stamp(NOW, 0xab));
    let lost = Delivery { state: State::Unconfirmed, ..of(1, "1499") };
    let lost = after(&first, lost, Note::default(), NOW + SECOND);

    let second = after(&lost, of(2, "1599"), Note::default(), NOW + SECOND * 9);

    let amounts = second.attempts.entries().iter().map(|attempt| attempt.amount.as_deref());
    assert_eq!(amounts.collect::<Vec<_>>(), [Some("1499"), Some("1599")]);
}

#[test]
fn a_late_yes_to_one_attempt_is_no_end_of_the_next_one() {
    let lost = after(&claimed(), delivery(State::Unconfirmed, 1), Note::default(), NOW + SECOND);
    let second = after(&lost, delivery(State::Sending, 2), Note::default(), NOW + SECOND * 2);

    let note = |number| Note { attempt: Some(number), ..Note::default() };
    let late = after(&second, delivery(State::Delivered, 2), note(1), NOW + SECOND * 3);
    let own = after(&second, delivery(State::Delivered, 2), note(2), NOW + SECOND * 3);

    assert_eq!(late.attempts, second.attempts);
    assert_eq!(own.attempts.entries()[1].state, Some(State::Delivered));
}

#[test]
fn a_write_while_sending_does_not_end_the_attempt() {
    let still = after(&claimed(), delivery(State::Sending, 1), Note::default(), NOW + SECOND);

    assert_eq!((still.attempts, still.state_version), (claimed().attempts, 1));
}

#[test]
fn a_refusal_without_an_attempt_has_no_history_of_attempts() {
    let refused = delivery(State::Rejected, 0);
    let record = Record::after(None, &key(), refused, Note::default(), stamp(NOW, 1));

    assert!(record.attempts.is_empty());
    let again = after(&record, delivery(State::Rejected, 0), Note::default(), NOW);
    assert!(again.attempts.is_empty());
}

#[test]
fn the_first_two_and_the_last_eight_of_each_kind_are_kept_and_the_others_counted() {
    let mut record = claimed();
    for attempt in 2..=12 {
        record = after(&record, delivery(State::Sending, attempt), Note::default(), NOW);
    }

    let attempts = record.attempts.entries().iter().map(|attempt| attempt.number);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 2, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!((record.attempts.left_out(), record.attempts.count()), (2, 12));
}

#[test]
fn references_add_up_and_the_rest_of_the_history_stays() {
    let before = claimed().with_conflict(&total("1"), stamp(NOW, 1));
    let before = before.with_status(&stage("wait"), None, stamp(NOW, 2)).expect("a new status");
    let note = |name, id| Note { references: Details::none().id(name, id), ..Note::default() };

    let first = after(&before, delivery(State::Unconfirmed, 1), note("our_id", "A-1001"), NOW);
    let record = after(&first, delivery(State::Delivered, 1), note("lead_id", "7"), NOW);

    assert_eq!(record.references.get("our_id"), Some("A-1001"));
    assert_eq!(record.references.get("lead_id"), Some("7"));
    assert_eq!((&record.conflicts, &record.statuses), (&before.conflicts, &before.statuses));
}

#[test]
fn is_kept_for_400_days_after_every_kind_of_write() {
    assert_eq!(RETENTION, Duration::from_hours(400 * 24));
    assert_eq!(claimed().expires_at, NOW.as_secs() + 400 * DAY_SECS);

    let later = stamp(NOW + RETENTION, 1);
    let delivered = delivery(State::Delivered, 1);
    for record in [
        after(&claimed(), delivered.clone(), Note::default(), later.now),
        claimed().with_conflict(&total("1"), later),
        claimed().with_status(&stage("wait"), None, later).expect("a new status"),
        claimed().decided(delivered, decision(1), later),
    ] {
        assert_eq!(record.expires_at, NOW.as_secs() + 800 * DAY_SECS);
        assert_eq!((record.version, record.updated_at), (2, later.now));
    }
}

/// The clock of the host that writes may be behind that of the one that saw it first.
#[test]
fn a_clock_that_is_behind_shortens_no_retention() {
    let early = Timestamp::from_millis(NOW.as_millis() - 60_000);

    let record = after(&claimed(), delivery(State::Delivered, 1), Note::default(), early);

    assert_eq!(record.expires_at, NOW.as_secs() + 400 * DAY_SECS);
}

#[test]
fn conflicts_and_statuses_are_entries_and_change_no_state() {
    let conflict = claimed().with_conflict(&total("1"), stamp(NOW + SECOND, 0xef));
    let status =
        claimed().with_status(&stage("wait"), None, stamp(NOW, 0xef)).expect("a new status");

    assert_eq!(conflict.conflicts.entries(), [noted("1", 2, SECOND, SECOND, 1)]);
    assert_eq!((&conflict.protocol, conflict.state_version), (&claimed().protocol, 1));
    let entry = StatusRecord { version: 2, at: NOW, status: stage("wait"), validation: None };
    assert_eq!(status.statuses.entries(), [entry]);
    assert_eq!((&status.protocol, status.state_version), (&claimed().protocol, 1));
    assert_eq!(status.with_status(&stage("wait"), None, stamp(NOW, 1)), None);
    assert!(status.with_status(&stage("hold"), None, stamp(NOW, 1)).is_some());
}

#[test]
fn a_conflict_is_noted_once_for_each_content_with_its_first_and_last_arrival() {
    let mut record = claimed();

    for (after, content) in (1..).zip(["1", "2", "1", "1"]) {
        record = record.with_conflict(&total(content), stamp(NOW + SECOND * after, 1));
    }

    let once = noted("2", 3, SECOND * 2, SECOND * 2, 1);
    assert_eq!(record.conflicts.entries(), [noted("1", 2, SECOND, SECOND * 4, 3), once]);
    assert_eq!((record.conflicts.left_out(), record.conflicts.arrivals()), (0, 4));
}

#[test]
fn a_content_that_came_is_known() {
    let record = claimed().with_conflict(&total("5"), stamp(NOW, 2));

    assert!(record.conflicts.holds(&total("5")) && !record.conflicts.holds(&total("6")));
}

#[test]
fn eight_contents_are_kept_and_the_arrivals_of_others_are_counted() {
    let contents: Vec<_> = (1..=10).map(|number| number.to_string()).collect();

    let record = contents
        .iter()
        .chain(&contents)
        .fold(claimed(), |record, content| record.with_conflict(&total(content), stamp(NOW, 1)));

    let kept = record.conflicts.entries();
    assert_eq!((kept.len(), kept[7].facts.clone(), kept[7].count), (8, total("8"), 2));
    assert_eq!((record.conflicts.left_out(), record.conflicts.arrivals()), (4, 20));
}

#[test]
fn a_decision_is_an_entry_of_the_version_at_which_it_was_written() {
    let record = claimed().decided(delivery(State::Retrying, 1), decision(1), stamp(NOW, 0xef));

    assert_eq!(record.decisions.entries(), [DecisionRecord { version: 2, ..decision(1) }]);
    assert_eq!((record.protocol.state, record.state_version), (State::Retrying, 2));
}

fn taken(record: &Record, decision: Decision) -> Record {
    let entry = DecisionRecord { decision, ..self::decision(1) };
    record.decided(record.protocol.clone(), entry, stamp(NOW, 1))
}

#[test]
fn other_content_is_open_until_a_decision_answers_it() {
    let other = |record: &Record, content| record.with_conflict(&total(content), stamp(NOW, 1));
    assert!(!claimed().has_open_conflict());
    let conflict = other(&claimed(), "1");
    assert!(conflict.has_open_conflict());

    for decision in [Decision::Acknowledge, Decision::Confirm, Decision::PermitSending] {
        let answered = taken(&conflict, decision);
        assert!(!answered.has_open_conflict());
        // The same content again has been answered. Another content has not.
        assert!(!other(&answered, "1").has_open_conflict());
        assert!(other(&answered, "2").has_open_conflict());
    }
    let confirmed = taken(&conflict, Decision::Confirm);
    let reopened = taken(&confirmed, Decision::Reopen);
    assert!(reopened.has_open_conflict());
    let acknowledged = taken(&taken(&conflict, Decision::Acknowledge), Decision::Confirm);
    assert!(!taken(&acknowledged, Decision::Reopen).has_open_conflict());
}

#[test]
fn a_ninth_content_is_open_though_its_number_alone_is_kept() {
    let contents: Vec<_> = (1..=10).map(|number| number.to_string()).collect();
    let come = |record: Record, contents: &[String]| {
        let note = |record: Record, content| record.with_conflict(&total(content), stamp(NOW, 1));
        contents.iter().fold(record, |record, content| note(record, content))
    };

    let answered = taken(&come(claimed(), &contents[..9]), Decision::Acknowledge);

    assert!(!answered.has_open_conflict());
    assert!(come(answered, &contents[9..]).has_open_conflict());
}

#[test]
fn an_unclear_refusal_is_open_until_a_decision_answers_it() {
    let refused = |record: &Record| {
        let reason = Some(Reason::new("unknown_refusal"));
        let next = Delivery { reason, ..delivery(State::Rejected, 1) };
        after(record, next, Note::default(), NOW)
    };
    let rejected = refused(&claimed());
    assert!(rejected.is_open_refusal());

    let acknowledged = taken(&rejected, Decision::Acknowledge);

    assert!(!acknowledged.is_open_refusal());
    assert_eq!(acknowledged.state_version, rejected.state_version);
    // Another attempt was refused since.
    let sent = after(&acknowledged, delivery(State::Sending, 2), Note::default(), NOW);
    assert!(refused(&sent).is_open_refusal());
}

#[test]
fn what_comes_back_after_an_acknowledgement_is_to_be_claimed_back_alone() {
    let amount = |text: &str| Some(text.parse().expect("an amount"));
    let came_back = |record: &Record, refunds: serde_json::Value| {
        let protocol = serde_json::json!({
            "state": "delivered", "attempt": 1, "facts": {}, "first_seen_at": NOW,
            "claim_expires_at": NOW, "not_before": NOW, "refunds": refunds,
            "reported": { "amount": "10.5", "currency": "EUR", "completed_at": NOW, "ids": {} },
            "validation": {
                "of_version": 2, "lock_at": NOW, "standing": "reported",
                "call": { "status": "approved", "amount": "10.5" },
            },
        });
        let next = serde_json::from_value(protocol).expect("a validation");
        after(record, next, Note::default(), NOW)
    };
    let approved = came_back(&claimed(), serde_json::json!({}));
    assert_eq!(approved.open_claim_back(), None);
    let four = came_back(&approved, serde_json::json!({ "r-1": { "amount": "4.00" } }));
    assert_eq!(four.open_claim_back(), amount("4"));

    let acknowledged = taken(&four, Decision::Acknowledge);
    let five = serde_json::json!({ "r-1": { "amount": "4" }, "r-2": { "amount": "1" } });
    let more = came_back(&acknowledged, five);

    assert_eq!(acknowledged.decisions.last().expect("a decision").claim_back, amount("4"));
    assert_eq!((acknowledged.open_claim_back(), more.open_claim_back()), (None, amount("1")));
    assert_eq!(more.protocol.claim_back(), amount("5"));
    // Another decision acknowledges nothing.
    assert_eq!(taken(&four, Decision::Confirm).open_claim_back(), amount("4"));
    assert_eq!(taken(&more, Decision::Acknowledge).open_claim_back(), None);
}

#[test]
fn an_acknowledgement_leaves_the_message_and_the_evidence_as_they_are() {
    let confirmed = claimed().with_message_until(NOW + SECOND, stamp(NOW, 1));
    let evidence = Some("a report".to_owned());
    let entry = DecisionRecord { decision: Decision::Confirm, evidence, ..decision(1) };
    let proof = Some(Proof::Operator);
    let next = Delivery { proof, ..delivery(State::Delivered, 1) };
    let confirmed = confirmed.decided(next, entry, stamp(NOW, 1));
    let waits = claimed().with_message_until(NOW + SECOND, stamp(NOW, 1));

    assert_eq!(taken(&waits, Decision::Acknowledge).message_until, Some(NOW + SECOND));
    assert_eq!(taken(&waits, Decision::PermitSending).message_until, None);
    let acknowledged = taken(&confirmed, Decision::Acknowledge);
    assert_eq!(acknowledged.standing(), confirmed.standing());
    assert_eq!(acknowledged.last_decision(), confirmed.decisions.last());
}

#[test]
fn a_message_that_came_without_its_name_is_named_no_more() {
    let named = claimed().with_message_until(NOW + SECOND, stamp(NOW, 1));

    assert_eq!(named.message_until, Some(NOW + SECOND));
    assert_eq!(named.with_unnamed_message(stamp(NOW, 2)).message_until, None);
}

#[test]
fn the_cancellation_of_each_earlier_version_is_noted_once() {
    let noted = |record: &Record, at| record.with_superseded(at, stamp(NOW, 1));
    let cancelled =
        Delivery { cancelled: Some(cancellation(false)), ..delivery(State::Sending, 1) };
    let cancelled = after(&claimed(), cancelled, Note::default(), NOW);
    assert_eq!(cancelled.cancellations.entries().len(), 1);

    let first = noted(&cancelled, Some(NOW)).expect("another word of the same version");
    let second = noted(&first, None).expect("another version");

    assert_eq!(second.cancellations.entries().len(), 3);
    assert_eq!(noted(&second, Some(NOW)), None);
    assert_eq!(noted(&second, None), None);
}

#[test]
fn goods_that_came_back_are_dated_by_the_write_that_brought_them() {
    let refunds = |amount: i64| {
        let entry = RefundEntry { amount: Some(amount.into()), at: None };
        Refunds::of(std::iter::once(("R-1".to_owned(), entry)))
    };
    let with = |refunds: Refunds| Delivery { refunds, ..delivery(State::Sending, 1) };
    let at = |record: &Record| record.returned.map(|returned| returned.version);

    let back = after(&claimed(), with(refunds(5)), Note::default(), NOW);
    let again = after(&back, with(refunds(5)), Note::default(), NOW + SECOND);

    assert_eq!((at(&claimed()), at(&back), at(&again)), (None, Some(2), Some(2)));
    // They came before the order, of which nothing is known.
    let unknown = Delivery { reason: Some(ORDER_UNKNOWN), ..with(refunds(5)) };
    let unknown = Delivery { state: State::Skipped, ..unknown };
    assert_eq!(at(&after(&claimed(), unknown, Note::default(), NOW)), None);
}

#[test]
fn the_reasons_of_all_attempts_are_known() {
    let lost = Delivery { reason: Some(Reason::new("lost")), ..delivery(State::Unconfirmed, 1) };
    let record = after(&claimed(), lost, Note::default(), NOW);

    assert!(record.has_ended_with(&Reason::new("lost")));
    assert!(!record.has_ended_with(&Reason::new("http_500")));
    assert!(!claimed().has_ended_with(&Reason::new("lost")));
}

#[test]
fn a_write_raises_an_older_format() {
    let before = Record { format: FORMAT - 1, ..claimed() };

    let later = after(&before, delivery(State::Sending, 1), Note::default(), NOW);

    assert_eq!((claimed().format, later.format), (FORMAT, FORMAT));
}

#[test]
fn what_is_tracked_stays_tracked() {
    let noted = Note { tracked: true, ..Note::default() };
    let followed = after(&claimed(), delivery(State::Delivered, 1), noted, NOW);

    let later = after(&followed, delivery(State::Delivered, 1), Note::default(), NOW);

    assert!(!claimed().tracked && followed.tracked && later.tracked);
}

#[test]
fn the_item_of_an_orders_lines_is_no_delivery_unless_a_person_has_to_decide_it() {
    let is_item = |state, lines, cancelled| {
        let next = Delivery { cancelled, lines, ..delivery(state, 0) };
        after(&claimed(), next, Note::default(), NOW).is_order_of_lines()
    };
    let lines = || Some(serde_json::from_value(serde_json::json!([])).expect("lines"));

    assert!(is_item(State::Skipped, lines(), None));
    assert!(is_item(State::Withdrawn, lines(), Some(cancellation(false))));
    assert!(!is_item(State::Withdrawn, lines(), Some(cancellation(true))));
    assert!(!is_item(State::Retrying, lines(), None));
    assert!(!is_item(State::Skipped, None, None));
}

fn cancellation(completed_after: bool) -> Cancellation {
    Cancellation { at: NOW, updated_at: Some(NOW), completed_after, by_refunds: false }
}

#[test]
fn empty_members_take_no_room() {
    let bare = serde_json::to_string(&claimed()).expect("JSON");

    let absent = ["references", "statuses", "conflicts", "ended_at", "reason", "details"];
    for absent in
        absent.iter().chain(&["click_noted", "tracked", "judged_plausible", "decisions_taken"])
    {
        assert!(!bare.contains(&format!("\"{absent}\"")), "{absent}: {bare}");
    }
}

#[test]
fn what_is_so_is_an_attribute() {
    let protocol = Delivery { judged_plausible: true, decisions: 2, ..claimed().protocol };
    let marked = Record { click_noted: true, tracked: true, protocol, ..claimed() };
    let marked = serde_json::to_value(marked).expect("JSON");
    for flag in ["click_noted", "tracked", "judged_plausible"] {
        assert_eq!(marked[flag], true, "{flag}");
    }
    assert_eq!(marked["decisions_taken"], 2);
    assert_eq!(marked["attempts"].get("left_out"), None);
    let attempts = (0..11).map(|_| claimed().attempts.entries()[0].clone());
    let attempts = attempts.fold(History::default(), |mut all, one| {
        all.push(one);
        all
    });
    assert_eq!(serde_json::to_value(attempts).expect("JSON")["left_out"], 1);
}

/// A permission to send again.
pub(in crate::delivery) fn decision(attempt: u32) -> DecisionRecord {
    let note = |text| OperatorNote::new(text).expect("a note");
    DecisionRecord {
        version: 0,
        at: NOW + SECOND,
        attempt,
        decision: Decision::PermitSending,
        by: note("an operator"),
        why: note("asked the network"),
        evidence: None,
        claim_back: None,
        contents_left_out: 0,
    }
}
