//! A completed order arrives: which version of it is held, and whether its content is the same.

use std::cmp::Ordering;

use super::{
    super::{Arrival, Cancellation, Delivery, Planned, Policy, State, Step, Then},
    become_,
    cancel::{is_refunded, refunded},
    claim::{claim, expired, has_expired},
    due::resume,
    plan::{blank, is_held_back, paused, plan, unplannable},
    waiting::{is_outdated, is_unsettled, note_waiting},
};
use crate::clock::Timestamp;

/// An order arrives. One whose refunds reach its amount is cancelled; a repetition of it is no word
/// that it is completed after all.
pub(super) fn arrive(
    held: Option<&Delivery>,
    arrival: &Arrival,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    match (refunded(held, arrival, now), held) {
        (Some(step), None) => step,
        (None, None) => first(arrival, policy, now),
        (Some(step), Some(held)) => note_waiting(held, arrival, step),
        (None, Some(held)) => {
            let is_delayed = arrival.is_delayed || is_refunded(held, arrival);
            let step = again(held, &Arrival { is_delayed, ..arrival.clone() }, policy, now);
            note_waiting(held, arrival, step)
        }
    }
}

/// The first arrival of an order.
fn first(arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    match &arrival.planned {
        // Nothing to report writes nothing.
        Planned::Skip(_) => Step::rest(),
        _ => plan(&blank(&arrival.facts, arrival.updated_at, now), arrival, policy, now),
    }
}

/// A later arrival.
fn again(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    if held.lines.is_some() {
        return Step { next: None, then: Then::ModeChanged };
    }
    if has_expired(held, now) {
        // The arrival is decided anew, on the doubt.
        return Step::write(expired(held, policy, now), Then::Wait(now));
    }
    let heard = hear(held, arrival);
    let step = match &heard.cancelled {
        Some(_) => cancelled(&heard, arrival, policy, now),
        None => completed(&heard, arrival, policy, now),
    };
    let says_nothing = match step.then {
        Then::Superseded => true,
        // It comes back, and is heard then.
        Then::Wait(_) => held.state == State::Withdrawn,
        _ => false,
    };
    if step.next.is_none() && heard != *held && !says_nothing {
        return Step { next: Some(heard), ..step };
    }
    step
}

/// The delivery after the shop's word that the order is completed. Of two versions with
/// `updated_at` the later one holds; otherwise the cancellation does, and the word is noted.
fn hear(held: &Delivery, arrival: &Arrival) -> Delivery {
    let Some(cancelled) = &held.cancelled else { return held.clone() };
    let is_news = !arrival.is_delayed
        && !cancelled.completed_after
        && !matches!(arrival.planned, Planned::Skip(_));
    let cancelled = match compare(arrival.updated_at, cancelled.updated_at) {
        Some(Ordering::Greater) => None,
        Some(Ordering::Equal) | None if is_news => {
            Some(Cancellation { completed_after: true, ..cancelled.clone() })
        }
        _ => return held.clone(),
    };
    Delivery { cancelled, ..held.clone() }
}

