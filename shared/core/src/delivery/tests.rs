//! The rules of the protocol, each with what would happen without it. Instants are real ones: a
//! span that is taken for an instant, or seconds for milliseconds, shows.

use std::time::Duration;

use super::*;
use crate::{clock::Timestamp, redaction::Reason};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
const TIMEOUT: Duration = Duration::from_secs(10);
const LAG: Duration = Duration::from_mins(2);
const SECOND: Duration = Duration::from_secs(1);
const RECOVERIES: [Recovery; 3] = [Recovery::SendAgain, Recovery::LookUp, Recovery::Hold];

fn policy(recovery: Recovery) -> Policy {
    Policy::new(recovery, TIMEOUT, LAG)
}

fn content() -> Fingerprint {
    Fingerprint::of(&"an order")
}

/// The deadline of an invocation that has just enough time, beginning at `now`.
fn deadline(now: Timestamp) -> Timestamp {
    now + TIMEOUT + Duration::from_secs(5)
}

fn arrive_with(now: Timestamp, settings: &str) -> Event {
    let settings = settings.to_owned();
    Event::Arrive { content: content(), deadline: deadline(now), settings, paused: None }
}

fn arrive(now: Timestamp) -> Event {
    arrive_with(now, "v1")
}

fn arrive_paused(now: Timestamp, until: Timestamp) -> Event {
    let (content, settings) = (content(), "v1".to_owned());
    let paused = Some((until, Reason::new("key")));
    Event::Arrive { content, deadline: deadline(now), settings, paused }
}

fn settle_of(attempt: u32, verdict: Verdict, jitter: Jitter) -> Event {
    Event::Settle { attempt, verdict, settings: "v1".to_owned(), jitter }
}

fn settle(verdict: Verdict) -> Event {
    settle_of(1, verdict, 0)
}

fn not_sent() -> Verdict {
    Verdict::Retry { reason: Reason::new("connect_failed"), after: None, sent: false }
}

fn absent(asked: Timestamp) -> Event {
    absent_until(asked, deadline(asked))
}

fn absent_until(asked: Timestamp, deadline: Timestamp) -> Event {
    Event::LookedUp { asked, lookup: Lookup::Absent, deadline, jitter: 0 }
}

fn found(asked: Timestamp) -> Event {
    let lookup = Lookup::Found { references: crate::redaction::Details::none() };
    Event::LookedUp { asked, lookup, deadline: deadline(asked), jitter: 0 }
}

fn decide(attempt: u32, decision: Decision) -> Event {
    Event::Decide { attempt, decision }
}

fn next(before: &Delivery, event: &Event, policy: &Policy, now: Timestamp) -> Delivery {
    step(Some(before), event, policy, now).next.expect("a change")
}

fn unchanged(then: Then) -> Step {
    Step { next: None, then }
}

/// What the first claim writes.
fn sending(policy: &Policy) -> Delivery {
    step(None, &arrive(NOW), policy, NOW).next.expect("a claim")
}

/// An attempt of which no answer came.
fn unconfirmed(policy: &Policy) -> Delivery {
    next(&sending(policy), &settle(Verdict::unconfirmed("answer_timeout")), policy, NOW + SECOND)
}

/// The second attempt, after one of which no answer came.
fn sending_in_doubt() -> (Delivery, Policy) {
    let policy = policy(Recovery::SendAgain);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;
    (next(&unconfirmed, &arrive(at), &policy, at), policy)
}

fn parked(policy: &Policy) -> Delivery {
    next(&sending(policy), &settle(Verdict::parked("key")), policy, NOW + SECOND)
}

// Rule 2: claim before the first byte.

#[test]
fn the_first_order_is_claimed_with_a_number_a_start_and_an_end() {
    let policy = policy(Recovery::Hold);

    let step = step(None, &arrive(NOW), &policy, NOW);

    let claim = step.next.expect("a claim");
    assert_eq!((claim.state, claim.attempt, claim.first_seen_at), (State::Sending, 1, NOW));
    assert_eq!(claim.claim_expires_at, NOW + TIMEOUT + 5 * SECOND + 30 * SECOND);
    assert_eq!(claim.not_before, claim.claim_expires_at);
    assert_eq!(claim.content, content());
    assert!(!claim.reached_network && !claim.in_doubt);
    assert_eq!(step.then, Then::Send(Attempt::first(NOW)));
}

#[test]
fn an_invocation_without_time_for_the_timeout_and_the_settling_write_does_not_claim() {
    let policy = policy(Recovery::SendAgain);
    let late = NOW + Duration::from_millis(1);

    assert_eq!(step(None, &arrive(NOW), &policy, late), unchanged(Then::Wait(late)));
    assert!(step(None, &arrive(NOW), &policy, NOW).next.is_some());
}

