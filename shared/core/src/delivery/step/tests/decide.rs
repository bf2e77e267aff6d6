//! A person's decisions, and taking them back.

use super::*;

/// Those that change the delivery.
const ALL: [Decision; 4] =
    [Decision::Confirm, Decision::PermitSending, Decision::Abandon, Decision::Reopen];

fn decided(held: &Delivery, decision: Decision) -> Delivery {
    next(held, &decide(held, decision), &policy(Recovery::Hold), NOW + HOUR)
}

fn refuses(held: &Delivery, decision: Decision) {
    let step = step(Some(held), &decide(held, decision), &policy(Recovery::Hold), NOW + HOUR);
    assert_eq!(step, unchanged(Then::Rest), "{decision:?} of {held:?}");
}

/// Without the count of decisions, which only grows.
fn apart_from_the_count(delivery: Delivery) -> Delivery {
    Delivery { decisions: 0, ..delivery }
}

#[test]
fn a_confirmation_makes_everything_delivered_that_is_not_under_way() {
    for verdict in [lost(), not_sent(), Verdict::parked("key"), Verdict::rejected("never")] {
        let held = settled(&policy(Recovery::Hold), verdict);

        let confirmed = decided(&held, Decision::Confirm);

        assert_eq!((confirmed.state, confirmed.proof), (State::Delivered, Some(Proof::Operator)));
        assert_eq!((confirmed.doubt, confirmed.decisions), (None, 1));
    }
}

#[test]
fn only_what_is_in_doubt_can_be_abandoned() {
    let policy = policy(Recovery::Hold);
    for verdict in [not_sent(), Verdict::parked("key"), Verdict::rejected("never"), yes()] {
        refuses(&settled(&policy, verdict), Decision::Abandon);
    }
    let parked = Delivery { state: State::Parked, ..held() };
    for held in [held(), parked] {
        let abandoned = decided(&held, Decision::Abandon);

        assert_eq!((abandoned.state, &abandoned.doubt), (State::Abandoned, &held.doubt));
        assert_eq!(abandoned.reason, Some(Reason::new("operator")));
        let permitted = decided(&held, Decision::PermitSending);
        assert_eq!(decided(&permitted, Decision::Abandon).permission, None);
        refuses(&abandoned, Decision::Abandon);
        let later = NOW + 30 * DAY;
        let step = step(Some(&abandoned), &arrive(later), &policy, later);
        assert_eq!(step, unchanged(Then::Rest));
    }
}

#[test]
fn an_acknowledgement_is_counted_in_every_state_and_changes_nothing() {
    let policy = policy(Recovery::SendAgain);
    let (second, _) = sending_in_doubt();
    let verdicts = [yes(), Verdict::Accepted(None), Verdict::rejected("never"), not_sent(), lost()];
    let settled = verdicts.map(|verdict| settled(&policy, verdict));
    let permitted = decided(&held(), Decision::PermitSending);
    let others = [sending(&policy), second, permitted, withdrawn(None)];
    for held in settled.into_iter().chain(others) {
        let event = decide(&held, Decision::Acknowledge);

        let step = step(Some(&held), &event, &policy, NOW + HOUR);

        let decisions = held.decisions + 1;
        assert_eq!(step, Step::write(Delivery { decisions, ..held }, Then::Rest));
    }
}

#[test]
fn what_was_abandoned_can_be_confirmed_when_it_shows_up() {
    let abandoned = decided(&held(), Decision::Abandon);

    let confirmed = decided(&abandoned, Decision::Confirm);

    assert_eq!((confirmed.state, confirmed.decisions), (State::Delivered, 2));
    assert_eq!(decided(&confirmed, Decision::Reopen).state, State::Abandoned);
}

#[test]
fn a_permission_that_has_lapsed_can_not_be_taken_back() {
    let permitted = |until| Delivery { permission: Some(Permission { until }), ..held() };

    refuses(&permitted(NOW + HOUR), Decision::Reopen);
    let pending = permitted(NOW + HOUR + SECOND);
    assert_eq!(decided(&pending, Decision::Reopen).permission, None);
}

#[test]
fn a_person_does_not_decide_on_what_is_under_way() {
    let (second, _) = sending_in_doubt();
    for held in [sending(&policy(Recovery::Hold)), second] {
        for decision in ALL {
            refuses(&held, decision);
        }
    }
}

