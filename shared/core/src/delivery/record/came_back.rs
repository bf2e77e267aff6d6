//! The money of a conversion that came back after the network had taken it.

use rust_decimal::Decimal;

use super::Record;
use crate::{
    clock::Timestamp,
    delivery::{Proof, State, Status},
};

/// The reason for which money is to be claimed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimBackReason {
    /// It came back after the validating call.
    AfterValidation,
    /// It came back after a person had validated it in the network's portal.
    AfterConfirmation,
    /// The order was cancelled, and nothing validates it.
    Cancelled,
    /// It was refunded, and nothing validates it.
    Refunded,
}

impl ClaimBackReason {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterValidation => "came_back_after_validation",
            Self::AfterConfirmation => "came_back_after_confirmation",
            Self::Cancelled => "cancelled_after_delivery",
            Self::Refunded => "refunded_after_delivery",
        }
    }
}

/// The money that came back after the network had taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameBack {
    /// The reason for which it is to be claimed back.
    pub why: ClaimBackReason,
    /// All of it, also what a person has acknowledged.
    pub amount: Decimal,
    /// The amount that was approved, or reported where no call is known.
    pub of_amount: Decimal,
    /// The time when the ledger last learned of it.
    pub at: Option<Timestamp>,
}

impl Record {
    /// The money that came back after the network had taken it. What a validation is still to take off
    /// is none of it.
    #[must_use]
    pub fn came_back(&self) -> Option<CameBack> {
        let held = &self.protocol;
        let (why, amount, of_amount) = match &held.validation {
            Some(validation) => match &validation.call {
                Some(call) => (ClaimBackReason::AfterValidation, held.claim_back()?, call.amount),
                None => self.back_after_confirmation()?,
            },
            None => self.back_after_delivery()?,
        };
        let returned = self.returned.map(|returned| returned.at);
        let cancelled = held.cancelled.as_ref().map(|cancelled| cancelled.at);
        let (amount, of_amount) = (amount.normalize(), of_amount.normalize());
        Some(CameBack { why, amount, of_amount, at: returned.max(cancelled) })
    }

    /// The part of it that came back after a person said that the network has the validation. No call
    /// says what it has: it is what was reported, less the refunds that the shop dates before the
    /// decision.
    fn back_after_confirmation(&self) -> Option<(ClaimBackReason, Decimal, Decimal)> {
        let held = &self.protocol;
        let is_confirmed = held.state == State::Delivered && held.proof == Some(Proof::Operator);
        let is_later = self.returned.is_some_and(|last| last.version > self.state_version);
        let at = self.state_at;
        let cancelled = held.validation.as_ref()?.cancelled.as_ref();
        if !is_confirmed || !is_later || cancelled.is_some_and(|cancelled| cancelled.at <= at) {
            return None;
        }
        let reported = held.reported.as_ref()?.amount;
        let left = held.amount_left().unwrap_or_default();
        let is_known = |own: Option<Timestamp>| own.is_some_and(|own| own <= at);
        let known = held.refunds.entries().filter(|(_, refund)| is_known(refund.at));
        let known: Option<Decimal> = known.map(|(_, refund)| refund.amount).sum();
        let rest = known.and_then(|known| reported.checked_sub(known));
        // The ledger learned of one of them later all the same.
        let of_amount = rest.filter(|rest| *rest > left).unwrap_or(reported);
        let back = of_amount.checked_sub(left).filter(|back| *back > Decimal::ZERO)?;
        Some((ClaimBackReason::AfterConfirmation, back, of_amount))
    }

    /// What came back where nothing validates it: all of it, where the refunds are not clear.
    fn back_after_delivery(&self) -> Option<(ClaimBackReason, Decimal, Decimal)> {
        let held = &self.protocol;
        let last = self.statuses.last().and_then(|last| last.validation);
        let is_rejected = last == Some(Status::Rejected);
        // What is validated later is validated with what is left.
        if !held.state.is_success() || held.reported.is_some() || is_rejected {
            return None;
        }
        let reported: Decimal = self.money()?.0.parse().ok()?;
        if held.cancelled.is_some() {
            return Some((ClaimBackReason::Cancelled, reported, reported));
        }
        let refunded = held.refunds.sum().map_or(reported, |refunded| refunded.min(reported));
        let is_back = !held.refunds.is_empty() && !refunded.is_zero();
        is_back.then_some((ClaimBackReason::Refunded, refunded, reported))
    }

    /// The part of what came back that no person has acknowledged: it is to be claimed back.
    #[must_use]
    pub fn open_claim_back(&self) -> Option<Decimal> {
        let open = self.came_back()?.amount.checked_sub(self.claim_back_acknowledged())?;
        (open > Decimal::ZERO).then(|| open.normalize())
    }

    /// The sum that came back and that a person has acknowledged.
    #[must_use]
    pub fn claim_back_acknowledged(&self) -> Decimal {
        let sums = self.decisions.entries().iter().filter_map(|taken| taken.claim_back);
        sums.max().unwrap_or_default().normalize()
    }
}

#[cfg(test)]
mod tests;
