//! Cancellations: in every state, in every order of arrival.
//!
//! More than 300 lines: each state, and each order of arrival, is a case.

use super::*;

/// Open deliveries that the network certainly does not hold.
fn certain(policy: &Policy) -> Vec<Delivery> {
    let rejected = settled(policy, Verdict::rejected("never"));
    let parked = settled(policy, Verdict::parked("key"));
    vec![retrying(policy), parked, rejected]
}

fn delayed(now: Timestamp) -> Event {
    Event::Arrive(Arrival { is_delayed: true, ..arrival(now) })
}

#[test]
fn a_cancellation_that_comes_first_is_kept_and_the_order_is_not_reported() {
    let policy = policy(Recovery::SendAgain);
    for (cancelled_at, completed_at) in
        [(None, None), (None, version(1)), (version(1), None), (version(1), version(1))]
    {
        let withdrawn = withdrawn(cancelled_at);
        assert_eq!((withdrawn.state, withdrawn.attempt), (State::Withdrawn, 0));

        let step = step(Some(&withdrawn), &arrive_as(NOW, completed_at), &policy, NOW);

        assert_eq!(step.then, Then::Rest);
        let noted = step.next.expect("a note");
        assert_eq!(noted.state, State::Withdrawn);
        assert!(noted.cancelled.is_some_and(|cancelled| cancelled.completed_after));
    }
}

#[test]
fn an_earlier_completion_than_the_cancellation_is_superseded() {
    let policy = policy(Recovery::SendAgain);

    let step = step(Some(&withdrawn(version(2))), &arrive_as(NOW, version(1)), &policy, NOW);

    assert_eq!(step, unchanged(Then::Superseded));
}

#[test]
fn an_earlier_completion_than_the_version_held_is_no_news_after_a_cancellation() {
    let policy = policy(Recovery::Hold);
    let withdrawn = next(&versioned(retrying(&policy), 2), &cancel(None), &policy, NOW);

    let step = step(Some(&withdrawn), &arrive_as(NOW, version(1)), &policy, NOW);

    assert_eq!(step, unchanged(Then::Superseded));
}

#[test]
fn a_later_completion_than_the_cancellation_reopens_a_withdrawn_delivery() {
    let policy = policy(Recovery::Hold);
    let event = arrive_as_other(NOW, version(3));
    let retrying = versioned(retrying(&policy), 1);
    let after_attempt = next(&retrying, &cancel(version(2)), &policy, NOW);
    for (held, number) in [(withdrawn(version(2)), 1), (after_attempt, 2)] {
        let step = step(Some(&held), &event, &policy, NOW);

        assert!(matches!(step.then, Then::Send(attempt) if attempt.number == number));
        let claim = step.next.expect("a claim");
        assert_eq!((claim.cancelled, claim.order_updated_at), (None, version(3)));
    }
}

#[test]
fn a_later_completion_that_has_to_wait_is_heard_once_it_comes_back() {
    let policy = policy(Recovery::Hold);
    let noted = next(&withdrawn(version(1)), &arrive_as(NOW, None), &policy, NOW);
    let permitted = next(&noted, &decide(&noted, Decision::PermitSending), &policy, NOW);
    let open = Open {
        until: NOW + MINUTE,
        state: State::Parked,
        reason: Reason::new("key"),
        only_refused: false,
    };
    let arrival = Arrival { updated_at: version(2), open: Some(open), ..arrival(NOW) };

    let step = step(Some(&permitted), &Event::Arrive(arrival), &policy, NOW);

    assert_eq!(step.then, Then::Wait(NOW + MINUTE));
    let waited_for = Delivery { waiting_version: version(2), ..permitted };
    assert_eq!(step.next.as_ref(), Some(&waited_for), "the cancellation stands meanwhile");
    let later = arrive_as(NOW + MINUTE, version(2));
    let back = super::step(Some(&waited_for), &later, &policy, NOW + MINUTE);
    assert!(matches!(back.then, Then::Send(_)));
    let claim = back.next.expect("a claim");
    assert_eq!((claim.cancelled, claim.order_updated_at), (None, version(2)));
}

#[test]
fn a_cancellation_without_a_version_stays_the_strongest() {
    let policy = policy(Recovery::Hold);
    let noted = next(&withdrawn(None), &arrive_as(NOW, version(1)), &policy, NOW);

    let again = next(&noted, &cancel(version(2)), &policy, NOW);

    let cancelled = again.cancelled.expect("a cancellation");
    assert_eq!((cancelled.updated_at, cancelled.completed_after), (None, false));
}

