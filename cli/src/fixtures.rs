//! Records for the unit tests of several commands.

use postback_core::delivery::Record;
use serde_json::json;

/// A record of order A-1, last written at 10:15 on 2026-11-21.
pub(crate) fn record(delivery: &str, state: &str, attempt: u32) -> Record {
    let at = "2026-11-21T10:15:00Z";
    let record = json!({
        "order_id": "A-1", "delivery": delivery, "version": 1, "write_id": "0",
        "state_version": 1, "state_at": at, "state": state, "attempt": attempt, "facts": {},
        "first_seen_at": at, "claim_expires_at": at, "not_before": at,
        "reached_network": true, "in_doubt": false, "updated_at": at, "expires_at": 0,
    });
    serde_json::from_value(record).expect("a record")
}

/// A record that is about this amount.
pub(crate) fn paid(delivery: &str, state: &str, amount: &str, currency: &str) -> Record {
    let mut paid = record(delivery, state, 1);
    let facts = json!({ "amount": amount, "currency": currency });
    paid.protocol.facts = serde_json::from_value(facts).expect("facts");
    paid
}
