//! The checks that hold for the settings of any network.

use postback_core::{
    fields::Fault,
    network::{Network, configure},
};
use serde_json::{Value, json};

use crate::report;

/// The settings are taken as they are; with any of their values a place holder or of another type,
/// with a member too many and with one given twice, they are refused: the fault names the setting and
/// quotes no value.
///
/// `settings` are whole settings, each optional one set, with the word canary in each secret.
///
/// # Panics
/// If something else happens, naming all of it.
pub fn secret_refuses_templates<N: Network>(settings: &Value) {
    let mut faults = Vec::new();
    if let Err(refused) = configure::<N>(&settings.to_string()) {
        faults.push(format!("whole settings are refused: {refused:?}"));
    }
    let values = leaves(settings, String::new());
    let is_canary = |text: &&str| text.to_lowercase().contains("canary");
    let texts = values.iter().filter_map(|(_, value)| value.as_str());
    let hidden: Vec<_> = texts.filter(is_canary).collect();
    for (pointer, _) in &values {
        for wrong in [json!("{canary value}"), json!({ "canary": "canary" }), json!(["canary"])] {
            let mut settings = settings.clone();
            put(&mut settings, pointer, wrong);
            refused::<N>(&settings.to_string(), pointer, &hidden, &mut faults);
        }
    }
    let mut more = settings.clone();
    more["no_such_setting"] = json!("canary");
    refused::<N>(&more.to_string(), "/no_such_setting", &hidden, &mut faults);
    for broken in ["", "canary", "[\"canary\"]", "{\"canary\": "] {
        refused::<N>(broken, "", &hidden, &mut faults);
    }
    // Whichever of the two were taken, the merchant may have meant the other.
    for (name, value) in settings.as_object().into_iter().flatten() {
        let twice = format!("{{{}:{value},{}", json!(name), &settings.to_string()[1..]);
        refused::<N>(&twice, "", &hidden, &mut faults);
    }
    report("settings", &faults);
}

fn refused<N: Network>(json: &str, pointer: &str, hidden: &[&str], faults: &mut Vec<String>) {
    let Err(refused) = configure::<N>(json) else {
        return faults.push(format!("{pointer}: a wrong value is taken"));
    };
    let names_it = |fault: &Fault| {
        let around = pointer.strip_prefix(fault.pointer.as_str());
        let is_around = around.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        is_around && (pointer.is_empty() || !fault.pointer.is_empty())
    };
    if !refused.iter().any(names_it) {
        faults.push(format!("{pointer}: refused without its name"));
    }
    for fault in &refused {
        let said = format!("{fault} {fault:?}");
        if said.contains("canary") || hidden.iter().any(|value| said.contains(value)) {
            faults.push(format!("{pointer}: the fault quotes a value"));
        }
    }
}

/// Every value that is no object and no array, with its pointer.
fn leaves(value: &Value, pointer: String) -> Vec<(String, Value)> {
    match value {
        Value::Object(members) => {
            let below =
                |(name, value): (&String, _)| leaves(value, format!("{pointer}/{}", escape(name)));
            members.iter().flat_map(below).collect()
        }
        Value::Array(values) => {
            let below = |(index, value)| leaves(value, format!("{pointer}/{index}"));
            values.iter().enumerate().flat_map(below).collect()
        }
        Value::Null => Vec::new(),
        _ => vec![(pointer, value.clone())],
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Puts `value` where `pointer` points to, which is there.
pub(crate) fn put(into: &mut Value, pointer: &str, value: Value) {
    match into.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => panic!("there is nothing at `{pointer}`"),
    }
}
