//! Numbers that only some network needs: kept exactly, and judged by that network.

use std::{borrow::Cow, str::FromStr};

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::{Amount, Currency};
use crate::decimal::exact;

/// A number of the order that no more than some network needs: a price of a line, the tax. It may be
/// negative, finer than the currency, or no number at all; the network that needs it refuses it then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure(Option<Decimal>);

/// The word for a figure that is no number, on the bus.
const UNREADABLE: &str = "unreadable";

impl Figure {
    /// One.
    pub const ONE: Self = Self(Some(Decimal::ONE));

    /// Reads a number, or a text of digits. Always gives something: an absent member is no matter
    /// of this reader.
    #[expect(clippy::unnecessary_wraps, reason = "a reader of `Fields::loose`")]
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        Some(Self(match value {
            Value::Number(number) => exact(&number.to_string()),
            Value::String(text) => exact(text.trim()),
            _ => None,
        }))
    }

    /// The exact value; `None` if it is no number.
    #[must_use]
    pub const fn decimal(self) -> Option<Decimal> {
        self.0
    }

    /// The value as an amount of `currency`; `None` if it is negative or finer than the currency.
    #[must_use]
    pub fn amount(self, currency: Currency) -> Option<Amount> {
        Amount::new(self.0?, currency).ok()
    }

    /// Plain digits without needless zeros; `None` if it is no number.
    #[must_use]
    pub fn shortest(self) -> Option<String> {
        self.0.map(|value| value.normalize().to_string())
    }

    /// A JSON number, whole when whole; `None` if it is no number.
    #[must_use]
    pub fn number(self) -> Option<Value> {
        Number::from_str(&self.shortest()?).ok().map(Value::Number)
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shortest().as_deref().unwrap_or(UNREADABLE))
    }
}

impl JsonSchema for Figure {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Figure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    fn shortest(json: &str) -> Option<String> {
        let value = from_str(json).expect("JSON");
        Figure::from_json(&value).and_then(Figure::shortest)
    }

    #[test]
    fn a_number_is_a_number_however_it_is_written() {
        for (json, value) in [
            ("217.0", "217"),
            ("\"1.50\"", "1.5"),
            ("1.5e3", "1500"),
            ("15E-1", "1.5"),
            ("1e+2", "100"),
            ("-0", "0"),
            ("0e999", "0"),
            ("\" 7 \"", "7"),
            ("-100.00", "-100"),
            ("17.169999999999998", "17.169999999999998"),
            ("1.0000000000000000000000000000000000000", "1"),
            ("1499000000000000000000000000000e-27", "1499"),
            ("-1200000000000000000000000000000000.00e-32", "-12"),
            ("1000", "1000"),
            ("\"000.00\"", "0"),
            ("0.10", "0.1"),
            ("10.5e1", "105"),
        ] {
            assert_eq!(shortest(json).as_deref(), Some(value), "{json}");
        }
    }

    #[test]
    fn what_is_no_number_is_kept_as_unreadable() {
        for json in [
            "\"abc\"",
            "true",
            "{}",
            "\"1,50\"",
            "\"1e\"",
            "1e999",
            "1e-999",
            "\"-\"",
            "\".\"",
            "\"1.\"",
            "\"--1\"",
            "\"--0\"",
            "\"-\"",
            "\"0-0\"",
            "\"1.2.0\"",
        ] {
            assert_eq!(shortest(json), None, "{json}");
        }
        let unreadable = Figure::from_json(&json!("abc"));
        let written = serde_json::to_value(unreadable).expect("JSON");
        assert_eq!(Figure::from_json(&written), unreadable);
    }
}
