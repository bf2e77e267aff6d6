//! The schemas of the order, of its parts and of the state, from the types themselves.

use postback_core::{delivery::State, order::Order};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::answers;

/// The schema of `T` as it is written, with its definitions at `definitions`.
fn schema_of<T: JsonSchema>(definitions: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings =
        settings.with(|settings| settings.definitions_path = definitions.to_owned().into());
    settings.into_generator().into_root_schema_for::<T>()
}

/// The schema of an order as a shop sends it: without unknown members, and with `quantity` optional.
fn as_sent(schema: &mut Value) {
    if let Value::Object(members) = schema {
        if members.contains_key("properties") {
            members.insert("additionalProperties".into(), false.into());
        }
        if let Some(Value::Array(required)) = members.get_mut("required") {
            required.retain(|name| name != "quantity");
        }
        members.values_mut().for_each(as_sent);
    } else if let Value::Array(values) = schema {
        values.iter_mut().for_each(as_sent);
    }
}

pub(crate) fn order_schema() -> Value {
    let mut schema = schema_of::<Order>("/$defs").to_value();
    as_sent(&mut schema);
    schema["title"] = json!("A Postback order");
    schema
}

pub(crate) fn schemas() -> Map<String, Value> {
    let mut order = schema_of::<Order>("/components/schemas").to_value();
    as_sent(&mut order);
    let mut schemas = Map::new();
    for (name, schema) in take_definitions(&mut order) {
        schemas.insert(name, schema);
    }
    schemas.insert("Order".into(), order);
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
