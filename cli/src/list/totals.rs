//! Counts and sums of money, by state and currency.

use std::collections::BTreeMap;

use postback_core::delivery::Record;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// The count and the money of some deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) count: usize,
    /// The sums by currency.
    #[serde(serialize_with = "as_texts")]
    amounts: BTreeMap<String, Decimal>,
}

/// The counts of all deliveries found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    pub(crate) count: usize,
    #[serde(serialize_with = "as_texts")]
    amounts: BTreeMap<String, Decimal>,
    pub(crate) states: BTreeMap<&'static str, Sum>,
}

impl Sum {
    #[expect(clippy::needless_pass_by_value, reason = "the text is owned or borrowed")]
    pub(crate) fn add(&mut self, money: Option<(impl AsRef<str>, &str)>) {
        self.count += 1;
        add(&mut self.amounts, money.as_ref().map(|(amount, it)| (amount.as_ref(), *it)));
    }

    /// The money in this currency.
    pub(crate) fn amount(&self, currency: &str) -> String {
        self.amounts.get(currency).copied().unwrap_or_default().to_string()
    }

    /// The money in words: `1499 INR, 12.5 SGD`.
    pub(crate) fn money(&self) -> String {
        money(&self.amounts)
    }
}

impl Totals {
    /// The money in words.
    pub(crate) fn money(&self) -> String {
        money(&self.amounts)
    }

    pub(super) fn add(&mut self, record: &Record, is_back: bool) {
        self.count += 1;
        let money = at_stake(record, is_back);
        let money = money.as_ref().map(|(amount, currency)| (amount.as_str(), *currency));
        add(&mut self.amounts, money);
        self.states.entry(record.protocol.state.as_str()).or_default().add(money);
    }

    /// A line for each state, and one for all.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |name: &str, count: usize, money: String| {
            format!("{name:<12}{count:>7}  {money}").trim_end().to_owned()
        };
        let states = self.states.iter();
        let mut lines: Vec<_> =
            states.map(|(state, sum)| line(state, sum.count, sum.money())).collect();
        if lines.len() > 1 {
            lines.push(line("all", self.count, money(&self.amounts)));
        }
        lines
    }
}

/// The money that a delivery is about; with `is_back` the part of it that is to be claimed back, if any.
pub(crate) fn at_stake(record: &Record, is_back: bool) -> Option<(String, &str)> {
    let (amount, currency) = record.money()?;
    let back = record.open_claim_back().filter(|_| is_back);
    Some((back.map_or_else(|| amount.to_owned(), |back| back.to_string()), currency))
}

/// Decimals as texts: a number in JSON would be a float to many who read it.
fn as_texts<S: Serializer>(
    amounts: &BTreeMap<String, Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(amounts.iter().map(|(currency, sum)| (currency, sum.to_string())))
}

fn add(amounts: &mut BTreeMap<String, Decimal>, money: Option<(&str, &str)>) {
    let Some((amount, currency)) = money else { return };
    let sum = amounts.entry(currency.to_owned()).or_default();
    // As the ledger writes an amount: without zeros at its end.
    *sum = sum.saturating_add(amount.parse().unwrap_or_default()).normalize();
}

fn money(amounts: &BTreeMap<String, Decimal>) -> String {
    let sums = amounts.iter().map(|(currency, sum)| format!("{sum} {currency}"));
    sums.collect::<Vec<_>>().join(", ")
}
