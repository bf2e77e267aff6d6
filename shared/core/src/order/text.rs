//! Texts for people: cleaned and cut to length, never a reason to refuse an order.

use icu_normalizer::ComposingNormalizer;
use serde_json::Value;

use crate::decimal::exact;

/// The text of a value; `None` of anything but a text or a number. A number is its value, whatever way
/// it was written: `79022222222.0` of a spreadsheet is a telephone number without a tenth.
#[must_use]
pub fn of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => {
            let written = number.to_string();
            Some(exact(&written).map_or(written, |value| value.normalize().to_string()))
        }
        _ => None,
    }
}

/// One line of at most `most` characters; `None` if nothing is left.
pub(super) fn line(most: usize) -> impl Fn(&Value) -> Option<String> {
    move |value| cut(&clean(&of(value)?, |c| if c.is_whitespace() { ' ' } else { c }), most)
}

/// A text of several lines and at most `most` characters; `None` if nothing is left.
pub(super) fn prose(most: usize) -> impl Fn(&Value) -> Option<String> {
    move |value| cut(&clean(&of(value)?, |c| c), most)
}

fn clean(text: &str, map: impl Fn(char) -> char) -> String {
    composed(&visible(&text.chars().map(map).collect::<String>()))
}

/// The text in Unicode's composed form (NFC): the same word is the same text.
#[must_use]
pub fn composed(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

/// The text without control characters and those that nobody sees: of no width, or for the
/// direction of writing. Line ends and tabs stay.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    let is_format = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    is_format || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn cut(text: &str, most: usize) -> Option<String> {
    let text: String = text.trim().chars().take(most).collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_loses_what_nobody_sees_and_is_composed() {
        let read = |text: &str| line(20)(&json!(text));

        assert_eq!(read("Men\u{92}s shirt").as_deref(), Some("Mens shirt"));
        assert_eq!(read("\u{202a}a\u{200b}b\u{202c}\u{feff}").as_deref(), Some("ab"));
        assert_eq!(read("e\u{301}").as_deref(), Some("é"));
        assert_eq!(read(" a\nb\t").as_deref(), Some("a b"));
        assert_eq!(read("\u{200b} \u{7}"), None);
        assert_eq!(read(&"ä".repeat(30)).as_deref(), Some("ä".repeat(20).as_str()));
        assert_eq!(read("Ann 🎉 Smith").as_deref(), Some("Ann 🎉 Smith"));
        assert_eq!(prose(9)(&json!("a\nb")).as_deref(), Some("a\nb"));
    }

    #[test]
    fn a_number_is_its_value_and_other_values_are_none() {
        let number = |written: &str| {
            let value: Value = serde_json::from_str(written).expect("a number");
            line(40)(&value)
        };
        assert_eq!(number("7").as_deref(), Some("7"));
        assert_eq!(number("79022222222.0").as_deref(), Some("79022222222"));
        assert_eq!(number("7.9022222222e10").as_deref(), Some("79022222222"));
        assert_eq!(number("10.50").as_deref(), Some("10.5"));
        // More digits than a decimal holds stay as they were written.
        let long = "1234567890123456789012345678901234567";
        assert_eq!(number(long).as_deref(), Some(long));
        assert_eq!(line(20)(&json!(true)), None);
        assert_eq!(line(20)(&json!(["a"])), None);
    }
}
