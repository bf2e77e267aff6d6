//! The suite of the shop systems.

#![expect(clippy::expect_used, reason = "what can't be read is a failed test")]
#![expect(clippy::missing_panics_doc, reason = "all of it is called by tests, to fail them")]

use std::{collections::BTreeSet, fs, path::Path};

use postback_core::{
    fields::UnknownFields,
    order::Arrived,
    platform::{Mapped, Platform},
};
use serde_json::{Value, json};

/// The fewest recorded payloads of a shop system.
const FEWEST: usize = 30;

/// A recorded payload, with what it must give.
struct Case {
    file: String,
    topic: String,
    settings: Value,
    payload: Value,
    gives: Value,
}

fn cases(folder: &Path) -> Vec<Case> {
    let entries =
        fs::read_dir(folder).expect("a folder payloads").map(|entry| entry.expect("one").path());
    let mut paths: Vec<_> = entries.collect();
    paths.sort();
    let case = |path: &Path| {
        let text = fs::read_to_string(path).expect("a file");
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        assert!(value["about"].is_string(), "{}", path.display());
        Case {
            file: path.file_name().expect("a name").to_string_lossy().into_owned(),
            topic: value["topic"].as_str().expect("a topic").to_owned(),
            settings: value["settings"].take(),
            payload: value["payload"].take(),
            gives: value["gives"].take(),
        }
    };
    paths.iter().map(|path| case(path)).collect()
}

fn map<P: Platform>(case: &Case, payload: &Value) -> Mapped {
    let setting = |name: &str| case.settings[name].as_str().map(str::to_owned);
    P::configure(&setting).order(&case.topic, payload)
}

fn shown(mapped: &Mapped) -> Value {
    match mapped {
        Mapped::Order { order, landing: None } => json!({ "order": order }),
        Mapped::Order { order, landing } => json!({ "order": order, "landing": landing }),
        Mapped::Ignored(reason) => json!({ "ignored": reason }),
    }
}

/// Each file of `payloads/` gives its order or its reason, and each order is one that the API takes.
/// Every reason is in the README, and every reason there is met.
pub fn payloads_give_their_orders<P: Platform>() {
    let cases = cases(Path::new("payloads"));
    assert!(cases.len() >= FEWEST, "{} payloads are fewer than {FEWEST}", cases.len());
    let mut reasons = BTreeSet::new();
    for case in &cases {
        let mapped = map::<P>(case, &case.payload);
        assert_eq!(shown(&mapped), case.gives, "{}", case.file);
        match mapped {
            Mapped::Order { order, .. } => {
                let read = Arrived::read(&order, UnknownFields::Deny);
                assert!(read.is_ok(), "{}: {:?}", case.file, read.err());
            }
            Mapped::Ignored(reason) => drop(reasons.insert(reason.to_owned())),
        }
    }
    let readme = fs::read_to_string("README.md").expect("a README");
    let (_, table) = readme.split_once("## What is ignored").expect("a table of reasons");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), reasons);
}

/// The folder, the package and the name agree, and the headers are in lower case as they arrive.
pub fn conforms<P: Platform>(package: &str) {
    assert_eq!(P::NAME, package);
    let headers = P::HEADERS;
    for header in headers.delivery.iter().chain([&headers.signature, &headers.topic]) {
        assert_eq!(*header, header.to_ascii_lowercase());
    }
    assert!(!headers.delivery.is_empty() && !P::is_ping(b"") && !P::is_ping(b"{}"));
    assert!(P::event(&json!({})).is_none() && P::event(&json!(null)).is_none());
}

/// Of each row: the first recorded payload with its `changes` gives a reason for which it is ignored, the
/// places of the order's faults, or these members of the order as it goes on the bus (`null` where there
/// must be none).
pub fn changed_payloads_give<P: Platform>(rows: &str) {
    let rows: Value = serde_json::from_str(rows).expect("JSON");
    let case = cases(Path::new("payloads")).into_iter().next().expect("a payload");
    for row in rows.as_array().expect("rows") {
        let mut payload = case.payload.clone();
        let members = payload.as_object_mut().expect("an order");
        members.extend(row["changes"].as_object().expect("members").clone());
        let given = match map::<P>(&case, &payload) {
            Mapped::Ignored(reason) => json!({ "ignored": reason }),
            Mapped::Order { order, .. } => match Arrived::read(&order, UnknownFields::Deny) {
                Ok(Arrived::Order(order)) => json!(order),
                Ok(Arrived::Cancelled(cancelled)) => json!(cancelled),
                Err(faults) => {
                    let places: Vec<_> = faults.iter().map(|fault| &fault.pointer).collect();
                    json!({ "faults": places })
                }
            },
        };
        let expected = row["gives"].as_object().expect("members by their pointers");
        assert!(!expected.is_empty(), "{row}");
        for (pointer, value) in expected {
            let found = given.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(found, value, "{}: {pointer} of {given}", row["about"]);
        }
    }
}

/// No payload makes the mapping panic: every member in turn is something else.
pub fn survives_noise<P: Platform>() {
    let noise = [
        json!(null),
        json!(""),
        json!("x"),
        json!(-1),
        json!("99999999999999999999999999999"),
        json!(1e300),
        json!([]),
        json!([null, 7, {}]),
        json!({}),
        json!(true),
    ];
    for case in cases(Path::new("payloads")) {
        for pointer in pointers(&case.payload, "") {
            for value in &noise {
                let mut payload = case.payload.clone();
                *payload.pointer_mut(&pointer).expect("a member") = value.clone();
                if let Mapped::Order { order, .. } = map::<P>(&case, &payload) {
                    let _read = Arrived::read(&order, UnknownFields::Deny);
                }
            }
        }
    }
}

fn pointers(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            let at = |name: &String| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            members.iter().map(|(name, value)| (at(name), value)).collect()
        }
        Value::Array(values) => values
            .iter()
            .enumerate()
            .map(|(index, value)| (format!("{at}/{index}"), value))
            .collect(),
        _ => Vec::new(),
    };
    let mut all = vec![at.to_owned()];
    all.extend(children.into_iter().flat_map(|(at, value)| pointers(value, &at)));
    all
}