#[test]
fn an_invocation_without_time_neither_resends_nor_asks() {
    for recovery in [Recovery::SendAgain, Recovery::LookUp] {
        let policy = policy(recovery);
        let unconfirmed = unconfirmed(&policy);
        let late = unconfirmed.not_before + Duration::from_millis(1);

        let step = step(Some(&unconfirmed), &arrive(unconfirmed.not_before), &policy, late);

        assert_eq!(step, unchanged(Then::Wait(late)), "{recovery:?}");
    }
}

#[test]
fn a_second_order_waits_until_the_sender_is_certainly_dead() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);
    let almost = sending.claim_expires_at - Duration::from_millis(1);

    let step = step(Some(&sending), &arrive(almost), &policy, almost);

    assert_eq!(step, unchanged(Then::Wait(sending.claim_expires_at)));
}

#[test]
fn the_end_of_a_claim_leaves_room_for_clocks_that_differ() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);

    assert_eq!(sending.claim_expires_at, deadline(NOW) + policy.skew);
    assert!(policy.skew >= 30 * SECOND);
}

// Rule 4: fenced settlement.

#[test]
fn each_verdict_has_its_state() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);
    let table = [
        (Verdict::Delivered(Proof::Response), State::Delivered),
        (Verdict::Accepted(None), State::Accepted),
        (Verdict::Skipped(Reason::new("no_cart")), State::Skipped),
        (Verdict::rejected("never"), State::Rejected),
        (Verdict::rejected_now("cap"), State::Rejected),
        (Verdict::parked("key"), State::Parked),
        (Verdict::retry("busy", None), State::Retrying),
        (not_sent(), State::Retrying),
        (Verdict::unconfirmed("db"), State::Unconfirmed),
    ];
    for (verdict, state) in table {
        let next = next(&sending, &settle(verdict.clone()), &policy, NOW + SECOND);

        assert_eq!(next.state, state, "{verdict:?}");
        assert_eq!(next.reason.as_ref().map(Reason::as_str), verdict.words().1, "{verdict:?}");
        assert_eq!(next.in_doubt, state == State::Unconfirmed, "{verdict:?}");
        assert_eq!(next.reached_network, verdict != not_sent(), "{verdict:?}");
        assert_eq!(next.attempt, 1, "{verdict:?}");
    }
}

#[test]
fn a_final_state_leaves_nothing_to_do() {
    let policy = policy(Recovery::SendAgain);
    for verdict in [
        Verdict::Delivered(Proof::Response),
        Verdict::Accepted(None),
        Verdict::Skipped(Reason::new("no_cart")),
        Verdict::rejected("never"),
    ] {
        let settled = step(Some(&sending(&policy)), &settle(verdict), &policy, NOW + SECOND);

        assert_eq!(settled.then, Then::Rest);
        let ended = settled.next.expect("a change");
        assert!(ended.state.is_final());
        assert_eq!(ended.not_before, NOW + SECOND);
        let later = NOW + policy.park * 2;
        assert_eq!(step(Some(&ended), &arrive(later), &policy, later), unchanged(Then::Rest));
    }
}

#[test]
fn the_networks_own_proof_is_kept() {
    let policy = policy(Recovery::SendAgain);
    for proof in [Proof::Response, Proof::Duplicate] {
        let settled =
            next(&sending(&policy), &settle(Verdict::Delivered(proof)), &policy, NOW + SECOND);

        assert_eq!(settled.proof, Some(proof));
    }
}

#[test]
fn a_verdict_does_not_count_for_a_newer_attempt() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;

    for verdict in [Verdict::Delivered(Proof::Response), not_sent(), Verdict::rejected("never")] {
        let step = step(Some(&second), &settle_of(1, verdict, 0), &policy, at);

        assert_eq!(step.next, None);
    }
}

#[test]
fn a_late_success_settles_a_doubt() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let sending = sending(&policy);
        let after = sending.claim_expires_at;
        let expired = next(&sending, &arrive(after), &policy, after);

        let confirmed =
            next(&expired, &settle(Verdict::Delivered(Proof::Response)), &policy, after + SECOND);
        let accepted = next(
            &expired,
            &settle(Verdict::Accepted(Some(Reason::new("cart_gone")))),
            &policy,
            after + SECOND,
        );

        assert_eq!(confirmed.state, State::Delivered);
        assert_eq!((confirmed.proof, confirmed.reason), (Some(Proof::Response), None));
        assert_eq!(accepted.state, State::Accepted);
        assert_eq!(accepted.reason, Some(Reason::new("cart_gone")));
        assert!(!confirmed.in_doubt && !accepted.in_doubt);
    }
}

