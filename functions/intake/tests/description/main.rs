//! The committed descriptions, `openapi.json` and `order.schema.json`, agree with the types.
//!
//! `make generate` writes them anew.

use serde_json::Value;

mod answers;
mod operations;
mod schemas;

use operations::openapi;
use schemas::order_schema;

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn assert_current(file: &str, document: &Value) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let current = format!("{document:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "{file} is out of date: run `make generate`");
}

#[test]
fn the_committed_order_schema_is_current() {
    assert_current("order.schema.json", &order_schema());
}

#[test]
fn the_committed_api_description_is_current() {
    assert_current("openapi.json", &openapi());
}

#[test]
fn every_reference_in_the_description_resolves() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.push(reference.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = openapi();
    let mut found = Vec::new();
    references(&document, &mut found);

    assert!(found.len() > 10);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
