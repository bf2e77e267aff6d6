use serde_json::json;

use super::*;

fn whole() -> Value {
    json!({
        "order_id": "A-1001", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00", "tax": "0.00", "shipping": 0,
        "customer": {
            "email": " a+b@example.com ", "phone": "+91 98765 43210", "name": "A B",
            "ip": "203.0.113.9", "user_agent": "Mozilla/5.0", "country": "in",
            "address": { "postal_code": "1", "line": "2", "region": "3", "city": "4", "street": "5" }
        },
        "clicks": { "one": { "id": "abc", "clicked_at": "2026-11-20T09:00:00Z" } },
        "items": [{ "sku": "s", "name": "n", "category": "c", "quantity": 2,
                    "unit_price": "749.50", "refs": { "one": 135 } }],
        "utm": { "source": "a", "campaign": "b", "content": "c", "term": "d", "medium": "e" },
        "comment": "…", "discount_percent": 10, "surcharge": "0.00", "custom": { "any": "string" }
    })
}

fn codes(value: &Value) -> Vec<(String, &'static str)> {
    let faults = Order::read(value, UnknownFields::Deny).expect_err("faults");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn with(member: &str, value: Value) -> Value {
    let mut order = whole();
    order[member] = value;
    order
}

#[test]
fn reads_a_whole_order_and_writes_what_it_reads_again() {
    let order = Order::read(&whole(), UnknownFields::Deny).expect("an order");
    let again = serde_json::to_value(&order).expect("JSON");
    let second = Order::read(&again, UnknownFields::Deny).expect("the same order");

    assert_eq!(order.customer.email.as_ref().map(Email::as_str), Some("a+b@example.com"));
    assert_eq!(order.customer.country.as_deref(), Some("IN"));
    assert_eq!(serde_json::to_value(&second).expect("JSON"), again);
}

#[test]
fn names_every_missing_member_at_once() {
    let missing = ["/order_id", "/status", "/completed_at", "/currency", "/total"];

    let codes = codes(&json!({}));

    assert_eq!(codes, missing.map(|pointer| (pointer.to_owned(), "missing")));
}

#[test]
fn refuses_each_bad_member_with_its_own_word() {
    let long = "x".repeat(129);
    let cases = [
        (with("order_id", json!("  ")), "/order_id", "blank"),
        (with("order_id", json!("auto")), "/order_id", "reserved"),
        (with("order_id", json!("Undefined")), "/order_id", "reserved"),
        (with("order_id", json!(long)), "/order_id", "too_long"),
        (with("order_id", json!(" A")), "/order_id", "outer_blanks"),
        (with("order_id", json!("{order_id}")), "/order_id", "template"),
        (with("order_id", json!(7)), "/order_id", "wrong_type"),
        (with("status", json!("COMPLETED")), "/status", "unknown_word"),
        (with("completed_at", json!("yesterday")), "/completed_at", "not_an_instant"),
        (with("currency", json!("XYZ")), "/currency", "unknown_currency"),
        (with("total", json!(-1)), "/total", "negative"),
        (with("totl", json!(1)), "/totl", "unknown_member"),
        (with("customer", json!({ "email": "a b@c" })), "/customer/email", "not_an_email"),
        (with("customer", json!({ "ip": "1.2.3" })), "/customer/ip", "not_an_ip"),
        (with("customer", json!({ "country": "IND" })), "/customer/country", "not_a_country"),
        (with("customer", json!([])), "/customer", "wrong_type"),
        (with("clicks", json!({ "One": {} })), "/clicks/One", "not_a_network"),
        (with("clicks", json!({ "one": "abc" })), "/clicks/one", "wrong_type"),
        (with("items", json!([{ "quantity": 0 }])), "/items/0/quantity", "out_of_range"),
        (with("items", json!([{ "size": 0 }])), "/items/0/size", "unknown_member"),
        (with("discount_percent", json!(101)), "/discount_percent", "out_of_range"),
        (with("custom", json!({ "a": 1 })), "/custom/a", "wrong_type"),
    ];

    for (order, pointer, code) in cases {
        assert_eq!(codes(&order), [(pointer.to_owned(), code)]);
    }
}

#[test]
fn an_order_that_is_no_object_is_one_fault() {
    assert_eq!(codes(&json!([])), [(String::new(), "wrong_type")]);
}

#[test]
fn events_of_others_may_carry_more() {
    let order = with("pipeline", json!({ "run": 7 }));

    assert!(Order::read(&order, UnknownFields::Ignore).is_ok());
}
