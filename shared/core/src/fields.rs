//! Reading the members of a JSON object: every fault at once, each with its place, never a value.
//!
//! Orders, clicks and settings are read through here. `serde` stops at the first fault and quotes
//! what it found; a secret or an e-mail address must not be quoted.

use std::{borrow::Cow, fmt, ops::RangeInclusive};

use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;

mod place_holder;

pub use place_holder::{is_nothing, is_place_holder, means_nothing};

/// What is wrong with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where it stands: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What kind of fault: a stable `snake_case` word.
    pub code: &'static str,
    /// What would be right. Holds nothing of the value.
    pub detail: Cow<'static, str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.pointer, self.detail, self.code)
    }
}

/// Why a value does not fit; [`Fields`] adds the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What kind of fault: a stable `snake_case` word.
    pub code: &'static str,
    /// What would be right. Holds nothing of the value.
    pub detail: Cow<'static, str>,
}

impl Invalid {
    /// A fault of kind `code`; `detail` says what would be right.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// The value is of another JSON type than `wanted`.
    #[must_use]
    pub fn kind(wanted: &'static str) -> Self {
        Self::new("wrong_type", format!("must be {wanted}"))
    }
}

/// What to do with members nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// Refuse them by name: at the API and in settings.
    Deny,
    /// Pass over them: on the bus, where events of others may carry more.
    Ignore,
}

/// The members of one JSON object, read one by one.
#[derive(Debug)]
pub struct Fields<'v, 'f> {
    members: &'v Map<String, Value>,
    pointer: String,
    asked: Vec<&'static str>,
    unknown: UnknownFields,
    faults: &'f mut Vec<Fault>,
}

/// Reads `value` as an object through `read`; all faults, or what was read.
pub fn read<T>(
    value: &Value,
    unknown: UnknownFields,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let result = read_object(value, String::new(), unknown, &mut faults, read);
    match result {
        Some(value) if faults.is_empty() => Ok(value),
        None if faults.is_empty() => {
            let detail = Cow::Borrowed("is not complete");
            Err(vec![Fault { pointer: String::new(), code: "incomplete", detail }])
        }
        _ => Err(faults),
    }
}

fn read_object<T>(
    value: &Value,
    pointer: String,
    unknown: UnknownFields,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Option<T> {
    let Value::Object(members) = value else {
        let Invalid { code, detail } = Invalid::kind("an object");
        faults.push(Fault { pointer, code, detail });
        return None;
    };
    let mut fields = Fields { members, pointer, asked: Vec::new(), unknown, faults };
    let result = read(&mut fields);
    fields.refuse_unknown();
    result
}

impl<'v> Fields<'v, '_> {
    /// A member that must be there. `None` means a fault was noted.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&'v Value) -> Result<T, Invalid>,
    ) -> Option<T> {
        let Some(value) = self.take(name) else {
            self.fault(name, Invalid::new("missing", "must be given"));
            return None;
        };
        self.check(name, parse(value))
    }

    /// A member that may be left out or `null`. A fault is noted, and reads as left out.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&'v Value) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.check(name, parse(value))
    }

    /// An object inside this one, which may be left out.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name)?;
        read_object(value, self.at(name), self.unknown, self.faults, read)
    }

    /// A list of objects inside this one; empty when left out.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Fields<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.fault(name, Invalid::kind("an array"));
            return Vec::new();
        };
        if values.len() > most {
            self.fault(name, Invalid::new("too_many", format!("at most {most} are taken")));
            return Vec::new();
        }
        let pointer = self.at(name);
        let read_one = |(index, value)| {
            read_object(value, format!("{pointer}/{index}"), self.unknown, self.faults, &mut read)
        };
        values.iter().enumerate().filter_map(read_one).collect()
    }

    /// A map from free names to values; empty when left out.
    pub fn map<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut parse: impl FnMut(&'v str, &'v Value) -> Result<T, Invalid>,
    ) -> Vec<(String, T)> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Value::Object(members) = value else {
            self.fault(name, Invalid::kind("an object"));
            return Vec::new();
        };
        if members.len() > most {
            self.fault(name, Invalid::new("too_many", format!("at most {most} are taken")));
            return Vec::new();
        }
        let mut read = Vec::with_capacity(members.len());
        for (key, value) in members {
            match parse(key, value) {
                Ok(value) => read.push((key.clone(), value)),
                Err(Invalid { code, detail }) => {
                    let pointer = format!("{}/{}", self.at(name), escape(key));
                    self.faults.push(Fault { pointer, code, detail });
                }
            }
        }
        read
    }

    /// Notes a fault of the member `name`.
    pub fn fault(&mut self, name: &str, wrong: Invalid) {
        let pointer = self.at(name);
        self.faults.push(Fault { pointer, code: wrong.code, detail: wrong.detail });
    }

    fn take(&mut self, name: &'static str) -> Option<&'v Value> {
        self.asked.push(name);
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn check<T>(&mut self, name: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|wrong| self.fault(name, wrong)).ok()
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escape(name))
    }

    fn refuse_unknown(&mut self) {
        if self.unknown == UnknownFields::Ignore {
            return;
        }
        let unknown = self.members.keys().filter(|key| !self.asked.contains(&key.as_str()));
        for key in unknown {
            self.faults.push(Fault {
                pointer: format!("{}/{}", self.pointer, escape(key)),
                code: "unknown_member",
                detail: Cow::Borrowed("is not a member of this object"),
            });
        }
    }
}

/// RFC 6901: `~` and `/` inside a member's name. Long names are cut: they are the caller's text.
fn escape(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    short.replace('~', "~0").replace('/', "~1")
}

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
            Value::Number(number) => number.as_u64(),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn notes_every_fault_with_its_place_and_no_value() {
        let value = json!({ "name": 7, "lines": [{ "n": 1 }, { "n": "canary" }], "a/b": "canary" });

        let faults = read(&value, UnknownFields::Deny, |fields| {
            let name = fields.required("name", text(10));
            let email = fields.required("email", text(10));
            fields.list("lines", 10, |line| line.required("n", integer(1..=5)));
            Some((name?, email?))
        });

        let faults = faults.expect_err("four faults");
        let places: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        assert_eq!(
            places,
            [
                ("/name", "wrong_type"),
                ("/email", "missing"),
                ("/lines/1/n", "wrong_type"),
                ("/a~1b", "unknown_member"),
            ]
        );
        assert!(!format!("{faults:?}").contains("canary"));
    }

    #[test]
    fn passes_over_unknown_members_where_events_may_carry_more() {
        let value = json!({ "n": 1, "more": true });

        let read =
            read(&value, UnknownFields::Ignore, |fields| fields.required("n", integer(0..=9)));

        assert_eq!(read, Ok(1));
    }

    #[test]
    fn a_place_holder_is_no_setting() {
        let token = secret(64)(&json!("{ security_token }"));

        assert_eq!(token.map(|_| ()).map_err(|wrong| wrong.code), Err("template"));
    }

    #[test]
    fn a_blank_or_over_long_text_is_refused() {
        assert_eq!(text(3)(&json!("  ")).map_err(|w| w.code), Err("blank"));
        assert_eq!(text(3)(&json!("äöüß")).map_err(|w| w.code), Err("too_long"));
        assert_eq!(text(3)(&json!("a\u{0}")).map_err(|w| w.code), Err("control_character"));
        assert_eq!(text(4)(&json!("äöüß")), Ok("äöüß".to_owned()));
    }
}
