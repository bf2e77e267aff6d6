//! The API's operations.

use postback_core::problem::Code;
use serde_json::{Map, Value, json};

use crate::schemas::schemas;

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

/// The whole description.
pub(crate) fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postback", "version": env!("CARGO_PKG_VERSION"),
            "description": "Reports every completed order to marketing networks.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": {
            "/orders": { "post": post_order() },
            "/webhooks/orders": { "post": post_webhook() },
            "/orders/{network}": { "post": post_to_network() },
            "/orders/{order_id}": { "get": get_order() },
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

/// The problems of every operation that takes an order.
const BAD: [Code; 4] =
    [Code::NotJson, Code::TooLarge, Code::UnsupportedMediaType, Code::InvalidOrder];

fn body() -> Value {
    json!({
        "required": true,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } },
    })
}

fn in_path(name: &str, description: &str) -> Value {
    json!([{
        "name": name, "in": "path", "required": true, "description": description,
        "schema": { "type": "string" },
    }])
}

fn taken() -> Value {
    let mut taken = answer("The bus has accepted the order.", "Accepted");
    taken["headers"] = json!({ "Location": { "schema": { "type": "string" } } });
    taken
}

fn post_order() -> Value {
    let codes = [&BAD[..], &[Code::MethodNotAllowed, Code::BusUnavailable]].concat();
    json!({
        "operationId": "postOrder", "summary": "Send an order to every network it concerns",
        "requestBody": body(),
        "responses": responses(&[("202", taken())], &codes),
    })
}

fn post_webhook() -> Value {
    let more = [
        Code::WebhookUnsigned,
        Code::WebhookSignatureWrong,
        Code::WebhookTooOld,
        Code::WebhookTooNew,
        Code::WebhookOff,
        Code::WebhookIdReused,
        Code::MethodNotAllowed,
        Code::LedgerUnavailable,
        Code::BusUnavailable,
        Code::WebhookKeysUnavailable,
    ];
    json!({
        "operationId": "postOrderByWebhook",
        "summary": "Send an order signed by Standard Webhooks, where the webhook is on",
        "parameters": webhook_headers(),
        "requestBody": body(),
        "responses": responses(&[("202", taken())], &[&BAD[..], &more].concat()),
    })
}

fn post_to_network() -> Value {
    let more = [
        Code::UnknownNetwork,
        Code::NetworkOff,
        Code::Conflict,
        Code::LedgerUnavailable,
        Code::QueueUnavailable,
    ];
    let good = [
        ("200", answer("The state is final.", "Part")),
        ("202", answer("The state is not final; Postback continues automatically.", "Part")),
    ];
    json!({
        "operationId": "postOrderToNetwork",
        "summary": "Send an order to one network now, and get the result",
        "parameters": in_path("network", "The network's name, as in `clicks`"),
        "requestBody": body(),
        "responses": responses(&good, &[&BAD[..], &more].concat()),
    })
}

fn get_order() -> Value {
    let good = [("200", answer("Every delivery with its history.", "Audit"))];
    json!({
        "operationId": "getOrder", "summary": "Show every delivery of an order, with its history",
        "parameters": in_path("order_id", "The order's id"),
        "responses": responses(&good, &[Code::UnknownOrder, Code::LedgerUnavailable]),
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
