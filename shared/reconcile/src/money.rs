//! Sums of money by currency, exact.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// The name of a currency that nothing names.
pub const UNNAMED: &str = "-";

/// Sums by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, Decimal>);

impl Sums {
    /// Adds an amount.
    pub fn add(&mut self, currency: Option<&str>, amount: Option<Decimal>) {
        let Some(amount) = amount else { return };
        let currency = currency.unwrap_or(UNNAMED);
        if let Some(sum) = self.0.get_mut(currency) {
            *sum = sum.saturating_add(amount);
        } else {
            self.0.insert(currency.to_owned(), amount);
        }
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (currency, sum) in &other.0 {
            self.add(Some(currency), Some(*sum));
        }
    }

    /// The sum in a currency.
    #[must_use]
    pub fn get(&self, currency: &str) -> Decimal {
        self.0.get(currency).copied().unwrap_or_default()
    }

    /// The sums in words: `12.50 SGD, 1499 INR`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let sums = self.0.iter().map(|(currency, sum)| match currency.as_str() {
            UNNAMED => sum.normalize().to_string(),
            _ => format!("{} {currency}", sum.normalize()),
        });
        sums.collect::<Vec<_>>().join(", ")
    }
}

/// Decimals as texts: a number in JSON would be a float to many who read it.
impl Serialize for Sums {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sums = self.0.iter().map(|(currency, sum)| (currency, sum.normalize().to_string()));
        serializer.collect_map(sums)
    }
}
