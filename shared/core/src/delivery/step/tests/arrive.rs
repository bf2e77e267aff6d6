//! Arrivals that wait: an open circuit breaker, a wrong setting.

use super::*;

#[test]
fn being_deferred_burns_no_attempt() {
    let policy = policy(Recovery::SendAgain);
    let retrying = retrying(&policy);
    let due = retrying.not_before;
    let until = due + 5 * MINUTE;

    for held in [&sending(&policy), &retrying] {
        assert_eq!(step(Some(held), &arrive(NOW), &policy, NOW).next, None);
    }
    let paused = arrive_at_open_circuit(due, until);
    assert_eq!(step(Some(&retrying), &paused, &policy, due), unchanged(Then::Wait(until)));
}

#[test]
fn an_order_is_kept_unsent_while_a_wrong_setting_holds_the_circuit_open() {
    let policy = policy(Recovery::LookUp);
    let until = NOW + 5 * MINUTE;

    let kept = step(None, &arrive_at_open_circuit(NOW, until), &policy, NOW);

    assert_eq!(kept.then, Then::Wait(until));
    let parked = kept.next.expect("a record");
    assert_eq!((parked.state, parked.attempt, parked.not_before), (State::Parked, 0, until));
    assert_eq!(parked.reason, Some(Reason::new("key")));
    assert_eq!(parked.parked_settings.as_deref(), Some("v1"));
    let still = arrive_at_open_circuit(until, until + SECOND);
    let again = step(Some(&parked), &still, &policy, until);
    assert_eq!(again, unchanged(Then::Wait(until + SECOND)));
    let claim = next(&parked, &arrive(until), &policy, until);
    assert_eq!((claim.state, claim.attempt), (State::Sending, 1));
}

#[test]
fn an_order_is_retried_unsent_while_an_outage_holds_the_circuit_open() {
    let policy = policy(Recovery::Hold);
    let until = NOW + 2 * MINUTE;

    let kept =
        step(None, &arrive_paused(NOW, until, State::Retrying, "network_down"), &policy, NOW);

    assert_eq!(kept.then, Then::Wait(until));
    let retrying = kept.next.expect("a record");
    assert_eq!((retrying.state, retrying.attempt), (State::Retrying, 0));
    assert_eq!((retrying.reason, retrying.not_before), (Some(Reason::new("network_down")), until));
}

#[test]
fn a_refusal_that_may_be_about_others_holds_only_those_that_met_it() {
    let policy = policy(Recovery::LookUp);
    let at = |now| arrive_open_to_others(now, now + HOUR, "http_forbidden");
    let refused = settled(&policy, Verdict::parked("http_forbidden"));
    let elsewhere = settled(&policy, Verdict::parked("key"));
    let unconfirmed = unconfirmed(&policy);

    let first = step(None, &at(NOW), &policy, NOW).next.expect("a claim");
    assert_eq!((first.state, first.attempt), (State::Sending, 1));
    let due = refused.not_before;
    assert_eq!(step(Some(&refused), &at(due), &policy, due), unchanged(Then::Wait(due + HOUR)));
    for held in [&retrying(&policy), &elsewhere] {
        let due = held.not_before;
        assert_eq!(next(held, &at(due), &policy, due).attempt, 2, "{:?}", held.reason);
    }
    let due = unconfirmed.not_before;
    assert_eq!(step(Some(&unconfirmed), &at(due), &policy, due), unchanged(Then::LookUp));
}

#[test]
fn an_open_circuit_holds_lookups_back_too() {
    let policy = policy(Recovery::LookUp);
    let unconfirmed = unconfirmed(&policy);
    let due = unconfirmed.not_before;

    let asks = arrive_at_open_circuit(due, due + SECOND);

    let step = step(Some(&unconfirmed), &asks, &policy, due);
    assert_eq!(step, unchanged(Then::Wait(due + SECOND)));
}

#[test]
fn a_parked_order_is_sent_when_a_setting_has_changed_or_its_time_has_come() {
    let policy = policy(Recovery::Hold);
    let parked = settled(&policy, Verdict::parked("key"));
    let due = parked.not_before;
    assert_eq!(due, NOW + SECOND + HOUR);
    let soon = NOW + 2 * SECOND;

    let same = step(Some(&parked), &arrive_with(soon, "v1"), &policy, soon);
    let fixed = step(Some(&parked), &arrive_with(soon, "v2"), &policy, soon);
    let probed = step(Some(&parked), &arrive_with(due, "v1"), &policy, due);

    assert_eq!(same, unchanged(Then::Wait(due)));
    assert!(matches!(fixed.then, Then::Send(Attempt { number: 2, .. })));
    assert!(matches!(probed.then, Then::Send(Attempt { number: 2, .. })));
    assert_eq!(fixed.next.expect("a claim").parked_settings, None);
}

#[test]
fn a_refusal_that_nobody_understands_is_not_probed() {
    let policy = policy(Recovery::Hold);
    let parked = settled(&policy, Verdict::parked_until_fixed("unknown_code"));
    let later = NOW + 300 * DAY;

    let same = step(Some(&parked), &arrive_with(later, "v1"), &policy, later);
    let fixed = step(Some(&parked), &arrive_with(later, "v2"), &policy, later);

    assert_eq!(same, unchanged(Then::Wait(NOW + SECOND + RETENTION)));
    assert!(matches!(fixed.then, Then::Send(_)));
}

#[test]
fn a_states_words_and_nature_are_stable() {
    let words = State::ALL.map(State::as_str);

    assert_eq!(
        words,
        [
            "sending",
            "delivered",
            "accepted",
            "skipped",
            "rejected",
            "parked",
            "retrying",
            "unconfirmed",
            "withdrawn",
            "abandoned"
        ]
    );
    let quiet: Vec<_> = State::ALL.into_iter().filter(|state| !state.is_announced()).collect();
    assert_eq!(quiet, [State::Sending, State::Retrying]);
    let open: Vec<_> = State::ALL.into_iter().filter(|state| !state.is_final()).collect();
    assert_eq!(open, [State::Sending, State::Parked, State::Retrying, State::Unconfirmed]);
}