#[test]
fn a_person_does_not_decide_on_what_the_network_confirmed() {
    let policy = policy(Recovery::Hold);
    for verdict in [yes(), Verdict::Accepted(None), Verdict::Delivered(Proof::Duplicate)] {
        for decision in ALL {
            refuses(&settled(&policy, verdict.clone()), decision);
        }
    }
}

#[test]
fn a_decision_counts_only_for_the_attempt_and_the_decisions_that_the_person_saw() {
    let held = decided(&decided(&held(), Decision::Abandon), Decision::Reopen);
    assert_eq!((held.attempt, held.decisions), (1, 2));

    for decision in ALL.into_iter().chain([Decision::Acknowledge]) {
        for (attempt, decisions) in [(0, 2), (2, 2), (1, 1), (1, 3)] {
            let event = Event::Decide { attempt, decisions, decision };
            let step = step(Some(&held), &event, &policy(Recovery::Hold), NOW + HOUR);

            assert_eq!(step, unchanged(Then::Rest), "{decision:?}");
        }
    }
}

#[test]
fn reopening_brings_back_the_state_the_reason_and_the_doubt_before_the_decision() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let fixed_only = settled(&policy, Verdict::parked_until_fixed("unknown_code"));
        let certain = [fixed_only, settled(&policy, not_sent())];
        let doubtful = [
            unconfirmed(&policy),
            Delivery {
                state: State::Parked,
                parked_settings: Some("v1".to_owned()),
                ..unconfirmed(&policy)
            },
        ];
        for (held, decisions) in certain
            .map(|held| (held, vec![Decision::Confirm]))
            .into_iter()
            .chain(doubtful.map(|held| (held, vec![Decision::Confirm, Decision::Abandon])))
        {
            for decision in decisions {
                let reopened = decided(&decided(&held, decision), Decision::Reopen);

                let claim = reopened.claim.clone();
                let was = Delivery { claim, ..held.clone() };
                assert_eq!(apart_from_the_count(reopened), was, "{decision:?}");
            }
        }
    }
}

#[test]
fn whoever_reopens_what_can_go_on_brings_the_order() {
    let policy = policy(Recovery::SendAgain);
    let doubtful = unconfirmed(&policy);
    let confirmed = decided(&doubtful, Decision::Confirm);

    let reopened = step(Some(&confirmed), &decide(&confirmed, Decision::Reopen), &policy, NOW);

    assert_eq!(reopened.then, Then::Wait(doubtful.not_before));
}

#[test]
fn only_a_persons_decision_can_be_reopened() {
    let policy = policy(Recovery::Hold);
    let rejected = settled(&policy, Verdict::rejected("never"));
    let reopened = decided(&decided(&held(), Decision::Abandon), Decision::Reopen);
    for held in [held(), rejected, retrying(&policy), withdrawn(None), reopened] {
        refuses(&held, Decision::Reopen);
    }
}

#[test]
fn what_the_shop_cancelled_meanwhile_is_withdrawn_when_reopened() {
    let policy = policy(Recovery::SendAgain);
    let certain = settled(&policy, Verdict::parked("key"));
    let confirmed = decided(&certain, Decision::Confirm);
    let cancelled = next(&confirmed, &cancel(None), &policy, NOW);
    let lapsed = Delivery { permission: Some(Permission { until: NOW }), ..cancelled };

    let reopened = decided(&lapsed, Decision::Reopen);

    assert_eq!((reopened.state, reopened.permission), (State::Withdrawn, None));
}

#[test]
fn what_the_shop_cancelled_meanwhile_is_not_sent_again_when_reopened() {
    let policy = policy(Recovery::SendAgain);
    for decision in [Decision::Confirm, Decision::Abandon] {
        let closed = decided(&unconfirmed(&policy), decision);
        let cancelled = next(&closed, &cancel(None), &policy, NOW);
        assert_eq!(cancelled.state, closed.state);

        let reopened = decided(&cancelled, Decision::Reopen);

        let later = NOW + DAY;
        let step = step(Some(&reopened), &arrive(later), &policy, later);
        assert_eq!((reopened.state, step.then), (State::Unconfirmed, Then::Rest));
    }
}