#[test]
fn nothing_is_left_of_what_a_withdrawn_delivery_waited_for() {
    let policy = policy(Recovery::Hold);
    let parked = settled(&policy, Verdict::parked("key"));
    let undecided = next(&parked, &decide(&parked, Decision::Confirm), &policy, NOW).undecided;
    let permission = Some(Permission { until: NOW + DAY });
    assert!(parked.parked_settings.is_some() && undecided.is_some());

    let withdrawn =
        next(&Delivery { permission, undecided, ..parked }, &cancel(None), &policy, NOW);

    assert_eq!(withdrawn.state, State::Withdrawn);
    assert_eq!(
        (withdrawn.permission, withdrawn.parked_settings, withdrawn.undecided),
        (None, None, None)
    );
}

#[test]
fn a_message_that_was_put_back_is_no_news_after_a_cancellation() {
    let policy = policy(Recovery::Hold);
    let withdrawn = next(&retrying(&policy), &cancel(None), &policy, NOW);

    assert_eq!(step(Some(&withdrawn), &delayed(NOW), &policy, NOW), unchanged(Then::Rest));
}

#[test]
fn an_order_that_does_not_concern_the_network_is_no_news_after_a_cancellation() {
    let event = arrive_planned(NOW, skip());

    let step = step(Some(&withdrawn(None)), &event, &policy(Recovery::Hold), NOW);

    assert_eq!(step, unchanged(Then::Rest));
}

#[test]
fn what_certainly_was_not_processed_is_withdrawn() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        for held in certain(&policy) {
            let step = step(Some(&held), &cancel(None), &policy, NOW + HOUR);

            assert_eq!(step.then, Then::Rest);
            let withdrawn = step.next.expect("a change");
            assert_eq!((withdrawn.state, withdrawn.reason), (State::Withdrawn, None));
            let at = withdrawn.cancelled.map(|cancelled| cancelled.at);
            assert_eq!(at, Some(NOW + HOUR));
        }
    }
}

#[test]
fn a_cancellation_while_sending_is_decided_at_the_settlement() {
    for recovery in RECOVERIES {
        let policy = policy(recovery);
        let noted = next(&sending(&policy), &cancel(None), &policy, NOW);
        assert_eq!((noted.state, noted.attempt), (State::Sending, 1));

        for verdict in [not_sent(), Verdict::rejected("never"), Verdict::parked("key")] {
            let step = step(Some(&noted), &settle(verdict), &policy, NOW + SECOND);

            assert_eq!(step.then, Then::Rest);
            assert_eq!(step.next.expect("a change").state, State::Withdrawn);
        }
        let delivered = next(&noted, &settle(yes()), &policy, NOW + SECOND);
        assert_eq!((delivered.state, delivered.cancelled), (State::Delivered, noted.cancelled));
    }
}

#[test]
fn a_cancelled_order_in_doubt_is_never_sent_again() {
    for recovery in [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::Hold] {
        let policy = policy(recovery);
        let while_sending = next(&sending(&policy), &cancel(None), &policy, NOW);
        let parked = Delivery { state: State::Parked, ..unconfirmed(&policy) };
        for held in [
            next(&while_sending, &settle(lost()), &policy, NOW + SECOND),
            next(&while_sending, &Event::Expire, &policy, while_sending.claim_expires_at),
            next(&unconfirmed(&policy), &cancel(None), &policy, NOW + SECOND),
            next(&parked, &cancel(None), &policy, NOW + SECOND),
        ] {
            assert!(held.in_doubt() && held.cancelled.is_some());
            let later = NOW + 30 * DAY;
            let step = step(Some(&held), &delayed(later), &policy, later);

            assert_eq!(step, unchanged(Then::Rest), "{recovery:?}");
        }
    }
}

#[test]
fn a_lookup_may_still_settle_the_doubt_of_a_cancelled_order() {
    let policy = policy(Recovery::LookUp);
    let held = next(&unconfirmed(&policy), &cancel(None), &policy, NOW + SECOND);
    let at = held.not_before;
    assert_eq!(step(Some(&held), &delayed(at), &policy, at), unchanged(Then::LookUp));
    let once = next(&held, &absent(at), &policy, at);
    let at = once.not_before;

    let gone = step(Some(&once), &absent(at), &policy, at);

    assert_eq!(gone.then, Then::Rest);
    let withdrawn = gone.next.expect("a change");
    assert_eq!((withdrawn.state, withdrawn.doubt), (State::Withdrawn, None));
    let found = next(&once, &found(at), &policy, at);
    assert_eq!((found.state, found.cancelled), (State::Delivered, held.cancelled));
}

