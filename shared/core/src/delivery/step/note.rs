//! The facts that an arrival adds beside its step: each refund once, in every state, and the content
//! of the attempt that it claims.

use super::{
    super::{Arrival, Delivery, Facts, ORDER_UNKNOWN, Refunds, State, Step, Then},
    cancel::cancelled_by_refunds,
    plan::blank,
};
use crate::{clock::Timestamp, order::Currency};

/// Refunds alone. Once they reach the amount, the order is refunded whole.
pub(super) fn refunds(
    held: Option<&Delivery>,
    refunds: &Refunds,
    currency: Currency,
    now: Timestamp,
) -> Step {
    let own = Facts::of_currency(currency);
    let Some(held) = held else {
        let (state, reason) = (State::Skipped, Some(ORDER_UNKNOWN));
        let next = Delivery { state, reason, refunds: refunds.clone(), ..blank(&own, None, now) };
        return Step::write(next, Then::Rest);
    };
    let refunds = if held.facts.agree(&own) { refunds } else { &refunds.without_amounts() };
    let known = held.refunds.and(refunds);
    if known == held.refunds {
        return Step::rest();
    }
    let cancelled = cancelled_by_refunds(held, &held.facts, refunds, None, now);
    let next = Delivery { refunds: known, ..cancelled.unwrap_or_else(|| held.clone()) };
    Step::write(next, Then::Rest)
}

/// The refunds of an order that came before it. In another currency they are not clear. `None` where there are none.
pub(super) fn refunds_before(held: Option<&Delivery>, facts: &Facts) -> Option<Refunds> {
    let held = held.filter(|held| held.has_refunds_alone())?;
    let is_own = held.facts.agree(facts);
    Some(if is_own { held.refunds.clone() } else { held.refunds.without_amounts() })
}

pub(super) fn arrival(held: Option<&Delivery>, arrival: &Arrival, step: Step) -> Step {
    let Some(base) = step.next.as_ref().or(held) else { return step };
    let known = held.map(|held| &held.refunds);
    let refunds =
        known.map_or_else(|| arrival.refunds.clone(), |known| known.and(&arrival.refunds));
    let reported = match step.then {
        Then::Send(_) => {
            let may_be_processed = |held: &&Delivery| {
                let differed = held.reported.as_ref().is_some_and(|reported| reported.differs);
                held.in_doubt() || held.permission.is_some() || differed
            };
            let before = held.filter(may_be_processed).and_then(|held| held.reported.as_ref());
            arrival.reported.clone().map(|reported| reported.after(before))
        }
        _ => held.and_then(|held| held.reported.clone()),
    };
    if step.next.is_none() && refunds == base.refunds {
        return step;
    }
    let next = Delivery { refunds, reported, ..base.clone() };
    Step { next: Some(next), ..step }
}
