//! What is to be claimed back at a network: it took an order, and the shop took the order back since.

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Proof, Record, State, Status},
};
use rust_decimal::Decimal;
use serde::Serialize;

/// The headings of the file of what is to be claimed back.
pub const CLAIM_BACK: [&str; 10] = [
    "order_id",
    "delivery",
    "why",
    "claim_back",
    "acknowledged",
    "currency",
    "of_amount",
    "reported_at",
    "validated_at",
    "came_back_at",
];

/// An amount that a network is asked to give back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Back {
    /// The time when the ledger learned of it.
    pub came_back_at: Option<Timestamp>,
    /// The order's id.
    pub order_id: String,
    /// `network`, or `network#line`.
    pub delivery: String,
    /// The word for the reason.
    pub why: &'static str,
    /// The amount to claim back.
    pub claim_back: Decimal,
    /// The amount that came back before, and that a person has acknowledged.
    pub acknowledged: Decimal,
    /// Its currency.
    pub currency: String,
    /// The amount that was approved, or reported where no call is known.
    pub of_amount: Decimal,
    /// The time when it was reported.
    pub reported_at: Option<Timestamp>,
    /// The time when it was approved, or when a person said so.
    pub validated_at: Option<Timestamp>,
}

impl Back {
    /// What is to be claimed back of a validation, and no person has acknowledged; or of a delivery,
    /// where nothing is validated.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let held = &record.protocol;
        let came_back_at = record.returned.map(|returned| returned.at);
        let cancelled_at = held.cancelled.as_ref().map(|cancelled| cancelled.at);
        let last = record.attempts.last().map(|attempt| attempt.started_at);
        let (amount, currency) = record.money()?;
        let back = Self {
            came_back_at: came_back_at.max(cancelled_at),
            order_id: record.order_id.clone(),
            delivery: record.delivery.clone(),
            why: "",
            claim_back: Decimal::ZERO,
            acknowledged: Decimal::ZERO,
            currency: currency.to_owned(),
            of_amount: amount.parse().ok()?,
            reported_at: last,
            validated_at: None,
        };
        if let Some(validation) = &held.validation {
            let delivery = record.key().validated()?.delivery;
            let back = Self { delivery, reported_at: None, validated_at: last, ..back };
            let Some(call) = &validation.call else { return back.after_confirmation(record) };
            return Some(Self {
                why: "came_back_after_validation",
                claim_back: record.open_claim_back()?,
                acknowledged: record.claim_back_acknowledged().normalize(),
                of_amount: call.amount,
                ..back
            });
        }
        let last = record.statuses.last().and_then(|last| last.validation);
        let is_rejected = last == Some(Status::Rejected);
        // What is validated later is validated with what is left.
        if !held.state.is_success() || held.reported.is_some() || is_rejected {
            return None;
        }
        let (why, claim_back) = returned(held, back.of_amount)?;
        Some(Self { why, claim_back, ..back })
    }

    /// The part that came back after a person said that the network has the validation. No call says
    /// what it has: it is what was reported, less the refunds that the shop dates before the decision.
    fn after_confirmation(self, record: &Record) -> Option<Self> {
        let held = &record.protocol;
        let is_confirmed = held.state == State::Delivered && held.proof == Some(Proof::Operator);
        let is_later = record.returned.is_some_and(|last| last.version > record.state_version);
        let at = record.state_at;
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
        let of_amount = rest.filter(|rest| *rest > left).unwrap_or(reported).normalize();
        let claim_back = of_amount.checked_sub(left).filter(|back| *back > Decimal::ZERO)?;
        let (why, validated_at) = ("came_back_after_confirmation", Some(at));
        Some(Self { why, claim_back: claim_back.normalize(), of_amount, validated_at, ..self })
    }

    /// The cells of its row.
    #[must_use]
    pub fn cells(&self) -> [String; 10] {
        let amount = |amount| crate::output::amount(Some(amount));
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        [
            self.order_id.clone(),
            self.delivery.clone(),
            self.why.to_owned(),
            amount(self.claim_back),
            amount(self.acknowledged),
            self.currency.clone(),
            amount(self.of_amount),
            at(self.reported_at),
            at(self.validated_at),
            at(self.came_back_at),
        ]
    }
}

/// What came back of a delivery. All of it, where the refunds are not clear.
fn returned(held: &Delivery, reported: Decimal) -> Option<(&'static str, Decimal)> {
    if held.cancelled.is_some() {
        return Some(("cancelled_after_delivery", reported));
    }
    let refunded = held.refunds.sum().map_or(reported, |refunded| refunded.min(reported));
    let is_back = !held.refunds.is_empty() && !refunded.is_zero();
    is_back.then_some(("refunded_after_delivery", refunded))
}
