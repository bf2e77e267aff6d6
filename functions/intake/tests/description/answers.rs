//! The schemas of the API's answers.

use postback_core::problem::Code;
use serde_json::{Value, json};

/// All of them, by name.
pub(crate) fn all() -> [(&'static str, Value); 6] {
    [
        ("Accepted", accepted()),
        ("Part", part()),
        ("Attempt", attempt()),
        ("Delivery", delivery()),
        ("Audit", audit()),
        ("Problem", problem()),
    ]
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn reason() -> Value {
    json!({ "type": ["string", "null"], "description": "A stable snake_case word" })
}

fn count(minimum: u32) -> Value {
    json!({ "type": "integer", "minimum": minimum })
}

fn details() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// A list of the history: objects with these members, all required.
fn entries(description: &str, properties: &Value) -> Value {
    let required: Vec<_> =
        properties.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    json!({
        "type": "array", "description": description,
        "items": { "type": "object", "required": required, "properties": properties },
    })
}

fn accepted() -> Value {
    json!({
        "type": "object", "required": ["order_id", "accepted_at"],
        "properties": { "order_id": text(), "accepted_at": instant() },
    })
}

fn part() -> Value {
    json!({
        "type": "object",
        "required": ["order_id", "network", "state", "reason", "attempt", "replayed"],
        "properties": {
            "order_id": text(), "network": text(), "state": reference("State"), "reason": reason(),
            "attempt": count(0),
            "replayed": {
                "type": "boolean",
                "description": "Nothing was sent now: this is an earlier result",
            },
            "lines": {
                "type": "array",
                "description": "One member a line, where the network wants lines",
                "items": { "type": "object" },
            },
        },
    })
}

fn attempt() -> Value {
    json!({
        "type": "object", "required": ["number", "started_at"],
        "properties": {
            "number": count(1), "started_at": instant(), "version": count(1),
            "ended_at": instant(), "state": reference("State"), "reason": text(),
            "details": details(),
        },
    })
}

fn delivery() -> Value {
    let lookups = json!({
        "version": count(1), "at": instant(), "result": text(), "state": reference("State"),
    });
    let statuses = json!({ "version": count(1), "at": instant(), "status": details() });
    let conflicts = json!({ "version": count(1), "at": instant() });
    let decisions = json!({
        "at": instant(), "attempt": count(0), "decision": { "enum": ["delivered", "send_again"] },
    });
    json!({
        "type": "object",
        "required": ["network", "state", "reason", "attempt", "in_doubt", "references",
                     "first_seen_at", "updated_at", "attempts"],
        "properties": {
            "network": text(), "line": text(), "state": reference("State"), "reason": reason(),
            "proof": { "enum": ["response", "duplicate", "lookup", "operator"] },
            "attempt": count(0),
            "in_doubt": {
                "type": "boolean",
                "description": "An attempt may have been processed and nothing has settled it yet",
            },
            "references": details(), "next_at": instant(), "first_seen_at": instant(),
            "updated_at": instant(),
            "attempts": { "type": "array", "items": reference("Attempt") },
            "lookups": entries("Lookups at the network that changed the delivery", &lookups),
            "statuses": entries("Later statuses at the network", &statuses),
            "conflicts": entries("Arrivals of the order with other content", &conflicts),
            "decisions": entries(
                "Decisions of people; the command-line tool shows who decided, and why", &decisions,
            ),
            "left_out": {
                "type": "object", "additionalProperties": count(1),
                "description": "The number of entries that are no longer kept, by list: those after \
                                the first two",
            },
        },
    })
}

fn audit() -> Value {
    json!({
        "type": "object", "required": ["order_id", "deliveries"],
        "properties": {
            "order_id": text(),
            "deliveries": { "type": "array", "items": reference("Delivery") },
        },
    })
}

fn problem() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object", "description": "RFC 9457",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text(), "title": text(), "status": { "type": "integer" },
            "code": { "enum": codes }, "detail": text(),
            "errors": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["pointer", "code", "detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "RFC 6901" },
                        "code": text(), "detail": text(),
                    },
                },
            },
        },
    })
}
