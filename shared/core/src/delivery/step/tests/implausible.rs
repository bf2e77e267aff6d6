//! An order that exceeds a bound waits for a person, and for nobody else.

use super::*;

fn implausible(now: Timestamp) -> Arrival {
    Arrival { is_implausible: true, ..arrival(now) }
}

fn beyond(now: Timestamp) -> Event {
    Event::Arrive(implausible(now))
}

fn reason(delivery: &Delivery) -> Option<&str> {
    delivery.reason.as_ref().map(Reason::as_str)
}

/// One that waits.
fn parked() -> Delivery {
    step(None, &beyond(NOW), &policy(Recovery::Hold), NOW).next.expect("a record")
}

fn permitted() -> Delivery {
    let held = parked();
    next(&held, &decide(&held, Decision::PermitSending), &policy(Recovery::Hold), NOW)
}

#[test]
fn it_is_parked_without_an_attempt_and_no_time_and_no_other_setting_sends_it() {
    let (held, policy) = (parked(), policy(Recovery::Hold));

    assert_eq!((held.state, reason(&held), held.attempt), (State::Parked, Some("implausible"), 0));
    assert_eq!(held.parked_settings.as_deref(), Some("v1"));
    for settings in ["v1", "v2"] {
        for at in [NOW + HOUR, NOW + DAY * 30] {
            let event = Event::Arrive(Arrival { settings: settings.to_owned(), ..implausible(at) });
            let step = step(Some(&held), &event, &policy, at);
            assert_eq!((step.next, &step.then), (None, &Then::Wait(held.not_before)));
        }
    }
}

#[test]
fn it_is_parked_as_such_although_the_network_is_paused_or_it_waited_for_something_else() {
    let policy = policy(Recovery::Hold);
    let (until, state) = (NOW + HOUR, State::Parked);
    let open = Open { until, state, reason: Reason::new("key"), only_refused: false };
    let paused = Event::Arrive(Arrival { open: Some(open), ..implausible(NOW) });
    let waiting = [
        retrying(&policy),
        settled(&policy, Verdict::parked("wrong_key")),
        step(None, &arrive_at_open_circuit(NOW, NOW), &policy, NOW).next.expect("a record"),
    ];

    let first = step(None, &paused, &policy, NOW).next.expect("a record");

    assert_eq!(reason(&first), Some("implausible"));
    for held in waiting {
        let at = held.not_before;
        assert_eq!(reason(&next(&held, &beyond(at), &policy, at)), Some("implausible"));
    }
}

#[test]
fn a_bound_that_is_raised_lets_it_go() {
    let (held, at) = (parked(), NOW + HOUR);

    let step = step(Some(&held), &arrive(at), &policy(Recovery::Hold), at);

    assert!(matches!(step.then, Then::Send(Attempt { number: 1, .. })), "{step:?}");
}

#[test]
fn a_person_lets_it_go_and_the_bound_never_stops_that_content_again() {
    let policy = policy(Recovery::Hold);

    let claimed = next(&permitted(), &beyond(NOW), &policy, NOW);
    let failed = next(&claimed, &settle_of(1, not_sent(), Jitter::MAX), &policy, NOW);
    let at = failed.not_before;

    assert_eq!((claimed.state, claimed.permission.as_ref()), (State::Sending, None));
    for event in [beyond(at), Event::Arrive(Arrival { updated_at: version(2), ..implausible(at) })]
    {
        let step = step(Some(&failed), &event, &policy, at);
        assert!(matches!(step.then, Then::Send(Attempt { number: 2, .. })), "{step:?}");
    }
}

#[test]
fn a_person_who_permitted_one_content_did_not_permit_another() {
    let policy = policy(Recovery::Hold);
    let other = |at| {
        Event::Arrive(Arrival { updated_at: version(2), facts: other_content(), ..implausible(at) })
    };
    let claimed = next(&permitted(), &beyond(NOW), &policy, NOW);
    let failed = next(&claimed, &settle_of(1, not_sent(), Jitter::MAX), &policy, NOW);

    for held in [permitted(), failed] {
        let held = next(&held, &other(NOW), &policy, NOW);
        assert_eq!(
            (held.state, reason(&held), &held.permission, &held.facts),
            (State::Parked, Some("implausible"), &None, &other_content())
        );
        let again = step(Some(&held), &other(NOW + HOUR), &policy, NOW + HOUR);
        assert_eq!(again, unchanged(Then::Wait(held.not_before)));
    }
}

#[test]
fn a_correction_within_the_bound_is_sent_and_a_cancellation_withdraws_it() {
    let (held, policy) = (parked(), policy(Recovery::Hold));
    let abandoned = next(&held, &decide(&held, Decision::Abandon), &policy, NOW);

    for held in [held, abandoned] {
        let corrected = next(&held, &arrive_as_other(NOW, version(2)), &policy, NOW);
        let cancelled = next(&held, &cancel(None), &policy, NOW);

        assert_eq!((corrected.state, &corrected.facts), (State::Sending, &other_content()));
        assert_eq!((cancelled.state, reason(&cancelled)), (State::Withdrawn, None));
    }
}

#[test]
fn what_a_person_gives_up_stays_so_until_it_is_reopened() {
    let (held, policy) = (parked(), policy(Recovery::Hold));

    let abandoned = next(&held, &decide(&held, Decision::Abandon), &policy, NOW);
    let reopened = next(&abandoned, &decide(&abandoned, Decision::Reopen), &policy, NOW);

    assert_eq!((abandoned.state, reason(&abandoned)), (State::Abandoned, Some("implausible")));
    for event in [beyond(NOW + HOUR), arrive(NOW + HOUR)] {
        assert_eq!(step(Some(&abandoned), &event, &policy, NOW + HOUR), unchanged(Then::Rest));
    }
    assert_eq!(reopened, Delivery { decisions: 2, ..held });
}

#[test]
fn a_doubt_is_resolved_whatever_the_bound() {
    let policy = policy(Recovery::SendAgain);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;

    let step = step(Some(&unconfirmed), &beyond(at), &policy, at);

    assert!(matches!(step.then, Then::Send(Attempt { in_doubt: true, .. })), "{step:?}");
}
