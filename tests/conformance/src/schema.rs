//! The schema of a network's secret, which `make secret` asks by, held against the function's reader.

use std::{collections::BTreeSet, fs, path::Path};

use postback_core::{
    fields::Fault,
    network::{Network, configure},
};
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::report;

/// `secret.schema.json` and the settings that are read have the same members, of which the same
/// are required, with the same words where a setting has a closed list.
///
/// # Panics
/// If they differ, naming all differences.
pub fn settings_match_their_schema<N: Network>() {
    let text = fs::read_to_string("secret.schema.json");
    let text = text.unwrap_or_else(|error| panic!("secret.schema.json: {error}"));
    let schema = serde_json::from_str(&text);
    let schema = schema.unwrap_or_else(|error| panic!("secret.schema.json: {error}"));
    let mut words = BTreeSet::new();
    quoted_words(Path::new("src"), &mut words);
    report("secret.schema.json", &differences::<N>(&schema, &words));
}

/// Every word that a crate's code has in quotes: the names of its settings are among them.
fn quoted_words(folder: &Path, words: &mut BTreeSet<String>) {
    let word = pattern("\"([a-z][a-z0-9_]*)\"");
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("src: {error}"));
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            quoted_words(&path, words);
        } else {
            let code = fs::read_to_string(&path).unwrap_or_else(|error| panic!("src: {error}"));
            words.extend(word.captures_iter(&code).map(|found| found[1].to_owned()));
        }
    }
}

pub(crate) fn differences<N: Network>(schema: &Value, words: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let members = || schema["properties"].as_object().into_iter().flatten();
    let patterns = schema["patternProperties"].as_object().into_iter().flatten();
    let patterns: Vec<_> = patterns.map(|(name, _)| pattern(name)).collect();
    let read: Vec<_> = words.iter().filter(|word| is_read::<N>(word)).collect();
    for (member, _) in members().filter(|(member, _)| !is_read::<N>(member)) {
        faults.push(format!("{member} is in the schema and not read"));
    }
    for member in &read {
        let named = schema["properties"].get(member.as_str()).is_some();
        if !named && !patterns.iter().any(|pattern| pattern.is_match(member)) {
            faults.push(format!("{member} is read and not in the schema"));
        }
    }
    for pattern in &patterns {
        if !read.iter().any(|member| pattern.is_match(member)) {
            faults.push(format!("no setting matches {pattern}"));
        }
    }
    for (member, described) in members() {
        let missing = fault::<N>(member, &Value::Null).is_some_and(|fault| fault.code == "missing");
        let choices = schema["anyOf"].as_array().into_iter().flatten();
        let always = requires(schema, member);
        let or_another = choices.into_iter().any(|choice| requires(choice, member));
        if always && !missing || missing && !always && !or_another {
            faults.push(format!("{member} is required on one side only"));
        }
        let Some(choice) = described["enum"].as_array() else { continue };
        let choice: BTreeSet<_> = choice.iter().filter_map(Value::as_str).collect();
        let words = words.iter().map(String::as_str).chain(choice.iter().copied());
        for word in words.collect::<BTreeSet<_>>() {
            if choice.contains(word) != fault::<N>(member, &json!(word)).is_none() {
                faults.push(format!("{member}: {word} is a choice on one side only"));
            }
        }
    }
    faults
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn requires(schema: &Value, member: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == member))
}

/// The fault of one member in a secret that has no other.
fn fault<N: Network>(member: &str, value: &Value) -> Option<Fault> {
    let secret = json!({ member: value }).to_string();
    let faults = configure::<N>(&secret).err().unwrap_or_default();
    faults.into_iter().find(|fault| fault.pointer == format!("/{member}"))
}

/// A list is no setting's value, so the fault of a setting is another than that of an unknown member.
fn is_read<N: Network>(member: &str) -> bool {
    fault::<N>(member, &json!([])).is_some_and(|fault| fault.code != "unknown_member")
}
