//! Readers of single values, for [`Fields`](super::Fields).

use std::ops::RangeInclusive;

use secrecy::SecretString;
use serde_json::Value;

use super::{Invalid, is_place_holder};
use crate::{clock::Timestamp, decimal::exact};

/// A string of 1 to `most` characters, not blank, without control characters.
pub fn text(most: usize) -> impl Fn(&Value) -> Result<String, Invalid> {
    move |value| {
        let Value::String(text) = value else { return Err(Invalid::kind("a string")) };
        if text.trim().is_empty() {
            return Err(Invalid::new("blank", "must not be blank"));
        }
        if text.chars().count() > most {
            return Err(Invalid::new("too_long", format!("at most {most} characters")));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(Invalid::new("control_character", "must not hold control characters"));
        }
        Ok(text.clone())
    }
}

/// A string as [`text`], kept secret from here on.
pub fn secret(most: usize) -> impl Fn(&Value) -> Result<SecretString, Invalid> {
    move |value| text(most)(value).and_then(not_a_template).map(SecretString::from)
}

/// A setting in words as [`text`], refused while it still looks like a template.
pub fn setting(most: usize) -> impl Fn(&Value) -> Result<String, Invalid> {
    move |value| text(most)(value).and_then(not_a_template)
}

/// A whole number within `range`, as a JSON number or a string of digits.
pub fn integer(range: RangeInclusive<u64>) -> impl Fn(&Value) -> Result<u64, Invalid> {
    move |value| {
        let number = match value {
            // 217.0 is 217.
            Value::Number(number) => whole(&number.to_string()),
            Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok()
            }
            _ => return Err(Invalid::kind("a whole number")),
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let detail =
                format!("must be a whole number from {} to {}", range.start(), range.end());
            Invalid::new("out_of_range", detail)
        })
    }
}

fn whole(number: &str) -> Option<u64> {
    exact(number)
        .filter(|number| number.fract().is_zero())
        .and_then(|number| number.try_into().ok())
}

/// An instant of RFC 3339.
pub fn instant(value: &Value) -> Result<Timestamp, Invalid> {
    let Value::String(text) = value else { return Err(Invalid::kind("a string")) };
    let detail = "must be an instant of RFC 3339, as \"2026-11-21T10:15:00Z\"";
    Timestamp::parse(text).ok_or_else(|| Invalid::new("not_an_instant", detail))
}

/// `true` or `false`.
pub fn flag(value: &Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::kind("true or false"))
}

/// One of the words of a closed list.
pub fn one_of<T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl Fn(&Value) -> Result<T, Invalid> {
    move |value| {
        let known = words.iter().find(|(word, _)| value.as_str() == Some(word));
        known.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let list: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            Invalid::new("unknown_word", format!("must be one of: {}", list.join(", ")))
        })
    }
}

fn not_a_template(text: String) -> Result<String, Invalid> {
    if text.trim() != text {
        return Err(Invalid::new("outer_blanks", "must have no outer blanks or line ends"));
    }
    if is_place_holder(&text) {
        return Err(Invalid::new("template", "is still a place holder in braces"));
    }
    Ok(text)
}