#[test]
fn a_late_failure_settles_nothing() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let sending = sending(&policy);
        let after = sending.claim_expires_at;
        let expired = next(&sending, &arrive(after), &policy, after);

        for verdict in [not_sent(), Verdict::rejected("never"), Verdict::parked("key")] {
            let step = step(Some(&expired), &settle(verdict), &policy, after + SECOND);

            assert_eq!(step.next, None, "{recovery:?}");
        }
    }
}

#[test]
fn a_late_success_does_not_undo_what_is_certain() {
    let policy = policy(Recovery::Hold);
    let rejected =
        next(&sending(&policy), &settle(Verdict::rejected("never")), &policy, NOW + SECOND);

    let late = settle(Verdict::Delivered(Proof::Response));

    assert_eq!(step(Some(&rejected), &late, &policy, NOW + 2 * SECOND).next, None);
}

// Whoever held the order still has to bring it back: nobody else may.

#[test]
fn a_late_sender_that_settles_nothing_still_brings_the_order_back() {
    let policy = policy(Recovery::LookUp);
    let sending = sending(&policy);
    let after = sending.claim_expires_at;
    let expired = next(&sending, &arrive(after), &policy, after);

    let late = step(Some(&expired), &settle(Verdict::unconfirmed("db")), &policy, after + SECOND);

    assert_eq!(late, unchanged(Then::Wait(expired.not_before)));
}

#[test]
fn a_late_sender_leaves_what_is_held_to_the_person() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);
    let after = sending.claim_expires_at;
    let expired = next(&sending, &arrive(after), &policy, after);

    let late = step(Some(&expired), &settle(not_sent()), &policy, after + SECOND);

    assert_eq!(late, unchanged(Then::Rest));
}

#[test]
fn an_answer_that_is_no_longer_asked_for_still_brings_the_order_back() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;
    let second = next(&unconfirmed, &absent(at), &policy, at);
    let retrying = next(&second, &settle_of(2, not_sent(), Jitter::MAX), &policy, at + SECOND);

    for asked in [absent(at), found(at)] {
        let while_sending = step(Some(&second), &asked, &policy, at);
        let while_retrying = step(Some(&retrying), &asked, &policy, at + SECOND);

        assert_eq!(while_sending, unchanged(Then::Wait(second.claim_expires_at)));
        assert_eq!(while_retrying, unchanged(Then::Wait(retrying.not_before)));
    }
}

// Rule 5: an expired claim is not free to take.

#[test]
fn an_expired_claim_means_maybe_sent() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let sending = sending(&policy);
        let after = sending.claim_expires_at;

        let step = step(Some(&sending), &arrive(after), &policy, after);

        let expired = step.next.expect("a change");
        assert_eq!((expired.state, expired.attempt), (State::Unconfirmed, 1), "{recovery:?}");
        assert_eq!(expired.reason, Some(Reason::new("sender_died")));
        assert!(expired.in_doubt && expired.reached_network);
        assert!(!matches!(step.then, Then::Send(_) | Then::LookUp), "{recovery:?}");
    }
}

// Rule 6: recovery by the network's nature.

#[test]
fn a_network_that_deduplicates_is_told_again() {
    let (second, _) = sending_in_doubt();

    assert_eq!((second.state, second.attempt), (State::Sending, 2));
    assert_eq!(second.reason, None);
    assert!(second.in_doubt && second.reached_network);
}

#[test]
fn a_lost_answer_says_when_to_come_back() {
    let lost = settle_of(1, Verdict::unconfirmed("db"), Jitter::MAX);
    for (recovery, wanted) in [
        (Recovery::SendAgain, Then::Wait(NOW + 31 * SECOND)),
        (Recovery::LookUp, Then::Wait(NOW + 45 * SECOND + LAG)),
        (Recovery::Hold, Then::Rest),
    ] {
        let policy = policy(recovery);

        let step = step(Some(&sending(&policy)), &lost, &policy, NOW + SECOND);

        assert_eq!(step.then, wanted, "{recovery:?}");
    }
}

#[test]
fn the_second_attempt_knows_that_an_earlier_one_may_have_arrived() {
    let policy = policy(Recovery::SendAgain);
    let lost = unconfirmed(&policy);
    let kept = next(&sending(&policy), &settle(not_sent()), &policy, NOW);

    let after_lost = step(Some(&lost), &arrive(lost.not_before), &policy, lost.not_before).then;
    let after_kept = step(Some(&kept), &arrive(kept.not_before), &policy, kept.not_before).then;

    let at = lost.not_before;
    assert_eq!(after_lost, Then::Send(Attempt::after_a_lost_answer(at)));
    let at = kept.not_before;
    let attempt = Attempt { number: 2, at, reached_network_before: false, in_doubt: false };
    assert_eq!(after_kept, Then::Send(attempt));
}

