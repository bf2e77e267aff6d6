//! What the shop's export adds to the ledger: the orders of an e-mail address, cancellations, refunds.

use std::{collections::HashMap, str::FromStr};

use postback_core::{
    clock::Timestamp,
    delivery::{RefundEntry, Refunds},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The shop's orders, as far as a reconciliation needs them. Nothing of it is written anywhere.
#[derive(Debug, Default)]
pub struct Shop {
    emails: HashMap<String, Vec<String>>,
    orders: HashMap<String, ShopOrder>,
}

/// What the shop says about an order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShopOrder {
    pub(crate) is_cancelled: bool,
    refunds: Vec<Refund>,
}

/// A refund, with the parts that are for lines.
#[derive(Clone, Debug)]
struct Refund {
    id: String,
    entry: RefundEntry,
    lines: Vec<(Option<String>, Option<Decimal>)>,
}

impl Refund {
    fn of(refund: &Value) -> Option<Self> {
        let lines = refund["lines"].as_array().into_iter().flatten();
        let line =
            |line: &Value| (line["line"].as_str().map(str::to_owned), amount(&line["amount"]));
        Some(Self {
            id: refund["id"].as_str()?.to_owned(),
            entry: RefundEntry {
                amount: Some(amount(&refund["amount"])?.normalize()),
                at: refund["at"].as_str().and_then(Timestamp::parse),
            },
            lines: lines.map(line).collect(),
        })
    }

    /// The part for a line; `None` if it has none. One that names no lines may be for any of them.
    fn part(&self, line: &str) -> Option<RefundEntry> {
        let is_clear = !self.lines.is_empty() && self.lines.iter().all(|(of, _)| of.is_some());
        let parts = self.lines.iter().filter(|(of, _)| of.as_deref() == Some(line));
        let sum = parts.clone().try_fold(Decimal::ZERO, |sum, (_, part)| sum.checked_add((*part)?));
        if is_clear && parts.count() == 0 {
            return None;
        }
        let amount = sum.filter(|_| is_clear).map(|sum| sum.normalize());
        Some(RefundEntry { amount, ..self.entry.clone() })
    }
}

impl ShopOrder {
    fn refunds(&self, line: Option<&str>) -> Refunds {
        Refunds::of(self.refunds.iter().filter_map(|refund| {
            let entry = line.map_or_else(|| Some(refund.entry.clone()), |line| refund.part(line));
            Some((refund.id.clone(), entry?))
        }))
    }
}

impl Shop {
    /// No export.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds an order as `POST /orders` takes it.
    pub fn add(&mut self, order: &Value) {
        let Some(id) = order["order_id"].as_str() else { return };
        if let Some(email) = order["customer"]["email"].as_str() {
            let ids = self.emails.entry(email.trim().to_lowercase()).or_default();
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        let is_cancelled = matches!(order["status"].as_str(), Some("cancelled" | "refunded"));
        let refunds: Vec<_> =
            order["refunds"].as_array().into_iter().flatten().filter_map(Refund::of).collect();
        let of_order = ShopOrder { is_cancelled, refunds };
        let refunded = of_order.refunds(None).sum();
        if is_cancelled || !of_order.refunds.is_empty() {
            let is_whole = refunded
                .zip(amount(&order["total"]))
                .is_some_and(|(refunded, total)| refunded >= total && !refunded.is_zero());
            let of_order = ShopOrder { is_cancelled: is_cancelled || is_whole, ..of_order };
            self.orders.insert(id.to_owned(), of_order);
        }
    }

    /// The refunds of an order, or of a line of it: each id counts once.
    pub(crate) fn refunds(&self, id: &str, line: Option<&str>) -> Refunds {
        self.orders.get(id).map(|order| order.refunds(line)).unwrap_or_default()
    }

    /// Returns whether an order is cancelled or refunded whole.
    pub(crate) fn is_cancelled(&self, id: &str) -> bool {
        self.orders.get(id).is_some_and(|order| order.is_cancelled)
    }

    pub(crate) fn orders_of(&self, email: &str) -> impl Iterator<Item = &str> {
        let ids = (!email.is_empty()).then(|| self.emails.get(&email.to_lowercase())).flatten();
        ids.into_iter().flatten().map(String::as_str)
    }
}

fn amount(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::from_str(text).ok(),
        Value::Number(number) => Decimal::from_str(&number.to_string()).ok(),
        _ => None,
    }
}
