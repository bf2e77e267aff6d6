//! The JSON text of an order.

use serde_json::Value;

use crate::{fields::Fault, json};

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

/// Parses the text of an order, with or without a byte order mark. Of a member that is given twice
/// nobody knows which one is meant.
pub fn parse(text: &str) -> Result<Value, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = serde_json::from_str(text)
        .map_err(|error| Unreadable::NotJson { line: error.line(), column: error.column() })?;
    let doubled = json::doubled(text);
    if doubled.is_empty() {
        return Ok(value);
    }
    let fault = |pointer| {
        let detail = "is given twice: give it once".into();
        Fault { pointer, code: "given_twice", detail }
    };
    Err(Unreadable::Doubled(doubled.into_iter().map(fault).collect()))
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
    fn a_member_given_twice_is_named() {
        let Err(Unreadable::Doubled(faults)) = parse(r#"{"a":[{"b":1,"\u0062":2}],"c":1,"c":1}"#)
        else {
            panic!("nothing is doubled");
        };
        let found: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(found, [("/c", "given_twice"), ("/a/0/b", "given_twice")]);
    }
}
