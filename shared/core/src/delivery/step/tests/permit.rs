//! A person's permission to send again.

use super::*;

fn permitted(held: &Delivery) -> Delivery {
    let policy = policy(Recovery::Hold);
    next(held, &decide(held, Decision::PermitSending), &policy, NOW)
}

/// Deliveries that no arrival sends by itself.
fn resting() -> Vec<Delivery> {
    let policy = policy(Recovery::Hold);
    let abandoned = next(&held(), &decide(&held(), Decision::Abandon), &policy, NOW);
    let rejected = settled(&policy, Verdict::rejected("duplicate_elsewhere"));
    let skipped = settled(&policy, Verdict::Skipped(Reason::new("no_cart")));
    vec![held(), abandoned, rejected, skipped]
}

#[test]
fn a_permission_changes_no_state() {
    for held in resting() {
        let step = step(
            Some(&held),
            &decide(&held, Decision::PermitSending),
            &policy(Recovery::Hold),
            NOW,
        );

        assert_eq!(step.then, Then::Rest);
        let permission = Some(Permission { until: NOW + 7 * DAY });
        let decisions = held.decisions + 1;
        assert_eq!(step.next, Some(Delivery { permission, decisions, ..held }));
    }
}

#[test]
fn the_next_arrival_claims_and_that_ends_the_permission_and_the_doubt() {
    let policy = policy(Recovery::Hold);
    for held in resting() {
        let at = NOW + HOUR;

        let step = step(Some(&permitted(&held)), &arrive(at), &policy, at);

        assert_eq!(step.then, Then::Send(Attempt { number: 2, at, in_doubt: false }));
        let claim = step.next.expect("a claim");
        assert_eq!((claim.permission, claim.doubt, claim.undecided), (None, None, None));
    }
}

#[test]
fn a_permission_holds_for_a_later_version_and_not_for_an_earlier_one() {
    let policy = policy(Recovery::Hold);
    for held in resting() {
        let held = permitted(&versioned(held, 2));

        for event in [arrive_as(NOW, version(3)), arrive_as_other(NOW, version(3))] {
            let claim = next(&held, &event, &policy, NOW);
            assert_eq!((claim.state, claim.order_updated_at), (State::Sending, version(3)));
        }
        for event in [arrive_as(NOW, version(1)), arrive_as_other(NOW, version(1))] {
            assert_eq!(step(Some(&held), &event, &policy, NOW), unchanged(Then::Superseded));
        }
        let other = arrive_as_other(NOW, version(2));
        assert_eq!(step(Some(&held), &other, &policy, NOW), unchanged(Then::Conflict));
    }
}

#[test]
fn a_permission_lapses_after_seven_days() {
    let policy = policy(Recovery::Hold);
    for held in resting() {
        let permitted = permitted(&held);
        let (last, after) = (NOW + 7 * DAY - SECOND, NOW + 7 * DAY);

        let sent = step(Some(&permitted), &arrive(last), &policy, last);

        assert!(matches!(sent.then, Then::Send(_)));
        assert_eq!(step(Some(&permitted), &arrive(after), &policy, after), unchanged(Then::Rest));
    }
}

#[test]
fn a_permitted_order_waits_for_an_open_circuit_and_for_settings_that_can_build_it() {
    let policy = policy(Recovery::Hold);
    for held in resting() {
        let permitted = permitted(&held);

        let closed = arrive_at_open_circuit(NOW, NOW + HOUR);

        let waits = step(Some(&permitted), &closed, &policy, NOW);
        assert_eq!(waits, unchanged(Then::Wait(NOW + HOUR)));
        let unplanned = arrive_planned(NOW, skip());
        assert_eq!(step(Some(&permitted), &unplanned, &policy, NOW), unchanged(Then::Rest));
    }
}

#[test]
fn a_permission_is_refused_while_a_cancellation_is_noted() {
    let policy = policy(Recovery::Hold);
    for held in resting() {
        let cancelled = next(&held, &cancel(None), &policy, NOW);
        let event = decide(&cancelled, Decision::PermitSending);

        assert_eq!(step(Some(&cancelled), &event, &policy, NOW), unchanged(Then::Rest));
    }
}

