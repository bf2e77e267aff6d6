//! The next version of Postback, for a test: this version behind a translator of its items. It has
//! one more attribute, and in its next format one more state as well.

use postback_core::delivery::FORMAT;
use serde_json::{Value, json};

/// The change that the next version brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// One more attribute, in the same format.
    Attribute,
    /// The next format: one more state, too.
    State,
}

/// The attribute of the next version: the mark of its last write to the item.
pub const LATER_WRITE: &str = "later_write_id";
/// The state that the next version has instead of [`KNOWN`].
const LATER_STATE: &str = "cooling";
const KNOWN: &str = "retrying";

impl Later {
    /// Translates an item that this version writes into one of the next version's.
    pub(super) fn on_write(self, item: &mut Value) {
        if item["version"].is_null() {
            return;
        }
        item[LATER_WRITE] = item["write_id"].clone();
        if self == Self::State {
            add(&mut item["format"], 1);
            rename(item, KNOWN, LATER_STATE);
        }
    }

    /// Translates an item of the next version for this one. Its own items pass.
    pub(super) fn on_read(self, item: &mut Value, format: u32) {
        if self == Self::State && item["format"]["N"].as_str() == Some(&(format + 1).to_string()) {
            add(&mut item["format"], -1);
            rename(item, LATER_STATE, KNOWN);
        }
    }
}

/// Translates a write of the stream, as the publisher of the next version reads it.
#[must_use]
pub fn as_later(mut write: Value, later: Later) -> Value {
    for image in ["NewImage", "OldImage"] {
        if write["dynamodb"].get(image).is_some() {
            later.on_read(&mut write["dynamodb"][image], FORMAT);
        }
    }
    write
}

fn add(number: &mut Value, by: i64) {
    let held = number["N"].as_str().and_then(|number| number.parse::<i64>().ok());
    *number = json!({ "N": (held.unwrap_or(0) + by).to_string() });
}

/// Replaces the state `from` by `to`, in the item and in its attempts.
fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "state" && member["S"] == from {
                    *member = json!({ "S": to });
                } else {
                    rename(member, from, to);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}
