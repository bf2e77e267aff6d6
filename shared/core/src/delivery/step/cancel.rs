//! The shop cancelled or refunded the whole order. One that is known to be cancelled before its
//! claim is never reported.

use super::{
    super::{Cancellation, Delivery, Facts, State, Step, Then},
    claim::never_sent_again,
    plan::blank,
};
use crate::clock::Timestamp;

/// A cancellation that arrives before the order.
pub(super) fn unknown(facts: &Facts, updated_at: Option<Timestamp>, now: Timestamp) -> Step {
    let next = Delivery {
        state: State::Withdrawn,
        cancelled: Some(cancellation(updated_at, now)),
        ..blank(facts, updated_at, now)
    };
    Step::write(next, Then::Rest)
}

/// A cancellation of an order that the ledger holds. Its message is done with once that is written:
/// it can't be sent, and nothing can be looked up with it.
pub(super) fn known(held: &Delivery, updated_at: Option<Timestamp>, now: Timestamp) -> Step {
    // The version held is a later one than the cancelled one.
    if updated_at.is_some() && updated_at < held.order_updated_at {
        return Step { next: None, then: Then::Superseded };
    }
    if !is_news(held.cancelled.as_ref(), updated_at) {
        return Step::rest();
    }
    let updated_at = match &held.cancelled {
        Some(Cancellation { updated_at: None, .. }) => None,
        _ => updated_at,
    };
    let next = Delivery {
        cancelled: Some(cancellation(updated_at, now)),
        permission: None,
        ..held.clone()
    };
    let next = if next.is_certainly_absent() {
        withdrawn(next)
    } else {
        Delivery { doubt: next.doubt.clone().map(never_sent_again), ..next }
    };
    Step::write(next, Then::Rest)
}

/// Returns whether a cancellation says more than the one that is noted. One without `updated_at`
/// may be later than any version: it is the strongest.
fn is_news(noted: Option<&Cancellation>, updated_at: Option<Timestamp>) -> bool {
    let Some(noted) = noted else { return true };
    match (noted.updated_at, updated_at) {
        (Some(noted), Some(updated_at)) => updated_at > noted,
        (Some(_), None) => true,
        (None, _) => noted.completed_after,
    }
}

/// The network certainly holds nothing of it, and never will.
pub(super) fn withdrawn(delivery: Delivery) -> Delivery {
    Delivery {
        state: State::Withdrawn,
        reason: None,
        doubt: None,
        permission: None,
        parked_settings: None,
        undecided: None,
        ..delivery
    }
}

const fn cancellation(updated_at: Option<Timestamp>, at: Timestamp) -> Cancellation {
    Cancellation { at, updated_at, completed_after: false }
}