#[test]
fn a_network_is_not_asked_before_it_can_show_what_a_dead_sender_sent() {
    let policy = policy(Recovery::LookUp);
    let sending = sending(&policy);
    let settled = unconfirmed(&policy);
    let late = sending.claim_expires_at + 10 * SECOND;
    let expired = next(&sending, &arrive(late), &policy, late);

    assert_eq!(settled.not_before, sending.claim_expires_at + LAG);
    assert_eq!(expired.not_before, late + LAG);
    let early = settled.not_before - SECOND;
    let too_early = step(Some(&settled), &arrive(early), &policy, early);
    assert_eq!(too_early, unchanged(Then::Wait(settled.not_before)));
    let due = settled.not_before;
    assert_eq!(step(Some(&settled), &arrive(due), &policy, due), unchanged(Then::LookUp));
}

#[test]
fn what_is_found_is_delivered() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;

    let delivered = next(&unconfirmed, &found(at), &policy, at);

    assert_eq!((delivered.state, delivered.proof), (State::Delivered, Some(Proof::Lookup)));
    assert!(!delivered.in_doubt);
}

#[test]
fn what_is_not_there_in_time_is_sent_again_without_doubt() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;

    let step = step(Some(&unconfirmed), &absent(at), &policy, at);

    let claim = step.next.expect("a claim");
    assert_eq!((claim.state, claim.attempt, claim.in_doubt), (State::Sending, 2, false));
    assert!(matches!(step.then, Then::Send(Attempt { number: 2, in_doubt: false, .. })));
}

#[test]
fn not_there_is_not_believed_when_it_was_asked_too_early() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let asked = unconfirmed.not_before - Duration::from_millis(1);
    let now = unconfirmed.not_before + SECOND;

    let step = step(Some(&unconfirmed), &absent_until(asked, now + policy.park), &policy, now);

    assert_eq!(step, unchanged(Then::Wait(unconfirmed.not_before)));
}

#[test]
fn not_there_is_not_acted_on_without_time_to_send() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;
    let late = at + SECOND;

    assert_eq!(step(Some(&unconfirmed), &absent(at), &policy, late), unchanged(Then::Wait(late)));
}

#[test]
fn an_unanswered_question_is_asked_again_after_a_pause() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;
    let asked = |jitter| {
        let lookup = Lookup::Failed { reason: Reason::new("answer_timeout") };
        let event = Event::LookedUp { asked: at, lookup, deadline: deadline(at), jitter };
        step(Some(&unconfirmed), &event, &policy, at)
    };

    assert_eq!(asked(0), unchanged(Then::Wait(at + policy.backoff)));
    assert_eq!(asked(Jitter::MAX), unchanged(Then::Wait(at + policy.backoff * 8)));
}

#[test]
fn a_duplicate_that_is_not_ours_is_rejected() {
    let policy = policy(Recovery::LookUp);
    let reason = Reason::new("duplicate");
    let verdict = Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject };
    let unclear = next(&sending(&policy), &settle(verdict), &policy, NOW + SECOND);
    let at = unclear.not_before;

    let step = step(Some(&unclear), &absent(at), &policy, at);

    let rejected = step.next.expect("a change");
    assert_eq!(rejected.state, State::Rejected);
    assert_eq!(rejected.reason, Some(Reason::new("duplicate_elsewhere")));
    assert!(!rejected.in_doubt);
    assert_eq!(step.then, Then::Rest);
}

#[test]
fn what_a_duplicate_meant_is_forgotten_with_the_next_attempt() {
    let policy = policy(Recovery::LookUp);
    let reason = Reason::new("duplicate");
    let verdict = Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject };
    let unclear = next(&sending(&policy), &settle(verdict), &policy, NOW + SECOND);
    let decided = next(&unclear, &decide(1, Decision::SendAgain), &policy, NOW + 2 * SECOND);
    let at = decided.not_before;
    let second = next(&decided, &arrive(at), &policy, at);

    let expired = next(&second, &arrive(second.claim_expires_at), &policy, second.claim_expires_at);

    assert_eq!(expired.if_absent, IfAbsent::SendAgain);
}