/// The order of two versions, where both are known.
fn compare(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Ordering> {
    Some(one?.cmp(&other?))
}

/// A completed order for a delivery that is not withdrawn.
fn completed(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let version = arrival.updated_at.cmp(&held.order_updated_at);
    let is_same = arrival.facts.agree(&held.facts);
    let is_free = held.is_certainly_absent();
    let is_new = version == Ordering::Greater || held.attempt == 0;
    match permitted_scope(held, arrival, now) {
        // An open delivery has a message of the version held, and what waited for a content that was
        // replaced since is older than that one.
        _ if version == Ordering::Less
            || (version == Ordering::Equal && !is_same && arrival.has_waited)
            || is_outdated(held, arrival) =>
        {
            Step { next: None, then: Then::Superseded }
        }
        // The person did not see another total that exceeds a bound.
        Some(scope) if is_same || (is_new && !arrival.is_implausible) => {
            send_permitted(held, scope, arrival, policy, now)
        }
        // Nothing was sent, or it certainly failed, and nothing is under way.
        _ if is_free && is_new => replace(held, arrival, policy, now),
        _ if is_same => repeat(held, arrival, policy, now),
        // It is decided at the settlement.
        _ if version == Ordering::Greater && is_unsettled(held, now) => {
            Step::wait(held.not_before.max(now + policy.backoff * 8))
        }
        _ => conflict(held, arrival),
    }
}

/// Nothing is sent. That the shop completed a later version is noted: no cancellation of an earlier one
/// holds any more, whenever it comes.
fn conflict(held: &Delivery, arrival: &Arrival) -> Step {
    let is_later = arrival.updated_at > held.latest_version();
    let next = is_later.then(|| Delivery { conflict_version: arrival.updated_at, ..held.clone() });
    Step { next, then: Then::Conflict }
}

/// An order that is known to be cancelled is never reported; a lookup may still settle a doubt.
fn cancelled(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    if held.state != State::Withdrawn {
        return completed(held, arrival, policy, now);
    }
    match permitted_scope(held, arrival, now) {
        _ if compare(arrival.updated_at, held.order_updated_at) == Some(Ordering::Less)
            || is_outdated(held, arrival) =>
        {
            Step { next: None, then: Then::Superseded }
        }
        Some(scope) => send_permitted(held, scope, arrival, policy, now),
        None => Step::rest(),
    }
}

/// The scope under which a person's permission lets this arrival be sent.
fn permitted_scope<'a>(
    held: &Delivery,
    arrival: &'a Arrival,
    now: Timestamp,
) -> Option<&'a String> {
    let permission = held.permission.as_ref()?;
    let Planned::Send(scope) = &arrival.planned else { return None };
    let holds = now < permission.until && held.state != State::Sending && !held.state.is_success();
    holds.then_some(scope)
}

/// Claims by a person's permission: the person's word ends the doubt.
fn send_permitted(
    held: &Delivery,
    scope: &str,
    arrival: &Arrival,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    if let Some(until) = paused(held, arrival, now) {
        return Step::wait(until);
    }
    let certain = Delivery {
        doubt: None,
        cancelled: None,
        judged_plausible: held.judged_plausible || arrival.is_implausible,
        facts: arrival.facts.clone(),
        order_updated_at: arrival.updated_at.max(held.order_updated_at),
        ..held.clone()
    };
    claim(&certain, scope, arrival.deadline, policy, now)
}

/// The same content again. That a later version says the same is noted once it acts, or once its
/// message goes.
fn repeat(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let raised = Delivery { order_updated_at: arrival.updated_at, ..held.clone() };
    let step = resume(&raised, arrival, policy, now);
    if step.next.is_none() && raised != *held && !matches!(step.then, Then::Wait(_)) {
        return Step { next: Some(raised), ..step };
    }
    step
}

/// Takes the place of the version held and plans anew. The attempts go on counting.
fn replace(held: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let is_alike = arrival.facts.agree(&held.facts);
    let is_same = is_alike && arrival.updated_at == held.order_updated_at;
    let taken = Delivery {
        facts: arrival.facts.clone(),
        order_updated_at: arrival.updated_at,
        judged_plausible: held.judged_plausible && is_alike,
        ..held.clone()
    };
    match (held.state, &arrival.planned) {
        // The same order again, waiting its time: nothing new is known.
        (State::Retrying | State::Parked, _) if is_same => resume(held, arrival, policy, now),
        (State::Rejected, Planned::Reject(reason)) | (State::Skipped, Planned::Skip(reason))
            if is_same && held.reason.as_ref() == Some(reason) =>
        {
            Step::rest()
        }
        // A person gave up what exceeds a bound.
        (State::Abandoned, _) if is_same => Step::rest(),
        (State::Retrying | State::Parked, Planned::Skip(_) | Planned::Reject(_)) => {
            become_(unplannable(&taken, &arrival.settings, policy, now), now)
        }
        // The network asked for a pause.
        (State::Retrying, Planned::Send(_))
            if now < held.not_before && !is_held_back(&taken, arrival) =>
        {
            become_(taken, now)
        }
        _ => {
            let fresh = Delivery {
                attempt: held.attempt,
                decisions: held.decisions,
                claim_expires_at: held.claim_expires_at,
                throttled_until: held.throttled_until,
                permission: held.permission.clone(),
                judged_plausible: taken.judged_plausible,
                ..blank(&arrival.facts, arrival.updated_at, held.first_seen_at)
            };
            plan(&fresh, arrival, policy, now)
        }
    }
}
