//! The pause that the network asked for: no version is sent before it is over.

use super::*;

/// What became of a throttled delivery before its pause was over.
fn throttled(policy: &Policy) -> Vec<(&'static str, Delivery)> {
    let verdict = Verdict::retry("http_429", Some(3 * HOUR));
    let retrying = versioned(settled(policy, verdict.clone()), 1);
    let at = NOW + MINUTE;
    let corrected = |planned| Arrival {
        facts: other_content(),
        updated_at: version(2),
        planned,
        ..arrival(at)
    };
    let beyond = Arrival { is_implausible: true, ..corrected(arrival(at).planned) };
    let spent = Delivery { attempt: policy.attempts, ..sending(policy) };
    let settle = settle_of(policy.attempts, verdict, 0);
    let of = |event: &Event| next(&retrying, event, policy, at);
    vec![
        ("corrected so that it can't be built", of(&Event::Arrive(corrected(skip())))),
        ("corrected beyond a bound", of(&Event::Arrive(beyond))),
        ("cancelled", of(&cancel(version(2)))),
        ("retried often enough", next(&versioned(spent, 1), &settle, policy, NOW + SECOND)),
    ]
}

#[test]
fn whatever_became_of_a_version_the_next_one_keeps_the_pause_that_the_network_asked_for() {
    let policy = policy(Recovery::Hold);
    let at = NOW + HOUR;
    for (what, held) in throttled(&policy) {
        let until = held.throttled_until.expect(what);
        assert!(!matches!(held.state, State::Retrying), "{what}");

        let step = step(Some(&held), &arrive_as(at, version(3)), &policy, at);

        assert_eq!(step.then, Then::Wait(until), "{what}");
        let waiting = step.next.expect("a change");
        assert_eq!((waiting.state, waiting.order_updated_at), (State::Retrying, version(3)));
        assert_eq!(waiting.reason, Some(Reason::new("http_429")), "{what}");
        let sent = super::step(Some(&waiting), &arrive_as(until, version(3)), &policy, until);
        assert!(matches!(sent.then, Then::Send(_)), "{what}");
        assert_eq!(sent.next.and_then(|claim| claim.throttled_until), None, "{what}");
    }
}

#[test]
fn settings_that_are_fixed_and_a_permission_keep_the_pause_that_the_network_asked_for() {
    let policy = policy(Recovery::Hold);
    let throttled = throttled(&policy);
    let (_, unplannable) = &throttled[0];
    let until = unplannable.throttled_until.expect("a pause");
    let at = NOW + HOUR;
    let fixed = Arrival {
        facts: other_content(),
        updated_at: version(2),
        settings: "v2".to_owned(),
        ..arrival(at)
    };
    let permitted = next(unplannable, &decide(unplannable, Decision::PermitSending), &policy, at);

    for held in [unplannable, &permitted] {
        let step = step(Some(held), &Event::Arrive(fixed.clone()), &policy, at);

        assert_eq!(step.then, Then::Wait(until));
    }
}