#[test]
fn a_person_may_send_what_came_as_completed_after_its_cancellation() {
    let policy = policy(Recovery::Hold);
    for updated_at in [None, version(1)] {
        let withdrawn = withdrawn(updated_at);
        let completed = next(&withdrawn, &arrive(NOW), &policy, NOW);
        let permitted = permitted(&completed);

        let step = step(Some(&permitted), &arrive(NOW), &policy, NOW);

        assert!(matches!(step.then, Then::Send(Attempt { number: 1, .. })));
        let claim = step.next.expect("a claim");
        assert_eq!((claim.cancelled, &claim.facts), (None, &content()));
    }
}

#[test]
fn a_cancellation_ends_the_permission() {
    let policy = policy(Recovery::Hold);
    let completed = next(&withdrawn(None), &arrive(NOW), &policy, NOW);
    let mut held = resting();
    held.push(completed);
    for held in held {
        let cancelled = next(&permitted(&held), &cancel(None), &policy, NOW + SECOND);

        assert_eq!(cancelled.permission, None);
        let step = step(Some(&cancelled), &arrive(NOW + HOUR), &policy, NOW + HOUR);
        assert_eq!(step.then, Then::Rest);
    }
}

#[test]
fn neither_what_is_under_way_nor_what_was_reported_may_be_sent_again() {
    let policy = policy(Recovery::Hold);
    for held in
        [sending(&policy), settled(&policy, yes()), settled(&policy, Verdict::Accepted(None))]
    {
        let event = decide(&held, Decision::PermitSending);

        assert_eq!(step(Some(&held), &event, &policy, NOW), unchanged(Then::Rest));
    }
}

#[test]
fn a_permission_given_by_mistake_can_be_taken_back() {
    for held in resting() {
        let permitted = permitted(&held);

        let back =
            next(&permitted, &decide(&permitted, Decision::Reopen), &policy(Recovery::Hold), NOW);

        assert_eq!(back, Delivery { decisions: held.decisions + 2, ..held });
    }
}

#[test]
fn a_permission_outlives_a_plan_that_sends_nothing() {
    let policy = policy(Recovery::Hold);
    let retrying = versioned(settled(&policy, not_sent()), 1);
    let permitted = permitted(&retrying);
    let event = Event::Arrive(Arrival { updated_at: version(2), planned: skip(), ..arrival(NOW) });

    let replaced = next(&permitted, &event, &policy, NOW + HOUR);

    assert_eq!(replaced.permission, permitted.permission);
}

#[test]
fn that_an_attempt_said_something_else_is_not_forgotten_after_a_certain_failure() {
    let policy = policy(Recovery::Hold);
    let reporting = |amount: &str, updated_at, now| {
        Event::Arrive(Arrival {
            reported: Some(Reported {
                amount: amount.parse().expect("an amount"),
                currency: "INR".to_owned(),
                completed_at: NOW,
                ids: std::collections::BTreeMap::new(),
                differs: false,
                workbook_days: None,
            }),
            updated_at,
            ..arrival(now)
        })
    };
    let retry = Verdict::Retry { reason: Reason::new("http_429"), after: None, sent: true };
    let first = step(None, &reporting("100", version(1), NOW), &policy, NOW).next.expect("a claim");
    let lost = next(&first, &settle(Verdict::unconfirmed("answer_timeout")), &policy, NOW);
    let permitted = permitted(&lost);
    let second = next(&permitted, &reporting("120", version(2), NOW), &policy, NOW);
    let failed = next(&second, &settle_of(2, retry, 0), &policy, NOW);

    let at = NOW + DAY;
    let third = next(&failed, &reporting("120", version(2), at), &policy, at);

    assert_eq!(third.state, State::Sending);
    assert!(third.reported.is_some_and(|reported| reported.differs));
}
