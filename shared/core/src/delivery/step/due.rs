//! The same content comes again: what is due of it is sent, asked for or left to a person.

use super::{
    super::{Arrival, Delivery, IMPLAUSIBLE, Planned, Policy, Recovery, State, Step, Then},
    become_,
    claim::{claim, has_time, never_sent_again},
    come_back,
    plan::{hold_back, is_held_back, not_plannable, paused},
    waits,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The reason of a doubt that began under other settings.
const SETTINGS_CHANGED: Reason = Reason::new("settings_changed");

/// The same content again: does what is due.
pub(super) fn resume(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let scope = match (&arrival.planned, &arrival.shown_scope) {
        (Planned::Send(scope), _) => scope,
        // What is in doubt is asked for by the order alone.
        (_, Some(scope)) if is_looked_up(held) => scope,
        _ => return not_plannable(held, &arrival.settings, policy, now),
    };
    match held.state {
        State::Parked if !is_fixed(held, arrival) && now < held.not_before => come_back(held, now),
        State::Retrying | State::Unconfirmed if now < held.not_before => come_back(held, now),
        State::Retrying | State::Parked | State::Unconfirmed => {
            due(held, scope, arrival, policy, now)
        }
        _ => come_back(held, now),
    }
}

/// Returns whether a lookup resolves its doubt.
fn is_looked_up(held: &Delivery) -> bool {
    held.doubt.as_ref().is_some_and(|doubt| doubt.recovery == Recovery::LookUp)
}

/// Returns whether the settings have changed since it was parked, or it no longer exceeds a bound.
fn is_fixed(held: &Delivery, arrival: &Arrival) -> bool {
    if held.reason == Some(IMPLAUSIBLE) {
        return !arrival.is_implausible;
    }
    held.parked_settings.as_deref().is_some_and(|parked| parked != arrival.settings)
}

/// It is time: sends, asks, or leaves it to a person.
fn due(held: &Delivery, scope: &str, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    if !waits(held, now) {
        return Step::rest();
    }
    if is_held_back(held, arrival) {
        return hold_back(held, arrival, now);
    }
    if let Some(until) = paused(held, arrival, now) {
        return Step::wait(until);
    }
    match &held.doubt {
        Some(doubt) if doubt.scope != scope => hold(held, policy, now),
        Some(doubt) if doubt.recovery != Recovery::LookUp && policy.recovery == Recovery::Hold => {
            leave_to_a_person(held, now)
        }
        Some(doubt) if doubt.recovery == Recovery::LookUp => {
            if has_time(arrival.deadline, policy, now) {
                Step { next: None, then: Then::LookUp }
            } else {
                Step::wait(now)
            }
        }
        _ => claim(held, scope, arrival.deadline, policy, now),
    }
}

/// The settings send nothing again any more: the merchant has taken the consent back, or has learned that
/// the network counts a second report.
fn leave_to_a_person(held: &Delivery, now: Timestamp) -> Step {
    let next = Delivery {
        state: State::Unconfirmed,
        reason: Some(SETTINGS_CHANGED),
        doubt: held.doubt.clone().map(never_sent_again),
        ..held.clone()
    };
    become_(next, now)
}

/// Holds the doubt as long as the settings are others than those under which it began.
fn hold(held: &Delivery, policy: &Policy, now: Timestamp) -> Step {
    let reason = Some(SETTINGS_CHANGED);
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
