//! Later versions that wait for the one held: for its attempt, or for its doubt. Of several the newest
//! is sent.

use super::{
    super::{Arrival, Delivery, State, Step, Then},
    waits,
};
use crate::clock::Timestamp;

/// Returns whether the version held is under way, or in a doubt that resolves itself.
pub(super) fn is_unsettled(held: &Delivery, now: Timestamp) -> bool {
    held.state == State::Sending || (held.in_doubt() && waits(held, now))
}

/// Notes the newest version that waits for the one held, until its own arrival is decided.
pub(super) fn note_waiting(held: &Delivery, arrival: &Arrival, step: Step) -> Step {
    let base = step.next.as_ref().unwrap_or(held);
    let waits = matches!(step.then, Then::Wait(_)) && arrival.updated_at > base.order_updated_at;
    let waiting_version = match base.waiting_version {
        later if arrival.updated_at < later => later,
        _ if waits => arrival.updated_at,
        _ => None,
    };
    if waiting_version == base.waiting_version {
        return step;
    }
    let next = Delivery { waiting_version, ..base.clone() };
    Step { next: Some(next), ..step }
}

/// Returns whether a later version than the one that arrives waits, and is sent instead of it. A doubt
/// about the one held is resolved before, by its content, under whichever version that comes. And a
/// person's permission is for what comes next.
pub(super) fn is_outdated(held: &Delivery, arrival: &Arrival) -> bool {
    let is_later = arrival.updated_at > held.order_updated_at;
    let is_other = is_later && !arrival.facts.agree(&held.facts);
    arrival.updated_at < held.waiting_version
        && held.permission.is_none()
        && (is_other || held.is_certainly_absent())
}
