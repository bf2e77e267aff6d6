//! The refunds of an order: money depends on them, so they are read strictly.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Amount, Currency, Figure};
use crate::{
    clock::Timestamp,
    decimal::exact,
    fields::{Fields, Invalid, instant, text as exact_text},
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

/// Reads the refunds of an order of this many `items`; 0 where it names none.
pub(super) fn refunds(
    fields: &mut Fields<'_, '_>,
    currency: Option<Currency>,
    items: usize,
) -> Vec<Refund> {
    fields.list("refunds", MAX_REFUNDS, |refund| {
        let id = refund.required("id", exact_text(128));
        let at = refund.optional("at", instant);
        let amount = refund.required("amount", |value| Amount::from_json(value, currency));
        let lines = refund.objects("lines", usize::MAX, |line| {
            Some(RefundedLine {
                line: line.optional("line", place(items)),
                quantity: line.loose("quantity", Figure::from_json),
                amount: line.loose("amount", Figure::from_json),
            })
        });
        Some(Refund { id: id?, at, amount: amount?, lines })
    })
}

/// The place of a line in an order of this many `items`: a refund of a line that does not exist would
/// count nowhere.
fn place(items: usize) -> impl Fn(&Value) -> Result<String, Invalid> {
    move |value| {
        let number = match value {
            Value::Number(number) => exact(&number.to_string()).map(|number| number.normalize()),
            Value::String(text) if text.starts_with(|c: char| c.is_ascii_digit() && c != '0') => {
                text.parse::<u32>().ok().map(Decimal::from)
            }
            _ => None,
        };
        let number = number.filter(Decimal::is_integer).and_then(|number| number.to_usize());
        match number {
            Some(place) if (1..=MAX_PLACE).contains(&place) => {
                if items > 0 && place > items {
                    return Err(Invalid::new(
                        "unknown_line",
                        format!("the order has {items} lines"),
                    ));
                }
                Ok(place.to_string())
            }
            _ => Err(Invalid::new("not_a_line", "must be the line's place in the order, from 1")),
        }
    }
}

/// The highest place of a line.
const MAX_PLACE: usize = 999_999;
