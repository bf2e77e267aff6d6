//! The verdict of an attempt.

use super::*;

#[test]
fn each_verdict_has_its_state() {
    let policy = policy(Recovery::Hold);
    let table = [
        (yes(), State::Delivered),
        (Verdict::Accepted(None), State::Accepted),
        (Verdict::Skipped(Reason::new("no_cart")), State::Skipped),
        (Verdict::rejected("never"), State::Rejected),
        (Verdict::ClickUsed, State::Rejected),
        (Verdict::parked("key"), State::Parked),
        (Verdict::retry("busy", None), State::Retrying),
        (not_sent(), State::Retrying),
        (Verdict::unconfirmed("db"), State::Unconfirmed),
        (Verdict::Held(Reason::new("click_used")), State::Unconfirmed),
    ];
    for (verdict, state) in table {
        let next = settled(&policy, verdict.clone());

        assert_eq!(next.state, state, "{verdict:?}");
        assert_eq!(next.reason.as_ref().map(Reason::as_str), verdict.words().1, "{verdict:?}");
        assert_eq!(next.in_doubt(), state == State::Unconfirmed, "{verdict:?}");
        assert_eq!(next.attempt, 1, "{verdict:?}");
    }
}

#[test]
fn a_final_state_leaves_nothing_to_do() {
    let policy = policy(Recovery::SendAgain);
    for verdict in [
        yes(),
        Verdict::Accepted(None),
        Verdict::Skipped(Reason::new("no_cart")),
        Verdict::rejected("never"),
    ] {
        let settled = step(Some(&sending(&policy)), &settle(verdict), &policy, NOW + SECOND);

        assert_eq!(settled.then, Then::Rest);
        let ended = settled.next.expect("a change");
        assert!(ended.state.is_final());
        assert_eq!(ended.not_before, NOW + SECOND);
        let later = NOW + RETENTION;
        assert_eq!(step(Some(&ended), &arrive(later), &policy, later), unchanged(Then::Rest));
    }
}

#[test]
fn nothing_is_left_of_what_a_delivered_one_waited_for() {
    let policy = policy(Recovery::SendAgain);
    let confirmed = next(&held(), &decide(&held(), Decision::Confirm), &policy, NOW);
    let waited = Delivery {
        permission: Some(Permission { until: NOW + DAY }),
        throttled_until: Some(NOW + DAY),
        parked_settings: Some("v0".to_owned()),
        undecided: confirmed.undecided,
        ..sending(&policy)
    };
    for (verdict, scope) in [(yes(), Some("scope".to_owned())), (Verdict::Accepted(None), None)] {
        let settled = next(&waited, &settle(verdict), &policy, NOW + SECOND);

        assert_eq!((settled.claim, settled.permission, settled.undecided), (None, None, None));
        assert_eq!((settled.throttled_until, settled.parked_settings), (None, None));
        assert_eq!(settled.scope, scope);
    }
}

#[test]
fn a_doubt_that_an_answer_leaves_has_the_answers_reason_and_its_pause() {
    let (sending, policy) = sending_in_doubt();
    let at = sending.not_before + SECOND;
    for (verdict, pause) in
        [(Verdict::rejected("never"), Duration::ZERO), (Verdict::retry("busy", Some(HOUR)), HOUR)]
    {
        let reason = verdict.words().1.map(str::to_owned);

        let left = next(&sending, &settle_of(2, verdict, 0), &policy, at);

        assert_eq!((left.state, left.not_before), (State::Unconfirmed, at + pause));
        assert_eq!(left.reason.map(|reason| reason.as_str().to_owned()), reason);
    }
}

#[test]
fn the_networks_own_proof_is_kept() {
    let policy = policy(Recovery::SendAgain);
    for proof in [Proof::Response, Proof::Duplicate] {
        assert_eq!(settled(&policy, Verdict::Delivered(proof)).proof, Some(proof));
    }
    assert_eq!(settled(&policy, Verdict::Accepted(None)).proof, None);
}

#[test]
fn a_failure_does_not_count_for_a_newer_attempt() {
    let (second, policy) = sending_in_doubt();
    let at = second.claim_expires_at - SECOND;

    for verdict in [not_sent(), lost(), Verdict::rejected("never"), Verdict::parked("key")] {
        let step = step(Some(&second), &settle_of(1, verdict, 0), &policy, at);

        assert_eq!(step, unchanged(Then::Wait(second.claim_expires_at)));
    }
}