#[test]
fn only_a_person_resolves_what_is_held() {
    let policy = policy(Recovery::Hold);
    let held = unconfirmed(&policy);
    let much_later = NOW + Duration::from_hours(1_000);

    let again = step(Some(&held), &arrive(much_later), &policy, much_later);
    assert_eq!(again, unchanged(Then::Rest));

    let it_is_there = decide(1, Decision::Delivered);
    let delivered = next(&held, &it_is_there, &policy, much_later);
    assert_eq!((delivered.state, delivered.proof), (State::Delivered, Some(Proof::Operator)));

    let send_it = decide(1, Decision::SendAgain);
    let decided = step(Some(&held), &send_it, &policy, much_later);
    let retrying = decided.next.expect("a change");
    assert_eq!((retrying.state, retrying.in_doubt), (State::Retrying, false));
    assert_eq!(retrying.reason, Some(Reason::new("operator")));
    assert_eq!(retrying.not_before, much_later);
    assert_eq!(decided.then, Then::Wait(much_later));
    let second = step(Some(&retrying), &arrive(much_later), &policy, much_later);
    assert!(matches!(second.then, Then::Send(Attempt { number: 2, .. })));
}

#[test]
fn a_person_decides_only_what_is_open() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);
    let retrying = next(&sending, &settle(not_sent()), &policy, NOW);
    let rejected = next(&sending, &settle(Verdict::rejected("never")), &policy, NOW);

    for closed in [&sending, &retrying, &rejected] {
        for decision in [Decision::Delivered, Decision::SendAgain] {
            let step = step(Some(closed), &decide(1, decision), &policy, NOW + SECOND);

            assert_eq!(step, unchanged(Then::Rest));
        }
    }
    let parked = parked(&policy);
    let again = next(&parked, &decide(1, Decision::SendAgain), &policy, NOW + SECOND);
    assert_eq!((again.state, again.parked_settings), (State::Retrying, None));
}

#[test]
fn a_decision_counts_only_for_the_attempt_that_the_person_saw() {
    let policy = policy(Recovery::Hold);
    let held = unconfirmed(&policy);
    let retrying = next(&held, &decide(1, Decision::SendAgain), &policy, NOW + SECOND);
    let second = next(&retrying, &arrive(NOW + SECOND), &policy, NOW + SECOND);
    let again =
        next(&second, &settle_of(2, Verdict::unconfirmed("lost"), 0), &policy, NOW + 2 * SECOND);
    assert_eq!((again.state, again.attempt), (State::Unconfirmed, 2));

    for decision in [Decision::Delivered, Decision::SendAgain] {
        for seen in [0, 1, 3] {
            let step = step(Some(&again), &decide(seen, decision), &policy, NOW + 3 * SECOND);

            assert_eq!(step, unchanged(Then::Rest), "{decision:?} after attempt {seen}");
        }
        let decided = next(&again, &decide(2, decision), &policy, NOW + 3 * SECOND);
        assert_ne!(decided.state, State::Unconfirmed, "{decision:?}");
    }
}

#[test]
fn a_doubt_outlives_later_failures() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;
    let skipped = Verdict::Skipped(Reason::new("no_cart"));

    for verdict in [not_sent(), Verdict::retry("busy", None), Verdict::rejected_now("cap"), skipped]
    {
        let next = next(&second, &settle_of(2, verdict.clone(), 0), &policy, at);

        assert_eq!((next.state, next.in_doubt), (State::Unconfirmed, true), "{verdict:?}");
    }
    let parked = next(&second, &settle_of(2, Verdict::parked("key"), 0), &policy, at);
    assert_eq!((parked.state, parked.in_doubt), (State::Parked, true));
}

#[test]
fn a_doubt_that_is_not_answered_is_not_hammered() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;
    let skipped = Verdict::Skipped(Reason::new("no_cart"));

    for verdict in [Verdict::rejected_now("cap"), skipped] {
        let next = next(&second, &settle_of(2, verdict.clone(), Jitter::MAX), &policy, at);

        assert!(next.not_before > at, "{verdict:?}");
    }
}

#[test]
fn a_doubt_ends_with_a_success_or_a_refusal_of_the_order_itself() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;

    for verdict in
        [Verdict::Delivered(Proof::Duplicate), Verdict::Accepted(None), Verdict::rejected("never")]
    {
        let next = next(&second, &settle_of(2, verdict, 0), &policy, at);

        assert!(next.state.is_final() && !next.in_doubt);
    }
}

