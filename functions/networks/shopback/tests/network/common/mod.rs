//! An order, settings, and the requests they give.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use postback_conformance::NOW;
use postback_core::{
    delivery::Attempt,
    fields::{Fault, UnknownFields},
    network::{Network, Part, Plan, configure},
    order::Order,
};
use serde_json::{Value, json};
use shopback::{Report, ShopBack};
use url::Url;

/// The vendor's own example.
pub(crate) const TOKEN: &str = "070a632e2b574ca894d90610c7da97bc";
/// The vendor's own example.
pub(crate) const CLICK: &str = "102b983f153f632c9a0a1469e27b55";

pub(crate) fn settings(more: Value) -> Value {
    let mut settings = json!({ "offer_id": 1234, "security_token": TOKEN });
    merge(&mut settings, more);
    settings
}

pub(crate) fn lines() -> Value {
    settings(json!({ "mode": "line_items" }))
}

pub(crate) fn order(more: Value) -> Order {
    Order::from_json(&order_json(more), UnknownFields::Deny).expect("an order")
}

pub(crate) fn order_json(more: Value) -> Value {
    let mut order = json!({
        "order_id": "order_123", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "MYR", "total": "100.00",
        "clicks": { "shopback": { "transaction_id": CLICK } },
        "items": [
            { "sku": "HP-0052", "name": "Kettle", "category": "Home & Living", "quantity": 3,
              "unit_price": "19.95", "refs": { "shopback": "tier-2" } },
            { "sku": "AC-10033", "unit_price": "40.15" },
        ],
        "custom": { "coupon": "SPRING 10%" },
    });
    merge(&mut order, more);
    order
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("more members") };
    for (name, value) in more {
        into[name] = value;
    }
}

pub(crate) fn network(settings: &Value) -> ShopBack {
    configure(&settings.to_string()).expect("settings")
}

/// The faults of settings, as place and code.
pub(crate) fn faults(settings: &Value) -> Vec<(String, &'static str)> {
    let faults: Vec<Fault> = configure::<ShopBack>(&settings.to_string()).expect_err("faults");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

pub(crate) fn parts(settings: &Value, order: &Order) -> Vec<Part<Report>> {
    match network(settings).plan(order) {
        Plan::Send(parts) => parts,
        other => panic!("{other:?}"),
    }
}

/// The reason that an order is not sent: a word that the README explains.
pub(crate) fn refusal(settings: &Value, order: &Order) -> String {
    let (state, reason) = match network(settings).plan(order) {
        Plan::Send(parts) => panic!("sent as {} parts", parts.len()),
        Plan::Skip(reason) => ("skipped", reason),
        Plan::Reject(reason) => ("rejected", reason),
    };
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(&format!("`{reason}`")), "the README does not explain {reason}");
    format!("{state} {reason}")
}

/// The requests of an order, as they are sent.
pub(crate) fn urls(settings: &Value, order: &Order) -> Vec<String> {
    let (network, endpoint) = (network(settings), Url::parse(ShopBack::ENDPOINT).expect("a URL"));
    let parts = parts(settings, order);
    let url = |part: &Part<Report>| {
        network.request(&part.report, &Attempt::first(NOW)).url(&endpoint).to_string()
    };
    parts.iter().map(url).collect()
}

/// The value of a parameter of the order's only request.
pub(crate) fn sent(settings: &Value, order: &Order, name: &str) -> Option<String> {
    let url = Url::parse(urls(settings, order).first()?).expect("a URL");
    url.query_pairs().find(|pair| pair.0 == name).map(|pair| pair.1.into_owned())
}
