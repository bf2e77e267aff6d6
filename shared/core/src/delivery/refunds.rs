//! The refunds of a delivery: each id counts once, in whatever order they arrive.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, order::Order};

/// The refunds by the shop's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refunds(BTreeMap<String, RefundEntry>);

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RefundEntry {
    /// The amount; `None` where it is not clear: it came with two amounts, or names none for this
    /// line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// The time of the refund, as the shop gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Refunds {
    /// The refunds of the whole order.
    #[must_use]
    pub fn of_order(order: &Order) -> Self {
        let entries = order.refunds.iter().map(|refund| {
            let amount = Some(refund.amount.decimal().normalize());
            (refund.id.clone(), RefundEntry { amount, at: refund.at })
        });
        Self::of(entries)
    }

    /// The parts of the refunds that are for `line`. One that names no lines may be for any of them:
    /// its amount is not clear.
    #[must_use]
    pub fn of_line(order: &Order, line: &str) -> Self {
        let entries = order.refunds.iter().filter_map(|refund| {
            let is_clear = refund.lines.iter().all(|part| part.line.is_some());
            let mut parts =
                refund.lines.iter().filter(|part| part.line.as_deref() == Some(line)).peekable();
            if is_clear && !refund.lines.is_empty() && parts.peek().is_none() {
                return None;
            }
            let sum = parts.try_fold(Decimal::ZERO, |sum, part| {
                sum.checked_add(part.amount?.amount(order.currency)?.decimal())
            });
            let amount = sum.filter(|_| is_clear && !refund.lines.is_empty());
            let amount = amount.map(|amount| amount.normalize());
            Some((refund.id.clone(), RefundEntry { amount, at: refund.at }))
        });
        Self::of(entries)
    }

    /// The refunds of these entries, each id with its amount.
    #[must_use]
    pub fn of(entries: impl Iterator<Item = (String, RefundEntry)>) -> Self {
        entries.fold(Self::default(), |mut refunds, (id, entry)| {
            refunds.add(id, entry);
            refunds
        })
    }

    /// Both together. One id with two amounts is not clear, whichever came first.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (id, entry) in &other.0 {
            both.add(id.clone(), entry.clone());
        }
        both
    }

    fn add(&mut self, id: String, entry: RefundEntry) {
        self.0
            .entry(id)
            .and_modify(|known| {
                if known.amount != entry.amount {
                    known.amount = None;
                }
                known.at = known.at.max(entry.at);
            })
            .or_insert(entry);
    }

    /// The sum; `None` where an amount is not clear.
    #[must_use]
    pub fn sum(&self) -> Option<Decimal> {
        self.0.values().try_fold(Decimal::ZERO, |sum, entry| sum.checked_add(entry.amount?))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The refunds with their ids.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &RefundEntry)> {
        self.0.iter().map(|(id, entry)| (id.as_str(), entry))
    }
}
