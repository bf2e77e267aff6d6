//! The API's operations.

use postback_core::problem::Code;
use serde_json::{Map, Value, json};

use crate::schemas::{networks, order_to, schemas};

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

/// The answers of API Gateway itself, which refuses a request before a function sees it.
fn gateway(responses: &mut Map<String, Value>, statuses: &[(&str, &str)]) {
    for (status, description) in statuses {
        let answer =
            responses.entry(*status).or_insert_with(|| json!({ "description": description }));
        answer["content"]["application/json"] =
            json!({ "schema": { "$ref": "#/components/schemas/Refused" } });
    }
}

const REFUSED: [(&str, &str); 4] = [
    ("401", "The token is missing, expired or of another audience (ApiAuthorization=JWT)."),
    (
        "403",
        "The request is not signed by a caller with execute-api:Invoke (ApiAuthorization=AWS_IAM).",
    ),
    ("429", "More requests than ApiRateLimit and ApiBurstLimit allow. Send it again later."),
    ("500", "API Gateway could not call the function. Send it again."),
];

fn responses(good: &[(&str, Value)], codes: &[Code]) -> Value {
    let mut responses = problems(codes);
    gateway(&mut responses, &REFUSED);
    if codes.contains(&Code::TooLarge) {
        gateway(&mut responses, &[("413", "The body has more than 10 MB.")]);
    }
    if codes.iter().any(|code| code.status() == 503) {
        gateway(&mut responses, &[("503", "The function took too long. Send it again.")]);
    }
    responses.extend(good.iter().map(|(status, answer)| ((*status).to_owned(), answer.clone())));
    Value::Object(responses)
}

/// The whole description.
pub(crate) fn openapi() -> Value {
    let mut paths = json!({
        "/orders": { "post": post_order() },
        "/webhooks/orders": { "post": post_webhook() },
        "/orders/{order_id}": { "get": get_order("getOrder"), "head": get_order("headOrder") },
        "/openapi.json": { "get": get_description("getDescription"), "head": get_description("headDescription") },
    });
    for (network, _) in networks() {
        paths[format!("/orders/{network}")] = json!({ "post": post_to_network(&network) });
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postback", "version": env!("CARGO_PKG_VERSION"),
            "description": "Reports every completed order to marketing networks.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{
            "url": "https://{api}.execute-api.{region}.amazonaws.com",
            "description": "The output ApiUrl of the stack",
            "variables": { "api": { "default": "api" }, "region": { "default": "eu-central-1" } },
        }],
        "security": [{ "aws_iam": [] }, { "jwt": [] }],
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": security_schemes() },
    })
}

/// The problems of every operation that takes an order.
const BAD: [Code; 5] = [
    Code::NotJson,
    Code::TooLarge,
    Code::UnsupportedMediaType,
    Code::UnsupportedEncoding,
    Code::InvalidOrder,
];

fn body(schema: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
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
    let more = [Code::MethodNotAllowed, Code::LedgerUnavailable, Code::BusUnavailable];
    let codes = [&BAD[..], &more].concat();
    json!({
        "operationId": "postOrder", "summary": "Send an order to every network it concerns",
        "requestBody": body("Order"),
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
    let refused = [
        ("403", "The stage's own limits refuse it."),
        REFUSED[2],
        REFUSED[3],
        ("413", "The body has more than 10 MB."),
        ("503", "The function took too long. Send it again."),
    ];
    let mut responses = problems(&[&BAD[..], &more].concat());
    gateway(&mut responses, &refused);
    responses.insert("202".into(), taken());
    json!({
        "operationId": "postOrderByWebhook",
        "summary": "Send an order signed by Standard Webhooks, where the webhook is on",
        "security": [{ "webhook": [] }],
        "parameters": webhook_headers(),
        "requestBody": webhook_body(),
        "responses": responses,
    })
}

/// The order itself, or the envelope that Standard Webhooks recommends.
fn webhook_body() -> Value {
    let order = json!({ "$ref": "#/components/schemas/Order" });
    let envelope = json!({ "$ref": "#/components/schemas/Envelope" });
    json!({
        "required": true,
        "content": { "application/json": { "schema": { "anyOf": [order, envelope] } } },
    })
}

fn security_schemes() -> Value {
    json!({
        "aws_iam": {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "ApiAuthorization=AWS_IAM: Signature Version 4, service `execute-api`",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "jwt": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "ApiAuthorization=JWT: a token of JwtIssuer for JwtAudience",
        },
        "webhook": {
            "type": "apiKey", "in": "header", "name": "webhook-signature",
            "description": "Standard Webhooks: see the parameters",
        },
    })
}

fn get_description(id: &str) -> Value {
    let good = json!({
        "description": "OpenAPI 3.1",
        "content": { "application/json": { "schema": { "type": "object" } } },
    });
    json!({
        "operationId": id, "summary": "This description",
        "responses": responses(&[("200", good)], &[]),
    })
}

fn post_to_network(network: &str) -> Value {
    let more = [Code::NetworkOff, Code::Conflict, Code::LedgerUnavailable, Code::QueueUnavailable];
    let good = [
        ("200", answer("The state is final.", "Part")),
        ("202", answer("The state is not final; Postback continues automatically.", "Part")),
    ];
    json!({
        "operationId": format!("postOrderTo_{network}"),
        "summary": format!("Send an order to {network} now, and get the result"),
        "requestBody": body(&order_to(network)),
        "responses": responses(&good, &[&BAD[..], &more].concat()),
    })
}

fn get_order(id: &str) -> Value {
    let good = [("200", answer("Every delivery with its history.", "Audit"))];
    json!({
        "operationId": id, "summary": "Show every delivery of an order, with its history",
        "parameters": in_path("order_id", "The order's id"),
        "responses": responses(&good, &[Code::UnknownOrder, Code::LedgerUnavailable]),
    })
}

fn webhook_headers() -> Value {
    let header = |name: &str, pattern: &str, description: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": description,
            "schema": { "type": "string", "pattern": pattern },
        })
    };
    json!([
        header(
            "webhook-id",
            r"^\S(.{0,254}\S)?$",
            "The message's own id, the same whenever it is sent again. The headers may be \
                              named `svix-…` instead, all three of them."
        ),
        header(
            "webhook-timestamp",
            "^[0-9]{1,15}$",
            "The time of sending in seconds since 1970, at most five minutes off"
        ),
        header(
            "webhook-signature",
            r"\S",
            "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` with the shared key; \
             several are separated by blanks",
        ),
    ])
}
