//! The validation of a delivery: the network's pending conversion is approved, with the amount that
//! is left, or rejected, once every return period is over.
//!
//! [`validate`] decides, and decides alone; `step` claims and settles it like any other call that
//! can't be taken back.

use std::time::Duration;

use rust_decimal::Decimal;

use super::{Cancellation, Delivery, Proof, Refunds, Reported, Standing, State, Status};
use crate::{clock::Timestamp, redaction::Reason};

/// The terms of the validations at one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The time from the completion until no order can be returned any more: the shop's own.
    pub return_period: Duration,
    /// The most decimals of an amount that the network takes.
    pub decimals: u32,
}

impl Standing {
    /// The standing of a delivery.
    #[must_use]
    pub fn of(delivery: &Delivery) -> Self {
        match delivery.state {
            State::Delivered if delivery.proof == Some(Proof::Operator) => Self::Confirmed,
            state if state.is_success() => Self::Reported,
            _ if delivery.is_certainly_absent() => Self::NotReported,
            _ => Self::InDoubt,
        }
    }
}

/// The decision about a validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validated {
    /// Not yet.
    Wait(Timestamp),
    /// Approve this amount.
    Approve(Decimal),
    /// Reject the conversion.
    Reject,
    /// There is nothing to validate.
    Nothing,
    /// A person decides.
    Person(Reason),
}

/// The facts of the order that a validation rests on.
#[derive(Clone, Copy, Debug)]
pub struct OrderFacts<'a> {
    /// The standing of its delivery.
    pub standing: Standing,
    /// Its cancellation.
    pub cancelled: Option<&'a Cancellation>,
    /// True if a person has seen the doubts and permits the call.
    pub is_permitted: bool,
}

/// Decides whether and how a delivery is validated at `now`. Exact in minor units: nothing is
/// rounded.
#[must_use]
pub fn validate(
    order: OrderFacts<'_>,
    refunds: &Refunds,
    reported: Option<&Reported>,
    terms: Terms,
    now: Timestamp,
) -> Validated {
    let person = |reason| Validated::Person(Reason::new(reason));
    let Some(reported) = reported.filter(|_| order.standing != Standing::NotReported) else {
        return Validated::Nothing;
    };
    let lock_at = reported.completed_at + terms.return_period;
    if now < lock_at {
        return Validated::Wait(lock_at);
    }
    match order.standing {
        // First the doubt is resolved.
        Standing::InDoubt => return Validated::Wait(now + A_DAY),
        Standing::Confirmed if !order.is_permitted => return person("confirmed_by_operator"),
        _ => {}
    }
    if reported.differs && !order.is_permitted {
        return person("reported_twice");
    }
    let refunded = refunds.sum();
    let left = refunded.and_then(|refunded| reported.amount.checked_sub(refunded));
    match (order.cancelled, left) {
        (_, Some(left)) if left < Decimal::ZERO => person("refunds_exceed_amount"),
        (Some(cancelled), _) if cancelled.completed_after => person("completed_after_cancellation"),
        (Some(cancelled), _) if !cancelled.by_refunds => Validated::Reject,
        (_, Some(left)) if left.is_zero() && refunded != Some(left) => Validated::Reject,
        (None, Some(left)) if left.normalize().scale() > terms.decimals => {
            person("amount_too_precise")
        }
        (None, Some(left)) => Validated::Approve(left.normalize()),
        _ => person("refund_unclear"),
    }
}

/// The pause of a validation whose delivery is in doubt.
const A_DAY: Duration = Duration::from_hours(24);

impl Delivery {
    /// Returns whether its refunds together are its amount, neither less nor more.
    #[must_use]
    pub fn is_refunded_exactly(&self) -> bool {
        let amount = self.facts.reported_amount().and_then(|amount| amount.parse().ok());
        amount.is_some() && self.refunds.sum() == amount
    }

    /// The amount of a validation that is left after the refunds so far, or `None` where that is not
    /// clear. A cancelled order leaves nothing.
    #[must_use]
    pub fn amount_left(&self) -> Option<Decimal> {
        let reported = self.reported.as_ref()?;
        if self.validation.as_ref().is_some_and(|validation| validation.cancelled.is_some()) {
            return Some(Decimal::ZERO);
        }
        let left = reported.amount.checked_sub(self.refunds.sum()?)?;
        (!left.is_sign_negative()).then(|| left.normalize())
    }

    /// The amount to claim back: what was approved, by the network's word or by a person's, and came
    /// back since.
    #[must_use]
    pub fn claim_back(&self) -> Option<Decimal> {
        let call = self.validation.as_ref()?.call.as_ref()?;
        if self.state != State::Delivered || call.status != Status::Approved {
            return None;
        }
        // Where the refunds are not clear, all of it may have to be claimed back.
        let left = self.amount_left().unwrap_or_default();
        let back = call.amount.checked_sub(left)?;
        (back > Decimal::ZERO).then(|| back.normalize())
    }
}

#[cfg(test)]
mod tests;
