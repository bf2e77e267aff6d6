//! The shop cancelled or refunded the whole order. One that is known to be cancelled before its
//! claim is never reported.

use super::{
    super::{Cancellation, Delivery, Facts, Policy, State, Step, Then},
    arrive::blank,
    come_back,
};
use crate::clock::Timestamp;

/// A cancellation that arrives before the order.
pub(super) fn unknown(facts: Facts, updated_at: Option<Timestamp>, now: Timestamp) -> Step {
    let next = Delivery {
        state: State::Withdrawn,
        cancelled: Some(cancellation(updated_at, now)),
        ..blank(&facts, updated_at, now)
    };
    Step::write(next, Then::Rest)
}

/// A cancellation of an order that the ledger holds.
pub(super) fn known(
    held: &Delivery,
    updated_at: Option<Timestamp>,
    _: &Policy,
    now: Timestamp,
) -> Step {
    // The version held is a later one than the cancelled one.
    let is_old = updated_at.is_some() && updated_at < held.order_updated_at;
    let is_noted = held.cancelled.as_ref().is_some_and(|noted| noted.updated_at >= updated_at);
    if is_old || is_noted {
        return come_back(held, now);
    }
    let next = Delivery {
        cancelled: Some(cancellation(updated_at, now)),
        permission: None,
        ..held.clone()
    };
    if held.is_certainly_absent() && held.state != State::Abandoned {
        return Step::write(withdrawn(next), Then::Rest);
    }
    let step = come_back(&next, now);
    Step { next: Some(next), ..step }
}

/// The network certainly holds nothing of it, and never will.
pub(super) fn withdrawn(delivery: Delivery) -> Delivery {
    Delivery {
        state: State::Withdrawn,
        reason: None,
        doubt: None,
        permission: None,
        parked_settings: None,
        ..delivery
    }
}

const fn cancellation(updated_at: Option<Timestamp>, at: Timestamp) -> Cancellation {
    Cancellation { at, updated_at, completed_after: false }
}
