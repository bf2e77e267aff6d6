//! The lines of an order.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Amount, Currency, Figure};

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Item {
    /// The shop's article number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The quantity, which may have decimal places; 1 unless given.
    pub quantity: Figure,
    /// The price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Figure>,
    /// The final amount of the line; the quantity times the price of one unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Figure>,
    /// The networks' own ids for this article: one member per network, defined by that network.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refs: BTreeMap<String, Value>,
}

/// The reason that a line has no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountFault {
    /// It has neither a total nor a price.
    NoPrice,
    /// Its total or its price is no number.
    NotANumber,
    /// Its quantity is no positive number.
    Quantity,
    /// It is negative: a discount.
    Negative,
    /// It has more digits than an amount may have.
    TooLarge,
    /// It is finer than the currency.
    TooPrecise,
}

impl Item {
    /// The amount of the line: its own total, or else the quantity times the price of one. Nothing
    /// is rounded.
    pub fn amount(&self, currency: Currency) -> Result<Amount, AmountFault> {
        let amount = self.total.map_or_else(
            || self.product(),
            |total| total.decimal().ok_or(AmountFault::NotANumber),
        )?;
        Amount::new(amount, currency).map_err(|invalid| match invalid.code {
            "negative" => AmountFault::Negative,
            "too_large" => AmountFault::TooLarge,
            _ => AmountFault::TooPrecise,
        })
    }

    fn product(&self) -> Result<Decimal, AmountFault> {
        let price = self.unit_price.ok_or(AmountFault::NoPrice)?;
        let price = price.decimal().ok_or(AmountFault::NotANumber)?;
        let quantity = self.quantity.decimal().filter(|quantity| *quantity > Decimal::ZERO);
        let quantity = quantity.ok_or(AmountFault::Quantity)?;
        let digits = price.mantissa().checked_mul(quantity.mantissa());
        let exact = digits.and_then(|digits| {
            Decimal::try_from_i128_with_scale(digits, price.scale() + quantity.scale()).ok()
        });
        exact.ok_or(AmountFault::TooPrecise)
    }

    /// The quantity if it is whole and positive.
    #[must_use]
    pub fn pieces(&self) -> Option<u32> {
        let quantity = self.quantity.decimal().filter(|quantity| quantity.fract().is_zero())?;
        u32::try_from(quantity).ok().filter(|pieces| *pieces > 0)
    }
}
