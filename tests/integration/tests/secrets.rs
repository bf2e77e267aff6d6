//! What a network reads of its secret, and what its `secret.schema.json` says of it: `make secret`
//! asks by the one, the function reads by the other.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use postback_core::{
    fields::Fault,
    network::{Network, configure},
};
use regex_lite::Regex;
use serde_json::{Value, json};

/// The schema of a network's secret, and every word its code holds in quotes: what it asks the
/// secret for is among them.
struct Secret {
    schema: Value,
    words: BTreeSet<String>,
}

impl Secret {
    fn of(folder: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/networks").join(folder);
        let schema = fs::read_to_string(folder.join("secret.schema.json")).expect("a schema");
        let word = Regex::new("\"([a-z][a-z0-9_]*)\"").expect("a pattern");
        let mut words = BTreeSet::new();
        for file in sources(&folder.join("src")) {
            let code = fs::read_to_string(file).expect("a source");
            words.extend(word.captures_iter(&code).map(|found| found[1].to_owned()));
        }
        Self { schema: serde_json::from_str(&schema).expect("JSON"), words }
    }

    fn members(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.schema["properties"].as_object().expect("members").iter()
    }

    fn requires(&self, member: &str) -> bool {
        requires(&self.schema, member)
    }

    fn requires_one_of(&self, member: &str) -> bool {
        let ways = self.schema["anyOf"].as_array().into_iter().flatten();
        ways.into_iter().any(|way| requires(way, member))
    }

    fn names(&self, member: &str) -> bool {
        let patterns = self.schema["patternProperties"].as_object().into_iter().flatten();
        let mut patterns = patterns.map(|(pattern, _)| Regex::new(pattern).expect("a pattern"));
        self.schema["properties"].get(member).is_some() || patterns.any(|p| p.is_match(member))
    }
}

fn requires(schema: &Value, member: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == member))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// What is wrong with one member of a secret that holds it and nothing else.
fn fault<N: Network>(member: &str, value: &Value) -> Option<Fault> {
    let secret = json!({ member: value }).to_string();
    let faults = configure::<N>(&secret).err().unwrap_or_default();
    faults.into_iter().find(|fault| fault.pointer == format!("/{member}"))
}

fn is_read<N: Network>(member: &str) -> bool {
    // A list is no setting's value, so that one is found wrong, whatever it is of.
    fault::<N>(member, &json!([])).is_some_and(|fault| fault.code != "unknown_member")
}

fn agree<N: Network>(folder: &str) {
    let secret = Secret::of(folder);
    let read: BTreeSet<_> = secret.words.iter().filter(|word| is_read::<N>(word)).collect();

    for (member, _) in secret.members() {
        assert!(is_read::<N>(member), "{folder}: {member} is in the schema and not read");
    }
    for member in &read {
        assert!(secret.names(member), "{folder}: {member} is read and not in the schema");
    }
    let patterns = secret.schema["patternProperties"].as_object().into_iter().flatten();
    for (pattern, _) in patterns {
        let pattern = Regex::new(pattern).expect("a pattern");
        assert!(read.iter().any(|member| pattern.is_match(member)), "{folder}: {pattern}");
    }
    for (member, described) in secret.members() {
        let missing = fault::<N>(member, &Value::Null).is_some_and(|fault| fault.code == "missing");
        let (always, or_another) = (secret.requires(member), secret.requires_one_of(member));
        assert!(!always || missing, "{folder}: {member} can be left out");
        assert!(!missing || always || or_another, "{folder}: {member} can't be left out");
        let Some(choice) = described["enum"].as_array() else { continue };
        for word in &secret.words {
            let taken = fault::<N>(member, &json!(word)).is_none();
            assert_eq!(choice.contains(&json!(word)), taken, "{folder}: {member}: {word}");
        }
        assert!(choice.iter().all(|word| fault::<N>(member, word).is_none()), "{folder}: {member}");
    }
}

#[test]
fn what_is_asked_for_is_what_is_read() {
    agree::<cartstack::CartStack>("cartstack");
    agree::<cashmycell::CashMyCell>("cashmycell");
    agree::<cpa_moe::CpaMoe>("cpa_moe");
    agree::<shopback::ShopBack>("shopback");
}

#[test]
fn a_member_that_is_missing_on_one_side_is_seen() {
    let mut secret = Secret::of("cartstack");
    assert!(secret.names("total") && is_read::<cartstack::CartStack>("total"));
    assert!(!secret.names("totals") && !is_read::<cartstack::CartStack>("totals"));

    secret.schema["properties"].as_object_mut().expect("members").remove("total");

    assert!(!secret.names("total"));
}
