//! Money: exact decimals, never a float.

use std::{borrow::Cow, fmt, str::FromStr};

use iso_currency::Currency as Iso;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use crate::{decimal::exact, fields::Invalid};

/// The most digits an amount may have before its point.
const WHOLE_DIGITS: u32 = 15;

/// `amount`, unless it is negative, too large or has more than `places` decimal places.
fn check(amount: Decimal, places: u32) -> Result<Amount, Invalid> {
    if amount.is_sign_negative() && !amount.is_zero() {
        return Err(NEGATIVE);
    }
    if amount >= Decimal::from_i128_with_scale(10_i128.pow(WHOLE_DIGITS), 0) {
        let detail = format!("at most {WHOLE_DIGITS} digits before the point");
        return Err(Invalid::new("too_large", detail));
    }
    if amount.normalize().scale() > places {
        let detail = format!("at most {places} decimal places in this currency");
        return Err(Invalid::new("too_precise", detail));
    }
    Ok(Amount(amount))
}

/// An amount of money, not negative, in the order's currency and no finer than it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Reads an amount of `currency`: a JSON number or a string of digits with a point.
    pub(super) fn from_json(value: &Value, currency: Option<Currency>) -> Result<Self, Invalid> {
        let amount = decimal(value)?;
        currency.map_or_else(|| check(amount, 6), |currency| Self::new(amount, currency))
    }

    /// The amount, unless it is negative, too large or finer than its currency.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, Invalid> {
        check(amount, currency.exponent())
    }

    /// The exact value.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// `self - other`; `None` below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        let rest = self.0.checked_sub(other.0)?;
        (!rest.is_sign_negative() || rest.is_zero()).then_some(Self(rest))
    }

    /// Plain digits without needless zeros: `1499`, `14.9`.
    #[must_use]
    pub fn shortest(self) -> String {
        self.0.normalize().to_string()
    }

    /// Plain digits with exactly `places` decimals. Amounts are no finer than their currency; one
    /// that is finer than `places` (a currency with three) is `None`, never rounded.
    #[must_use]
    pub fn fixed(self, places: u32) -> Option<String> {
        let exact = self.0.normalize();
        (exact.scale() <= places).then(|| {
            let mut padded = exact;
            padded.rescale(places);
            padded.to_string()
        })
    }

    /// A JSON number, whole when whole.
    #[must_use]
    pub fn number(self) -> Value {
        Number::from_str(&self.shortest()).map_or(Value::Null, Value::Number)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amount({})", self.0)
    }
}

impl Serialize for Amount {
    /// Written without needless zeros, so that `1499.0` and `1499` are the same content.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shortest())
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Money in the order's currency: a number or a string, not negative, \
                            at most 15 digits before the point and no finer than the currency.",
            "oneOf": [
                { "type": "string", "pattern": r"^0*[0-9]{1,15}(\.[0-9]+)?$" },
                { "type": "number", "minimum": 0, "exclusiveMaximum": 1_000_000_000_000_000_u64 },
            ],
        })
    }
}

/// A JSON number, or a string of digits with perhaps a point and more digits: no sign, exponent, blank
/// or separator. JSON numbers arrive as they were written, so `0.30000000000000004` is seen for what
/// it is.
fn decimal(value: &Value) -> Result<Decimal, Invalid> {
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        _ => return Err(Invalid::kind("a number or a string of digits")),
    };
    let is_plain = |text: &str| {
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits(whole) && digits(places)
    };
    if value.is_string() {
        if !is_plain(text.strip_prefix('-').unwrap_or(&text)) {
            return Err(Invalid::new(NOT_DIGITS.0, NOT_DIGITS.1));
        }
        // Nothing has a sign either: -0.00 comes of a sum that went wrong.
        if text.starts_with('-') {
            return Err(NEGATIVE);
        }
    }
    // What 28 digits don't hold is too large or too fine.
    exact(&text).ok_or_else(|| match text.parse::<f64>() {
        Ok(number) if number.abs() >= 1e15 => {
            Invalid::new("too_large", format!("at most {WHOLE_DIGITS} digits before the point"))
        }
        _ => Invalid::new("too_precise", "too many decimal places"),
    })
}

const NEGATIVE: Invalid =
    Invalid { code: "negative", detail: Cow::Borrowed("must not be negative") };

