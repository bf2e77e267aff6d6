//! The shop cancelled or refunded the whole order. One that is known to be cancelled before its
//! claim is never reported.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::{
    super::{Arrival, Cancellation, Delivery, Facts, Planned, State, Step, Then},
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
    let refunds_exceed = held.cancelled.as_ref().is_some_and(|noted| noted.refunds_exceed);
    let next = Delivery {
        cancelled: Some(Cancellation { refunds_exceed, ..cancellation(updated_at, now) }),
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

/// The refunds that are known, of all its messages, reach the amount: it is cancelled. `None` where
/// they don't, or that is noted.
pub(super) fn refunded(held: Option<&Delivery>, arrival: &Arrival, now: Timestamp) -> Option<Step> {
    let exceed = reach(held, arrival)? == Ordering::Greater;
    let Some(held) = held else {
        let is_concerned = !matches!(arrival.planned, Planned::Skip(_));
        let step = is_concerned.then(|| unknown(&arrival.facts, arrival.updated_at, now))?;
        return Some(exceeding(step, exceed));
    };
    if held.lines.is_some() {
        return None;
    }
    let step = known(held, arrival.updated_at.max(held.order_updated_at), now);
    let is_more = held.cancelled.as_ref().is_some_and(|noted| exceed && !noted.refunds_exceed);
    match step.next {
        Some(_) => Some(exceeding(step, exceed)),
        None if is_more => Some(exceeding(Step::write(held.clone(), Then::Rest), exceed)),
        None => None,
    }
}

/// Returns whether the refunds that are known reach the amount.
pub(super) fn is_refunded(held: &Delivery, arrival: &Arrival) -> bool {
    held.lines.is_none() && reach(Some(held), arrival).is_some()
}

/// Compares the refunds that are known with the amount that the network has, or would get; `None`
/// where they don't reach it, or are not clear.
fn reach(held: Option<&Delivery>, arrival: &Arrival) -> Option<Ordering> {
    let present = held.filter(|held| !held.is_certainly_absent());
    let facts = present.map_or(&arrival.facts, |held| &held.facts);
    let amount: Decimal = facts.reported_amount()?.parse().ok()?;
    let all = held.map(|held| held.refunds.and(&arrival.refunds));
    let sum = all.as_ref().unwrap_or(&arrival.refunds).sum()?;
    Some(sum.cmp(&amount)).filter(|order| !sum.is_zero() && *order != Ordering::Less)
}

/// The step, its cancellation marked where the refunds are more than the amount.
fn exceeding(step: Step, refunds_exceed: bool) -> Step {
    let next = step.next.map(|next| {
        let mark = |noted: Cancellation| Cancellation {
            refunds_exceed: refunds_exceed || noted.refunds_exceed,
            ..noted
        };
        Delivery { cancelled: next.cancelled.map(mark), ..next }
    });
    Step { next, ..step }
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
    Cancellation { at, updated_at, completed_after: false, refunds_exceed: false }
}
