//! The schemas of the order, of its parts and of the state, from the types themselves.

use std::{fs, path::Path};

use postback_core::{delivery::State, order::Order};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::answers;

/// The members on which money depends: a fault of theirs refuses the order.
const STRICT: [&str; 7] =
    ["order_id", "status", "updated_at", "completed_at", "currency", "total", "refunds"];

/// The objects that are read loosely: what is no such object counts as absent.
const LOOSE: [&str; 5] = ["Customer", "Address", "Item", "Utm", "RefundedLine"];

/// White space, as a class of characters.
const BLANK: &str = r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// The schema of `T` as it is written, with its definitions at `definitions`.
fn schema_of<T: JsonSchema>(definitions: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let path = definitions.trim_start_matches('#').to_owned();
    let settings = settings.with(|settings| settings.definitions_path = path.into());
    settings.into_generator().into_root_schema_for::<T>()
}

/// The order as a shop may send it with these clicks, and its definitions at `place`.
fn order(place: &str, clicks: &Value) -> (Value, Map<String, Value>) {
    let mut order = schema_of::<Order>(place).to_value();
    let mut definitions = take_definitions(&mut order);
    for name in LOOSE {
        if let Some(schema) = definitions.get_mut(name) {
            loosen(schema, place, &[]);
        }
    }
    if let Some(refunded) = definitions.get_mut("RefundedLine") {
        let line = &mut refunded["properties"]["line"];
        *line = refunded_line(&line["description"], place);
    }
    // Loose, so nothing refers to it.
    definitions.remove("Email");
    definitions.insert("OrderId".into(), order_id());
    definitions.insert("Instant".into(), instant());
    definitions.insert("Absent".into(), absent());
    if let Some(refund) = definitions.get_mut("Refund") {
        loosen(refund, place, &["id", "amount"]);
        refund["properties"]["id"] =
            filled(128, "The shop's own id of the refund: the same refund never counts twice.");
        refund["properties"]["at"] = or_absent(&refund["properties"]["at"], place, "Instant");
        refund["required"] = json!(["id", "amount"]);
    }
    loosen(&mut order, place, &STRICT);
    let members = &mut order["properties"];
    members["clicks"] = described(
        &members["clicks"]["description"],
        json!({ "anyOf": [clicks, { "$ref": format!("{place}/Absent") }] }),
    );
    members["updated_at"] = or_absent(&members["updated_at"], place, "Instant");
    members["completed_at"] = json!({ "description": members["completed_at"]["description"], "$ref": format!("{place}/Instant") });
    let refunds = json!({
        "type": "array", "maxItems": 1_000, "items": { "$ref": format!("{place}/Refund") },
    });
    members["refunds"] = json!({
        "description": members["refunds"]["description"],
        "anyOf": [refunds, { "$ref": format!("{place}/Absent") }],
    });
    let alone = json!({
        "type": "array", "minItems": 1, "maxItems": 1_000,
        "items": { "$ref": format!("{place}/Refund") },
    });
    (by_status(order, &alone), definitions)
}

/// Of a cancelled or refunded order the id, the status and the version alone are read; of a partial refund
/// its currency and the refunds as well.
fn by_status(mut order: Value, refunds_alone: &Value) -> Value {
    let always = ["order_id", "status", "updated_at"];
    let mut all = order["properties"].take();
    let mut reported = Map::new();
    for (name, schema) in all.as_object_mut().into_iter().flatten() {
        if !always.contains(&name.as_str()) {
            reported.insert(name.clone(), schema.take());
            *schema = json!(true);
        }
    }
    order["properties"] = all;
    order["required"] = json!(["order_id", "status"]);
    order["if"] = is_one_of(&["cancelled", "refunded", "partially_refunded"]);
    order["then"] = json!({
        "if": is_one_of(&["partially_refunded"]),
        "then": {
            "required": ["currency", "refunds"],
            "properties": { "currency": reported.get("currency"), "refunds": refunds_alone },
        },
    });
    order["else"] = json!({
        "required": ["completed_at", "currency", "total"], "properties": reported,
    });
    order
}

fn is_one_of(statuses: &[&str]) -> Value {
    json!({ "properties": { "status": { "enum": statuses } }, "required": ["status"] })
}

/// Lets every member but the `strict` ones be anything: what can't be read counts as absent, or is
/// judged by the network that needs it. Other members are refused.
fn loosen(schema: &mut Value, place: &str, strict: &[&str]) {
    schema["additionalProperties"] = json!(false);
    schema.as_object_mut().map(|members| members.remove("required"));
    for (name, member) in schema["properties"].as_object_mut().into_iter().flatten() {
        if strict.contains(&name.as_str()) {
            continue;
        }
        let (description, text) = (member["description"].clone(), member.to_string());
        let named = LOOSE.iter().find(|name| text.contains(&format!("{place}/{name}\"")));
        *member = match named {
            Some(named) if member["type"] == "array" => {
                let item =
                    loose_object(&Value::Null, &json!({ "$ref": format!("{place}/{named}") }));
                loose(&description, &json!({ "type": "array", "items": item }), "array")
            }
            Some(named) => {
                loose_object(&description, &json!({ "$ref": format!("{place}/{named}") }))
            }
            None => described(&description, json!({})),
        };
    }
}

fn loose_object(description: &Value, schema: &Value) -> Value {
    loose(description, schema, "object")
}

fn loose(description: &Value, schema: &Value, kind: &str) -> Value {
    let mut other = json!({ "type": kind });
    if kind == "array" {
        // Linters ask for it.
        other["items"] = json!({});
    }
    described(description, json!({ "anyOf": [schema, { "not": other }] }))
}

