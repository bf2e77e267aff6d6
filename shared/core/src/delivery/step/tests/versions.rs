//! Versions of one order, and content that differs.

use super::*;

/// Deliveries that the network certainly does not hold, after an attempt.
pub(super) fn certain(policy: &Policy) -> Vec<Delivery> {
    let skipped = Verdict::Skipped(Reason::new("no_cart"));
    let verdicts = [Verdict::rejected("never"), Verdict::parked("key"), not_sent(), skipped];
    verdicts.into_iter().map(|verdict| versioned(settled(policy, verdict), 1)).collect()
}

#[test]
fn other_content_is_a_conflict_and_sends_nothing() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let mut held = vec![sending(&policy), settled(&policy, yes()), unconfirmed(&policy)];
        held.extend(certain(&policy));
        let at = sending(&policy).claim_expires_at - SECOND;
        for held in held {
            let other = arrive_as_other(at, held.order_updated_at);

            assert_eq!(step(Some(&held), &other, &policy, at), unchanged(Then::Conflict));
        }
    }
}

#[test]
fn the_same_facts_are_no_conflict_whatever_the_settings_and_the_version_are() {
    let policy = policy(Recovery::Hold);
    let delivered = versioned(settled(&policy, yes()), 1);
    for held in [sending(&policy), delivered, unconfirmed(&policy), settled(&policy, not_sent())] {
        for number in 1..=2 {
            let arrival = Arrival { updated_at: version(number), ..arrival(NOW) };
            for settings in ["v1", "v2"] {
                let settings = settings.to_owned();
                let event = Event::Arrive(Arrival { settings, ..arrival.clone() });

                assert_ne!(step(Some(&held), &event, &policy, NOW).then, Then::Conflict);
            }
        }
    }
}

#[test]
fn content_is_compared_in_the_members_that_both_have() {
    let policy = policy(Recovery::Hold);
    let delivered = settled(&policy, yes());
    let facts = content().digest("click", "a click");

    let event = Event::Arrive(Arrival { facts, ..arrival(NOW) });

    assert_eq!(step(Some(&delivered), &event, &policy, NOW), unchanged(Then::Rest));
}

#[test]
fn before_any_attempt_any_arrival_is_planned_anew() {
    let policy = policy(Recovery::Hold);
    let rejected = step(None, &arrive_planned(NOW, reject()), &policy, NOW).next.expect("a record");
    let closed = arrive_at_open_circuit(NOW, NOW + HOUR);
    let parked = step(None, &closed, &policy, NOW).next.expect("a record");
    let later = NOW + SECOND;

    for held in [rejected, parked] {
        let claim = next(&held, &arrive_as_other(later, None), &policy, later);

        assert_eq!((claim.state, claim.attempt, claim.first_seen_at), (State::Sending, 1, NOW));
        assert_eq!(claim.facts, other_content());
    }
}

#[test]
fn a_later_version_replaces_what_certainly_failed_even_with_the_same_facts() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        for held in certain(&policy) {
            let at = held.not_before;
            for event in [arrive_as(at, version(2)), arrive_as_other(at, version(2))] {
                let step = step(Some(&held), &event, &policy, at);

                assert!(matches!(step.then, Then::Send(Attempt { number: 2, .. })), "{held:?}");
                let claim = step.next.expect("a claim");
                assert_eq!(claim.order_updated_at, version(2));
                assert_eq!(claim.first_seen_at, NOW);
            }
        }
    }
}

#[test]
fn a_later_version_keeps_the_pause_that_the_network_asked_for() {
    let policy = policy(Recovery::Hold);
    let verdict = Verdict::retry("busy", Some(HOUR));
    let retrying = versioned(settled(&policy, verdict), 1);

    let other = arrive_as_other(NOW + MINUTE, version(2));
    let step = step(Some(&retrying), &other, &policy, NOW + MINUTE);

    assert_eq!(step.then, Then::Wait(retrying.not_before));
    let replaced = step.next.expect("a change");
    let facts = other_content();
    assert_eq!(replaced, Delivery { facts, ..versioned(retrying, 2) });
}

#[test]
fn a_version_that_takes_the_place_of_another_keeps_what_was_decided_and_when_its_sender_is_dead() {
    let policy = policy(Recovery::Hold);
    let rejected = versioned(settled(&policy, Verdict::rejected("never")), 1);
    let permission = Some(Permission { until: NOW + DAY });
    let held = Delivery { decisions: 2, permission, ..rejected };
    let arrival = Arrival { updated_at: version(2), planned: reject(), ..arrival(NOW + HOUR) };

    let replaced = next(&held, &Event::Arrive(arrival), &policy, NOW + HOUR);

    assert_eq!(replaced.order_updated_at, version(2));
    assert_eq!((replaced.decisions, replaced.attempt), (2, 1));
    assert_eq!(replaced.claim_expires_at, held.claim_expires_at);
    assert_eq!(replaced.permission, held.permission);
}

#[test]
fn an_earlier_version_is_superseded_and_no_conflict() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let mut held = certain(&policy);
        held.extend([sending(&policy), settled(&policy, yes()), unconfirmed(&policy)]);
        for held in held {
            let held = versioned(held, 2);
            let later = NOW + SECOND * 2;
            for earlier in [None, version(1)] {
                for event in [arrive_as(later, earlier), arrive_as_other(later, earlier)] {
                    let step = step(Some(&held), &event, &policy, later);

                    assert_eq!(step, unchanged(Then::Superseded), "{held:?}");
                }
            }
        }
    }
}