#[test]
fn a_cancellation_after_the_report_is_noted_with_its_time() {
    let policy = policy(Recovery::Hold);
    for verdict in [yes(), Verdict::Accepted(None)] {
        let reported = settled(&policy, verdict);

        let noted = next(&reported, &cancel(version(1)), &policy, NOW + HOUR);

        let at = NOW + HOUR;
        let entry =
            Cancellation { at, updated_at: version(1), completed_after: false, by_refunds: false };
        assert_eq!(noted, Delivery { cancelled: Some(entry), ..reported });
    }
}

#[test]
fn an_old_cancellation_changes_nothing() {
    let policy = policy(Recovery::Hold);
    for held in [retrying(&policy), sending(&policy), settled(&policy, yes())] {
        let step = step(Some(&versioned(held, 2)), &cancel(version(1)), &policy, NOW);

        assert_eq!(step, unchanged(Then::Superseded));
    }
}

#[test]
fn a_cancellation_of_an_earlier_version_than_a_conflicting_completion_changes_nothing() {
    let policy = policy(Recovery::Hold);
    for held in [settled(&policy, yes()), held()] {
        let held = versioned(held, 1);
        let completed = arrive_as_other(NOW, version(3));
        let first = next(&held, &completed, &policy, NOW);
        let cancelled = next(&held, &cancel(version(2)), &policy, NOW);
        let last = next(&cancelled, &completed, &policy, NOW);

        for completed in [first, last] {
            assert_eq!((completed.order_updated_at, &completed.cancelled), (version(1), &None));
            let old = step(Some(&completed), &cancel(version(2)), &policy, NOW);
            assert_eq!(old, unchanged(Then::Superseded));
            for later in [version(3), version(4), None] {
                assert!(next(&completed, &cancel(later), &policy, NOW).cancelled.is_some());
            }
        }
    }
}

#[test]
fn a_cancellation_of_the_version_held_or_without_a_version_holds() {
    let policy = policy(Recovery::Hold);
    for updated_at in [version(2), version(3), None] {
        let held = versioned(retrying(&policy), 2);

        assert_eq!(next(&held, &cancel(updated_at), &policy, NOW).state, State::Withdrawn);
    }
}

#[test]
fn a_repeated_cancellation_changes_nothing() {
    let policy = policy(Recovery::Hold);
    for updated_at in [None, version(1)] {
        let withdrawn = withdrawn(updated_at);

        let again = step(Some(&withdrawn), &cancel(updated_at), &policy, NOW + HOUR);

        assert_eq!(again, unchanged(Then::Rest));
    }
}

#[test]
fn of_several_cancellations_the_strongest_holds_in_either_order() {
    let policy = policy(Recovery::Hold);
    for (first, second, strongest) in [
        (version(1), version(2), version(2)),
        (version(2), version(1), version(2)),
        (version(1), None, None),
        (None, version(1), None),
    ] {
        let step = step(Some(&withdrawn(first)), &cancel(second), &policy, NOW + HOUR);

        let held = step.next.unwrap_or_else(|| withdrawn(first));
        assert_eq!(held.cancelled.map(|cancelled| cancelled.updated_at), Some(strongest));
    }
}

#[test]
fn a_cancellation_after_the_completion_that_followed_one_is_noted_anew() {
    let policy = policy(Recovery::Hold);
    let completed = next(&withdrawn(None), &arrive(NOW), &policy, NOW + SECOND);

    let again = next(&completed, &cancel(None), &policy, NOW + HOUR);

    let cancelled = again.cancelled.expect("a cancellation");
    assert_eq!((cancelled.at, cancelled.completed_after), (NOW + HOUR, false));
}

#[test]
fn a_later_completion_revokes_the_cancellation_in_every_state() {
    let policy = policy(Recovery::SendAgain);
    for held in [sending(&policy), settled(&policy, yes()), unconfirmed(&policy)] {
        let held = versioned(held, 1);
        let cancelled = next(&held, &cancel(version(2)), &policy, NOW);
        for event in [arrive_as(NOW, version(3)), arrive_as_other(NOW, version(3))] {
            let revoked = next(&cancelled, &event, &policy, NOW);

            assert_eq!((revoked.state, revoked.cancelled), (held.state, None));
        }
    }
}

fn refunds(entries: &[(&str, u32)]) -> Refunds {
    Refunds::of(entries.iter().map(|(id, amount)| {
        ((*id).to_owned(), RefundEntry { amount: Some((*amount).into()), at: None })
    }))
}

fn of_1499() -> Facts {
    serde_json::from_value(serde_json::json!({ "amount": "1499" })).expect("facts")
}