fn described(description: &Value, mut schema: Value) -> Value {
    if !description.is_null() {
        schema["description"] = description.clone();
    }
    schema
}

fn or_absent(member: &Value, place: &str, name: &str) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("{place}/{name}") });
    described(&member["description"], json!({ "anyOf": [reference(name), reference("Absent")] }))
}

/// The clicks, each as its network's folder describes it.
fn clicks() -> Value {
    let clicks: Map<_, _> =
        networks().into_iter().filter_map(|(name, folder)| Some((name, click(&folder)?))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": clicks })
}

/// The clicks of an order for one network: its own, described by its folder. It does not know those of
/// others, which are passed over.
fn clicks_to(network: &str, folder: &str) -> Value {
    let none = json!("This network has no click: a member in one is refused.");
    let no_members = json!({ "type": "object", "additionalProperties": false });
    let click = click(folder).unwrap_or_else(|| loose_object(&none, &no_members));
    json!({ "type": "object", "properties": { network: click } })
}

/// The click of a network; `None` if it has none.
fn click(folder: &str) -> Option<Value> {
    let schema = fs::read_to_string(Path::new(folder).join("clicks.schema.json")).ok()?;
    let mut schema: Value = serde_json::from_str(&schema).unwrap_or_default();
    let description = schema["description"].take();
    if let Value::Object(members) = &mut schema {
        members.remove("$schema");
        members.remove("description");
    }
    Some(loose_object(&description, &schema))
}

/// The networks: their names and their folders.
#[expect(clippy::expect_used, reason = "a helper of tests")]
pub(crate) fn networks() -> Vec<(String, String)> {
    let folders = fs::read_dir("../networks").expect("the networks");
    let folders = folders.filter_map(|folder| Some(folder.ok()?.path()));
    let described = folders.filter(|folder| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.contains("[package.metadata.network]")
    });
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut networks: Vec<_> = described
        .filter_map(|path| Some((name(&path)?, path.to_string_lossy().into_owned())))
        .collect();
    networks.sort();
    networks
}

/// The place of a line that a refund is for: money depends on it.
fn refunded_line(description: &Value, place: &str) -> Value {
    let number = json!({ "type": "integer", "minimum": 1, "maximum": 999_999 });
    let text = json!({ "type": "string", "pattern": "^[1-9][0-9]{0,5}$" });
    let absent = json!({ "$ref": format!("{place}/Absent") });
    described(description, json!({ "anyOf": [number, text, absent] }))
}

fn order_id() -> Value {
    let mut schema = filled(128, "The order's own id, without outer blanks, and no word for none.");
    schema["pattern"] = json!(format!(
        "^(?!(?:[aA][uU][tT][oO]|[nN][uU][lL][lL]|[uU][nN][dD][eE][fF][iI][nN][eE][dD])$)\
         (?![{BLANK}])[^\\u0000-\\u001f\\u007f-\\u009f\\ufffd-\\uffff]+(?<![{BLANK}])$"
    ));
    schema
}

/// A text that is not blank, without control characters.
fn filled(most: u32, description: &str) -> Value {
    let odd = r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]";
    json!({
        "type": "string", "maxLength": most, "description": description,
        "pattern": format!("^(?![\\s\\S]*{odd})[\\s\\S]*[^{BLANK}]"),
    })
}

fn instant() -> Value {
    json!({
        "type": "string", "format": "date-time", "description": "RFC 3339, with its offset.",
        "pattern": "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3])\
                    :[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$",
        "examples": ["2026-11-21T10:15:00Z"],
    })
}

fn absent() -> Value {
    json!({
        "description": "Counts as left out: `null`, a blank text, an empty list.",
        "anyOf": [
            { "type": "null" },
            { "type": "string", "pattern": format!("^[{BLANK}]*$") },
            { "type": "array", "maxItems": 0, "items": {} },
        ],
    })
}

pub(crate) fn order_schema() -> Value {
    let (mut schema, definitions) = order("#/$defs", &clicks());
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("A Postback order");
    schema["$defs"] = Value::Object(definitions);
    schema
}

/// The name of the schema of an order that is sent to one network.
pub(crate) fn order_to(network: &str) -> String {
    format!("OrderTo_{network}")
}

pub(crate) fn schemas() -> Map<String, Value> {
    let place = "#/components/schemas";
    let (whole, mut schemas) = order(place, &clicks());
    schemas.insert("Order".into(), whole);
    for (network, folder) in networks() {
        let (mut to_network, _) = order(place, &clicks_to(&network, &folder));
        to_network["title"] = json!(format!("Order to {network}"));
        schemas.insert(order_to(&network), to_network);
    }
    let mut state = schema_of::<State>("/components/schemas").to_value();
    take_definitions(&mut state);
    schemas.insert("State".into(), state);
    for (name, schema) in answers::all() {
        schemas.insert(name.into(), schema);
    }
    schemas
}

/// Takes out the definitions that schemars collected: the settings decide their place.
fn take_definitions(schema: &mut Value) -> Map<String, Value> {
    let mut found = Map::new();
    if let Value::Object(members) = schema {
        members.remove("$schema");
        for place in ["$defs", "components"] {
            let definitions = match members.remove(place) {
                Some(Value::Object(mut inner)) if place == "components" => {
                    inner.remove("schemas").unwrap_or_default()
                }
                Some(other) => other,
                None => continue,
            };
            if let Value::Object(definitions) = definitions {
                found.extend(definitions);
            }
        }
    }
    found
}
