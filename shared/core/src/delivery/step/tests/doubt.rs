//! Doubt: it is resolved by the network's nature, and outlives everything that settles nothing.

use super::*;

#[test]
fn a_network_that_deduplicates_is_sent_the_order_again() {
    let (second, _) = sending_in_doubt();

    assert_eq!((second.state, second.attempt), (State::Sending, 2));
    assert_eq!(second.reason, None);
    assert!(second.in_doubt());
}

#[test]
fn a_lost_answer_says_when_to_come_back() {
    let lost = settle_of(1, lost(), Jitter::MAX);
    for (recovery, wanted) in [
        (Recovery::SendAgain, Then::Wait(NOW + 31 * SECOND)),
        (Recovery::SendOnceMore, Then::Wait(NOW + 31 * SECOND)),
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
    let (lost, kept) = (unconfirmed(&policy), settled(&policy, not_sent()));

    let after_lost = step(Some(&lost), &arrive(lost.not_before), &policy, lost.not_before).then;
    let after_kept = step(Some(&kept), &arrive(kept.not_before), &policy, kept.not_before).then;

    assert_eq!(after_lost, Then::Send(Attempt::after_a_lost_answer(lost.not_before)));
    let attempt = Attempt { number: 2, at: kept.not_before, in_doubt: false };
    assert_eq!(after_kept, Then::Send(attempt));
}

#[test]
fn nothing_is_sent_before_the_pause_is_over() {
    let policy = policy(Recovery::Hold);
    let retrying = retrying(&policy);
    let due = retrying.not_before;
    let early = due - Duration::from_millis(1);

    let waits = step(Some(&retrying), &arrive(early), &policy, early);
    assert_eq!(waits, unchanged(Then::Wait(due)));
    let goes = step(Some(&retrying), &arrive(due), &policy, due);
    assert!(matches!(goes.then, Then::Send(Attempt { number: 2, .. })));
}

#[test]
fn a_doubt_keeps_its_beginning_and_its_terms_through_later_attempts() {
    let (second, policy) = sending_in_doubt();
    let other = Policy { recovery: Recovery::Hold, ..policy };

    let again = next(&second, &settle_of(2, lost(), 0), &other, NOW + HOUR);

    assert_eq!(again.doubt, second.doubt);
    let doubt = again.doubt.expect("a doubt");
    assert_eq!((doubt.since, doubt.recovery), (NOW + SECOND, Recovery::SendAgain));
}

#[test]
fn a_doubt_outlives_every_failure() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;
    let skipped = Verdict::Skipped(Reason::new("no_cart"));

    for verdict in [not_sent(), Verdict::retry("busy", None), Verdict::rejected("cap"), skipped] {
        let next = next(&second, &settle_of(2, verdict.clone(), 0), &policy, at);

        assert_eq!((next.state, next.in_doubt()), (State::Unconfirmed, true), "{verdict:?}");
    }
    let parked = next(&second, &settle_of(2, Verdict::parked("key"), 0), &policy, at);
    assert_eq!((parked.state, parked.in_doubt()), (State::Parked, true));
}

#[test]
fn a_refusal_in_doubt_ends_the_resending_and_a_person_decides() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;

    for verdict in [Verdict::rejected("invalid_click"), Verdict::Skipped(Reason::new("no_cart"))] {
        let refused = step(Some(&second), &settle_of(2, verdict, 0), &policy, at);

        assert_eq!(refused.then, Then::Rest);
        let held = refused.next.expect("a change");
        let later = at + 30 * DAY;
        assert_eq!(step(Some(&held), &arrive(later), &policy, later), unchanged(Then::Rest));
    }
}

#[test]
fn a_doubt_ends_with_a_success_or_another_order_that_holds_the_click() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;

    for verdict in
        [Verdict::Delivered(Proof::Duplicate), Verdict::Accepted(None), Verdict::ClickUsed]
    {
        let next = next(&second, &settle_of(2, verdict, 0), &policy, at);

        assert!(next.state.is_final() && !next.in_doubt());
    }
}

