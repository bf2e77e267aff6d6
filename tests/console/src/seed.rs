//! A shop's ledger on a bad morning: a network that lost answers, one with a wrong key, and the rest of
//! a working day.

use std::time::Duration;

use postback_core::{clock::Timestamp, delivery::Record};
use serde_json::{Value, json};

/// An order's id that a page must show as text.
pub(crate) const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;";

/// The deliveries that one network holds after its outage.
const HELD: u32 = 300;

/// All deliveries; `delivered` of them are in order.
pub(crate) fn records(now: Timestamp, delivered: u32) -> impl Iterator<Item = Record> {
    let ago = move |minutes: u32| now - Duration::from_secs(60 * u64::from(minutes));
    let held = (0..HELD).map(move |n| {
        let doubt = json!({ "since": ago(90), "recovery": "hold", "scope": "" });
        let order_id = format!("O-{}", 48_000 + n);
        let attempt = attempt(1, ago(95 - n % 20), 10_000, "unconfirmed", Some("answer_lost"));
        let rest = json!({ "reason": "answer_lost", "doubt": doubt, "attempts": [attempt] });
        record(&order_id, "cartstack", "unconfirmed", ago(95 - n % 20), cents(n), &rest)
    });
    let parked = (0..12).map(move |n| {
        let attempt = attempt(1, ago(40), 180, "parked", Some("bad_key"));
        let rest = json!({ "reason": "bad_key", "attempts": [attempt] });
        record(&format!("O-{}", 49_000 + n), "shopback", "parked", ago(40), cents(n + 7), &rest)
    });
    let fine = (0..delivered).map(move |n| fine(n, now));
    held.chain(parked).chain(several(ago)).chain(fine)
}

/// One of each kind that is rare.
fn several(ago: impl Fn(u32) -> Timestamp) -> Vec<Record> {
    let refused = json!({ "reason": "duplicate_elsewhere", "attempts": [
        attempt(1, ago(200), 340, "rejected", Some("duplicate_elsewhere")),
    ] });
    let doubt = json!({ "since": ago(30), "recovery": "look_up", "scope": "" });
    let asked = json!({
        "reason": "answer_lost", "doubt": doubt, "attempt": 2,
        "attempts": [
            attempt(1, ago(180), 220, "retrying", Some("server_error")),
            attempt(2, ago(32), 9_000, "unconfirmed", Some("answer_lost")),
        ],
        "lookups": [{ "version": 5, "at": ago(20), "result": "absent", "state": "unconfirmed" }],
    });
    let conflict = json!({ "proof": "response", "attempts": [attempt(1, ago(500), 150, "delivered", None)],
        "conflicts": [{ "version": 3, "at": ago(60), "last_at": ago(50), "count": 2,
                        "facts": { "amount": "1", "currency": "EUR" } }] });
    let decided = json!({ "proof": "operator", "attempts": [
            attempt(1, ago(700), 10_000, "unconfirmed", Some("answer_lost")),
        ],
        "decisions": [{ "version": 4, "at": ago(600), "attempt": 1, "decision": "confirm",
            "by": "arn:aws:sts::123456789012:assumed-role/Operator/ann", "why": "in the network's report of 21 November" }] });
    let cancelled = json!({ "proof": "response", "cancelled": { "at": ago(100) },
        "attempts": [attempt(1, ago(900), 210, "delivered", None)],
        "cancellations": [{ "version": 4, "at": ago(100), "word": "cancelled" }] });
    vec![
        record("O-47001", "shopback", "rejected", ago(200), 4_999, &refused),
        record("O-47002", "cpa_moe", "unconfirmed", ago(180), 12_050, &asked),
        record("O-47003", "cashmycell", "delivered", ago(500), 8_900, &conflict),
        record("O-47004", "cashmycell", "delivered", ago(700), 15_900, &decided),
        record("O-47005", "shopback", "delivered", ago(900), 3_500, &cancelled),
        record(
            HOSTILE,
            "cashmycell",
            "unconfirmed",
            ago(300),
            100,
            &json!({ "reason": "answer_lost" }),
        ),
    ]
}

/// A delivery of the last days that is in order, most of them of today.
fn fine(n: u32, now: Timestamp) -> Record {
    let networks = ["shopback", "cartstack", "cashmycell", "cpa_moe"];
    let minutes = if n.is_multiple_of(5) { 1_500 + n * 37 % 60_000 } else { n * 53 % 1_440 };
    let at = now - Duration::from_secs(60 * u64::from(minutes) + 1);
    let network = networks[n as usize % 4];
    let took = 90 + n * 29 % 400;
    let (state, reason) = match n % 23 {
        0 => ("rejected", Some("click_expired")),
        1 => ("skipped", None),
        _ => ("delivered", None),
    };
    let rest = if state == "skipped" {
        json!({})
    } else {
        let proof = reason.is_none().then_some("response");
        json!({ "proof": proof, "reason": reason, "attempts": [attempt(1, at, took, state, reason)] })
    };
    record(&format!("O-{n:07}"), network, state, at, cents(n), &rest)
}

const fn cents(n: u32) -> u32 {
    990 + n * 137 % 9_000
}

fn attempt(number: u32, at: Timestamp, took: u32, state: &str, reason: Option<&str>) -> Value {
    json!({
        "number": number, "started_at": at, "version": number + 1, "state": state, "reason": reason,
        "ended_at": at + Duration::from_millis(u64::from(took)),
    })
}

/// A record with `rest` in place of what is usual; its lists are histories.
fn record(id: &str, network: &str, state: &str, at: Timestamp, cents: u32, rest: &Value) -> Record {
    let amount = format!("{}.{:02}", cents / 100, cents % 100);
    let mut record = json!({
        "order_id": id, "delivery": network, "version": 2, "write_id": "0", "state_version": 2,
        "state_at": at, "state": state, "attempt": 1, "first_seen_at": at, "claim_expires_at": at,
        "facts": { "amount": amount, "currency": "EUR" }, "not_before": at + Duration::from_mins(15),
        "message_until": at + Duration::from_hours(4), "updated_at": at,
        "expires_at": (at + Duration::from_hours(400 * 24)).as_secs(),
    });
    for (name, value) in rest.as_object().into_iter().flatten() {
        let value = match value {
            Value::Array(entries) => json!({ "entries": entries }),
            other => other.clone(),
        };
        if !value.is_null() {
            record[name] = value;
        }
    }
    #[expect(clippy::expect_used, reason = "a seed that is no record is a failed test")]
    serde_json::from_value(record).expect("a record")
}