#[test]
fn a_later_version_waits_for_the_attempt_under_way() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let sending = versioned(sending(&policy), 1);
        let at = NOW + SECOND;

        let step = step(Some(&sending), &arrive_as_other(at, version(2)), &policy, at);

        assert!(matches!(step.then, Then::Wait(until) if until >= sending.claim_expires_at));
        let waited_for = Delivery { waiting_version: version(2), ..sending };
        assert_eq!(step.next, Some(waited_for), "{recovery:?}");
    }
}

#[test]
fn a_later_version_waits_at_least_eight_pauses() {
    let policy = policy(Recovery::Hold);
    let at = NOW + HOUR;
    let sending = Delivery { claim_expires_at: at + SECOND, ..versioned(sending(&policy), 1) };

    let step = step(Some(&sending), &arrive_as_other(at, version(2)), &policy, at);

    assert_eq!(step.then, Then::Wait(at + policy.backoff * 8));
}

#[test]
fn a_later_version_waits_for_a_doubt_that_resolves_itself() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp] {
        let policy = policy(recovery);
        let doubtful = versioned(unconfirmed(&policy), 1);
        let overdue = doubtful.not_before + HOUR;
        for at in [NOW + SECOND, overdue] {
            let other = arrive_as_other(at, version(2));
            let step = step(Some(&doubtful), &other, &policy, at);

            assert!(matches!(step.then, Then::Wait(until) if until > at), "{recovery:?}");
            let waited_for = Delivery { waiting_version: version(2), ..doubtful.clone() };
            assert_eq!(step.next.as_ref(), Some(&waited_for), "{recovery:?}");
            let again = super::step(Some(&waited_for), &other, &policy, at);
            assert_eq!(again, unchanged(step.then), "it is noted once");
        }
    }
}

#[test]
fn a_later_version_does_not_wait_for_a_doubt_that_a_person_gave_up() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp] {
        let policy = policy(recovery);
        let decide = Event::Decide { attempt: 1, decisions: 0, decision: Decision::Abandon };
        let abandoned = next(&versioned(unconfirmed(&policy), 1), &decide, &policy, NOW);

        let step = step(Some(&abandoned), &arrive_as_other(NOW, version(2)), &policy, NOW);

        let noted = Delivery { conflict_version: version(2), ..abandoned };
        assert_eq!(step, Step::write(noted, Then::Conflict), "{recovery:?}");
    }
}

#[test]
fn a_message_that_waited_for_a_replaced_content_is_superseded() {
    let policy = policy(Recovery::SendAgain);
    let waiting = step(None, &arrive_at_open_circuit(NOW, NOW + HOUR), &policy, NOW);
    let waiting = waiting.next.expect("a delivery");
    let corrected = next(&waiting, &arrive_as_other(NOW, None), &policy, NOW);
    assert_eq!(corrected.facts, other_content(), "before the first attempt any arrival holds");

    for held in [Delivery { attempt: 0, ..waiting.clone() }, waiting] {
        let held = Delivery { facts: other_content(), ..held };
        let waited = Event::Arrive(Arrival { is_delayed: true, has_waited: true, ..arrival(NOW) });

        let step = step(Some(&held), &waited, &policy, NOW);

        assert_eq!(step, unchanged(Then::Superseded));
    }
}

#[test]
fn a_later_version_is_decided_at_the_settlement() {
    let policy = policy(Recovery::SendAgain);
    let at = NOW + HOUR;
    let other = arrive_as_other(at, version(2));

    let after_failure = versioned(settled(&policy, not_sent()), 1);
    let after_success = versioned(settled(&policy, yes()), 1);
    let after_doubt = versioned(held(), 1);

    let sent = step(Some(&after_failure), &other, &policy, at);
    assert!(matches!(sent.then, Then::Send(Attempt { number: 2, .. })));
    for held in [after_success, after_doubt] {
        let noted = Delivery { conflict_version: version(2), ..held.clone() };
        assert_eq!(
            step(Some(&held), &other, &policy, at),
            Step::write(noted.clone(), Then::Conflict)
        );
        let again = step(Some(&noted), &other, &policy, at);
        assert_eq!(again, unchanged(Then::Conflict), "it is noted once");
    }
}

#[test]
fn a_later_version_with_the_same_facts_becomes_the_version_held() {
    let policy = policy(Recovery::SendAgain);
    let abandoned = next(&held(), &decide(&held(), Decision::Abandon), &policy, NOW);
    let at = NOW + HOUR;
    let event = arrive_as(at, version(2));
    for held in
        [settled(&policy, yes()), settled(&policy, Verdict::Accepted(None)), held(), abandoned]
    {
        let held = versioned(held, 1);

        let step = step(Some(&held), &event, &policy, at);

        assert_eq!(step, Step { next: Some(versioned(held, 2)), then: Then::Rest });
    }
    let doubtful = versioned(unconfirmed(&policy), 1);
    let claim = next(&doubtful, &event, &policy, at);
    assert_eq!((claim.state, claim.order_updated_at), (State::Sending, version(2)));
}

#[test]
fn a_later_version_with_the_same_facts_that_has_to_wait_replaces_nothing() {
    let policy = policy(Recovery::SendAgain);
    let doubtful = next(&sending(&policy), &settle_of(1, lost(), Jitter::MAX), &policy, NOW);

    for held in [sending(&policy), doubtful] {
        let step = step(Some(&held), &arrive_as(NOW + SECOND, version(2)), &policy, NOW + SECOND);

        let waited_for = Delivery { waiting_version: version(2), ..held.clone() };
        assert_eq!(step, Step::write(waited_for, Then::Wait(held.not_before)));
    }
}

#[test]
fn a_delivered_order_is_not_sent_again_after_400_days() {
    let policy = policy(Recovery::SendAgain);
    let delivered = settled(&policy, yes());
    let later = NOW + RETENTION;

    assert_eq!(step(Some(&delivered), &arrive(later), &policy, later), unchanged(Then::Rest));
}
