//! Lookups: "not there" counts twice and not too early.

use super::*;

fn asked() -> (Delivery, Policy) {
    let policy = policy(Recovery::LookUp);
    (unconfirmed(&policy), policy)
}

/// After the first clean "not there".
fn absent_once() -> (Delivery, Policy) {
    let (unconfirmed, policy) = asked();
    let at = unconfirmed.not_before;
    (next(&unconfirmed, &absent(at), &policy, at), policy)
}

/// The doubt that a "duplicate" left whose owner a lookup has to find.
fn duplicate_of_whom() -> (Delivery, Policy) {
    let policy = policy(Recovery::LookUp);
    let reason = Reason::new("duplicate");
    let verdict = Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject };
    (settled(&policy, verdict), policy)
}

#[test]
fn a_network_is_not_asked_before_it_can_show_what_a_dead_sender_sent() {
    let (settled, policy) = asked();
    let sending = sending(&policy);
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
fn what_is_found_is_delivered_in_every_state_of_the_doubt() {
    let (unconfirmed, policy) = asked();
    let at = unconfirmed.not_before;
    let parked = Delivery { state: State::Parked, ..unconfirmed.clone() };
    let cancelled = next(&unconfirmed, &cancel(None), &policy, at);
    let abandoned = next(&unconfirmed, &decide(&unconfirmed, Decision::Abandon), &policy, at);

    for held in [unconfirmed, parked, cancelled, abandoned] {
        let delivered = next(&held, &found(at), &policy, at);

        assert_eq!((delivered.state, delivered.proof), (State::Delivered, Some(Proof::Lookup)));
        assert!(!delivered.in_doubt());
    }
}

#[test]
fn not_there_counts_when_it_is_said_twice_some_minutes_apart() {
    let (once, policy) = absent_once();
    let at = asked().0.not_before;

    assert_eq!((once.state, once.not_before), (State::Unconfirmed, at + policy.absence));
    assert_eq!(once.doubt.as_ref().and_then(|doubt| doubt.absent_at), Some(at));
    let soon = at + policy.absence - SECOND;
    let early = step(Some(&once), &absent(soon), &policy, soon);
    assert_eq!(early, unchanged(Then::Wait(once.not_before)));
    let due = once.not_before;
    let sent = step(Some(&once), &absent(due), &policy, due);
    let claim = sent.next.expect("a claim");
    assert_eq!((claim.state, claim.attempt, claim.in_doubt()), (State::Sending, 2, false));
    assert!(matches!(sent.then, Then::Send(Attempt { number: 2, in_doubt: false, .. })));
}

#[test]
fn a_second_not_there_too_soon_after_the_first_does_not_count() {
    let (once, policy) = absent_once();
    let first = asked().0.not_before;
    let asked = Delivery { not_before: first, ..once };
    let soon = first + policy.absence - SECOND;

    let again = step(Some(&asked), &absent(soon), &policy, soon);

    assert_eq!(again.then, Then::Wait(soon + policy.absence));
    let doubt = again.next.and_then(|next| next.doubt).expect("a doubt");
    assert_eq!(doubt.absent_at, Some(first));
}

#[test]
fn not_there_is_not_believed_when_it_was_asked_too_early() {
    let (unconfirmed, policy) = asked();
    let asked = unconfirmed.not_before - Duration::from_millis(1);
    let now = unconfirmed.not_before + SECOND;

    let step = step(Some(&unconfirmed), &absent(asked), &policy, now);

    assert_eq!(step, unchanged(Then::Wait(unconfirmed.not_before)));
}

#[test]
fn not_there_of_an_earlier_doubt_does_not_count_for_a_later_one() {
    let (once, policy) = absent_once();
    let due = once.not_before;
    let second = next(&once, &absent(due), &policy, due);

    let again = next(&second, &settle_of(2, lost(), 0), &policy, due + SECOND);

    assert_eq!(again.doubt.and_then(|doubt| doubt.absent_at), None);
}

#[test]
fn a_lost_answer_in_doubt_forgets_what_was_said_of_the_doubt_before() {
    let (sending, policy) = sending_in_doubt();
    let before = sending.doubt.clone();
    let doubt =
        before.map(|doubt| Doubt { if_absent: IfAbsent::Reject, absent_at: Some(NOW), ..doubt });
    let at = sending.not_before + SECOND;

    let again = next(&Delivery { doubt, ..sending }, &settle_of(2, lost(), 0), &policy, at);

    let doubt = again.doubt.expect("a doubt");
    assert_eq!(
        (doubt.if_absent, doubt.absent_at, doubt.since),
        (IfAbsent::SendAgain, None, NOW + SECOND)
    );
}

#[test]
fn not_there_is_not_acted_on_without_time_to_send() {
    let (once, policy) = absent_once();
    let due = once.not_before;
    let late = due + SECOND;

    assert_eq!(step(Some(&once), &absent(due), &policy, late), unchanged(Then::Wait(late)));
}

#[test]
fn an_unanswered_question_is_asked_again_after_a_pause() {
    let (unconfirmed, policy) = asked();
    let at = unconfirmed.not_before;
    let asked = |jitter| {
        let lookup = Lookup::Failed { reason: Reason::new("answer_timeout") };
        let event = Event::LookedUp {
            asked: at,
            lookup,
            is_plannable: true,
            deadline: deadline(at),
            jitter,
        };
        step(Some(&unconfirmed), &event, &policy, at)
    };

    assert_eq!(asked(0), unchanged(Then::Wait(at + policy.backoff)));
    assert_eq!(asked(Jitter::MAX), unchanged(Then::Wait(at + policy.backoff * 8)));
}

#[test]
fn a_duplicate_that_is_not_there_as_ours_is_rejected() {
    let (unclear, policy) = duplicate_of_whom();
    let once = next(&unclear, &absent(unclear.not_before), &policy, unclear.not_before);

    let step = step(Some(&once), &absent(once.not_before), &policy, once.not_before);

    let rejected = step.next.expect("a change");
    assert_eq!(rejected.state, State::Rejected);
    assert_eq!(rejected.reason, Some(Reason::new("duplicate_elsewhere")));
    assert!(!rejected.in_doubt());
    assert_eq!(step.then, Then::Rest);
}

#[test]
fn the_meaning_of_a_duplicate_is_forgotten_with_the_next_attempt() {
    let (unclear, policy) = duplicate_of_whom();
    let permitted = next(&unclear, &decide(&unclear, Decision::PermitSending), &policy, NOW);
    let second = next(&permitted, &arrive(NOW), &policy, NOW);

    let expired = next(&second, &Event::Expire, &policy, second.claim_expires_at);

    let doubt = expired.doubt.expect("a doubt");
    assert_eq!((doubt.if_absent, doubt.absent_at), (IfAbsent::SendAgain, None));
}

#[test]
fn an_answer_that_is_no_longer_asked_for_still_brings_the_order_back() {
    let (once, policy) = absent_once();
    let at = once.not_before;
    let second = next(&once, &absent(at), &policy, at);
    let retrying = next(&second, &settle_of(2, not_sent(), Jitter::MAX), &policy, at + SECOND);

    for answer in [absent(at), found(at)] {
        let while_sending = step(Some(&second), &answer, &policy, at);
        let while_retrying = step(Some(&retrying), &answer, &policy, at + SECOND);

        assert_eq!(while_sending, unchanged(Then::Wait(second.claim_expires_at)));
        assert_eq!(while_retrying, unchanged(Then::Wait(retrying.not_before)));
    }
}

#[test]
fn not_there_sends_nothing_of_what_a_person_gave_up_meanwhile() {
    let (once, policy) = absent_once();
    let at = once.not_before;
    let abandoned = next(&once, &decide(&once, Decision::Abandon), &policy, at);
    let failed = Lookup::Failed { reason: Reason::new("answer_timeout") };

    for lookup in [Lookup::Absent, failed] {
        let step = step(Some(&abandoned), &looked_up(at, lookup), &policy, at);

        assert_eq!(step, unchanged(Then::Rest));
    }
}

#[test]
fn a_network_that_can_be_asked_is_asked_even_after_the_last_attempt() {
    let (once, policy) = absent_once();
    let last = Delivery { attempt: policy.attempts, ..once };
    let at = last.not_before;

    assert_eq!(step(Some(&last), &arrive(at), &policy, at), unchanged(Then::LookUp));
    let parked = step(Some(&last), &absent(at), &policy, at);
    assert_eq!(parked.then, Then::Wait(at + policy.park));
    let parked = parked.next.expect("a change");
    assert_eq!((parked.state, parked.in_doubt()), (State::Parked, false));
    assert_eq!(parked.reason, Some(Reason::new("retries_exhausted")));
    let early = step(Some(&parked), &arrive(at + SECOND), &policy, at + SECOND);
    assert_eq!(early, unchanged(Then::Wait(parked.not_before)));
}

#[test]
fn not_there_sends_nothing_of_what_only_a_person_may_decide() {
    let held = held();
    let at = held.not_before + HOUR;

    let step = step(Some(&held), &absent(at), &policy(Recovery::LookUp), at);

    assert_eq!(step, unchanged(Then::Rest));
}
