//! JSON as these networks write it.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::{Deserializer, Map, Value, value::RawValue};

use crate::fields::escape;

/// Parses JSON. An object that names a member twice is read as null, wherever it stands: who knows
/// which of the two is meant.
pub(crate) fn parse(text: &str) -> Option<Value> {
    // Whatever is nested deeper than its reader goes is no JSON; the rest is safe to walk.
    serde_json::from_str::<Value>(text).ok()?;
    once(text, &mut false)
}

/// Parses JSON in which no object names a member twice.
pub(crate) fn parse_strict(text: &str) -> Option<Value> {
    serde_json::from_str::<Value>(text).ok()?;
    let mut twice = false;
    once(text, &mut twice).filter(|_| !twice)
}

fn once(text: &str, twice: &mut bool) -> Option<Value> {
    match text.trim_start().as_bytes().first()? {
        b'{' => {
            let members = Deserializer::from_str(text).deserialize_map(Members).ok()?;
            let mut object = Map::new();
            for (name, member) in members {
                if object.insert(name, once(member.get(), twice)?).is_some() {
                    *twice = true;
                    return Some(Value::Null);
                }
            }
            Some(Value::Object(object))
        }
        b'[' => {
            let values: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            values.into_iter().map(|value| once(value.get(), twice)).collect()
        }
        _ => serde_json::from_str(text).ok(),
    }
}

/// The most places that [`doubled`] finds: of a hostile text they would fill the memory.
const MOST_PLACES: usize = 100;

/// The places (RFC 6901) of the members that an object of this JSON names twice: the first of them.
pub(crate) fn doubled(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    note_doubled(text, "", &mut found);
    found.truncate(MOST_PLACES);
    found
}

fn note_doubled(text: &str, pointer: &str, found: &mut Vec<String>) {
    if found.len() >= MOST_PLACES {
        return;
    }
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {
            let members = Deserializer::from_str(text).deserialize_map(Members);
            let members = members.unwrap_or_default();
            let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            let twice = names.windows(2).filter(|pair| pair[0] == pair[1]);
            let places = twice.map(|pair| format!("{pointer}/{}", escape(pair[0])));
            found.extend(places.take(MOST_PLACES));
            for (name, member) in &members {
                note_doubled(member.get(), &format!("{pointer}/{}", escape(name)), found);
            }
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            for (index, value) in values.iter().enumerate() {
                note_doubled(value.get(), &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// All members of an object, as they stand there.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_json_says() {
        let text = r#" {"a": [1, {"b": null}, "{"], "n": 9007199254740993123, "e": {}, "l": []} "#;

        assert_eq!(parse(text), serde_json::from_str(text).ok());
        assert_eq!(
            parse("9007199254740993123").map(|n| n.to_string()),
            Some("9007199254740993123".into())
        );
        for broken in ["", "{", "{}{}", "[1,]", "{\"a\":1,}", "{a:1}", "// x\n{}"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_object_that_names_a_member_twice_says_nothing_and_its_neighbours_stay() {
        assert_eq!(parse(r#"{"a":1,"a":1}"#), Some(Value::Null));
        assert_eq!(parse(r#"{"a":1,"\u0061":2}"#), Some(Value::Null));
        let text = r#"{"one":{"x":1,"x":2},"two":[{"y":1,"y":1},{"z":1}]}"#;
        assert_eq!(parse(text), Some(json!({ "one": null, "two": [null, { "z": 1 }] })));
        assert_eq!(parse_strict(text), None);
        assert_eq!(parse_strict(r#"{"ok":1,"error":{"code":1,"code":2}}"#), None);
        assert_eq!(parse_strict(r#"{"one":{"x":1}}"#), Some(json!({ "one": { "x": 1 } })));
    }

    #[test]
    fn of_many_members_that_are_named_twice_the_first_are_found() {
        let deep = format!("{{\"{}\":", "x".repeat(64)).repeat(100);
        let text =
            format!("{deep}{{{}}}{}", r#""":0,"#.repeat(20_000) + r#""":0"#, "}".repeat(100));

        let found = doubled(&text);

        assert_eq!(found.len(), MOST_PLACES);
        assert!(found[0].len() > 6_000 && found[0].ends_with("x/"), "{}", found[0].len());
    }

    #[test]
    fn what_is_nested_too_deep_is_no_json() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);

        assert!(parse(&deep(100)).is_some());
        assert_eq!(parse(&deep(30_000)), None);
    }
}
