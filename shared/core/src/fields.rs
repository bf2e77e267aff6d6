//! Reading the members of a JSON object: every fault at once, each with its place, never a value.
//!
//! Orders, clicks and settings are read through here. `serde` stops at the first fault and quotes
//! what it found; a secret or an e-mail address must not be quoted.

use std::{borrow::Cow, fmt};

use serde::Serialize;
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;
mod values;

mod place_holder;

pub use place_holder::{is_nothing, is_place_holder, means_nothing};
pub use values::{flag, instant, integer, one_of, secret, setting, text};

/// A fault of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The member: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The kind of fault: a stable `snake_case` word.
    pub code: &'static str,
    /// The correction. Holds nothing of the value.
    pub detail: Cow<'static, str>,
}

impl Fault {
    /// The fault for the log: its code and the first part of its place, because deeper ones may be
    /// names of the sender's.
    #[must_use]
    pub fn redacted(&self) -> String {
        let member = self.pointer.split('/').nth(1).unwrap_or_default();
        format!("{} at /{member}", self.code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.pointer, self.detail, self.code)
    }
}

/// A value that does not fit; [`Fields`] adds the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The kind of fault: a stable `snake_case` word.
    pub code: &'static str,
    /// The correction. Holds nothing of the value.
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

/// The treatment of members that nobody asked for.
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
