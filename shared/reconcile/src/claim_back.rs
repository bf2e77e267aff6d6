//! What is to be claimed back at a network: it took an order, and the shop took the order back since.

use postback_core::{
    clock::Timestamp,
    delivery::{ClaimBackReason, Record},
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
    /// What is to be claimed back of a validation or, where nothing is validated, of a delivery, and no
    /// person has acknowledged.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let back = record.came_back()?;
        let last = record.attempts.last().map(|attempt| attempt.started_at);
        let (reported_at, validated_at) = match back.why {
            ClaimBackReason::AfterValidation => (None, last),
            ClaimBackReason::AfterConfirmation => (None, Some(record.state_at)),
            ClaimBackReason::Cancelled | ClaimBackReason::Refunded => (last, None),
        };
        let key = if record.is_validation() { record.key().validated()? } else { record.key() };
        Some(Self {
            came_back_at: back.at,
            order_id: key.order_id,
            delivery: key.delivery,
            why: back.why.as_str(),
            claim_back: record.open_claim_back()?,
            acknowledged: record.claim_back_acknowledged(),
            currency: record.money()?.1.to_owned(),
            of_amount: back.of_amount,
            reported_at,
            validated_at,
        })
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
