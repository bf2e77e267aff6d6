//! Generated files.

use std::fs;

use serde::Serialize;

/// The file at `path` is `value` as JSON. With `UPDATE_SCHEMAS=1` it is written instead.
///
/// # Panics
/// If it is not, or can't be read or written.
pub fn is_current(path: &str, value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).map(|text| text + "\n");
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(path, &text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == text, "{path} is not current: run the test with UPDATE_SCHEMAS=1");
}
