//! The lead of an order, and the orders without one.

#![expect(clippy::expect_used, reason = "a test that can't go on fails")]

use cpa_moe::CpaMoe;
use postback_conformance::NOW;
use postback_core::{
    delivery::Attempt,
    fields::UnknownFields,
    network::{Network, Plan, ReadsBack, Sought, configure},
    order::Order,
};
use serde_json::{Value, json};

fn network(default_offer: Option<u64>) -> CpaMoe {
    let settings = json!({ "user": 2718, "key": "abc", "default_offer": default_offer });
    configure(&settings.to_string()).expect("settings")
}

fn whole() -> Value {
    json!({
        "order_id": "A-1001", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00", "tax": "0.00", "shipping": "0.00",
        "customer": {
            "email": "a+b@example.com", "phone": "+91 98765 43210", "name": "A B",
            "ip": "203.0.113.9", "user_agent": "Mozilla/5.0", "country": "IN",
            "address": { "postal_code": "110001", "line": "12/3", "region": "Delhi",
                         "city": "New Delhi", "street": "Main Street" }
        },
        "clicks": { "cpa_moe": { "offer": 217, "wm": 42 } },
        "items": [
            { "name": "n", "quantity": 2, "unit_price": "749.50" },
            { "name": "n", "quantity": 1, "unit_price": "749.5" },
            { "quantity": 3, "unit_price": "10.00", "refs": { "cpa_moe": "135" } },
            { "refs": { "cpa_moe": 136 } },
            { "refs": { "cpa_moe": 137 } }
        ],
        "utm": { "source": "s", "campaign": "c", "content": "n", "term": "t", "medium": "m" },
        "comment": "Ring twice", "discount_percent": 12.5, "surcharge": "99.90",
        "custom": { "surname": "C", "blank": " " }
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let mut order = whole();
    order.pointer_mut(parent).expect("a place")[name] = value;
    order
}

fn plan(order: &Value, network: &CpaMoe) -> Plan<<CpaMoe as Network>::Report> {
    network.plan(&Order::from_json(order, UnknownFields::Deny).expect("an order"))
}

fn report(order: &Value, network: &CpaMoe) -> <CpaMoe as Network>::Report {
    match plan(order, network) {
        Plan::Send(mut parts) if parts.len() == 1 && parts[0].line.is_none() => {
            parts.remove(0).report
        }
        other => panic!("{other:?}"),
    }
}

fn lead(order: &Value, default_offer: Option<u64>) -> Value {
    let network = network(default_offer);
    let request = network.request(&report(order, &network), &Attempt::first(NOW));
    request.body().cloned().expect("a body")
}

fn refusal(order: &Value) -> String {
    match plan(order, &network(None)) {
        Plan::Skip(reason) => format!("skipped {reason}"),
        Plan::Reject(reason) => format!("rejected {reason}"),
        Plan::Send(_) => "sent".to_owned(),
    }
}

#[test]
fn every_field_of_the_document_is_sent() {
    let lead = lead(&whole(), None);

    assert_eq!(
        lead,
        json!({
            "id": "A-1001", "wm": 42, "offer": 217, "name": "A B", "phone": "919876543210",
            "email": "a+b@example.com", "ip": "203.0.113.9", "ua": "Mozilla/5.0", "country": "in",
            "us": "s", "uc": "c", "un": "n", "ut": "t", "um": "m", "currency": "INR",
            "index": "110001", "addr": "12/3", "area": "Delhi", "city": "New Delhi",
            "street": "Main Street", "base": 749.5, "count": 3, "discount": 12.5, "more": 99.9,
            "comm": "Ring twice", "item": "136,137",
            "items": [{ "id": 135, "price": 10, "count": 3 }], "params": { "surname": "C" }
        })
    );
}

#[test]
fn what_the_order_does_not_say_is_left_out() {
    let order = json!({
        "order_id": "A-1001", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
        "customer": { "phone": "9876543210", "ip": "203.0.113.9" },
        "clicks": { "cpa_moe": { "offer": 217 } }
    });

    assert_eq!(
        lead(&order, None),
        json!({ "id": "A-1001", "offer": 217, "phone": "9876543210", "ip": "203.0.113.9",
                "currency": "INR" })
    );
}

#[test]
fn lines_at_several_prices_have_a_count_and_no_unit_price() {
    let lead = lead(&with("/items/1/unit_price", json!("1.00")), None);

    assert_eq!((lead.get("base"), &lead["count"]), (None, &json!(3)));
}

#[test]
fn a_discount_makes_no_number_of_goods_whichever_amount_says_so() {
    for line in [json!({ "unit_price": "-10" }), json!({ "name": "Voucher", "total": "-10" })] {
        let lead = lead(&with("/items", json!([{ "unit_price": "749.50" }, line])), None);

        assert_eq!(lead.get("count"), None, "{lead}");
    }
    let free = json!([{ "unit_price": "749.50" }, { "unit_price": "0" }]);
    assert_eq!(lead(&with("/items", free), None)["count"], json!(2), "what is free is a good");
}

#[test]
fn an_id_that_does_not_fit_is_sent_and_looked_up_by_its_digest() {
    let network = network(None);
    let order = with("/order_id", json!("Order #1001, ü"));
    let report = report(&order, &network);

    let sent = network.request(&report, &Attempt::first(NOW)).body().cloned().expect("a body");
    let asked = network.lookup(&Sought::Report(&report)).body().cloned().expect("a body");

    assert!(sent["id"].as_str().is_some_and(|id| id.starts_with("pb-") && id.len() == 43));
    assert_eq!(sent["id"], asked["ids"]);
}

#[test]
fn an_order_without_a_click_is_sent_under_the_default_offer_if_there_is_one() {
    let mut order = whole();
    order["clicks"] = json!({});

    assert_eq!(refusal(&order), "skipped no_click");
    assert_eq!(lead(&order, Some(9))["offer"], json!(9));
    assert_eq!(lead(&whole(), Some(9))["offer"], json!(217));
    let source_only = with("/clicks/cpa_moe", json!({ "wm": "s" }));
    assert_eq!(refusal(&source_only), "rejected no_offer");
    assert_eq!(lead(&source_only, Some(9))["offer"], json!(9));
    assert_eq!(lead(&source_only, Some(9))["wm"], json!("s"));
}

#[test]
fn a_source_keeps_its_leading_zeros() {
    assert_eq!(lead(&with("/clicks/cpa_moe/wm", json!("007")), None)["wm"], json!("007"));
}

#[test]
fn an_order_that_is_no_lead_says_why() {
    let cases = [
        (with("/status", json!("pending")), "skipped not_completed"),
        (with("/clicks", json!({ "other": {} })), "skipped no_click"),
        (with("/clicks/cpa_moe", json!({})), "skipped no_click"),
        (with("/clicks/cpa_moe", json!({ "offer": "undefined", "wm": " " })), "skipped no_click"),
        (with("/clicks/cpa_moe", json!({ "offer": null })), "skipped no_click"),
        (with("/clicks/cpa_moe", json!({ "offer": "{offer}", "wm": "{wm}" })), "skipped no_click"),
        (with("/clicks/cpa_moe", json!({ "offer": 0, "wm": false })), "skipped no_click"),
        (with("/clicks/cpa_moe/offer", json!("{offer}")), "rejected no_offer"),
        (with("/clicks/cpa_moe/offer", json!("abc")), "rejected invalid_click"),
        (with("/clicks/cpa_moe/offer", json!([217])), "rejected invalid_click"),
        (with("/clicks/cpa_moe/wm", json!(true)), "rejected invalid_click"),
        (with("/customer/phone", Value::Null), "rejected no_phone"),
        (with("/customer/phone", json!("call me")), "rejected bad_phone"),
        (with("/customer/ip", Value::Null), "rejected no_ip"),
        (with("/customer/ip", json!("10.1.2.3")), "rejected private_ip"),
        (with("/customer/ip", json!("::1")), "rejected private_ip"),
        (with("/items/0/refs", json!({ "cpa_moe": "a-1" })), "rejected invalid_good"),
        (with("/items/0/refs", json!({ "cpa_moe": 1.5 })), "rejected invalid_good"),
        (with("/clicks/cpa_moe/unknown", json!(1)), "sent"),
        (with("/items/0/refs", json!({ "other": "x" })), "sent"),
    ];

    for (order, expected) in cases {
        assert_eq!(refusal(&order), expected, "{order}");
    }
}

#[test]
fn an_amount_finer_than_two_places_is_refused_and_never_rounded() {
    let mut order = with("/currency", json!("KWD"));
    assert_eq!(refusal(&order), "sent");

    order["surcharge"] = json!("0.125");

    assert_eq!(refusal(&order), "rejected amount_too_precise");
}

#[test]
fn place_holders_that_no_script_filled_in_are_left_out() {
    for (pointer, field) in [
        ("/utm/term", "/ut"),
        ("/customer/name", "/name"),
        ("/customer/address/city", "/city"),
        ("/comment", "/comm"),
        ("/custom/surname", "/params/surname"),
    ] {
        let lead = lead(&with(pointer, json!("{ keyword }")), None);

        assert_eq!((lead.pointer(field), &lead["us"]), (None, &json!("s")), "{pointer}");
    }
}

#[test]
fn braces_in_a_shoppers_own_words_mean_nothing() {
    let words = json!("leave at {side} door");

    assert_eq!(lead(&with("/comment", words.clone()), None)["comm"], words);
    let custom = json!(r#"{"gift":true}"#);
    assert_eq!(lead(&with("/custom/surname", custom.clone()), None)["params"]["surname"], custom);
}
