//! Claiming before the first byte, and what a claim becomes whose sender died.

use super::*;

#[test]
fn the_first_order_is_claimed_with_a_number_a_start_and_an_end() {
    let policy = policy(Recovery::Hold);

    let step = step(None, &arrive_as(NOW, version(1)), &policy, NOW);

    let claim = step.next.expect("a claim");
    assert_eq!((claim.state, claim.attempt, claim.first_seen_at), (State::Sending, 1, NOW));
    assert_eq!(claim.claim_expires_at, NOW + TIMEOUT + 5 * SECOND + 30 * SECOND);
    assert_eq!(claim.not_before, claim.claim_expires_at);
    assert_eq!((&claim.facts, claim.order_updated_at), (&content(), version(1)));
    assert!(!claim.in_doubt());
    assert_eq!(step.then, Then::Send(Attempt::first(NOW)));
}

#[test]
fn a_claim_names_the_terms_of_the_doubt_that_it_may_leave() {
    for recovery in RECOVERIES {
        let claim = sending(&policy(recovery)).claim.expect("terms");

        assert_eq!(claim, Claim { recovery, scope: "scope".to_owned() });
    }
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
fn a_second_arrival_waits_until_the_sender_is_certainly_dead() {
    let policy = policy(Recovery::Hold);
    let sending = sending(&policy);
    let almost = sending.claim_expires_at - Duration::from_millis(1);

    for event in [
        arrive(almost),
        arrive_planned(almost, skip()),
        arrive_at_open_circuit(almost, almost + HOUR),
    ] {
        let step = step(Some(&sending), &event, &policy, almost);

        assert_eq!(step, unchanged(Then::Wait(sending.claim_expires_at)));
    }
}

#[test]
fn the_end_of_a_claim_leaves_room_for_clocks_that_differ() {
    let policy = policy(Recovery::Hold);

    assert_eq!(sending(&policy).claim_expires_at, deadline(NOW) + policy.skew);
    assert!(policy.skew >= 30 * SECOND);
}

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
        let doubt = expired.doubt.expect("a doubt");
        assert_eq!((doubt.since, doubt.recovery, doubt.scope.as_str()), (after, recovery, "scope"));
        assert_eq!(step.then, Then::Wait(after), "the arrival is decided anew on the doubt");
    }
}

#[test]
fn every_arrival_sees_that_a_sender_died_whatever_it_is_itself() {
    let policy = policy(Recovery::Hold);
    let sending = versioned(sending(&policy), 2);
    let cancelled = next(&sending, &cancel(version(3)), &policy, NOW);
    let after = sending.claim_expires_at;
    for event in [
        arrive_as(after, version(1)),
        arrive_as_other(after, version(3)),
        arrive_planned(after, skip()),
        arrive_planned(after, reject()),
        arrive_at_open_circuit(after, after + HOUR),
    ] {
        for held in [&sending, &cancelled] {
            let expired = next(held, &event, &policy, after);

            assert_eq!((expired.state, expired.in_doubt()), (State::Unconfirmed, true));
            assert_eq!(expired.order_updated_at, version(2));
        }
    }
}

#[test]
fn the_sweep_turns_an_expired_claim_into_a_doubt_and_changes_nothing_else() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let sending = sending(&policy);
        let after = sending.claim_expires_at;
        let early = after - Duration::from_millis(1);

        let swept = step(Some(&sending), &Event::Expire, &policy, after);

        assert_eq!(swept.next.expect("a change").state, State::Unconfirmed);
        assert_eq!(swept.then, Then::Rest, "it has no order to bring back");
        for held in [&sending, &retrying(&policy), &unconfirmed(&policy), &settled(&policy, yes())]
        {
            let step = step(Some(held), &Event::Expire, &policy, early);
            assert_eq!(step, unchanged(Then::Rest), "{recovery:?}");
        }
    }
}

#[test]
fn what_concerns_no_delivery_changes_nothing() {
    let policy = policy(Recovery::LookUp);
    let decision = Decision::PermitSending;
    let decided = Event::Decide { attempt: 0, decisions: 0, decision };
    for event in [settle(yes()), absent(NOW), found(NOW), decided, Event::Expire] {
        assert_eq!(step(None, &event, &policy, NOW), unchanged(Then::Rest));
    }
}