#[test]
fn a_person_looks_when_a_doubt_has_used_up_its_attempts() {
    let (second, policy) = sending_in_doubt();
    let last = Delivery { attempt: policy.attempts, ..second };
    let at = last.claim_expires_at - SECOND;

    let no_answer = settle_of(policy.attempts, Verdict::unconfirmed("db"), 0);
    let settled = step(Some(&last), &no_answer, &policy, at);

    assert_eq!(settled.then, Then::Rest);
    let held = settled.next.expect("a change");
    let later = at + policy.park;
    assert_eq!(step(Some(&held), &arrive(later), &policy, later), unchanged(Then::Rest));
}

#[test]
fn a_network_that_can_be_asked_is_asked_even_after_the_last_attempt() {
    let policy = policy(Recovery::LookUp);
    let last = Delivery { attempt: policy.attempts, ..unconfirmed(&policy) };
    let at = last.not_before;

    assert_eq!(step(Some(&last), &arrive(at), &policy, at), unchanged(Then::LookUp));
    let parked = step(Some(&last), &absent(at), &policy, at);
    assert_eq!(parked.then, Then::Wait(at + policy.park));
    let parked = parked.next.expect("a change");
    assert_eq!((parked.state, parked.in_doubt), (State::Parked, false));
    assert_eq!(parked.reason, Some(Reason::new("retries_exhausted")));
}

#[test]
fn spent_attempts_are_not_mended_by_settings_that_have_not_changed() {
    let policy = policy(Recovery::LookUp);
    let last = Delivery { attempt: policy.attempts, ..unconfirmed(&policy) };
    let at = last.not_before;
    let parked = next(&last, &absent(at), &policy, at);

    let step = step(Some(&parked), &arrive(at + SECOND), &policy, at + SECOND);

    assert_eq!(step, unchanged(Then::Wait(parked.not_before)));
}

// Rule 7: the same order with other content.

#[test]
fn other_content_is_a_conflict_and_sends_nothing() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let sending = sending(&policy);
        let delivered =
            next(&sending, &settle(Verdict::Delivered(Proof::Response)), &policy, NOW + SECOND);
        let after = sending.claim_expires_at + policy.park;
        for known in [&sending, &delivered, &unconfirmed(&policy), &parked(&policy)] {
            let other = Event::Arrive {
                content: Fingerprint::of(&"another order"),
                deadline: deadline(after),
                settings: "v2".to_owned(),
                paused: None,
            };

            assert_eq!(step(Some(known), &other, &policy, after), unchanged(Then::Conflict));
        }
    }
}

#[test]
fn an_order_of_ours_that_was_refused_before_any_attempt_may_come_mended() {
    let policy = policy(Recovery::Hold);
    let reason = Reason::new("no_offer");
    let refuse = Event::Refuse { content: Fingerprint::of(&"bad"), reason: reason.clone() };
    let refused = step(None, &refuse, &policy, NOW);
    assert_eq!(refused.then, Then::Rest);
    let refused = refused.next.expect("a record");
    assert_eq!((refused.state, refused.attempt), (State::Rejected, 0));
    assert_eq!(refused.reason, Some(reason));

    let later = NOW + SECOND;
    assert_eq!(step(Some(&refused), &refuse, &policy, later), unchanged(Then::Rest));
    let other = Event::Refuse { content: content(), reason: Reason::new("other") };
    assert_eq!(next(&refused, &other, &policy, later).first_seen_at, NOW);
    let claim = next(&refused, &arrive(later), &policy, later);
    assert_eq!((claim.state, claim.attempt, claim.first_seen_at), (State::Sending, 1, NOW));
    assert_eq!(claim.content, content());
}

#[test]
fn an_order_that_was_refused_after_an_attempt_stays_refused() {
    let policy = policy(Recovery::Hold);
    let rejected = next(&sending(&policy), &settle(Verdict::rejected("never")), &policy, NOW);
    let refuse = Event::Refuse { content: Fingerprint::of(&"bad"), reason: Reason::new("bad") };

    assert_eq!(step(Some(&rejected), &refuse, &policy, NOW), unchanged(Then::Conflict));
    assert_eq!(step(Some(&rejected), &arrive(NOW), &policy, NOW), unchanged(Then::Rest));
}

#[test]
fn an_open_order_that_can_no_longer_be_phrased_waits_for_settings_that_do() {
    let policy = policy(Recovery::Hold);
    let refuse = Event::Refuse { content: Fingerprint::of(&"bad"), reason: Reason::new("bad") };

    let step = step(Some(&parked(&policy)), &refuse, &policy, NOW);

    assert_eq!(step, unchanged(Then::Wait(NOW + policy.park)));
}

#[test]
fn equal_reports_have_equal_fingerprints_and_others_do_not() {
    assert_eq!(Fingerprint::of(&("A-1", 2)), Fingerprint::of(&("A-1", 2)));
    assert_ne!(Fingerprint::of(&("A-1", 2)), Fingerprint::of(&("A-1", 3)));
    let hex = serde_json::to_string(&Fingerprint::of(&"abc")).expect("a string");
    assert_eq!(hex.len(), 64 + 2);
}

