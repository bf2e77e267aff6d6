//! Values that must not show: they stand in the order and the settings of every target.

use serde_json::Value;

/// Personal data and secrets of [`crate::networks`], in lower case. Our order's id is none.
const CANARIES: &[&str] = &[
    "canarykey0123456789",
    "canarykey314",
    "canarytokencanarytokencanaryto01",
    "canaryclick0000",
    "canaryclick0001",
    "canary.shopper",
    "canaria",
    "canarova",
    "canaryland",
    "canarycity",
    "canarystreet",
    "canaryutm",
    "canaryagent",
    "canarycomment",
    "canaryparam",
    "9.9.9.9",
];

/// Checks that a text holds no canary.
pub fn is_hidden(shown: &str) {
    let shown = shown.to_lowercase();
    let canary = CANARIES.iter().find(|canary| shown.contains(**canary));
    assert!(canary.is_none(), "{canary:?} shows in {shown}");
}

/// The text that [`mark`] puts around others: it stands nowhere else.
pub const MARK: &str = "qZ7vK";

/// Marks some of the texts in `value`, those whose number has its bit set in `which`.
pub fn mark(value: &mut Value, which: u8) {
    let mut number = 0;
    walk(value, &mut |text| {
        if which >> (number % 8) & 1 == 1 {
            *text = format!("{MARK}{text}{MARK}");
        }
        number += 1;
    });
}

/// Returns true if a member of `value` is named with the mark: then the mark may show.
pub fn is_a_name(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains(MARK) || is_a_name(value))
        }
        Value::Array(values) => values.iter().any(is_a_name),
        _ => false,
    }
}

fn walk(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| walk(value, change)),
        Value::Object(members) => members.values_mut().for_each(|value| walk(value, change)),
        _ => {}
    }
}
