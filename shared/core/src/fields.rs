//! Reading the members of a JSON object: every fault at once, each with its place, never a value.
//!
//! Orders, clicks and settings are read through here. `serde` stops at the first fault and quotes
//! what it found; a secret or an e-mail address must not be quoted.

use std::borrow::Cow;

use serde_json::{Map, Value};

#[cfg(test)]
mod tests;
mod values;

mod fault;
mod place_holder;
mod suggest;

pub use fault::{Fault, Invalid, escape, unknown_member};
pub use place_holder::{is_nothing, is_place_holder, means_nothing};
pub use suggest::{did_you_mean, nearest};
pub use values::{flag, instant, integer, one_of, secret, setting, text};

/// The most faults of one kind that are looked for: whoever sends an order chooses how many it has, and
/// each costs time.
pub const MOST_FAULTS: usize = 1_000;

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
    rules: Rules,
    faults: &'f mut Vec<Fault>,
}

/// The rules of reading one document.
#[derive(Clone, Copy, Debug)]
struct Rules {
    unknown: UnknownFields,
    is_absent: fn(&Value) -> bool,
}

/// Reads `value` as an object through `read`; all faults, or what was read.
pub fn from_json<T>(
    value: &Value,
    unknown: UnknownFields,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    from_json_by(value, Rules { unknown, is_absent: Value::is_null }, read)
}

/// Like [`from_json`], where blanks and empty lists stand for what is absent, as in orders.
pub fn from_json_loosely<T>(
    value: &Value,
    unknown: UnknownFields,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    from_json_by(value, Rules { unknown, is_absent }, read)
}

/// Returns whether a value stands for none: `null`, a blank text or an empty list.
#[must_use]
pub fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

fn from_json_by<T>(
    value: &Value,
    rules: Rules,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let result = read_object(value, String::new(), rules, &mut faults, read);
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
    rules: Rules,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Option<T> {
    let Value::Object(members) = value else {
        let Invalid { code, detail } = Invalid::kind("an object");
        faults.push(Fault { pointer, code, detail });
        return None;
    };
    let mut fields = Fields { members, pointer, asked: Vec::new(), rules, faults };
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

    /// A member that may be absent. A fault is noted, and reads as left out.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&'v Value) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.check(name, parse(value))
    }

    /// A member that is never a fault: `None` where it is absent or `parse` finds nothing in it.
    pub fn loose<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Option<T> {
        self.take(name).and_then(parse)
    }

    /// An object inside this one; what is no object counts as absent.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name).filter(|value| value.is_object())?;
        read_object(value, self.at(name), self.rules, self.faults, read)
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
            read_object(value, format!("{pointer}/{index}"), self.rules, self.faults, &mut read)
        };
        values.iter().enumerate().filter_map(read_one).collect()
    }

    /// The first `most` objects of a list inside this one; anything else in it counts as an object
    /// without members, and what is no list as absent.
    pub fn objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Fields<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let values = self.take(name).and_then(Value::as_array);
        let pointer = self.at(name);
        let empty = Value::Object(Map::new());
        let read_one = |(index, value): (usize, &Value)| {
            let value = if value.is_object() { value } else { &empty };
            read_object(value, format!("{pointer}/{index}"), self.rules, self.faults, &mut read)
        };
        let values = values.into_iter().flatten().enumerate();
        values.filter(|(_, value)| !value.is_null()).take(most).filter_map(read_one).collect()
    }

    /// The members of an object inside this one that are not absent; none where it is no object.
    pub fn members(&mut self, name: &'static str) -> Vec<(&'v str, &'v Value)> {
        let members = self.take(name).and_then(Value::as_object).into_iter().flatten();
        let members = members.filter(|(_, value)| !(self.rules.is_absent)(value));
        members.map(|(name, value)| (name.as_str(), value)).collect()
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
        self.members.get(name).filter(|value| !(self.rules.is_absent)(value))
    }

    fn check<T>(&mut self, name: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|wrong| self.fault(name, wrong)).ok()
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escape(name))
    }

    fn refuse_unknown(&mut self) {
        if self.rules.unknown == UnknownFields::Ignore {
            return;
        }
        let left = MOST_FAULTS.saturating_sub(self.faults.len());
        let unknown = self.members.keys().filter(|key| !self.asked.contains(&key.as_str()));
        for key in unknown.take(left) {
            let others = self.asked.iter().filter(|name| !self.members.contains_key(**name));
            let fault = unknown_member(key, others.copied());
            let pointer = format!("{}{}", self.pointer, fault.pointer);
            self.faults.push(Fault { pointer, ..fault });
        }
    }
}
