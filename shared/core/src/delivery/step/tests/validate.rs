//! The way of a validation: what it takes from its delivery, when it is called, and what a call that
//! may have been processed allows.

use super::*;

const PERIOD: Duration = Duration::from_hours(30 * 24);
const TERMS: Terms = Terms { return_period: PERIOD, decimals: 2 };

fn refunds(amounts: &[i64]) -> Refunds {
    Refunds::of(amounts.iter().map(|amount| {
        (format!("r-{amount}"), RefundEntry { amount: Some((*amount).into()), at: None })
    }))
}

fn followed(version: u64) -> Followed {
    Followed {
        version,
        first_seen_at: NOW,
        facts: content(),
        standing: Standing::Reported,
        reported: reported(10),
        refunds: refunds(&[1]),
        cancelled: None,
        terms: TERMS,
    }
}

fn follow(held: Option<&Delivery>, followed: Followed, now: Timestamp) -> Step {
    step(held, &Event::Follow(Box::new(followed)), &policy(Recovery::Hold), now)
}

fn due_at(held: &Delivery, terms: Terms, now: Timestamp) -> Step {
    let due = Due { terms, deadline: deadline(now), settings: "v1".to_owned(), open: None };
    step(Some(held), &Event::Validate(due), &policy(Recovery::Hold), now)
}

/// One that waits for the end of its return period; its delivery is at version 2.
fn waiting() -> Delivery {
    follow(None, followed(2), NOW).next.expect("a record")
}

/// A call of this amount of which no answer came.
fn called(amount: i64) -> Delivery {
    let held = waiting();
    let call = Some(Call { status: Status::Approved, amount: amount.into() });
    let validation = held.validation.clone().map(|validation| Validation { call, ..validation });
    let doubt = doubt(Recovery::SendAgain);
    Delivery { state: State::Unconfirmed, attempt: 1, doubt: Some(doubt), validation, ..held }
}

fn permitted(held: Delivery, until: Timestamp) -> Delivery {
    Delivery { permission: Some(Permission { until }), ..held }
}

fn is_called(step: &Step) -> bool {
    matches!(step.then, Then::Send(_))
}

#[test]
fn an_attempt_in_doubt_that_reports_something_else_is_noted() {
    let policy = policy(Recovery::SendAgain);
    let arrive = |now, amount: i64| {
        let reported = Some(reported(amount));
        Event::Arrive(Arrival { reported, ..arrival(now) })
    };
    let first = step(None, &arrive(NOW, 10), &policy, NOW).next.expect("a claim");
    let lost = next(&first, &settle(lost()), &policy, NOW + SECOND);
    let at = lost.not_before;

    for (amount, differs) in [(10, false), (11, true)] {
        let second = next(&lost, &arrive(at, amount), &policy, at);
        assert_eq!(second.reported.map(|reported| reported.differs), Some(differs));
    }
}

#[test]
fn it_begins_once_the_network_has_the_order() {
    for standing in [Standing::InDoubt, Standing::NotReported] {
        assert_eq!(follow(None, Followed { standing, ..followed(2) }, NOW), Step::rest());
    }
    for standing in [Standing::Reported, Standing::Confirmed] {
        let cancelled = Some(cancellation(NOW));
        let event = Followed { standing, cancelled: cancelled.clone(), ..followed(2) };
        let begun = follow(None, event, NOW).next.expect("a record");

        assert_eq!(
            (begun.state, begun.reason),
            (State::Retrying, Some(Reason::new("return_period")))
        );
        assert_eq!((begun.not_before, begun.refunds), (NOW + PERIOD, refunds(&[1])));
        assert_eq!(begun.reported, Some(reported(10)));
        let lock_at = NOW + PERIOD;
        let own = Validation { of_version: 2, lock_at, standing, cancelled, call: None };
        assert_eq!(begun.validation, Some(own));
    }
}