// Rule 8: the guard.

#[test]
fn a_delivered_order_is_not_told_again_after_400_days() {
    let policy = policy(Recovery::SendAgain);
    let delivered =
        next(&sending(&policy), &settle(Verdict::Delivered(Proof::Response)), &policy, NOW);
    let later = NOW + Duration::from_hours(400 * 24);

    assert_eq!(step(Some(&delivered), &arrive(later), &policy, later), unchanged(Then::Rest));
}

// Rule 9: waiting.

#[test]
fn a_pause_is_anything_from_nothing_to_twice_the_last_one() {
    let policy = policy(Recovery::Hold);
    let pause = |attempt, jitter| {
        let sending = Delivery { attempt, ..sending(&policy) };
        next(&sending, &settle_of(attempt, not_sent(), jitter), &policy, NOW).not_before
    };

    for (attempt, most) in [(1, 30), (2, 60), (3, 120), (4, 240), (10, 15_360), (11, 21_600)] {
        assert_eq!(pause(attempt, 0), NOW);
        assert_eq!(pause(attempt, Jitter::MAX), NOW + Duration::from_secs(most), "{attempt}");
        let half = pause(attempt, Jitter::MAX / 2).as_millis() - NOW.as_millis();
        assert!((half - i64::try_from(most).expect("small") * 500).abs() <= 1, "{attempt}");
    }
}

#[test]
fn the_pause_never_exceeds_its_cap_whatever_the_attempt() {
    let policy = Policy { attempts: u32::MAX, ..policy(Recovery::Hold) };
    for attempt in [12, 19, 40, u32::MAX - 1] {
        let sending = Delivery { attempt, ..sending(&policy) };
        let retrying = next(&sending, &settle_of(attempt, not_sent(), Jitter::MAX), &policy, NOW);

        assert_eq!(retrying.not_before, NOW + Duration::from_hours(6), "{attempt}");
    }
}

#[test]
fn retry_after_is_respected_and_never_shortens_the_pause() {
    let policy = policy(Recovery::Hold);
    let wait = |after, jitter| {
        let verdict = Verdict::retry("busy", Some(Duration::from_secs(after)));
        next(&sending(&policy), &settle_of(1, verdict, jitter), &policy, NOW).not_before
    };

    assert_eq!(wait(120, 0), NOW + 120 * SECOND);
    assert_eq!(wait(120, Jitter::MAX), NOW + 120 * SECOND);
    assert_eq!(wait(1, Jitter::MAX), NOW + 30 * SECOND);
}

#[test]
fn nothing_is_sent_before_the_pause_is_over() {
    let policy = policy(Recovery::Hold);
    let retrying = next(&sending(&policy), &settle_of(1, not_sent(), Jitter::MAX), &policy, NOW);
    let due = retrying.not_before;
    let early = due - Duration::from_millis(1);

    let waits = step(Some(&retrying), &arrive(early), &policy, early);
    assert_eq!(waits, unchanged(Then::Wait(due)));
    let goes = step(Some(&retrying), &arrive(due), &policy, due);
    assert!(matches!(goes.then, Then::Send(Attempt { number: 2, .. })));
}

#[test]
fn a_delivery_that_used_up_its_attempts_is_parked() {
    let policy = policy(Recovery::Hold);
    for (attempt, state) in [(19, State::Retrying), (20, State::Parked), (21, State::Parked)] {
        let sending = Delivery { attempt, ..sending(&policy) };

        let settled = next(&sending, &settle_of(attempt, not_sent(), 0), &policy, NOW + SECOND);

        assert_eq!(settled.state, state, "{attempt}");
        if state == State::Parked {
            assert_eq!(settled.reason, Some(Reason::new("retries_exhausted")));
            assert_eq!(settled.not_before, NOW + SECOND + policy.park);
            assert_eq!(settled.parked_settings.as_deref(), Some("v1"));
        }
    }
}

#[test]
fn a_delivery_that_used_up_its_time_is_parked() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);
    let end = NOW + Duration::from_hours(4 * 24);

    let before = next(&sending, &settle(not_sent()), &policy, end - SECOND);
    let after = next(&sending, &settle(not_sent()), &policy, end);

    assert_eq!((before.state, after.state), (State::Retrying, State::Parked));
}

