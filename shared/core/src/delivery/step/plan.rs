//! The plan for a delivery of which the network certainly holds nothing, and what becomes of an open
//! one that today's settings can't build.

use super::{
    super::{
        Arrival, Delivery, Facts, IMPLAUSIBLE, Planned, Policy, RETENTION, Refunds, State, Step,
        Then,
    },
    become_,
    claim::{claim, expired, has_expired},
    come_back, waits,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The number of its pauses after which what can't be built is noted as still waiting.
const NOTED_EVERY: u32 = 6;
/// The reason of what today's settings can't build.
pub(super) const NOT_PLANNABLE: Reason = Reason::new("not_plannable");
const THROTTLED: Reason = Reason::new("http_429");

/// Plans a delivery of which the network certainly holds nothing.
pub(super) fn plan(fresh: &Delivery, arrival: &Arrival, policy: &Policy, now: Timestamp) -> Step {
    let open = arrival.open.as_ref().filter(|open| open.holds(fresh));
    let (state, reason) = match (&arrival.planned, open) {
        (Planned::Send(_), _) if is_held_back(fresh, arrival) => {
            return hold_back(fresh, arrival, now);
        }
        (Planned::Send(_), Some(open)) => {
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
        (Planned::Send(scope), None) => {
            let Some(until) = throttled(fresh, now) else {
                return claim(fresh, scope, arrival.deadline, policy, now);
            };
            let (state, reason) = (State::Retrying, Some(THROTTLED));
            return become_(Delivery { state, reason, not_before: until, ..fresh.clone() }, now);
        }
        (Planned::Skip(reason), _) => (State::Skipped, reason),
        (Planned::Reject(reason), _) => (State::Rejected, reason),
    };
    let reason = Some(reason.clone());
    Step::write(Delivery { state, reason, ..fresh.clone() }, Then::Rest)
}

/// The end of the pause that the network asked for, unless it is over.
fn throttled(held: &Delivery, now: Timestamp) -> Option<Timestamp> {
    held.throttled_until.filter(|until| now < *until)
}

/// The time until which nothing is sent: the circuit breaker is open, or the network asked for it.
pub(super) fn paused(held: &Delivery, arrival: &Arrival, now: Timestamp) -> Option<Timestamp> {
    let open = arrival.open.as_ref().filter(|open| open.holds(held)).map(|open| open.until);
    open.max(throttled(held, now))
}

/// Returns whether it may not be sent because it exceeds a bound: no person has permitted its content.
/// A doubt is resolved all the same, because that content was sent already.
pub(super) const fn is_held_back(held: &Delivery, arrival: &Arrival) -> bool {
    arrival.is_implausible && !held.judged_plausible && !held.in_doubt()
}

/// It waits for a person. A permission of other content ends.
pub(super) fn hold_back(held: &Delivery, arrival: &Arrival, now: Timestamp) -> Step {
    let next = Delivery {
        state: State::Parked,
        reason: Some(IMPLAUSIBLE),
        not_before: now + RETENTION,
        parked_settings: Some(arrival.settings.clone()),
        permission: None,
        ..held.clone()
    };
    become_(next, now)
}

/// The order came again, and this delivery of it can't be built.
pub(super) fn unplanned(held: &Delivery, settings: &str, policy: &Policy, now: Timestamp) -> Step {
    if held.lines.is_some() {
        return Step::rest();
    }
    if has_expired(held, now) {
        // It comes again at once, and is decided on the doubt.
        return Step::write(expired(held, policy, now), Then::Wait(now));
    }
    not_plannable(held, settings, policy, now)
}

/// An open delivery outlives every change of settings: what today's settings can't build waits for
/// other settings.
pub(super) fn not_plannable(
    held: &Delivery,
    settings: &str,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    if held.state == State::Sending || !waits(held, now) || now < held.not_before {
        return come_back(held, now);
    }
    if held.state == State::Parked && held.reason == Some(NOT_PLANNABLE) {
        // Noted now and then, so that a message that was lost is missed.
        let not_before = now + policy.park * NOTED_EVERY;
        return Step::write(Delivery { not_before, ..held.clone() }, Then::Wait(now + policy.park));
    }
    become_(unplannable(held, settings, policy, now), now)
}

pub(super) fn unplannable(
    held: &Delivery,
    settings: &str,
    policy: &Policy,
    now: Timestamp,
) -> Delivery {
    // The network may have asked for a longer pause.
    let pause = Some(held.not_before).filter(|_| held.state == State::Retrying);
    Delivery {
        state: State::Parked,
        reason: Some(NOT_PLANNABLE),
        not_before: pause.unwrap_or(now).max(now + policy.park),
        parked_settings: Some(settings.to_owned()),
        ..held.clone()
    }
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
        waiting_version: None,
        conflict_version: None,
        first_seen_at,
        claim: None,
        scope: None,
        claim_expires_at: Timestamp::EPOCH,
        not_before: Timestamp::EPOCH,
        throttled_until: None,
        doubt: None,
        parked_settings: None,
        cancelled: None,
        permission: None,
        judged_plausible: false,
        undecided: None,
        lines: None,
        former_lines: Vec::new(),
        decisions: 0,
        refunds: Refunds::default(),
        reported: None,
        validation: None,
    }
}