const NOT_DIGITS: (&str, &str) =
    ("not_a_decimal", "must be plain digits with at most one point, as \"1499.00\"");

/// A currency of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency(Iso);

impl Currency {
    pub(super) fn from_json(value: &Value) -> Result<Self, Invalid> {
        let Value::String(code) = value else { return Err(Invalid::kind("a string")) };
        Self::of_code(code).ok_or_else(|| {
            Invalid::new("unknown_currency", "must be a currency code of ISO 4217, as \"EUR\"")
        })
    }

    /// The currency of three letters.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Iso::from_code(code).filter(|currency| currency.exponent().is_some()).map(Self)
    }

    /// Its three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The number of decimal places of its smallest unit: 2 for most, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(2))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    fn inr(json: &str) -> Result<String, &'static str> {
        let currency = Currency::from_json(&json!("INR")).expect("a currency");
        let value = from_str(json).expect("JSON");
        Amount::from_json(&value, Some(currency)).map(Amount::shortest).map_err(|wrong| wrong.code)
    }

    #[test]
    fn takes_strings_and_numbers_exactly() {
        assert_eq!(inr("\"1499.00\""), Ok("1499".to_owned()));
        assert_eq!(inr("1499"), Ok("1499".to_owned()));
        assert_eq!(inr("14.90"), Ok("14.9".to_owned()));
        assert_eq!(inr("1.499e3"), Ok("1499".to_owned()));
        assert_eq!(inr("-0.0"), Ok("0".to_owned()));
        assert_eq!(inr("0"), Ok("0".to_owned()));
        assert_eq!(inr("999999999999999.99"), Ok("999999999999999.99".to_owned()));
        assert_eq!(inr("1.000000000000000000000000000000000"), Ok("1".to_owned()));
    }

    #[test]
    fn refuses_what_is_no_amount_with_its_own_word() {
        assert_eq!(inr("-1"), Err("negative"));
        assert_eq!(inr("\"-0.01\""), Err("negative"));
        assert_eq!(inr("\"-0.00\""), Err("negative"));
        assert_eq!(inr("\"NaN\""), Err("not_a_decimal"));
        assert_eq!(inr("\"1e3\""), Err("not_a_decimal"));
        assert_eq!(inr("1e15"), Err("too_large"));
        assert_eq!(inr("1e-9"), Err("too_precise"));
        assert_eq!(inr("\"1,499.00\""), Err("not_a_decimal"));
        assert_eq!(inr("\" 1\""), Err("not_a_decimal"));
        assert_eq!(inr("\"1.\""), Err("not_a_decimal"));
        assert_eq!(inr("\"\""), Err("not_a_decimal"));
        assert_eq!(inr("0.30000000000000004"), Err("too_precise"));
        assert_eq!(inr("14.999"), Err("too_precise"));
        assert_eq!(inr("123456789012345678901234567890"), Err("too_large"));
        assert_eq!(inr("true"), Err("wrong_type"));
    }

    #[test]
    fn a_currency_decides_how_fine_an_amount_may_be() {
        let read = |code: &str, amount: &str| {
            let currency = Currency::from_json(&json!(code)).expect("a currency");
            Amount::from_json(&json!(amount), Some(currency)).map(Amount::shortest)
        };

        assert!(read("JPY", "100.5").is_err());
        assert_eq!(read("JPY", "100.00"), Ok("100".to_owned()));
        assert_eq!(read("KWD", "1.234"), Ok("1.234".to_owned()));
        for unknown in ["XXZ", "inr", "", "EURO", "XXX"] {
            let code = Currency::from_json(&json!(unknown)).map_err(|wrong| wrong.code);
            assert_eq!(code, Err("unknown_currency"), "{unknown}");
        }
    }

    #[test]
    fn writes_fixed_places_and_never_rounds() {
        let amount = |text: &str| Amount::from_json(&json!(text), None).expect("an amount");

        assert_eq!(amount("1499").fixed(2), Some("1499.00".to_owned()));
        assert_eq!(amount("1.234").fixed(2), None);
        assert_eq!(amount("14.9").number(), from_str::<Value>("14.9").expect("JSON"));
        assert_eq!(amount("10.00").number().to_string(), "10");
        assert_eq!(amount("10").minus(amount("10.01")), None);
    }
}
