//! Plans that send nothing: they never lose an open delivery.

use super::*;

#[test]
fn what_concerns_no_network_writes_nothing() {
    let policy = policy(Recovery::Hold);

    let step = step(None, &arrive_planned(NOW, skip()), &policy, NOW);

    assert_eq!(step, unchanged(Then::Rest));
}

#[test]
fn an_order_that_can_never_pass_is_rejected_before_any_attempt_and_only_once() {
    let policy = policy(Recovery::Hold);
    let refused = step(None, &arrive_planned(NOW, reject()), &policy, NOW);

    assert_eq!(refused.then, Then::Rest);
    let rejected = refused.next.expect("a record");
    assert_eq!((rejected.state, rejected.attempt), (State::Rejected, 0));
    assert_eq!(rejected.reason, Some(Reason::new("no_offer")));
    let later = NOW + SECOND;
    let again = step(Some(&rejected), &arrive_planned(later, reject()), &policy, later);
    assert_eq!(again, unchanged(Then::Rest));
    let other = Planned::Reject(Reason::new("no_phone"));
    let changed = next(&rejected, &arrive_planned(later, other), &policy, later);
    assert_eq!(changed.reason, Some(Reason::new("no_phone")));
}

#[test]
fn a_skip_that_is_recorded_is_written_once() {
    let policy = policy(Recovery::Hold);
    let withdrawn = withdrawn(version(1));
    let event = Event::Arrive(Arrival { updated_at: version(2), planned: skip(), ..arrival(NOW) });

    let skipped = next(&withdrawn, &event, &policy, NOW);

    assert_eq!((skipped.state, skipped.cancelled.as_ref()), (State::Skipped, None));
    assert_eq!(step(Some(&skipped), &event, &policy, NOW), unchanged(Then::Rest));
}

#[test]
fn an_open_delivery_outlives_settings_that_cannot_build_it() {
    let policy = policy(Recovery::Hold);
    for planned in [skip(), reject()] {
        for held in [settled(&policy, not_sent()), settled(&policy, Verdict::parked("key"))] {
            let at = held.not_before;

            let step = step(Some(&held), &arrive_planned(at, planned.clone()), &policy, at);

            assert_eq!(step.then, Then::Wait(at + policy.park));
            let parked = step.next.expect("a change");
            assert_eq!(parked.state, State::Parked);
            assert_eq!(parked.reason, Some(Reason::new("not_plannable")));
        }
    }
}

#[test]
fn a_doubt_outlives_settings_that_cannot_build_it() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp] {
        let policy = policy(recovery);
        let doubtful = unconfirmed(&policy);
        let at = doubtful.not_before;

        let parked = next(&doubtful, &arrive_planned(at, skip()), &policy, at);

        assert_eq!((parked.state, &parked.doubt), (State::Parked, &doubtful.doubt));
        let later = at + SECOND;
        let back = step(Some(&parked), &arrive_with(later, "v2"), &policy, later).then;
        assert!(matches!(back, Then::Send(_) | Then::LookUp), "{recovery:?}");
    }
}

#[test]
fn it_comes_back_when_the_settings_change_and_waits_until_then() {
    let policy = policy(Recovery::Hold);
    let held = settled(&policy, not_sent());
    let at = held.not_before;
    let parked = next(&held, &arrive_planned(at, skip()), &policy, at);
    let (soon, due) = (at + SECOND, parked.not_before);

    let too_early = step(Some(&parked), &arrive_planned(soon, skip()), &policy, soon);
    let still = step(Some(&parked), &arrive_planned(due, skip()), &policy, due);
    let back = step(Some(&parked), &arrive_with(soon, "v2"), &policy, soon);

    assert_eq!(too_early, unchanged(Then::Wait(due)));
    let noted = Delivery { not_before: due + policy.park * 6, ..parked };
    assert_eq!(still, Step::write(noted, Then::Wait(due + policy.park)), "so that it is missed");
    assert!(matches!(back.then, Then::Send(Attempt { number: 2, .. })));
}