/// An order of 1499 arrives with these refunds.
fn arrive_refunded(entries: &[(&str, u32)]) -> Event {
    Event::Arrive(Arrival { facts: of_1499(), refunds: refunds(entries), ..arrival(NOW) })
}

#[test]
fn the_refunds_of_all_messages_decide_whether_it_is_refunded_whole() {
    let policy = policy(Recovery::Hold);
    for (last, is_cancelled) in [(1398, false), (1399, true), (1500, true)] {
        let held = Delivery { facts: of_1499(), ..settled(&policy, yes()) };
        let first = next(&held, &arrive_refunded(&[("r1", 100)]), &policy, NOW);
        assert_eq!(first.cancelled, None);

        let second = next(&first, &arrive_refunded(&[("r2", last)]), &policy, NOW);
        let noted = second.cancelled.as_ref().map(|noted| noted.by_refunds);
        assert_eq!(noted, is_cancelled.then_some(true));

        let repeated = step(Some(&second), &arrive_refunded(&[("r1", 100)]), &policy, NOW);
        assert_eq!(repeated.next, None, "a repetition of a refund is no word of a completion");
    }
}

#[test]
fn a_later_version_takes_no_refund_back() {
    let policy = policy(Recovery::Hold);
    let held = versioned(Delivery { facts: of_1499(), ..settled(&policy, yes()) }, 1);
    let refunded = next(&held, &arrive_refunded(&[("r1", 1499)]), &policy, NOW);
    let Event::Arrive(arrival) = arrive_as(NOW, version(2)) else { panic!("no arrival") };
    let later = Event::Arrive(Arrival { facts: of_1499(), ..arrival });

    let later = next(&refunded, &later, &policy, NOW);

    let cancelled = later.cancelled.expect("a cancellation");
    assert_eq!((cancelled.updated_at, cancelled.completed_after), (version(2), false));
}

#[test]
fn refunds_of_other_content_hide_no_conflict() {
    let policy = policy(Recovery::Hold);
    let held = Delivery { facts: of_1499(), ..settled(&policy, yes()) };
    let facts = serde_json::from_value(serde_json::json!({ "amount": "1600" })).expect("facts");
    let other = Event::Arrive(Arrival { facts, refunds: refunds(&[("r1", 1600)]), ..arrival(NOW) });

    let step = step(Some(&held), &other, &policy, NOW);

    assert_eq!(step.then, Then::Conflict);
    let noted = step.next.expect("the refund");
    assert_eq!((noted.cancelled, noted.refunds), (None, refunds(&[("r1", 1600)])));
}

#[test]
fn a_refund_that_came_with_two_amounts_cancels_nothing() {
    let policy = policy(Recovery::Hold);
    let held = Delivery { facts: of_1499(), ..settled(&policy, yes()) };
    let first = next(&held, &arrive_refunded(&[("r1", 100)]), &policy, NOW);

    let second = next(&first, &arrive_refunded(&[("r1", 1499)]), &policy, NOW);

    assert_eq!((second.cancelled, second.refunds.sum()), (None, None));
}

#[test]
fn an_earlier_version_of_a_smaller_amount_cancels_nothing() {
    let policy = policy(Recovery::Hold);
    let held = versioned(Delivery { facts: of_1499(), ..retrying(&policy) }, 2);
    let refunded = next(&held, &arrive_of_version(2, &[("r1", 50)]), &policy, NOW);
    assert_eq!(refunded.cancelled, None);
    let facts = serde_json::from_value(serde_json::json!({ "amount": "50" })).expect("facts");
    let Event::Arrive(earlier) = arrive_as(NOW, version(1)) else { panic!("no arrival") };
    let earlier = Event::Arrive(Arrival { facts, is_delayed: true, has_waited: true, ..earlier });

    let step = step(Some(&refunded), &earlier, &policy, NOW);

    assert_eq!(step, unchanged(Then::Superseded));
}

/// An order of 1499 of this version arrives with these refunds.
fn arrive_of_version(number: u32, entries: &[(&str, u32)]) -> Event {
    let Event::Arrive(arrival) = arrive_refunded(entries) else { panic!("no arrival") };
    Event::Arrive(Arrival { updated_at: version(number), ..arrival })
}

#[test]
fn what_is_refunded_whole_before_it_is_reported_never_is() {
    let policy = policy(Recovery::SendAgain);
    for amount in [1499, 1600] {
        let step = step(None, &arrive_refunded(&[("r", amount)]), &policy, NOW);

        assert_eq!(step.then, Then::Rest);
        assert_eq!(step.next.map(|next| next.state), Some(State::Withdrawn));
    }
}