#[test]
fn it_takes_what_its_delivery_says_later_and_of_a_late_reader_the_refunds_alone() {
    let held = waiting();
    let standing = Standing::InDoubt;
    let cancelled = Some(cancellation(NOW));
    let other = Reported { differs: true, ..reported(10) };
    assert_eq!(follow(Some(&held), followed(3), NOW), Step::rest(), "it says nothing more");
    for more in [
        Followed { standing, ..followed(3) },
        Followed { cancelled: cancelled.clone(), ..followed(2) },
        Followed { reported: other, ..followed(3) },
    ] {
        let next = follow(Some(&held), more.clone(), NOW).next.expect("a change");
        let own = next.validation.expect("a validation");
        assert_eq!((own.of_version, own.standing), (more.version, more.standing));
        assert_eq!((own.cancelled, next.reported), (more.cancelled, Some(more.reported)));
    }
    let both = Followed { refunds: refunds(&[2]), ..followed(3) };
    let next = follow(Some(&held), both, NOW).next.expect("a change");
    assert_eq!(next.refunds, refunds(&[1, 2]));

    let late = Followed { standing, cancelled, ..followed(1) };
    assert_eq!(follow(Some(&held), late.clone(), NOW), Step::rest());
    let late = follow(Some(&held), Followed { refunds: refunds(&[2]), ..late }, NOW).next;
    assert_eq!(late, Some(Delivery { refunds: refunds(&[1, 2]), ..held }));
}

#[test]
fn a_delivery_wakes_what_waited_for_it_and_nothing_else() {
    let later = NOW + HOUR;
    let woken = |held: Delivery| {
        let more = Followed { cancelled: Some(cancellation(NOW)), ..followed(3) };
        follow(Some(&held), more, later).next.expect("a change")
    };
    let at = |delivery: &Delivery| delivery.not_before;
    let day = NOW + DAY;
    let doubtful = follow(None, followed(2), NOW).next.and_then(|held| {
        let more = Followed { standing: Standing::InDoubt, ..followed(2) };
        follow(Some(&held), more, NOW).next
    });
    let doubtful = Delivery { not_before: day, ..doubtful.expect("a change") };
    let state = |state| Delivery { state, not_before: day, ..waiting() };
    let throttled = Delivery { reason: Some(Reason::new("http_429")), ..doubtful.clone() };

    assert_eq!(at(&woken(doubtful)), later, "the doubt of its delivery ended");
    assert_eq!(at(&woken(throttled)), day, "the network asked for a pause");
    assert_eq!(at(&woken(state(State::Retrying))), day, "it waits for its time");
    assert_eq!(at(&woken(state(State::Parked))), later);
    let parked = Delivery { state: State::Parked, not_before: day, ..called(9) };
    assert_eq!(at(&woken(parked)), day, "a call may have been processed");
    let skipped = Delivery { reason: Some(Reason::new("not_reported")), ..state(State::Skipped) };
    let skipped = woken(skipped);
    assert_eq!((skipped.state, at(&skipped)), (State::Retrying, later));
    assert_eq!(skipped.reason, Some(Reason::new("return_period")));
}

#[test]
fn it_is_called_at_its_time_and_a_second_time_by_permission_alone() {
    let lock = NOW + PERIOD;
    let rejected = || Delivery { state: State::Rejected, ..waiting() };

    assert!(!is_called(&due_at(&waiting(), TERMS, lock - SECOND)));
    assert!(is_called(&due_at(&waiting(), TERMS, lock)));
    assert_eq!(due_at(&rejected(), TERMS, lock), Step::rest());
    assert_eq!(due_at(&permitted(rejected(), lock), TERMS, lock), Step::rest(), "it has lapsed");
    assert!(is_called(&due_at(&permitted(rejected(), lock + SECOND), TERMS, lock)));
    for state in [State::Unconfirmed, State::Parked] {
        let held = Delivery { state, ..called(9) };
        assert_eq!(due_at(&held, TERMS, lock), Step::rest());
        let again = due_at(&permitted(held, lock + SECOND), TERMS, lock);
        assert!(is_called(&again), "{state:?}");
        assert_eq!(again.next.expect("a claim").doubt, None, "the person's word ends it");
    }
}

