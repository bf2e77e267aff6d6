//! The refunds of an order: money depends on them, so they are read strictly.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Amount, Currency, Figure, text};
use crate::{
    clock::Timestamp,
    fields::{Fields, instant, text as exact_text},
};

/// The most refunds of one order.
const MAX_REFUNDS: usize = 1_000;

/// A part of the order that the shop paid back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refund {
    /// The shop's own id of the refund: the same refund never counts twice.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// The time of the refund, RFC 3339.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The amount paid back.
    pub amount: Amount,
    /// The lines that it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RefundedLine>,
}

/// A line of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefundedLine {
    /// The line: its place in the order, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The quantity given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Figure>,
    /// The amount paid back for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Figure>,
}

pub(super) fn refunds(fields: &mut Fields<'_, '_>, currency: Option<Currency>) -> Vec<Refund> {
    fields.list("refunds", MAX_REFUNDS, |refund| {
        let id = refund.required("id", exact_text(128));
        let at = refund.optional("at", instant);
        let amount = refund.required("amount", |value| Amount::read(value, currency));
        let lines = refund.objects("lines", |line| {
            Some(RefundedLine {
                line: line.loose("line", text::line(128)),
                quantity: line.loose("quantity", Figure::read),
                amount: line.loose("amount", Figure::read),
            })
        });
        Some(Refund { id: id?, at, amount: amount?, lines })
    })
}

/// Whether the refunds together reach the total. Of two under one id the last counts.
pub(super) fn reach(refunds: &[Refund], total: Amount) -> bool {
    let by_id: BTreeMap<_, _> =
        refunds.iter().map(|refund| (refund.id.as_str(), refund.amount.decimal())).collect();
    let sum = by_id.into_values().try_fold(Decimal::ZERO, Decimal::checked_add);
    !refunds.is_empty() && sum.is_none_or(|sum| sum >= total.decimal())
}