#[test]
fn a_doubt_that_only_a_person_can_resolve_is_held_at_once() {
    let (second, policy) = sending_in_doubt();
    let verdict = Verdict::Held(Reason::new("click_used"));

    let step = step(Some(&second), &settle_of(2, verdict, 0), &policy, NOW + HOUR);

    assert_eq!(step.then, Then::Rest);
    let held = step.next.expect("a change");
    assert_eq!(held.doubt.map(|doubt| doubt.recovery), Some(Recovery::Hold));
}

#[test]
fn resending_that_is_safe_goes_on_until_the_retention_ends() {
    let (second, policy) = sending_in_doubt();
    let many = Delivery { attempt: 5_000, ..second };
    let last = NOW + RETENTION - DAY;

    let again = step(Some(&many), &settle_of(5_000, lost(), 0), &policy, last);

    assert_eq!(again.then, Then::Wait(last));
    let unconfirmed = again.next.expect("a change");
    let sent = step(Some(&unconfirmed), &arrive(last), &policy, last);
    assert!(matches!(sent.then, Then::Send(Attempt { number: 5_001, in_doubt: true, .. })));
    let over = NOW + RETENTION;
    assert_eq!(step(Some(&unconfirmed), &arrive(over), &policy, over), unchanged(Then::Rest));
}

#[test]
fn a_merchants_consent_allows_one_more_attempt_and_not_a_third() {
    let policy = policy(Recovery::SendOnceMore);
    let first = unconfirmed(&policy);
    let at = first.not_before;
    let second = step(Some(&first), &arrive(at), &policy, at);
    assert!(matches!(second.then, Then::Send(Attempt { number: 2, in_doubt: true, .. })));
    let second = second.next.expect("a claim");

    let expired = next(&second, &Event::Expire, &policy, second.claim_expires_at);
    let lost = next(&second, &settle_of(2, lost(), 0), &policy, at + SECOND);

    for held in [expired, lost] {
        let later = at + 30 * DAY;
        assert_eq!(step(Some(&held), &arrive(later), &policy, later), unchanged(Then::Rest));
    }
}

#[test]
fn an_attempt_that_certainly_failed_does_not_use_up_the_consent() {
    let policy = policy(Recovery::SendOnceMore);
    let first = unconfirmed(&policy);
    let second = next(&first, &arrive(first.not_before), &policy, first.not_before);

    let failed = next(&second, &settle_of(2, not_sent(), 0), &policy, NOW + HOUR);

    assert_eq!((failed.state, failed.in_doubt()), (State::Unconfirmed, true));
    let third = step(Some(&failed), &arrive(NOW + HOUR), &policy, NOW + HOUR);
    assert!(matches!(third.then, Then::Send(Attempt { number: 3, in_doubt: true, .. })));
}

#[test]
fn only_a_person_resolves_what_is_held() {
    let policy = policy(Recovery::Hold);
    let later = NOW + 42 * DAY;

    for event in [
        arrive(later),
        arrive_with(later, "v2"),
        arrive_planned(later, Planned::Send("elsewhere".to_owned())),
        arrive_planned(later, skip()),
        arrive_at_open_circuit(later, later + HOUR),
        Event::Expire,
    ] {
        assert_eq!(step(Some(&held()), &event, &policy, later), unchanged(Then::Rest));
    }
}

#[test]
fn a_doubt_is_not_resolved_under_settings_of_another_scope() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp] {
        let policy = policy(recovery);
        let parked = Delivery { state: State::Parked, ..unconfirmed(&policy) };
        for doubtful in [unconfirmed(&policy), parked] {
            let at = doubtful.not_before;
            let elsewhere = |now| arrive_planned(now, Planned::Send("another account".to_owned()));

            let step1 = step(Some(&doubtful), &elsewhere(at), &policy, at);

            assert_eq!(step1.then, Then::Wait(at + policy.park), "{recovery:?}");
            let held = step1.next.expect("a change");
            assert_eq!(held.state, State::Unconfirmed);
            assert_eq!(held.reason, Some(Reason::new("settings_changed")));
            assert_eq!(held.doubt, doubtful.doubt);
            let due = held.not_before;
            let still = step(Some(&held), &elsewhere(due), &policy, due);
            assert_eq!(still, unchanged(Then::Wait(due + policy.park)));
            let back = step(Some(&held), &arrive(due), &policy, due).then;
            assert!(matches!(back, Then::Send(_) | Then::LookUp), "{recovery:?}");
        }
    }
}

