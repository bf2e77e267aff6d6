//! Records for the unit tests of several commands.

use postback_core::delivery::Record;
use postback_runtime::ledger::{UNCLAIMED_PREFIX, UnclaimedOrder};
use serde_json::json;

mod aws;

pub(crate) use aws::FakeAws;

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

/// An order that concerns no network, about 10.50 EUR, accepted at the same time.
pub(crate) fn unclaimed(order_id: &str, clicks: &[&str]) -> UnclaimedOrder {
    let order = json!({
        "order_id": format!("{UNCLAIMED_PREFIX}{order_id}"), "delivery": "order", "amount": "10.5",
        "currency": "EUR", "source": "shop", "clicks": clicks, "accepted_at": "2026-11-21T10:15:00Z",
        "expires_at": 0,
    });
    serde_json::from_value(order).expect("an order")
}

/// The validation of order A-1 at `net` in this state, about what is left of 10.50 EUR: `call` is the
/// status and the amount of a call that was made.
pub(crate) fn validation(state: &str, call: Option<(&str, &str)>) -> Record {
    let mut validation = paid("net!validation", state, "10.5", "EUR");
    let at = "2026-11-21T10:15:00Z";
    let reported = json!({ "amount": "10.5", "currency": "EUR", "completed_at": at, "ids": {} });
    let call = call.map(|(status, amount)| json!({ "status": status, "amount": amount }));
    let own = json!({ "of_version": 2, "lock_at": at, "standing": "reported", "call": call });
    validation.protocol.reported = serde_json::from_value(reported).expect("a content");
    validation.protocol.validation = serde_json::from_value(own).expect("a validation");
    validation
}
