//! The schemas of the API's answers.
//!
//! More than 300 lines: each answer stands here.

use postback_core::problem::Code;
use serde_json::{Value, json};

/// All of them, by name.
pub(crate) fn all() -> [(&'static str, Value); 9] {
    [
        ("Accepted", accepted()),
        ("Part", part()),
        ("Attempt", attempt()),
        ("Delivery", delivery()),
        ("LaterDelivery", later_delivery()),
        ("Audit", audit()),
        ("Problem", problem()),
        ("Refused", refused()),
        ("Envelope", envelope()),
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

/// A list of entries of a delivery's history.
fn entries(description: &str, members: Value) -> Value {
    let mut properties = json!({
        "version": {
            "type": "integer", "minimum": 1,
            "description": "The version of the delivery at which the entry was written",
        },
        "at": instant(),
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

fn accepted() -> Value {
    json!({
        "type": "object", "required": ["order_id", "accepted_at", "networks"],
        "properties": {
            "order_id": text(), "accepted_at": instant(),
            "networks": {
                "type": "array", "items": text(),
                "description": "The networks that the order concerns. Empty: no click id and no e-mail \
                                address of it concerns a network that is on.",
            },
        },
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
                "description": "Nothing was sent now: this is the earlier result",
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
            "number": count(1), "started_at": instant(), "version": count(0),
            "ended_at": instant(), "state": reference("State"), "reason": text(),
            "details": details(),
            "amount": {
                "type": "string", "description": "The amount that it reported, if it was sent",
            },
        },
    })
}

fn delivery() -> Value {
    let lookups = json!({ "result": text(), "state": reference("State") });
    let statuses = json!({
        "status": details(), "validation": { "enum": ["approved", "rejected"] },
    });
    json!({
        "type": "object",
        "required": ["network", "state", "reason", "attempt", "in_doubt", "references",
                     "first_seen_at", "updated_at", "validation", "attempts"],
        "properties": {
            "network": text(), "line": text(), "state": reference("State"), "reason": reason(),
            "proof": { "enum": ["response", "duplicate", "lookup", "operator"] },
            "attempt": count(0), "source": text(),
            "in_doubt": {
                "type": "boolean",
                "description": "An attempt may have been processed, and nothing has settled that yet",
            },
            "references": details(), "next_at": instant(),
            "first_seen_at": instant(), "updated_at": instant(),
            "refunds": {
                "type": "object",
                "description": "The refunds of parts of it, by the shop's ids",
                "additionalProperties": {
                    "type": "object", "properties": { "amount": text(), "at": instant() },
                },
            },
            "validation": validation(),
            "attempts": { "type": "array", "items": reference("Attempt") },
            "lookups": entries("The lookups at the network that changed the delivery", lookups),
            "statuses": entries("The network's later statuses of the conversion", statuses),
            "conflicts": entries(
                "The other contents with which the order came, each once with its first and last \
                 arrival; nothing was sent of them",
                json!({ "last_at": instant(), "count": count(1), "facts": details() }),
            ),
            "decisions": decisions(),
            "left_out": {
                "type": "object",
                "description": "The number of entries that are not kept, by the name of their list: \
                                those after the first two, of conflicts the arrivals after eight \
                                contents",
                "additionalProperties": count(1),
            },
        },
    })
}

fn validation() -> Value {
    let words = [
        "none",
        "waiting",
        "approved",
        "rejected",
        "held",
        "refused",
        "unconfirmed",
        "confirmed",
        "abandoned",
    ];
    json!({
        "type": "object", "required": ["status"],
        "description": "The way from reported to paid",
        "properties": {
            "status": {
                "enum": words,
                "description": "held, refused and unconfirmed wait for a person; confirmed and \
                                abandoned are a person's word; none: nothing to validate",
            },
            "reason": text(), "amount": text(), "currency": text(), "lock_at": instant(), "came_back_at": instant(),
            "claim_back": {
                "type": "string",
                "description": "The amount to claim back: the part of came_back that no person has \
                                acknowledged",
            },
            "came_back": {
                "type": "string",
                "description": "All that came back after it was approved or, where nothing is validated, \
                                reported",
            },
            "attempts": { "type": "array", "items": reference("Attempt") },
        },
    })
}

fn later_delivery() -> Value {
    json!({
        "type": "object",
        "description": "A delivery that a later version of Postback wrote: the parts that this one \
                        can read. Nothing is sent of it before the functions are of that version",
        "required": ["network", "format"],
        "properties": {
            "network": text(), "line": text(), "format": count(0), "state": text(),
            "reason": text(), "attempt": count(0), "references": details(),
            "first_seen_at": instant(), "updated_at": instant(),
            "attempts": { "type": "array", "items": reference("Attempt") },
        },
    })
}

fn decisions() -> Value {
    json!({
        "type": "array",
        "description": "The decisions of people; the command-line tool shows who decided, and why",
        "items": {
            "type": "object", "required": ["at", "attempt", "decision"],
            "properties": {
                "at": instant(), "attempt": count(0),
                "decision": { "enum": ["confirm", "permit_sending", "abandon", "reopen", "acknowledge"] },
                "evidence": {
                    "type": "string",
                    "description": "The SHA-256 of the network's report that the decision rests on",
                },
                "claim_back": {
                    "type": "string", "description": "The sum to claim back that was acknowledged",
                },
            },
        },
    })
}

fn audit() -> Value {
    json!({
        "type": "object", "required": ["order_id", "deliveries"],
        "properties": {
            "order_id": text(),
            "deliveries": {
                "type": "array",
                "items": { "oneOf": [reference("Delivery"), reference("LaterDelivery")] },
            },
            "paused": {
                "type": "array",
                "description": "The networks that the operator has paused, of those that still have \
                                an open delivery of the order; absent if there are none",
                "items": {
                    "type": "object", "required": ["network", "since"],
                    "properties": { "network": text(), "since": instant() },
                },
            },
            "unclaimed": {
                "type": "object",
                "description": "Present where the order concerned no network",
                "required": ["accepted_at", "amount", "currency", "source", "clicks"],
                "properties": {
                    "accepted_at": instant(), "amount": text(), "currency": text(),
                    "source": {
                        "type": "string",
                        "description": "The sender's short name: `api/ShopRole`, `webhook/1`, \
                                        `bus/shop.checkout`",
                    },
                    "clicks": {
                        "type": "array", "items": text(),
                        "description": "The members of clicks that came, without their values",
                    },
                },
            },
        },
    })
}

/// An answer of API Gateway itself.
fn refused() -> Value {
    json!({
        "type": "object", "description": "An answer of API Gateway itself",
        "required": ["message"],
        "properties": { "message": { "type": ["string", "null"] } },
    })
}

fn envelope() -> Value {
    json!({
        "type": "object", "description": "The envelope that Standard Webhooks recommends",
        "required": ["type", "data"], "not": { "required": ["order_id"] },
        "properties": {
            "type": { "type": "string", "description": "As `order.completed`; `status` decides" },
            "timestamp": { "description": "The time of the event; not used" },
            "data": reference("Order"),
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
            "lines": {
                "type": "array",
                "description": "Of a conflict, where the network wants lines: those that differ or were sent",
                "items": { "type": "object" },
            },
        },
    })
}
