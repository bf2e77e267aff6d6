//! The JSON text of an order.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    fields::{Fault, MOST_FAULTS},
    json,
};

/// The reason that a text is no order, before any member of it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no JSON.
    NotJson {
        /// The line of the first fault, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// An object of it names a member twice.
    Doubled(Vec<Fault>),
}

impl Unreadable {
    /// The faults by member; a text that is no JSON has one of the whole.
    #[must_use]
    pub fn faults(self) -> Vec<Fault> {
        match self {
            Self::NotJson { .. } => {
                let detail = "must be one JSON object: the order".into();
                vec![Fault { pointer: String::new(), code: "not_json", detail }]
            }
            Self::Doubled(faults) => faults,
        }
    }
}

/// Parses the text of an order, as [`readable`] gives it. Of a member that is given twice nobody
/// knows which one is meant.
pub fn parse(text: &str) -> Result<Value, Unreadable> {
    let text = readable(text);
    let value = serde_json::from_str(&text)
        .map_err(|error| Unreadable::NotJson { line: error.line(), column: error.column() })?;
    let doubled = json::doubled(&text);
    if doubled.is_empty() {
        return Ok(value);
    }
    let fault = |pointer| {
        let detail = "is given twice: give it once".into();
        Fault { pointer, code: "given_twice", detail }
    };
    Err(Unreadable::Doubled(doubled.into_iter().take(MOST_FAULTS).map(fault).collect()))
}

/// The text of an order as every reader of JSON and every queue takes it: without a byte order mark, and
/// with U+FFFD for half a surrogate pair, which JavaScript writes for a text that was cut within a
/// character, and for U+FFFE and U+FFFF, which SQS takes in no message. A comment that was cut so must
/// not refuse its order, and one that holds them must not lose it.
#[must_use]
pub fn readable(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut readable = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['\\', '\u{fffe}', '\u{ffff}']) {
        at += found;
        let rest = &text.as_bytes()[at..];
        let unreadable = match (escaped(rest), escaped(rest.get(ESCAPE..).unwrap_or_default())) {
            (Some(Escaped::High), Some(Escaped::Low)) => {
                at += 2 * ESCAPE;
                continue;
            }
            (Some(_), _) => ESCAPE,
            (None, _) if rest[0] != b'\\' => '\u{ffff}'.len_utf8(),
            (None, _) => {
                // The backslash and what it escapes, which may be a backslash.
                at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
                continue;
            }
        };
        readable.push_str(&text[copied..at]);
        readable.push_str("\\ufffd");
        at += unreadable;
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    readable.push_str(&text[copied..]);
    Cow::Owned(readable)
}

/// The length of `\ud83d`.
const ESCAPE: usize = 6;

/// An escaped character that is none by itself.
enum Escaped {
    /// The first half of a surrogate pair.
    High,
    /// The second one.
    Low,
    /// U+FFFE or U+FFFF.
    Never,
}

/// The character that is none by itself with which a text starts, escaped.
fn escaped(text: &[u8]) -> Option<Escaped> {
    let [b'\\', b'u', digits @ ..] = text else { return None };
    let digits = digits.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    match u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()? {
        0xd800..=0xdbff => Some(Escaped::High),
        0xdc00..=0xdfff => Some(Escaped::Low),
        0xfffe | 0xffff => Some(Escaped::Never),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_in_the_text_has_its_place() {
        assert_eq!(parse("{\n  \"a\" 1}"), Err(Unreadable::NotJson { line: 2, column: 7 }));
        assert_eq!(parse("{\"a\":1}"), Ok(json!({ "a": 1 })));
        assert_eq!(parse("\u{feff}{\"a\":1}"), Ok(json!({ "a": 1 })));
    }

    #[test]
    fn half_a_surrogate_pair_is_an_unknown_character_and_a_whole_one_stays() {
        for (text, read) in [
            (r#""nice \ud83d""#, "nice \u{fffd}"),
            (r#""\uDE00 nice""#, "\u{fffd} nice"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ud83d\uD83D\uDE00""#, "\u{fffd}\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\n\u0041ä""#, "\u{fffd}\nAä"),
            (r#""\\ud83d""#, r"\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\ud7ff\ue000""#, "\u{d7ff}\u{e000}"),
            (r#""a\uFFFF\ufffeb""#, "a\u{fffd}\u{fffd}b"),
            ("\"a\u{ffff}b\u{fffe}\"", "a\u{fffd}b\u{fffd}"),
            (
                "\"\\\\\u{ffff}ä\u{fffd}\u{fdd0}\u{10ffff}\"",
                "\\\u{fffd}ä\u{fffd}\u{fdd0}\u{10ffff}",
            ),
            (r#""\\uffff\ufffd""#, "\\uffff\u{fffd}"),
        ] {
            assert_eq!(parse(text), Ok(json!(read)), "{text}");
        }
        assert_eq!(parse(r#"{"\ud83d":1}"#), Ok(json!({ "\u{fffd}": 1 })));
        for broken in [
            r#""\"#,
            r#""\ud83"#,
            r#""\ud83g""#,
            r#""\ud83d"#,
            r#""\ä""#,
            "\"\\\u{ffff}\"",
            r#""\uff"#,
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
        assert!(matches!(readable(r#"{"a":"\ud83d\ude00"}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_nested_deeper_than_the_reader_goes_is_no_json() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            parse(&format!("{{\"custom\":{open}{close}}}"))
        };

        assert!(nested(126).is_ok());
        assert_eq!(nested(127), Err(Unreadable::NotJson { line: 1, column: 137 }));
    }

    #[test]
    fn a_member_given_twice_is_named() {
        let Err(Unreadable::Doubled(faults)) = parse(r#"{"a":[{"b":1,"\u0062":2}],"c":1,"c":1}"#)
        else {
            panic!("nothing is doubled");
        };
        let found: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(found, [("/c", "given_twice"), ("/a/0/b", "given_twice")]);
    }
}