#[test]
fn a_doubt_that_would_be_sent_again_is_a_persons_once_the_settings_hold() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore] {
        let holding = policy(Recovery::Hold);
        let policy = policy(recovery);
        let parked = Delivery { state: State::Parked, ..unconfirmed(&policy) };
        for doubtful in [unconfirmed(&policy), parked] {
            let at = doubtful.not_before;

            let left = step(Some(&doubtful), &arrive(at), &holding, at);

            assert_eq!(left.then, Then::Rest, "{recovery:?}");
            let left = left.next.expect("a change");
            assert_eq!(left.state, State::Unconfirmed);
            assert_eq!(left.reason, Some(Reason::new("settings_changed")));
            let doubt = left.doubt.clone().expect("a doubt");
            assert_eq!(doubt.recovery, Recovery::Hold);
            let later = at + DAY;
            assert_eq!(step(Some(&left), &arrive(later), &policy, later), unchanged(Then::Rest));
            let permitted = next(&left, &decide(&left, Decision::PermitSending), &holding, later);
            let sent = step(Some(&permitted), &arrive(later), &holding, later);
            assert!(matches!(sent.then, Then::Send(Attempt { number: 2, in_doubt: false, .. })));
        }
    }
}

#[test]
fn a_doubt_that_a_lookup_resolves_is_asked_about_although_the_order_can_not_be_built() {
    let policy = policy(Recovery::LookUp);
    let doubtful = unconfirmed(&policy);
    let at = doubtful.not_before;
    let unfit = |now: Timestamp, scope: &str| {
        let shown_scope = Some(scope.to_owned());
        Event::Arrive(Arrival { planned: skip(), shown_scope, ..arrival(now) })
    };

    let early = step(Some(&doubtful), &unfit(at - SECOND, "scope"), &policy, at - SECOND);
    assert_eq!(early, unchanged(Then::Wait(at)));
    let due = step(Some(&doubtful), &unfit(at, "scope"), &policy, at);
    assert_eq!(due, unchanged(Then::LookUp));
    let elsewhere = next(&doubtful, &unfit(at, "another account"), &policy, at);
    assert_eq!(elsewhere.reason, Some(Reason::new("settings_changed")));

    let asked = |asked, lookup| {
        let deadline = deadline(asked);
        Event::LookedUp { asked, lookup, is_plannable: false, deadline, jitter: 0 }
    };
    let once = next(&doubtful, &asked(at, Lookup::Absent), &policy, at);
    let again = once.not_before;
    let gone = step(Some(&once), &asked(again, Lookup::Absent), &policy, again);
    assert_eq!(gone.then, Then::Wait(again), "it can't be sent");
    let certain = gone.next.expect("a change");
    assert_eq!((certain.state, certain.in_doubt()), (State::Retrying, false));
    let parked = next(&certain, &unfit(again, "scope"), &policy, again);
    assert_eq!(parked.reason, Some(Reason::new("not_plannable")));
    let corrected = step(Some(&parked), &arrive_as_other(again, version(2)), &policy, again);
    assert!(matches!(corrected.then, Then::Send(Attempt { number: 2, in_doubt: false, .. })));
}

#[test]
fn a_doubt_that_only_another_attempt_resolves_waits_for_settings_that_can_build_it() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore] {
        let policy = policy(recovery);
        let doubtful = unconfirmed(&policy);
        let at = doubtful.not_before;
        let shown_scope = Some("scope".to_owned());
        let unfit = Event::Arrive(Arrival { planned: skip(), shown_scope, ..arrival(at) });

        let parked = next(&doubtful, &unfit, &policy, at);

        assert_eq!((parked.state, parked.in_doubt()), (State::Parked, true), "{recovery:?}");
    }
}

#[test]
fn a_parked_doubt_is_resolved_by_its_nature_once_the_setting_is_fixed() {
    let (second, policy) = sending_in_doubt();
    let parked = next(&second, &settle_of(2, Verdict::parked("key"), 0), &policy, NOW + SECOND);
    let soon = NOW + 2 * SECOND;

    let sent = step(Some(&parked), &arrive_with(soon, "v2"), &policy, soon);

    assert!(matches!(sent.then, Then::Send(Attempt { number: 3, in_doubt: true, .. })));
}