#[test]
fn being_deferred_burns_no_attempt() {
    let policy = policy(Recovery::SendAgain);
    let sending = sending(&policy);
    let retrying = next(&sending, &settle_of(1, not_sent(), Jitter::MAX), &policy, NOW);
    let until = NOW + Duration::from_mins(5);

    assert_eq!(step(Some(&sending), &arrive(NOW), &policy, NOW).next, None);
    assert_eq!(step(Some(&retrying), &arrive(NOW), &policy, NOW).next, None);
    let due = retrying.not_before;
    let paused = step(Some(&retrying), &arrive_paused(due, until), &policy, due);
    assert_eq!(paused, unchanged(Then::Wait(until)));
}

#[test]
fn a_paused_network_is_sent_nothing_and_the_order_is_kept() {
    let policy = policy(Recovery::LookUp);
    let until = NOW + Duration::from_mins(5);

    let kept = step(None, &arrive_paused(NOW, until), &policy, NOW);

    assert_eq!(kept.then, Then::Wait(until));
    let parked = kept.next.expect("a record");
    assert_eq!((parked.state, parked.attempt, parked.not_before), (State::Parked, 0, until));
    assert_eq!(parked.reason, Some(Reason::new("key")));
    assert_eq!(parked.parked_settings.as_deref(), Some("v1"));
    let again = step(Some(&parked), &arrive_paused(until, until + SECOND), &policy, until);
    assert_eq!(again, unchanged(Then::Wait(until + SECOND)));
    let unconfirmed = unconfirmed(&policy);
    let due = unconfirmed.not_before;
    let asks = step(Some(&unconfirmed), &arrive_paused(due, due + SECOND), &policy, due);
    assert_eq!(asks, unchanged(Then::Wait(due + SECOND)));
}

#[test]
fn a_parked_order_is_sent_when_a_setting_has_changed_or_its_time_has_come() {
    let policy = policy(Recovery::Hold);
    let parked = parked(&policy);
    let due = parked.not_before;
    assert_eq!(due, NOW + SECOND + Duration::from_hours(1));
    let soon = NOW + 2 * SECOND;

    let same = step(Some(&parked), &arrive_with(soon, "v1"), &policy, soon);
    let mended = step(Some(&parked), &arrive_with(soon, "v2"), &policy, soon);
    let probed = step(Some(&parked), &arrive_with(due, "v1"), &policy, due);

    assert_eq!(same, unchanged(Then::Wait(due)));
    assert!(matches!(mended.then, Then::Send(Attempt { number: 2, .. })));
    assert!(matches!(probed.then, Then::Send(Attempt { number: 2, .. })));
    assert_eq!(mended.next.expect("a claim").parked_settings, None);
}

#[test]
fn what_nobody_understands_is_not_probed() {
    let policy = policy(Recovery::Hold);
    let verdict = Verdict::parked_until_mended("unknown_code");
    let parked = next(&sending(&policy), &settle(verdict), &policy, NOW);
    let later = NOW + Duration::from_hours(300 * 24);

    let same = step(Some(&parked), &arrive_with(later, "v1"), &policy, later);
    let mended = step(Some(&parked), &arrive_with(later, "v2"), &policy, later);

    assert_eq!(same, unchanged(Then::Wait(NOW + crate::delivery::RETENTION)));
    assert!(matches!(mended.then, Then::Send(_)));
}

#[test]
fn a_parked_doubt_is_resolved_by_the_networks_nature_once_mended() {
    for (recovery, wanted) in [(Recovery::LookUp, Then::LookUp), (Recovery::Hold, Then::Rest)] {
        let policy = policy(recovery);
        let parked = Delivery { in_doubt: true, ..parked(&policy) };
        let soon = NOW + 2 * SECOND;

        let step = step(Some(&parked), &arrive_with(soon, "v2"), &policy, soon);

        assert_eq!(step, unchanged(wanted), "{recovery:?}");
    }
}

#[test]
fn what_concerns_no_delivery_changes_nothing() {
    let policy = policy(Recovery::LookUp);
    for event in [
        settle(Verdict::Delivered(Proof::Response)),
        absent(NOW),
        found(NOW),
        decide(0, Decision::SendAgain),
    ] {
        assert_eq!(step(None, &event, &policy, NOW), unchanged(Then::Rest));
    }
}

#[test]
fn a_states_words_and_nature_are_stable() {
    let words: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();

    assert_eq!(
        words,
        [
            "sending",
            "delivered",
            "accepted",
            "skipped",
            "rejected",
            "parked",
            "retrying",
            "unconfirmed"
        ]
    );
    let quiet: Vec<_> = State::ALL.into_iter().filter(|state| !state.is_announced()).collect();
    assert_eq!(quiet, [State::Sending, State::Retrying]);
}