#[test]
fn a_late_success_settles_every_state_that_said_otherwise() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let cancelled = next(&retrying(&policy), &cancel(None), &policy, NOW);
        let unconfirmed = unconfirmed(&policy);
        let abandoned =
            next(&unconfirmed, &decide(&unconfirmed, Decision::Abandon), &policy, NOW + SECOND);
        let others = [
            Verdict::rejected("never"),
            Verdict::parked("key"),
            Verdict::Skipped(Reason::new("no_cart")),
        ];
        let mut held: Vec<_> =
            others.into_iter().map(|verdict| settled(&policy, verdict)).collect();
        held.extend([cancelled, unconfirmed, abandoned, retrying(&policy)]);
        for held in held {
            let step = step(Some(&held), &settle(yes()), &policy, NOW + HOUR);

            assert_eq!(step.then, Then::Rest);
            let delivered = step.next.expect("a change");
            assert_eq!(delivered.state, State::Delivered, "{held:?}");
            assert_eq!((delivered.proof, delivered.reason), (Some(Proof::Response), None));
            assert!(delivered.doubt.is_none() && delivered.undecided.is_none());
            assert_eq!(delivered.cancelled, held.cancelled);
        }
    }
}

#[test]
fn a_late_success_ends_a_newer_attempt_too() {
    let (second, policy) = sending_in_doubt();

    let delivered = next(&second, &settle_of(1, yes(), 0), &policy, NOW + HOUR);

    assert_eq!((delivered.state, delivered.attempt), (State::Delivered, 2));
    for verdict in [yes(), not_sent(), lost(), Verdict::Delivered(Proof::Duplicate)] {
        let step = step(Some(&delivered), &settle_of(2, verdict, 0), &policy, NOW + HOUR);
        assert_eq!(step, unchanged(Then::Rest));
    }
}

#[test]
fn a_late_acceptance_settles_a_doubt_with_its_reason() {
    let word = Some(Reason::new("cart_gone"));

    let late = settle(Verdict::Accepted(word.clone()));
    let accepted = next(&held(), &late, &policy(Recovery::Hold), NOW + HOUR);

    assert_eq!((accepted.state, &accepted.reason), (State::Accepted, &word));
    assert!(!accepted.in_doubt());
}

#[test]
fn the_networks_own_yes_outranks_every_other_proof() {
    let policy = policy(Recovery::Hold);
    for proof in [Proof::Operator, Proof::Lookup, Proof::Duplicate] {
        let known = Delivery { proof: Some(proof), ..settled(&policy, yes()) };

        let late = next(&known, &settle(yes()), &policy, NOW + HOUR);

        assert_eq!((late.state, late.proof), (State::Delivered, Some(Proof::Response)));
        let duplicate = settle(Verdict::Delivered(Proof::Duplicate));
        assert_eq!(step(Some(&known), &duplicate, &policy, NOW + HOUR), unchanged(Then::Rest));
    }
    let confirmed = next(&held(), &decide(&held(), Decision::Confirm), &policy, NOW + SECOND);
    let late = next(&confirmed, &settle(yes()), &policy, NOW + HOUR);
    assert_eq!(late.undecided, None, "no person can reopen it");
}

#[test]
fn a_late_failure_settles_nothing() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let unconfirmed = unconfirmed(&policy);

        for verdict in [not_sent(), lost(), Verdict::rejected("never"), Verdict::parked("key")] {
            let step = step(Some(&unconfirmed), &settle(verdict), &policy, NOW + SECOND);

            assert_eq!(step.next, None, "{recovery:?}");
        }
    }
}

#[test]
fn a_late_sender_that_settles_nothing_still_brings_the_order_back() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);

    let late = step(Some(&unconfirmed), &settle(lost()), &policy, NOW + 2 * SECOND);

    assert_eq!(late, unchanged(Then::Wait(unconfirmed.not_before)));
}

#[test]
fn a_late_sender_leaves_what_is_held_to_the_person() {
    let policy = policy(Recovery::Hold);

    let late = step(Some(&held()), &settle(not_sent()), &policy, NOW + 2 * SECOND);

    assert_eq!(late, unchanged(Then::Rest));
}

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

        assert_eq!(retrying.not_before, NOW + 6 * HOUR, "{attempt}");
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
    let end = NOW + 4 * DAY;

    let before = next(&sending(&policy), &settle(not_sent()), &policy, end - SECOND);
    let after = next(&sending(&policy), &settle(not_sent()), &policy, end);

    assert_eq!((before.state, after.state), (State::Retrying, State::Parked));
}
