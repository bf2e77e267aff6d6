//! The shop cancelled or refunded the whole order. One that is known to be cancelled before its
//! claim is never reported.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::{
    super::{Arrival, Cancellation, Delivery, Facts, Planned, Refunds, State, Step, Then},
    claim::never_sent_again,
    plan::blank,
};
use crate::clock::Timestamp;

/// A cancellation that arrives before the order.
pub(super) fn unknown(
    facts: &Facts,
    updated_at: Option<Timestamp>,
    by_refunds: bool,
    now: Timestamp,
) -> Step {
    let held = blank(facts, updated_at, now);
    Step::write(cancelled(&held, updated_at, by_refunds, now), Then::Rest)
}

/// A cancellation of an order that the ledger holds. Its message is done with once that is written:
/// it can't be sent, and nothing can be looked up with it.
pub(super) fn known(
    held: &Delivery,
    updated_at: Option<Timestamp>,
    by_refunds: bool,
    now: Timestamp,
) -> Step {
    // The version held, or one that came as completed besides, is a later one than the cancelled one.
    if updated_at.is_some() && updated_at < held.latest_version() {
        return Step { next: None, then: Then::Superseded };
    }
    let is_by_refunds = held.cancelled.as_ref().is_none_or(|noted| noted.by_refunds);
    if !is_news(held.cancelled.as_ref(), updated_at) && (is_by_refunds || !by_refunds) {
        return Step::rest();
    }
    Step::write(cancelled(held, updated_at, by_refunds, now), Then::Rest)
}

/// A line of a version that is a conflict: of what the network has, or may have, no cancellation of an
/// earlier version holds any more. A withdrawn one stays so: nothing of a conflict is sent. Nor is one
/// that is being sent, of which its sender's end decides.
pub(super) fn complete(held: &Delivery, updated_at: Option<Timestamp>) -> Step {
    let is_settled = !matches!(held.state, State::Withdrawn | State::Sending);
    let cancelled = held.cancelled.as_ref().filter(|_| is_settled);
    if cancelled.is_none_or(|cancelled| cancelled.holds_against(updated_at)) {
        return Step::rest();
    }
    let next = Delivery { cancelled: None, conflict_version: updated_at, ..held.clone() };
    Step::write(next, Then::Rest)
}

/// The refunds that are known, of all its messages, reach the amount: it is cancelled. `None` where
/// they don't, or that is noted, or the content is other than the one held.
pub(super) fn refunded(held: Option<&Delivery>, arrival: &Arrival, now: Timestamp) -> Option<Step> {
    let Arrival { facts, refunds, updated_at, .. } = arrival;
    let blank = blank(facts, *updated_at, now);
    let held = match held {
        Some(held) if may_cancel(held, arrival) => held,
        Some(_) => return None,
        // Nothing to report writes nothing.
        None if matches!(arrival.planned, Planned::Skip(_)) => return None,
        None => &blank,
    };
    let next = cancelled_by_refunds(held, facts, refunds, *updated_at, now)?;
    Some(Step::write(next, Then::Rest))
}

/// Returns whether refunds may cancel the one held: of the same content, or of content that takes its
/// place.
fn may_cancel(held: &Delivery, arrival: &Arrival) -> bool {
    let is_news = match arrival.updated_at.cmp(&held.order_updated_at) {
        Ordering::Less => false,
        Ordering::Equal => !arrival.has_waited,
        Ordering::Greater => true,
    };
    let is_absent = held.lines.is_none() && held.is_certainly_absent();
    (is_absent && is_news) || held.facts.agree(&arrival.facts)
}

/// The delivery cancelled, if these refunds and those that it has reach the amount of `facts`, and
/// that is news.
pub(super) fn cancelled_by_refunds(
    held: &Delivery,
    facts: &Facts,
    refunds: &Refunds,
    updated_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Delivery> {
    let updated_at = updated_at.max(held.order_updated_at);
    let is_cancelled =
        reach(&held.refunds.and(refunds), facts) && is_news(held.cancelled.as_ref(), updated_at);
    is_cancelled.then(|| cancelled(held, updated_at, true, now))
}

/// Returns whether the refunds that are known reach the amount.
pub(super) fn is_refunded(held: &Delivery, arrival: &Arrival) -> bool {
    may_cancel(held, arrival) && reach(&held.refunds.and(&arrival.refunds), &arrival.facts)
}

/// Returns whether refunds reach the amount of the content; not where they are not clear.
pub(super) fn reach(refunds: &Refunds, facts: &Facts) -> bool {
    let amount = facts.reported_amount().and_then(|amount| amount.parse::<Decimal>().ok());
    let sum = refunds.sum().filter(|sum| !sum.is_zero());
    sum.zip(amount).is_some_and(|(sum, amount)| sum >= amount)
}

/// The delivery with its cancellation; withdrawn where the network certainly holds nothing of it.
fn cancelled(
    held: &Delivery,
    updated_at: Option<Timestamp>,
    by_refunds: bool,
    now: Timestamp,
) -> Delivery {
    let updated_at = match &held.cancelled {
        Some(Cancellation { updated_at: None, .. }) => None,
        _ => updated_at,
    };
    let cancelled = Cancellation { at: now, updated_at, completed_after: false, by_refunds };
    let next = Delivery { cancelled: Some(cancelled), permission: None, ..held.clone() };
    if next.is_certainly_absent() {
        withdrawn(next)
    } else {
        Delivery { doubt: next.doubt.clone().map(never_sent_again), ..next }
    }
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
        permission: None,
        parked_settings: None,
        undecided: None,
        ..delivery
    }
}