#[test]
fn one_that_was_parked_is_looked_at_once_its_settings_changed() {
    let lock = NOW + PERIOD;
    let parked = |settings: &str| Delivery {
        state: State::Parked,
        not_before: lock + HOUR,
        parked_settings: Some(settings.to_owned()),
        reason: Some(Reason::new("wrong_key")),
        ..waiting()
    };

    assert_eq!(due_at(&parked("v1"), TERMS, lock), unchanged(Then::Wait(lock + HOUR)));
    assert!(is_called(&due_at(&parked("v0"), TERMS, lock)));
    // The new settings have a longer period.
    let terms = Terms { return_period: PERIOD * 2, ..TERMS };
    let longer = due_at(&parked("v0"), terms, lock).next.expect("a change");
    let until = NOW + PERIOD * 2;
    assert_eq!((longer.state, longer.not_before), (State::Retrying, until));
    assert_eq!((longer.reason, longer.parked_settings), (Some(Reason::new("return_period")), None));
    assert_eq!(longer.validation.map(|own| own.lock_at), Some(until));
    // What a person permitted to be called again stays what it is until then.
    for held in [called(9), Delivery { state: State::Rejected, ..waiting() }] {
        let held = permitted(held, lock + DAY);
        assert_eq!(due_at(&held, terms, lock), unchanged(Then::Wait(until)));
    }
}

#[test]
fn what_no_call_settles_is_a_persons_at_once() {
    let lock = NOW + PERIOD;
    let confirmed = Followed { standing: Standing::Confirmed, ..followed(2) };
    let held = follow(None, confirmed, NOW).next.expect("a record");
    let held = Delivery { parked_settings: Some("v0".to_owned()), ..held };

    let parked = due_at(&held, TERMS, lock + HOUR).next.expect("a change");

    assert_eq!((parked.state, parked.not_before), (State::Parked, lock + HOUR));
    let reason = Some(Reason::new("confirmed_by_operator"));
    assert_eq!((parked.reason.clone(), parked.parked_settings.clone()), (reason, None));
    assert_eq!(due_at(&parked, TERMS, lock + DAY), Step::rest(), "it is noted once");
    let other = Delivery { reason: Some(Reason::new("wrong_key")), ..parked.clone() };
    let other = due_at(&other, TERMS, lock + DAY).next.expect("a change");
    assert_eq!(other.reason, parked.reason);
    // What a call may have settled stays in doubt.
    let unclear = refunds(&[1]).and(&refunds(&[1]).without_amounts());
    let doubtful = permitted(Delivery { refunds: unclear, ..called(9) }, lock + DAY);
    assert_eq!(due_at(&doubtful, TERMS, lock), Step::rest());
}

#[test]
fn a_call_that_may_have_said_something_else_is_a_persons() {
    let lock = NOW + PERIOD;
    let held = Delivery { state: State::Parked, ..permitted(called(8), lock + DAY) };
    let refused = Delivery { state: State::Rejected, doubt: None, ..held.clone() };
    assert!(is_called(&due_at(&refused, TERMS, lock)), "it was certainly not processed");

    let changed = due_at(&held, TERMS, lock).next.expect("a change");

    assert_eq!((changed.state, changed.permission.clone()), (State::Unconfirmed, None));
    assert_eq!(changed.reason, Some(Reason::new("changed_since_the_call")));
    assert_eq!(changed.doubt.as_ref().map(|doubt| doubt.recovery), Some(Recovery::Hold));
    let again = due_at(&permitted(changed, lock + DAY), TERMS, lock);
    assert_eq!(again, Step::rest(), "it is noted once");
}
