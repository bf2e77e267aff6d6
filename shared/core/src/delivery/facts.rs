//! The facts of a delivery's content: the order's own, before any setting.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    digest::sha256,
    order::{Amount, Currency},
};

/// The explicit facts by which the content of an order is recognised.
///
/// Amounts and the currency are in the open: they are not personal, and reconciliation needs them.
/// An identifier (a click, an offer) is a short digest. Nothing personal is a fact: no digest of an
/// e-mail address, a phone number, a name, an address or an IP address.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<Cow<'static, str>, String>);

/// The number of bytes of a digest that are kept.
pub const DIGEST_BYTES: usize = 8;

/// The fact of a line's amount.
const LINE_AMOUNT: &str = "line_amount";

impl Facts {
    /// No facts.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The total of an order and its currency.
    #[must_use]
    pub fn of_total(total: Amount, currency: Currency) -> Self {
        Self::none().amount("amount", total).open("currency", currency.code())
    }

    /// The currency of an order of which nothing else is known.
    #[must_use]
    pub fn of_currency(currency: Currency) -> Self {
        Self::none().open("currency", currency.code())
    }

    /// The amount of a line.
    #[must_use]
    pub fn of_line(amount: Amount) -> Self {
        Self::none().amount(LINE_AMOUNT, amount)
    }

    /// Adds an amount, without trailing zeros.
    #[must_use]
    pub fn amount(self, name: &'static str, amount: Amount) -> Self {
        self.open(name, &amount.shortest())
    }

    /// Adds a digest of an identifier.
    #[must_use]
    pub fn digest(self, name: &'static str, value: &str) -> Self {
        self.open(name, &sha256(value, DIGEST_BYTES))
    }

    /// Adds all of `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The fact of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns whether both say the same in every member that both have. Of two lines their own
    /// amounts count, not the total of the order: a line more or less changes no other one.
    #[must_use]
    pub fn agree(&self, other: &Self) -> bool {
        self.differing(other).next().is_none()
    }

    /// The members that both have and in which `other` says something else.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let are_lines = self.get(LINE_AMOUNT).and(other.get(LINE_AMOUNT)).is_some();
        let differs = move |name: &str, value: &str| {
            let counts = !(are_lines && name == "amount");
            counts && other.get(name).is_some_and(|other| other != value)
        };
        let members = self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        members.filter(move |(name, value)| differs(name, value))
    }

    /// The amount that a report says: of a line its own, otherwise the total.
    #[must_use]
    pub fn reported_amount(&self) -> Option<&str> {
        self.get(LINE_AMOUNT).or_else(|| self.get("amount"))
    }

    fn open(mut self, name: &'static str, value: &str) -> Self {
        self.0.insert(Cow::Borrowed(name), value.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn compares_the_members_that_both_have() {
        let amount = |text: &str| Facts::none().open("amount", text);
        let with_click = amount("10").digest("click", "abc");

        assert!(with_click.agree(&amount("10")) && amount("10").agree(&with_click));
        assert!(!with_click.agree(&amount("11")));
        assert!(!with_click.agree(&Facts::none().digest("click", "abd")));
        let other = with_click.clone().and(amount("11"));
        assert_eq!(other.differing(&with_click).collect::<Vec<_>>(), [("amount", "11")]);
    }

    #[test]
    fn two_lines_are_compared_without_their_orders_totals() {
        let line = |total: &str, amount: &str| {
            Facts::none().open("amount", total).open(LINE_AMOUNT, amount)
        };

        assert!(line("150", "100").agree(&line("175", "100")));
        assert!(!line("150", "100").agree(&line("150", "50")));
        assert!(!line("150", "100").agree(&Facts::none().open("amount", "175")));
    }

    #[test]
    fn amounts_and_the_currency_are_in_the_open() {
        let euro = Currency::of_code("EUR").expect("a currency");
        let amount = |cents| Amount::new(Decimal::new(cents, 2), euro).expect("an amount");

        let facts = Facts::of_total(amount(1050), euro).and(Facts::of_line(amount(400)));

        let expected = Facts::none().open("amount", "10.5").open("currency", "EUR");
        assert_eq!(facts, expected.open(LINE_AMOUNT, "4"));
        assert_eq!(Facts::of_currency(euro), Facts::none().open("currency", "EUR"));
    }

    #[test]
    fn an_identifier_is_a_short_digest() {
        let facts = Facts::none().digest("click", "9f2b983f153f632c9a0a1469e27b55");

        let digest = facts.get("click").expect("a digest");
        assert_eq!(digest.len(), 16);
        assert!(!digest.contains("9f2b983f"));
    }
}
