//! Values that a script leaves behind where there is nothing: place holders and words for none.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The words for none of the languages that shops and tag managers are written in.
const WORDS: [&str; 7] = ["undefined", "null", "nan", "none", "false", "0", "[object object]"];

/// The most characters of a place holder's name.
const NAME: usize = 64;

/// Returns whether a value as a whole is a place holder that nobody filled in: `{transaction_id}`,
/// `{{ api key }}`, `${id}`, `%%cmc_id%%`. Braces inside a text mean nothing.
#[must_use]
pub fn is_place_holder(text: &str) -> bool {
    let text = text.trim();
    let between = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let name = between("{{", "}}")
        .or_else(|| between("${", "}"))
        .or_else(|| between("{", "}"))
        .or_else(|| between("%%", "%%"));
    name.map(str::trim).is_some_and(is_name)
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    !name.is_empty() && name.chars().count() <= NAME && name.chars().all(fits)
}

/// Returns whether a text means that there is no value: it is blank, a word for none or a place
/// holder, as it is or percent-encoded once, as cookies and landing pages hold it.
#[must_use]
pub fn means_nothing(text: &str) -> bool {
    let is_none = |text: &str| {
        let text = text.trim();
        let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
        text.is_empty() || is_word || is_place_holder(text)
    };
    is_none(text) || percent_decode_str(text).decode_utf8().is_ok_and(|decoded| is_none(&decoded))
}

/// The same of a JSON value.
#[must_use]
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => means_nothing(text),
        Value::Array(values) => values.is_empty(),
        Value::Object(_) | Value::Bool(true) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_holder_is_one_as_a_whole() {
        for text in ["{transaction_id}", "{ api key }", "{{x}}", "${cmc_id}", " %%cmc_id%%\n"] {
            assert!(is_place_holder(text), "{text}");
        }
        for text in ["", "{}", "%%%%", "}{", "x{y}", "{a}{b}", r#"{"a":1}"#, "by the {side} door"] {
            assert!(!is_place_holder(text), "{text}");
        }
    }

    #[test]
    fn words_for_none_mean_nothing() {
        for value in [
            json!(null),
            json!(false),
            json!(0),
            json!([]),
            json!(" "),
            json!("NULL"),
            json!("undefined"),
            json!("NaN"),
            json!("None"),
            json!("0"),
            json!("[object Object]"),
            json!("{id}"),
            json!("%7Bcmc_id%7D"),
            json!("%7b%7bid%7d%7d"),
            json!("%25%25id%25%25"),
            json!("%5Bobject%20Object%5D"),
            json!("%20"),
        ] {
            assert!(is_nothing(&value), "{value}");
        }
        for value in [
            json!(true),
            json!(7),
            json!("00"),
            json!("nana"),
            json!("%257Bid%257D"),
            json!("100%"),
            json!([0]),
            json!({}),
        ] {
            assert!(!is_nothing(&value), "{value}");
        }
    }
}
