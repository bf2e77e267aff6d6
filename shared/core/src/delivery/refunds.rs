//! The refunds of a delivery: each id counts once, in whatever order they arrive.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    order::{Currency, Refund},
};

/// The most bytes of all: an item of the ledger takes 400 KB, and has to have room for its history.
/// That is a thousand with ids of 120 letters.
const MOST_BYTES: usize = 200_000;
/// The bytes of one beside its id.
const ENTRY_BYTES: usize = 80;
/// The id of those that there is no room for. Their amount is not clear.
const REST: &str = "\u{2026}";

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
    pub fn of_order(refunds: &[Refund]) -> Self {
        let entries = refunds.iter().map(|refund| {
            let amount = Some(refund.amount.decimal().normalize());
            (refund.id.clone(), RefundEntry { amount, at: refund.at })
        });
        Self::of(entries)
    }

    /// The parts of the refunds that are for `line`. One that names no lines may be for any of them:
    /// its amount is not clear.
    #[must_use]
    pub fn of_line(refunds: &[Refund], currency: Currency, line: &str) -> Self {
        let entries = refunds.iter().filter_map(|refund| {
            let is_clear = refund.lines.iter().all(|part| part.line.is_some());
            let mut parts =
                refund.lines.iter().filter(|part| part.line.as_deref() == Some(line)).peekable();
            if is_clear && !refund.lines.is_empty() && parts.peek().is_none() {
                return None;
            }
            let sum = parts.try_fold(Decimal::ZERO, |sum, part| {
                sum.checked_add(part.amount?.amount(currency)?.decimal())
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

    /// The same, those that `others` does not have without their amounts: they are not clear.
    #[must_use]
    pub fn unclear_but_for(&self, others: &Self) -> Self {
        let entries = self.0.iter().map(|(id, entry)| {
            let amount = entry.amount.filter(|_| others.0.contains_key(id));
            (id.clone(), RefundEntry { amount, ..entry.clone() })
        });
        Self(entries.collect())
    }

    /// The same without their amounts: none is clear.
    #[must_use]
    pub fn without_amounts(&self) -> Self {
        self.unclear_but_for(&Self::default())
    }

    /// Those of the order's item `self` that may be a line's of which nothing is recorded yet: those that
    /// the order does not name, and of the line's own those that are not clear. Nothing says how much of
    /// one is the line's.
    #[must_use]
    pub fn of_new_line(&self, order: &Self, line: &Self) -> Self {
        let is_unclear = |id: &String, entry: &RefundEntry| {
            !order.0.contains_key(id) || (entry.amount.is_none() && line.0.contains_key(id))
        };
        let entries = self.0.iter().filter(|(id, entry)| is_unclear(id, entry));
        Self(entries.map(|(id, entry)| (id.clone(), entry.clone())).collect()).without_amounts()
    }

    fn add(&mut self, id: String, entry: RefundEntry) {
        if !self.0.contains_key(&id) && !self.has_room(&id) {
            let rest = RefundEntry { amount: None, ..entry };
            self.0.entry(REST.to_owned()).or_insert(rest);
            return;
        }
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

    /// Returns whether one more keeps the item small enough to be written: whoever sends one order again
    /// and again with other refunds must not make it one that nobody can settle.
    fn has_room(&self, id: &str) -> bool {
        let bytes = self.0.keys().map(|known| known.len() + ENTRY_BYTES).sum::<usize>();
        bytes + id.len() + ENTRY_BYTES <= MOST_BYTES
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fields::UnknownFields, order::Order};

    fn refunds(ids: std::ops::Range<usize>) -> Refunds {
        let entry = RefundEntry { amount: Some(Decimal::ONE), at: None };
        Refunds::of(ids.map(|number| (format!("{number:\u{1d11e}>128}"), entry.clone())))
    }

    #[test]
    fn those_that_there_is_no_room_for_are_one_whose_amount_is_not_clear() {
        let few = refunds(0..300);
        let more = few.and(&refunds(300..600));
        let bytes = more.entries().map(|(id, _)| id.len() + ENTRY_BYTES).sum::<usize>();

        assert_eq!((few.entries().count(), few.sum()), (300, Some(Decimal::from(300))));
        assert!(bytes <= MOST_BYTES + REST.len() + ENTRY_BYTES, "{bytes}");
        assert_eq!((more.0.get(REST).map(|rest| rest.amount), more.sum()), (Some(None), None));
        // What comes again changes nothing, so that nothing is written.
        assert_eq!(more.and(&refunds(0..600)), more);
    }

    #[test]
    fn a_line_has_its_parts_of_a_refund_and_those_that_may_be_of_any_line_are_not_clear() {
        let order = serde_json::json!({
            "order_id": "A-1", "status": "completed", "total": "100", "currency": "EUR",
            "completed_at": "2026-11-21T10:00:00Z",
            "items": [{ "quantity": 3, "unit_price": "20" }, { "quantity": 1, "unit_price": "40" }],
            "refunds": [
                { "id": "parts", "amount": "50.00", "lines": [
                    { "line": "1", "amount": "4" }, { "line": "1", "amount": "6" },
                    { "line": "2", "amount": "40" } ] },
                { "id": "first", "amount": "9", "lines": [{ "line": "1", "amount": "9" }] },
                { "id": "priceless", "amount": "1", "lines": [{ "line": "1" }] },
                { "id": "somewhere", "amount": "2", "lines": [
                    { "line": "1", "amount": "1" }, { "amount": "1" } ] },
                { "id": "whole", "amount": "3" },
            ],
        });
        let order = Order::from_json(&order, UnknownFields::Deny).expect("an order");
        let amounts = |refunds: Refunds| -> Vec<_> {
            let amount = |entry: &RefundEntry| entry.amount.map(|amount| amount.to_string());
            refunds.entries().map(|(id, entry)| (id.to_owned(), amount(entry))).collect()
        };
        let entry = |id: &str, amount: Option<&str>| (id.to_owned(), amount.map(str::to_owned));
        let line = |place| amounts(Refunds::of_line(&order.refunds, order.currency, place));

        let unclear = [entry("somewhere", None), entry("whole", None)];
        let first =
            [entry("first", Some("9")), entry("parts", Some("10")), entry("priceless", None)];
        assert_eq!(line("1"), [&first[..], &unclear].concat());
        assert_eq!(line("2"), [&[entry("parts", Some("40"))][..], &unclear].concat());
        let all = Refunds::of_order(&order.refunds);
        assert_eq!((all.entries().count(), all.sum()), (5, Some(Decimal::from(65))));
        assert!(!all.is_empty() && Refunds::of_order(&[]).is_empty());
    }

    #[test]
    fn a_new_line_gets_the_refunds_that_the_order_does_not_name_and_its_own_unclear_ones() {
        let of = |entries: &[(&str, Option<i64>)]| {
            Refunds::of(entries.iter().map(|(id, amount)| {
                ((*id).to_owned(), RefundEntry { amount: amount.map(Decimal::from), at: None })
            }))
        };
        let item = of(&[("gone", Some(1)), ("clear", Some(2)), ("own", None), ("others", None)]);
        let order = of(&[("clear", Some(2)), ("own", None), ("others", None)]);
        let line = of(&[("clear", Some(2)), ("own", None)]);

        assert_eq!(item.of_new_line(&order, &line), of(&[("gone", None), ("own", None)]));
    }

    #[test]
    fn a_thousand_refunds_with_the_ids_of_a_shop_are_kept() {
        let entry = RefundEntry { amount: Some(Decimal::ONE), at: None };
        let ids = (0..1_000).map(|number| format!("gid://shop/Refund/{number:0>14}"));

        let all = Refunds::of(ids.map(|id| (id, entry.clone())));

        assert_eq!((all.entries().count(), all.sum()), (1_000, Some(Decimal::from(1_000))));
    }
}
