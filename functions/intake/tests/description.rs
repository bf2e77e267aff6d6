//! The committed descriptions, `openapi.json` and `order.schema.json`, agree with the types.
//!
//! `make generate` writes them anew.

use postback_core::{delivery::State, order::Order, problem::Code};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The schema of `T` as it is written, with its definitions at `definitions`.
fn schema_of<T: JsonSchema>(definitions: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings =
        settings.with(|settings| settings.definitions_path = definitions.to_owned().into());
    settings.into_generator().into_root_schema_for::<T>()
}

/// No object of an order takes members it does not know, and each `quantity` is 1 unless given.
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

fn order_schema() -> Value {
    let mut schema = schema_of::<Order>("/$defs").to_value();
    as_sent(&mut schema);
    schema["title"] = json!("A Postback order");
    schema
}

fn schemas() -> Map<String, Value> {
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
    for (name, schema) in answers() {
        schemas.insert(name.into(), schema);
    }
    schemas
}

/// The definitions that schemars collected, wherever the settings have put them.
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

#[expect(clippy::too_many_lines, reason = "a table of schemas")]
fn answers() -> [(&'static str, Value); 6] {
    let text = json!({ "type": "string" });
    let instant = json!({ "type": "string", "format": "date-time" });
    let reason = json!({ "type": ["string", "null"], "description": "A stable snake_case word" });
    let state = json!({ "$ref": "#/components/schemas/State" });
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let details = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let number = json!({ "type": "integer", "minimum": 0 });
    [
        (
            "Accepted",
            json!({
                "type": "object", "required": ["order_id", "accepted_at"],
                "properties": { "order_id": text, "accepted_at": instant },
            }),
        ),
        (
            "Part",
            json!({
                "type": "object",
                "required": ["order_id", "network", "state", "reason", "attempt", "replayed"],
                "properties": {
                    "order_id": text, "network": text, "state": state, "reason": reason,
                    "attempt": number,
                    "replayed": {
                        "type": "boolean",
                        "description": "Nothing was sent now: this is the earlier result",
                    },
                    "lines": {
                        "type": "array",
                        "description": "One member a line, where the network wants lines",
                        "items": { "type": "object" },
                    },
                },
            }),
        ),
        (
            "Attempt",
            json!({
                "type": "object", "required": ["number", "started_at"],
                "properties": {
                    "number": { "type": "integer", "minimum": 1 },
                    "started_at": instant, "version": number, "ended_at": instant, "state": state,
                    "reason": text, "details": details,
                },
            }),
        ),
        (
            "Delivery",
            json!({
                "type": "object",
                "required": ["network", "state", "reason", "attempt", "in_doubt", "references",
                             "first_seen_at", "updated_at", "attempts"],
                "properties": {
                    "network": text, "line": text, "state": state, "reason": reason,
                    "proof": { "enum": ["response", "duplicate", "lookup", "operator"] },
                    "attempt": number,
                    "in_doubt": {
                        "type": "boolean",
                        "description": "An attempt may have been processed, and nothing has settled \
                                        that yet",
                    },
                    "references": details, "next_at": instant,
                    "first_seen_at": instant, "updated_at": instant,
                    "attempts": {
                        "type": "array", "items": { "$ref": "#/components/schemas/Attempt" },
                    },
                    "lookups": entries(
                        "The lookups at the network that changed the delivery",
                        json!({ "result": text, "state": state }),
                    ),
                    "statuses": entries(
                        "The network's later statuses of the conversion",
                        json!({ "status": details }),
                    ),
                    "conflicts": entries(
                        "The arrivals of the order with other content; nothing was sent of them",
                        json!({}),
                    ),
                    "decisions": {
                        "type": "array",
                        "description": "The decisions of people; the command-line tool shows who \
                                        decided, and why",
                        "items": {
                            "type": "object", "required": ["at", "attempt", "decision"],
                            "properties": {
                                "at": instant, "attempt": number,
                                "decision": { "enum": ["delivered", "send_again"] },
                            },
                        },
                    },
                    "left_out": {
                        "type": "object",
                        "description": "The number of entries that are no longer kept, by the name \
                                        of their list: those after the first two",
                        "additionalProperties": { "type": "integer", "minimum": 1 },
                    },
                },
            }),
        ),
        (
            "Audit",
            json!({
                "type": "object", "required": ["order_id", "deliveries"],
                "properties": {
                    "order_id": text,
                    "deliveries": {
                        "type": "array", "items": { "$ref": "#/components/schemas/Delivery" },
                    },
                },
            }),
        ),
        (
            "Problem",
            json!({
                "type": "object", "description": "RFC 9457",
                "required": ["type", "title", "status", "code", "detail"],
                "properties": {
                    "type": text, "title": text, "status": { "type": "integer" },
                    "code": { "enum": codes }, "detail": text,
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object", "required": ["pointer", "code", "detail"],
                            "properties": {
                                "pointer": { "type": "string", "description": "RFC 6901" },
                                "code": text, "detail": text,
                            },
                        },
                    },
                },
            }),
        ),
    ]
}

