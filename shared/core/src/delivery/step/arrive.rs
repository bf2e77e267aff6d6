//! A completed order arrives: which version of it is held, whether its content is the same, and
//! what is due.

use std::cmp::Ordering;

use super::{
    super::{Arrival, Cancellation, Delivery, Facts, Planned, Policy, Recovery, State, Step, Then},
    become_,
    claim::{claim, expire, has_time},
    come_back, resolves_itself,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The first arrival of an order.
pub(super) fn first(arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    match &arrival.planned {
        // Nothing to report writes nothing.
        Planned::Skip(_) => Step::rest(),
        _ => plan(&blank(&arrival.facts, arrival.updated_at, now), arrival, policy, now),
    }
}

/// A later arrival.
pub(super) fn again(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    if held.lines.is_some() {
        return Step { next: None, then: Then::ModeChanged };
    }
    if let Some(step) = after_cancellation(held, arrival, policy, now) {
        return step;
    }
    match arrival.updated_at.cmp(&held.order_updated_at) {
        // An open delivery has a message of the version held.
        Ordering::Less => Step { next: None, then: Then::Superseded },
        // Nothing was sent, and nothing is under way: any arrival is planned anew.
        _ if held.attempt == 0 && is_replaceable(held) => replace(held, arrival, policy, now),
        Ordering::Greater if is_replaceable(held) => replace(held, arrival, policy, now),
        _ if arrival.facts.agree(&held.facts) => resume(held, arrival, policy, now),
        // It is decided at the settlement.
        Ordering::Greater if is_unsettled(held, now) => come_back(held, now),
        _ => Step { next: None, then: Then::Conflict },
    }
}

/// An order that is known to be cancelled is never reported, unless a later version is completed.
fn after_cancellation(
    held: &Delivery,
    arrival: &Arrival,
    policy: &Policy,
    now: Timestamp,
) -> Option<Step> {
    let cancelled = held.cancelled.as_ref()?;
    if held.state.is_success() {
        return None;
    }
    let is_later = arrival.updated_at > cancelled.updated_at;
    if held.state == State::Withdrawn && is_later {
        let reopened = Delivery { cancelled: None, ..held.clone() };
        return Some(replace(&reopened, arrival, policy, now));
    }
    if held.in_doubt() {
        // Only a lookup may still settle it.
        let may_look_up =
            held.doubt.as_ref().is_some_and(|doubt| doubt.recovery == Recovery::LookUp);
        return Some(if may_look_up {
            resume(held, arrival, policy, now)
        } else {
            come_back(held, now)
        });
    }
    if held.state != State::Withdrawn || cancelled.completed_after {
        return Some(come_back(held, now));
    }
    let noted = Cancellation { completed_after: true, ..cancelled.clone() };
    Some(Step::write(Delivery { cancelled: Some(noted), ..held.clone() }, Then::Rest))
}

/// Whether the network certainly holds nothing, and a later version may take the place of the one
/// held.
fn is_replaceable(held: &Delivery) -> bool {
    held.is_certainly_absent() && held.state != State::Abandoned
}

/// Whether the version held is under way, or in a doubt that resolves itself.
fn is_unsettled(held: &Delivery, now: Timestamp) -> bool {
    held.state == State::Sending || (held.in_doubt() && resolves_itself(held, now))
}

/// Takes the place of the version held and plans anew. The attempts go on counting.
fn replace(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let is_same = arrival.facts.agree(&held.facts) && arrival.updated_at == held.order_updated_at;
    match (&held.state, &arrival.planned) {
        // The same order again, waiting its time: nothing new is known.
        (State::Retrying | State::Parked, _) if is_same => {
            return resume(held, arrival, policy, now);
        }
        (State::Rejected, Planned::Reject(reason))
            if is_same && held.reason.as_ref() == Some(reason) =>
        {
            return Step::rest();
        }
        // The network asked for a pause.
        (State::Retrying, Planned::Send(_)) if now < held.not_before => {
            let next = Delivery {
                facts: arrival.facts.clone(),
                order_updated_at: arrival.updated_at,
                ..held.clone()
            };
            return become_(next, now);
        }
        _ => {}
    }
    let fresh = Delivery {
        attempt: held.attempt,
        decisions: held.decisions,
        claim_expires_at: held.claim_expires_at,
        permission: held.permission.clone(),
        ..blank(&arrival.facts, arrival.updated_at, held.first_seen_at)
    };
    plan(&fresh, arrival, policy, now)
}

/// Plans a delivery of which the network certainly holds nothing.
fn plan(fresh: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let reason = match &arrival.planned {
        Planned::Send(scope) => match &arrival.open {
            Some(open) => {
                let is_parked = open.state == State::Parked;
                let waiting = Delivery {
                    state: open.state,
                    reason: Some(open.reason.clone()),
                    not_before: open.until,
                    parked_settings: is_parked.then(|| arrival.settings.clone()),
                    ..fresh.clone()
                };
                return become_(waiting, now);
            }
            None => return claim(fresh, scope, arrival.deadline, policy, now),
        },
        Planned::Skip(reason) => {
            let skipped =
                Delivery { state: State::Skipped, reason: Some(reason.clone()), ..fresh.clone() };
            return Step::write(skipped, Then::Rest);
        }
        Planned::Reject(reason) => reason.clone(),
    };
    let rejected = Delivery { state: State::Rejected, reason: Some(reason), ..fresh.clone() };
    Step::write(rejected, Then::Rest)
}

/// The same content again: does what is due.
fn resume(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    if let Some(permission) = &held.permission
        && now < permission.until
        && held.state != State::Sending
        && !held.state.is_success()
        && held.cancelled.is_none()
        && let Planned::Send(scope) = &arrival.planned
    {
        // The person's word ends the doubt.
        let certain = Delivery { doubt: None, ..held.clone() };
        return claim(&certain, scope, arrival.deadline, policy, now);
    }
    let Planned::Send(scope) = &arrival.planned else { return not_plannable(held, policy, now) };
    match held.state {
        State::Sending if now < held.claim_expires_at => Step::wait(held.claim_expires_at),
        State::Sending => expire(held, policy, now),
        State::Parked if !is_fixed(held, arrival) && now < held.not_before => {
            Step::wait(held.not_before)
        }
        State::Retrying | State::Unconfirmed if now < held.not_before => come_back(held, now),
        State::Retrying | State::Parked | State::Unconfirmed => {
            due(held, scope, arrival, policy, now)
        }
        _ => Step::rest(),
    }
}

/// An open delivery outlives every change of settings: what today's settings can't build waits for
/// other settings.
fn not_plannable(held: &Delivery, policy: &Policy, now: Timestamp) -> Step {
    let word = Reason::new("not_plannable");
    match held.state {
        State::Retrying | State::Parked | State::Unconfirmed if now < held.not_before => {
            Step::wait(held.not_before)
        }
        State::Parked if held.reason.as_ref() == Some(&word) => Step::wait(now + policy.park),
        State::Retrying | State::Parked | State::Unconfirmed => {
            let parked = Delivery {
                state: State::Parked,
                reason: Some(word),
                not_before: now + policy.park,
                ..held.clone()
            };
            become_(parked, now)
        }
        _ => come_back(held, now),
    }
}

/// Whether the settings have changed since it was parked.
fn is_fixed(held: &Delivery, arrival: &Arrival) -> bool {
    held.parked_settings.as_deref().is_some_and(|parked| parked != arrival.settings)
}

/// It is time: sends, asks, or leaves it to a person.
fn due(held: &Delivery, scope: &str, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    if let Some(open) = &arrival.open {
        return Step::wait(open.until);
    }
    let Some(doubt) = &held.doubt else {
        return claim(held, scope, arrival.deadline, policy, now);
    };
    if doubt.scope != scope {
        return hold(held, "settings_changed", policy, now);
    }
    match doubt.recovery {
        _ if !resolves_itself(held, now) => come_back(held, now),
        Recovery::SendAgain | Recovery::SendOnceMore => {
            claim(held, scope, arrival.deadline, policy, now)
        }
        Recovery::LookUp if has_time(arrival.deadline, policy, now) => {
            Step { next: None, then: Then::LookUp }
        }
        Recovery::LookUp => Step::wait(now),
        Recovery::Hold => Step::rest(),
    }
}

/// Holds the doubt as long as the settings are others than those under which it began.
fn hold(held: &Delivery, reason: &'static str, policy: &Policy, now: Timestamp) -> Step {
    let reason = Some(Reason::new(reason));
    if held.state == State::Unconfirmed && held.reason == reason {
        return Step::wait(now + policy.park);
    }
    let next = Delivery {
        state: State::Unconfirmed,
        reason,
        not_before: now + policy.park,
        ..held.clone()
    };
    become_(next, now)
}

/// A delivery before its first attempt.
pub(super) fn blank(
    facts: &Facts,
    order_updated_at: Option<Timestamp>,
    first_seen_at: Timestamp,
) -> Delivery {
    Delivery {
        state: State::Rejected,
        reason: None,
        proof: None,
        attempt: 0,
        facts: facts.clone(),
        order_updated_at,
        first_seen_at,
        claim: None,
        scope: None,
        claim_expires_at: Timestamp::EPOCH,
        not_before: Timestamp::EPOCH,
        doubt: None,
        parked_settings: None,
        cancelled: None,
        permission: None,
        undecided: None,
        lines: None,
        decisions: 0,
    }
}
