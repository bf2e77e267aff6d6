//! Orders.

use serde_json::{Value, json};

/// An order with all that must be given, which concerns no network.
#[must_use]
pub fn bare(order_id: &str) -> Value {
    json!({
        "order_id": order_id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
    })
}

/// An order that concerns all networks, with no more than they need.
#[must_use]
pub fn minimal(order_id: &str) -> Value {
    let mut order = bare(order_id);
    order["customer"] =
        json!({ "email": "asha@example.com", "phone": "+91 98765 43210", "ip": "203.0.113.9" });
    order["clicks"] = json!({
        "cashmycell": { "cmc_id": "abc123xyz789" },
        "cpa_moe": { "offer": 217 },
        "shopback": { "transaction_id": "102b983f153f632c9a0a1469e27b55" },
    });
    order
}

/// `order` with `value` at `pointer`, whose last member may be new.
#[must_use]
pub fn with(mut order: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let member = member.replace("~1", "/").replace("~0", "~");
    order.pointer_mut(parent).expect("a place")[member] = value;
    order
}