#[test]
fn what_waits_for_another_setting_is_not_forgotten_when_a_second_one_fails_too() {
    let policy = policy(Recovery::Hold);
    let unknown = settled(&policy, Verdict::parked_until_fixed("unknown_code"));

    let soon = NOW + HOUR;
    let waiting = step(Some(&unknown), &arrive_planned(soon, reject()), &policy, soon);

    assert_eq!(waiting, unchanged(Then::Wait(unknown.not_before)));
    let fixed = step(Some(&unknown), &arrive_with(soon, "v2"), &policy, soon);
    assert!(matches!(fixed.then, Then::Send(_)));
}

#[test]
fn a_later_version_that_cannot_be_built_takes_over_and_stays_open() {
    let policy = policy(Recovery::Hold);
    let retrying = versioned(settled(&policy, Verdict::retry("busy", Some(3 * HOUR))), 1);
    let parked = versioned(settled(&policy, Verdict::parked("key")), 1);
    let at = NOW + MINUTE;
    for (held, until) in [(&retrying, retrying.not_before), (&parked, at + policy.park)] {
        for planned in [skip(), reject()] {
            let facts = other_content();
            let arrival = Arrival { facts, updated_at: version(2), planned, ..arrival(at) };

            let step = step(Some(held), &Event::Arrive(arrival), &policy, at);

            assert_eq!(step.then, Then::Wait(until), "the network may have asked for a pause");
            let open = step.next.expect("a change");
            assert_eq!((open.state, open.order_updated_at), (State::Parked, version(2)));
            assert_eq!(open.facts, other_content());
        }
    }
}

#[test]
fn a_correction_of_what_cannot_be_built_is_planned_anew() {
    let policy = policy(Recovery::Hold);
    let at = NOW + MINUTE;
    for held in [settled(&policy, not_sent()), settled(&policy, Verdict::parked("key"))] {
        let unfit = Arrival { updated_at: version(2), planned: reject(), ..arrival(at) };
        let parked = next(&versioned(held, 1), &Event::Arrive(unfit), &policy, at);
        assert_eq!(parked.reason, Some(Reason::new("not_plannable")));

        for corrected in [arrive_as(at, version(3)), arrive_as_other(at, version(3))] {
            let step = step(Some(&parked), &corrected, &policy, at);

            assert!(matches!(step.then, Then::Send(Attempt { number: 2, .. })), "{step:?}");
        }
    }
}

#[test]
fn a_final_delivery_stays_as_it_is_whatever_today_s_plan_says() {
    let policy = policy(Recovery::Hold);
    for held in [settled(&policy, yes()), settled(&policy, Verdict::rejected("never"))] {
        for planned in [skip(), reject()] {
            let step = step(Some(&held), &arrive_planned(NOW, planned), &policy, NOW);

            assert_eq!(step, unchanged(Then::Rest));
        }
    }
}

#[test]
fn what_can_not_be_built_waits_for_other_settings_and_its_claim_becomes_a_doubt() {
    let policy = policy(Recovery::Hold);
    let unplanned = Event::Unplanned { settings: "v2".to_owned() };
    let waiting = settled(&policy, not_sent());

    let early = step(Some(&waiting), &unplanned, &policy, waiting.not_before - SECOND);
    assert_eq!(early, unchanged(Then::Wait(waiting.not_before)));

    let at = waiting.not_before;
    let parked = next(&waiting, &unplanned, &policy, at);
    assert_eq!(parked.reason, Some(Reason::new("not_plannable")));
    assert_eq!(parked.parked_settings.as_deref(), Some("v2"));
    assert_eq!(parked.facts, waiting.facts, "it is the same content");

    let sending = sending(&policy);
    let early = step(Some(&sending), &unplanned, &policy, NOW + SECOND);
    assert_eq!(early, unchanged(Then::Wait(sending.claim_expires_at)));
    let expired = next(&sending, &unplanned, &policy, sending.claim_expires_at);
    assert_eq!(expired.state, State::Unconfirmed);
    assert_eq!(step(None, &unplanned, &policy, NOW), unchanged(Then::Rest));
}
