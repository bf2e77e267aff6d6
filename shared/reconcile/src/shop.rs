//! What the shop's export adds to the ledger: the orders of an e-mail address, cancellations, refunds.

use std::{collections::HashMap, str::FromStr};

use postback_core::{
    clock::Timestamp,
    delivery::{RefundEntry, Refunds},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The faults that are named; the others are counted.
const NAMED: usize = 20;

/// The shop's orders, as far as a reconciliation needs them. Nothing of it is written anywhere.
#[derive(Debug, Default)]
pub struct Shop {
    emails: HashMap<String, Vec<String>>,
    orders: HashMap<String, ShopOrder>,
    faults: Vec<String>,
    more_faults: u64,
}

/// What the shop says about an order, in all rows that name it.
#[derive(Clone, Debug, Default)]
struct ShopOrder {
    is_cancelled: bool,
    /// The largest total of its rows.
    total: Option<Decimal>,
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
    /// Reads a refund, the `number`th of its order. One whose amount can't be read has none, which is
    /// not clear. So is one without an id: the ledger may have it, too.
    fn of(refund: &Value, number: usize) -> (Self, Option<String>) {
        let lines = refund["lines"].as_array().into_iter().flatten();
        let line = |line: &Value| (text(&line["line"]), amount(&line["amount"]));
        let id = text(&refund["id"]);
        let written = amount(&refund["amount"]);
        let fault = match (&id, written) {
            (None, _) => Some(format!("its refund {number} has no id")),
            (Some(id), None) => Some(format!("the amount of its refund {id} can't be read")),
            (Some(_), Some(_)) => None,
        };
        let entry = RefundEntry {
            amount: written.filter(|_| id.is_some()).map(|amount| amount.normalize()),
            at: refund["at"].as_str().and_then(Timestamp::parse),
        };
        let id = id.unwrap_or_else(|| format!("#{number}"));
        (Self { id, entry, lines: lines.map(line).collect() }, fault)
    }

    /// Refunds that are no list.
    fn unreadable() -> Self {
        let entry = RefundEntry { amount: None, at: None };
        Self { id: "#0".to_owned(), entry, lines: Vec::new() }
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
    /// Reads the refunds of a row. Returns what can't be read.
    fn add_refunds(&mut self, refunds: &Value) -> Vec<String> {
        match refunds {
            Value::Null => Vec::new(),
            Value::Array(refunds) => {
                // A row of a CSV leaves the places empty that it has no cells for.
                let is_there = |(_, refund): &(usize, &Value)| {
                    !refund.is_null() && refund.as_object().is_none_or(|refund| !refund.is_empty())
                };
                let refunds = (1..).zip(refunds).filter(is_there);
                let refunds = refunds.map(|(number, refund)| Refund::of(refund, number));
                let (refunds, faults): (Vec<_>, Vec<_>) = refunds.unzip();
                self.refunds.extend(refunds);
                faults.into_iter().flatten().collect()
            }
            _ => {
                self.refunds.push(Refund::unreadable());
                vec!["its refunds are no list".to_owned()]
            }
        }
    }

    fn refunds(&self, line: Option<&str>) -> Refunds {
        Refunds::of(self.refunds.iter().filter_map(|refund| {
            let entry = line.map_or_else(|| Some(refund.entry.clone()), |line| refund.part(line));
            Some((refund.id.clone(), entry?))
        }))
    }

    fn is_cancelled(&self) -> bool {
        let refunded = self.refunds(None).sum();
        let is_whole =
            |(refunded, total): (Decimal, Decimal)| refunded >= total && !refunded.is_zero();
        self.is_cancelled || refunded.zip(self.total).is_some_and(is_whole)
    }
}

impl Shop {
    /// No export.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds an order as `POST /orders` takes it, or one more row of it. What can't be read of it is
    /// one of the [`faults`](Self::faults).
    pub fn add(&mut self, order: &Value) {
        let Some(id) = text(&order["order_id"]) else {
            return self.note("an order has no order_id".to_owned());
        };
        if let Some(email) = order["customer"]["email"].as_str() {
            let ids = self.emails.entry(email.trim().to_lowercase()).or_default();
            if !ids.contains(&id) {
                ids.push(id.clone());
            }
        }
        let mut row = ShopOrder {
            is_cancelled: matches!(order["status"].as_str(), Some("cancelled" | "refunded")),
            total: amount(&order["total"]),
            refunds: Vec::new(),
        };
        for fault in row.add_refunds(&order["refunds"]) {
            self.note(format!("order {id}: {fault}"));
        }
        let says_something = row.is_cancelled || !row.refunds.is_empty();
        if says_something || self.orders.contains_key(&id) {
            let known = self.orders.entry(id).or_default();
            known.is_cancelled |= row.is_cancelled;
            known.total = known.total.max(row.total);
            known.refunds.extend(row.refunds);
        }
    }

    fn note(&mut self, fault: String) {
        if self.faults.len() < NAMED {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    /// The sentences about what can't be read of the export. A refund among it is not clear.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let sentence = |fault: &String| format!("The shop's export: {fault}.");
        let more = (self.more_faults > 0)
            .then(|| format!("The shop's export: {} more faults.", self.more_faults));
        self.faults.iter().map(sentence).chain(more).collect()
    }

    /// The refunds of an order, or of a line of it: each id counts once.
    pub(crate) fn refunds(&self, id: &str, line: Option<&str>) -> Refunds {
        self.orders.get(id).map(|order| order.refunds(line)).unwrap_or_default()
    }

    /// Returns whether an order is cancelled or refunded whole.
    pub(crate) fn is_cancelled(&self, id: &str) -> bool {
        self.orders.get(id).is_some_and(ShopOrder::is_cancelled)
    }

    pub(crate) fn orders_of(&self, email: &str) -> impl Iterator<Item = &str> {
        let ids = (!email.is_empty()).then(|| self.emails.get(&email.to_lowercase())).flatten();
        ids.into_iter().flatten().map(String::as_str)
    }
}

/// A text, or a number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An amount as `POST /orders` takes it; `None` if it is none.
fn amount(value: &Value) -> Option<Decimal> {
    let amount = Decimal::from_str(&text(value)?).ok()?;
    (!amount.is_sign_negative()).then_some(amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shop(rows: &[Value]) -> Shop {
        let mut shop = Shop::none();
        for row in rows {
            shop.add(row);
        }
        shop
    }

    /// The sum of an order's refunds; `None` where it is not clear.
    fn refunded(shop: &Shop, line: Option<&str>) -> Option<String> {
        shop.refunds("A-1", line).sum().map(|sum| sum.to_string())
    }

    #[test]
    fn the_rows_of_an_order_count_together() {
        let refund = |id: &str, amount: &str| json!([{ "id": id, "amount": amount }]);
        let row = |refunds: Value| json!({ "order_id": "A-1", "total": "10", "refunds": refunds });
        let sum = |rows: &[Value]| refunded(&shop(rows), None);

        let two = [row(refund("r-1", "2")), row(refund("r-2", "3.50"))];
        assert_eq!(sum(&two).as_deref(), Some("5.5"));
        // Each id once, and one with two amounts is not clear.
        let same = [row(refund("r-1", "2")), row(refund("r-1", "2.00")), row(json!([]))];
        assert_eq!(sum(&same).as_deref(), Some("2"));
        assert_eq!(sum(&[row(refund("r-1", "2")), row(refund("r-1", "3"))]), None);
        assert!(!shop(&two).is_cancelled("A-1"));
        assert!(shop(&[row(refund("r-1", "4")), row(refund("r-2", "6"))]).is_cancelled("A-1"));
        let cancelled = json!({ "order_id": "A-1", "status": "cancelled" });
        assert!(shop(&[cancelled, row(refund("r-1", "2"))]).is_cancelled("A-1"));
        // Two lines of one refund, in two rows.
        let part = |line: &str| {
            let lines = json!([{ "line": line, "amount": "2.5" }]);
            json!([{ "id": "r-1", "amount": "5", "lines": lines }])
        };
        let parts = shop(&[row(part("1")), row(part("2"))]);
        assert_eq!(refunded(&parts, Some("1")).as_deref(), Some("2.5"));
        assert_eq!(refunded(&parts, None).as_deref(), Some("5"));
    }

    #[test]
    fn what_can_not_be_read_is_named_and_not_clear() {
        let cases = [
            (
                json!([{ "id": "r-1", "amount": "12,50" }]),
                "the amount of its refund r-1 can't be read",
            ),
            (
                json!([{ "id": "r-1", "amount": "-1" }]),
                "the amount of its refund r-1 can't be read",
            ),
            (json!([{ "id": "r-1" }]), "the amount of its refund r-1 can't be read"),
            (json!([{}, { "amount": "2" }]), "its refund 2 has no id"),
            (json!("2.50"), "its refunds are no list"),
        ];
        for (refunds, fault) in cases {
            let shop = shop(&[json!({ "order_id": "A-1", "refunds": refunds })]);

            assert_eq!(shop.faults(), [format!("The shop's export: order A-1: {fault}.")]);
            assert_eq!(
                (refunded(&shop, None), shop.refunds("A-1", None).is_empty()),
                (None, false)
            );
        }
        let many = vec![json!({ "total": "1" }); NAMED + 2];
        let faults = shop(&many).faults();
        assert_eq!(faults[0], "The shop's export: an order has no order_id.");
        assert_eq!(
            (faults.len(), faults[NAMED].as_str()),
            (NAMED + 1, "The shop's export: 2 more faults.")
        );
    }

    #[test]
    fn numbers_are_ids_too() {
        let refunds = json!([{ "id": 7, "amount": 2.5, "lines": [{ "line": 2, "amount": 2.5 }] }]);
        let shop = shop(&[json!({ "order_id": 1001, "refunds": refunds })]);

        assert_eq!(shop.faults(), Vec::<String>::new());
        let sum = |line| shop.refunds("1001", line).sum().map(|sum| sum.to_string());
        assert_eq!((sum(None).as_deref(), sum(Some("2")).as_deref()), (Some("2.5"), Some("2.5")));
    }
}
