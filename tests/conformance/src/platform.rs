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
    /// The recorded payload of its order, where it comes without.
    of: Option<Box<Self>>,
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
    paths.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("a file");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    assert!(value["about"].is_string(), "{}", path.display());
    Case {
        file: path.file_name().expect("a name").to_string_lossy().into_owned(),
        of: value["of"].as_str().map(|of| Box::new(case(&path.with_file_name(of)))),
        topic: value["topic"].as_str().expect("a topic").to_owned(),
        settings: value["settings"].take(),
        payload: value["payload"].take(),
        gives: value["gives"].take(),
    }
}

/// An order and its landing page, or the reason for which a message is ignored.
type Given = Result<(Value, Option<String>), &'static str>;

fn platform<P: Platform>(case: &Case) -> P {
    P::configure(&|name| case.settings[name].as_str().map(str::to_owned))
}

fn map<P: Platform>(case: &Case, payload: &Value) -> Given {
    let platform = platform::<P>(case);
    let of = case.of.as_deref().and_then(|of| platform.part(&of.topic, &of.payload));
    match platform.order(&case.topic, payload) {
        Mapped::Order { order, landing } => Ok((order, landing)),
        Mapped::Ignored(reason) => Err(reason),
        Mapped::Refund(refund) => {
            let part = of.filter(|of| of.order == refund.order).map(|of| of.part);
            Ok((platform.refunds(part.as_ref(), &[refund.refund])?, None))
        }
    }
}

fn shown(given: &Given) -> Value {
    match given {
        Ok((order, None)) => json!({ "order": order }),
        Ok((order, landing)) => json!({ "order": order, "landing": landing }),
        Err(reason) => json!({ "ignored": reason }),
    }
}

/// Each file of `payloads/` gives its order or its reason, and each order is one that the API takes.
/// Every reason is in the README, and every reason there is met.
pub fn payloads_give_their_orders<P: Platform>() {
    let cases = cases(Path::new("payloads"));
    assert!(cases.len() >= FEWEST, "{} payloads are fewer than {FEWEST}", cases.len());
    let mut reasons = BTreeSet::new();
    for case in &cases {
        let given = map::<P>(case, &case.payload);
        assert_eq!(shown(&given), case.gives, "{}", case.file);
        match given {
            Ok((order, _)) => {
                let read = Arrived::from_json(&order, UnknownFields::Deny);
                assert!(read.is_ok(), "{}: {:?}", case.file, read.err());
            }
            Err(reason) => drop(reasons.insert(reason.to_owned())),
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

/// Each refund of a recorded order is the same refund when it comes without its order, which makes it count
/// once. `alone` is the message of a refund, of the order of this payload.
pub fn refunds_are_the_same_alone<P: Platform>(
    topic: &str,
    alone: impl Fn(&Value, &Value) -> Option<Value>,
) {
    let mut compared = 0;
    for case in cases(Path::new("payloads")) {
        let platform = platform::<P>(&case);
        let Some(part) = platform.part(&case.topic, &case.payload) else { continue };
        for refund in case.gives["order"]["refunds"].as_array().into_iter().flatten() {
            let Some(message) = alone(&case.payload, refund) else { continue };
            let Mapped::Refund(lone) = platform.order(topic, &message) else {
                panic!("{}: no refund", case.file)
            };
            assert_eq!((&json!(lone.id), &lone.order), (&refund["id"], &part.order));
            let order = platform.refunds(Some(&part.part), &[lone.refund]).expect("an order");
            assert_eq!(order["refunds"], json!([refund]), "{}", case.file);
            for name in ["order_id", "currency"] {
                assert_eq!(order[name], case.gives["order"][name], "{}", case.file);
            }
            compared += 1;
        }
    }
    assert!(compared > 0);
}

/// Of each row: the first recorded payload, or that of its `file`, with its `changes` gives a reason for which it is ignored, the
/// places of the order's faults, or these members of the order as it goes on the bus (`null` where there
/// must be none).
pub fn changed_payloads_give<P: Platform>(rows: &str) {
    let rows: Value = serde_json::from_str(rows).expect("JSON");
    let cases = cases(Path::new("payloads"));
    for row in rows.as_array().expect("rows") {
        let file = row["file"].as_str();
        let mut named = cases.iter().filter(|case| file.is_none_or(|file| file == case.file));
        let case = named.next().expect("a payload");
        let mut payload = case.payload.clone();
        let members = payload.as_object_mut().expect("an order");
        members.extend(row["changes"].as_object().expect("members").clone());
        let given = match map::<P>(case, &payload) {
            Err(reason) => json!({ "ignored": reason }),
            Ok((order, _)) => match Arrived::from_json(&order, UnknownFields::Deny) {
                Ok(Arrived::Order(order)) => json!(order),
                Ok(Arrived::Cancelled(cancelled)) => json!(cancelled),
                Ok(Arrived::PartlyRefunded(partial)) => json!(partial),
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
                if let Ok((order, _)) = map::<P>(&case, &payload) {
                    let _read = Arrived::from_json(&order, UnknownFields::Deny);
                }
                let _part = platform::<P>(&case).part(&case.topic, &payload);
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