/// A list of entries of a delivery's history.
fn entries(description: &str, members: Value) -> Value {
    let mut properties = json!({
        "version": {
            "type": "integer", "minimum": 1,
            "description": "The version of the delivery at which the entry was written",
        },
        "at": { "type": "string", "format": "date-time" },
    });
    let mut required = vec!["version".to_owned(), "at".to_owned()];
    if let (Value::Object(all), Value::Object(members)) = (&mut properties, members) {
        required.extend(members.keys().cloned());
        all.extend(members);
    }
    json!({
        "type": "array", "description": description,
        "items": { "type": "object", "required": required, "properties": properties },
    })
}

fn answer(description: &str, schema: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
    })
}

/// The problems that an operation answers with, by status.
fn problems(codes: &[Code]) -> Map<String, Value> {
    let mut by_status = Map::new();
    for code in codes {
        let status = code.status().to_string();
        let more =
            by_status.get(&status).and_then(|problem: &Value| problem["description"].as_str());
        let description = match more {
            Some(more) => format!("{more}, `{}`", code.as_str()),
            None => format!("`{}`", code.as_str()),
        };
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        let mut problem = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": schema } },
        });
        if code.retry_after().is_some() {
            problem["headers"] = json!({ "Retry-After": { "schema": { "type": "integer" } } });
        }
        by_status.insert(status, problem);
    }
    by_status
}

fn responses(good: &[(&str, Value)], codes: &[Code]) -> Value {
    let mut responses = problems(codes);
    responses.extend(good.iter().map(|(status, answer)| ((*status).to_owned(), answer.clone())));
    Value::Object(responses)
}

fn openapi() -> Value {
    let body = json!({
        "required": true,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } },
    });
    let in_path = |name: &str, description: &str| {
        json!([{
            "name": name, "in": "path", "required": true, "description": description,
            "schema": { "type": "string" },
        }])
    };
    let bad = [Code::NotJson, Code::TooLarge, Code::UnsupportedMediaType, Code::InvalidOrder];
    let taken = {
        let mut taken = answer("The bus has accepted the order.", "Accepted");
        taken["headers"] = json!({ "Location": { "schema": { "type": "string" } } });
        taken
    };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postback", "version": env!("CARGO_PKG_VERSION"),
            "description": "Reports every completed order to marketing networks.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": {
            "/orders": { "post": {
                "operationId": "postOrder", "summary": "Send an order to every network it concerns",
                "requestBody": body,
                "responses": responses(
                    &[("202", taken.clone())],
                    &[&bad[..], &[Code::MethodNotAllowed, Code::BusUnavailable]].concat(),
                ),
            } },
            "/webhooks/orders": { "post": {
                "operationId": "postOrderByWebhook",
                "summary": "Send an order signed by Standard Webhooks, where the webhook is on",
                "parameters": webhook_headers(),
                "requestBody": body,
                "responses": responses(
                    &[("202", taken)],
                    &[&bad[..], &[
                        Code::WebhookUnsigned, Code::WebhookSignatureWrong, Code::WebhookTooOld,
                        Code::WebhookTooNew, Code::WebhookOff, Code::WebhookIdReused,
                        Code::MethodNotAllowed, Code::LedgerUnavailable, Code::BusUnavailable,
                        Code::WebhookKeysUnavailable,
                    ]].concat(),
                ),
            } },
            "/orders/{network}": { "post": {
                "operationId": "postOrderToNetwork",
                "summary": "Send an order to one network now, and get the result",
                "parameters": in_path("network", "The network's name, as in `clicks`"),
                "requestBody": body,
                "responses": responses(
                    &[
                        ("200", answer("The state is final.", "Part")),
                        ("202", answer("The state is not final; Postback continues automatically.", "Part")),
                    ],
                    &[&bad[..], &[
                        Code::UnknownNetwork, Code::NetworkOff, Code::Conflict,
                        Code::LedgerUnavailable, Code::QueueUnavailable,
                    ]].concat(),
                ),
            } },
            "/orders/{order_id}": { "get": {
                "operationId": "getOrder", "summary": "Show every delivery of an order, with its history",
                "parameters": in_path("order_id", "The order's id"),
                "responses": responses(
                    &[("200", answer("Every delivery with its history.", "Audit"))],
                    &[Code::UnknownOrder, Code::LedgerUnavailable],
                ),
            } },
            "/openapi.json": { "get": {
                "operationId": "getDescription", "summary": "This description",
                "responses": { "200": {
                    "description": "OpenAPI 3.1",
                    "content": { "application/json": { "schema": { "type": "object" } } },
                } },
            } },
        },
        "components": { "schemas": schemas() },
    })
}

fn webhook_headers() -> Value {
    let header = |name: &str, description: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": description,
            "schema": { "type": "string" },
        })
    };
    json!([
        header("webhook-id", "The message's own id, the same whenever it is sent again"),
        header(
            "webhook-timestamp",
            "The time of sending in seconds since 1970, at most five minutes off"
        ),
        header(
            "webhook-signature",
            "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` with the shared key; \
             several are separated by blanks",
        ),
    ])
}

#[expect(clippy::expect_used, reason = "a helper of tests")]
fn assert_current(file: &str, document: &Value) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let current = format!("{document:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &current).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "{file} is not what the types say: run `make generate`");
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
fn every_reference_in_the_description_leads_somewhere() {
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
