//! The conversions of October 2026 at a network that validates.

use std::time::Duration;

use postback_core::{clock::Timestamp, delivery::Record};
use postback_reconcile::{
    format::Format,
    month::{Decided, Month, Period},
};
use serde_json::{Value, json};

use super::generic;

/// The return period of the settings.
pub(crate) const DAYS_30: Duration = Duration::from_hours(24 * 30);

pub(crate) fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("an instant")
}

/// A conversion of 100.50 EUR, with members that `more` gives besides or instead.
pub(crate) fn conversion(order_id: &str, at: &str, more: Value) -> Record {
    line(order_id, None, "100.50", at, more)
}

/// The same of a line.
pub(crate) fn line(
    order_id: &str,
    line: Option<&str>,
    amount: &str,
    at: &str,
    more: Value,
) -> Record {
    let mut ids = json!({ "reference": order_id });
    if let Some(line) = line {
        ids["sub_id_2"] = json!(line);
    }
    let mut record = json!({
        "order_id": order_id, "format": 1, "version": 2, "write_id": "0",
        "delivery": line.map_or_else(|| "net".to_owned(), |line| format!("net#{line}")),
        "state_version": 2, "state_at": at, "state": "delivered", "attempt": 1, "proof": "response",
        "facts": { "amount": amount, "currency": "EUR" },
        "first_seen_at": at, "claim_expires_at": at, "not_before": at, "updated_at": at,
        "expires_at": 0,
        "attempts": { "entries": [{ "number": 1, "started_at": at, "state": "delivered" }] },
        "reported": { "amount": amount, "currency": "EUR", "completed_at": at, "ids": ids },
    });
    put(&mut record, more);
    serde_json::from_value(record).expect("a record")
}

fn put(record: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    for (name, value) in more {
        record[name] = value;
    }
}

/// The validation of a delivery, with members that `more` gives besides or instead.
pub(crate) fn validation(delivery: &Record, more: Value) -> Record {
    let reported = delivery.protocol.reported.as_ref().expect("a report");
    let lock_at = reported.completed_at + DAYS_30;
    let mut record = serde_json::to_value(delivery).expect("JSON");
    let own = json!({
        "delivery": format!("{}!validation", delivery.delivery), "state": "retrying",
        "reason": "return_period", "proof": null, "attempt": 0, "not_before": lock_at,
        "attempts": { "entries": [] },
        "validation": { "of_version": 2, "lock_at": lock_at, "standing": "reported" },
    });
    put(&mut record, own);
    put(&mut record, more);
    serde_json::from_value(record).expect("a validation")
}

pub(crate) fn october() -> Period {
    Period::month("2026-10", None).expect("a month")
}

/// The decisions about October at `now`.
pub(crate) fn decide(records: &[Record], given: Option<Duration>, now: &str) -> Decided {
    let mut month = Month::new(october());
    for record in records {
        month.add(record.clone());
    }
    let format = Format { validated_decimals: Some(2), ..generic() };
    month.decide(&format, given, instant(now))
}
