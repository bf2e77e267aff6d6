//! A shop's ledger on a bad morning: a network that lost answers, one with a wrong key, and the rest of
//! a working day.

use std::time::Duration;

use postback_core::{clock::Timestamp, delivery::Record};
use postback_runtime::ledger::{PauseChange, UNCLAIMED_PREFIX, UnclaimedOrder};
use serde::de::DeserializeOwned;
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
    held.chain(parked).chain(several(ago)).chain(validated(ago)).chain(fine)
}

/// The pause of `cashmycell`.
pub(crate) fn pause(now: Timestamp) -> PauseChange {
    made(json!({
        "paused": true, "at": now - Duration::from_hours(3), "why": "they repair their tracking until noon",
        "by": "arn:aws:sts::123456789012:assumed-role/Operator/ann",
    }))
}

/// An order whose click no network knows.
pub(crate) fn unclaimed(now: Timestamp) -> UnclaimedOrder {
    made(json!({
        "order_id": format!("{UNCLAIMED_PREFIX}O-47020"), "delivery": "order", "amount": "54.9", "currency": "EUR",
        "source": "shop", "clicks": ["newnetwork.click_id"], "accepted_at": now - Duration::from_hours(2),
        "expires_at": (now + Duration::from_hours(24)).as_secs(),
    }))
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

/// What a network's word on the money, and the operator's bounds, leave: approved and come back, held,
/// followed through its stages, too large.
fn validated(ago: impl Fn(u32) -> Timestamp) -> Vec<Record> {
    const DAY: u32 = 24 * 60;
    let delivered = |days: u32| json!({ "proof": "response", "attempts": [attempt(1, ago(days * DAY), 260, "delivered", None)] });
    let reported = |days: u32, amount: &str| json!({ "amount": amount, "currency": "EUR", "completed_at": ago(days * DAY + 30), "ids": {} });
    let own = |lock_at: Timestamp, call: Value| json!({ "of_version": 3, "lock_at": lock_at, "standing": "reported", "call": call });
    let refund = |amount: Option<&str>| json!({ "R-1": { "amount": amount, "at": ago(3 * DAY) } });
    let came_back = json!({
        "proof": "response", "reported": reported(50, "89.90"), "refunds": refund(Some("20.00")),
        "attempts": [attempt(1, ago(20 * DAY), 310, "delivered", None)], "returned": { "version": 5, "at": ago(3 * DAY) },
        "validation": own(ago(20 * DAY), json!({ "status": "approved", "amount": "89.90" })),
    });
    let held = json!({
        "reason": "refund_unclear", "reported": reported(31, "64.50"), "refunds": refund(None), "attempt": 0,
        "validation": own(ago(DAY), Value::Null),
    });
    let stage = |version: u32, days: u32, stage: &str, word: Option<&str>| json!({ "version": version, "at": ago(days * DAY), "status": { "stage": stage }, "validation": word });
    let tracked = json!({
        "proof": "response", "tracked": true, "attempts": [attempt(1, ago(9 * DAY), 240, "delivered", None)],
        "statuses": [stage(3, 9, "wait", None), stage(4, 7, "hold", None), stage(5, 2, "approve", Some("approved"))],
    });
    let implausible = json!({ "reason": "implausible", "attempt": 0 });
    vec![
        record("O-47010", "shopback", "delivered", ago(50 * DAY), 8_990, &delivered(50)),
        record("O-47010", "shopback!validation", "delivered", ago(50 * DAY), 8_990, &came_back),
        record("O-47011", "shopback", "delivered", ago(31 * DAY), 6_450, &delivered(31)),
        record("O-47011", "shopback!validation", "parked", ago(31 * DAY), 6_450, &held),
        record("O-47012", "cpa_moe", "delivered", ago(9 * DAY), 7_490, &tracked),
        record("O-47013", "shopback", "parked", ago(70), 14_990_000, &implausible),
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
    made(record)
}

#[expect(clippy::expect_used, reason = "a seed that can't be read is a failed test")]
fn made<T: DeserializeOwned>(seed: Value) -> T {
    serde_json::from_value(seed).expect("a seed")
}
