//! More than 300 lines: every member of an order is read here.

use serde_json::json;

use super::*;
use crate::order::{AmountFault, FAULTS};

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
    let faults = Order::from_json(value, UnknownFields::Deny).expect_err("faults");
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn with(member: &str, value: Value) -> Value {
    let mut order = whole();
    order[member] = value;
    order
}

#[test]
fn reads_a_whole_order_and_writes_what_it_reads_again() {
    let order = Order::from_json(&whole(), UnknownFields::Deny).expect("an order");
    let again = serde_json::to_value(&order).expect("JSON");
    let second = Order::from_json(&again, UnknownFields::Deny).expect("the same order");

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
    let cases = [
        (with("order_id", json!("  ")), "/order_id", "missing"),
        (with("order_id", json!("auto")), "/order_id", "reserved"),
        (with("order_id", json!("Undefined")), "/order_id", "reserved"),
        (with("order_id", json!("x".repeat(129))), "/order_id", "too_long"),
        (with("order_id", json!(" A")), "/order_id", "outer_blanks"),
        (with("order_id", json!("{order_id}")), "/order_id", "template"),
        (with("order_id", json!("A\u{fffd}")), "/order_id", "replacement_character"),
        (with("order_id", json!(7)), "/order_id", "wrong_type"),
        (with("status", json!("COMPLETED")), "/status", "unknown_word"),
        (with("completed_at", json!("yesterday")), "/completed_at", "not_an_instant"),
        (with("currency", json!("XYZ")), "/currency", "unknown_currency"),
        (with("total", json!(-1)), "/total", "negative"),
        (with("totl", json!(1)), "/totl", "unknown_member"),
        (with("total", json!(" ")), "/total", "missing"),
        (with("updated_at", json!("2026-11-21")), "/updated_at", "not_an_instant"),
        (with("items", json!([{ "size": 0 }])), "/items/0/size", "unknown_member"),
        (with("items", json!([null, { "skuu": 1 }])), "/items/1/skuu", "unknown_member"),
        (
            with("refunds", json!([{ "id": "r", "amount": 1, "lines": [null, { "line": 0 }] }])),
            "/refunds/0/lines/1/line",
            "not_a_line",
        ),
        (with("refunds", json!({ "a": 1 })), "/refunds", "wrong_type"),
        (with("refunds", json!([{ "amount": 1 }])), "/refunds/0/id", "missing"),
        (with("refunds", json!([{ "id": "r", "amount": -1 }])), "/refunds/0/amount", "negative"),
    ];

    for (order, pointer, code) in cases {
        assert_eq!(codes(&order), [(pointer.to_owned(), code)]);
        assert!(FAULTS.contains(&code), "{code} is not counted");
    }
}

/// The order with `value` at a pointer, read at the API.
fn loose(pointer: &str, value: Value) -> Order {
    let mut order = whole();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    order.pointer_mut(parent).expect("a place")[name] = value;
    let order = Order::from_json(&order, UnknownFields::Deny);
    order.unwrap_or_else(|faults| panic!("{pointer}: {faults:?}"))
}

#[test]
fn an_email_loses_line_ends_and_is_absent_where_it_stands_for_none() {
    let email = |value: &str| {
        let customer = loose("/customer/email", json!(value)).customer;
        customer.email.map(|email| email.as_str().to_owned())
    };

    for value in ["a@exam\tple.com", "a@example.com\r\n", "\ta@exa\u{200b}mple\n.com"] {
        assert_eq!(email(value).as_deref(), Some("a@example.com"), "{value:?}");
    }
    for value in
        ["undefined", "NULL", "none", "NaN", "{email}", "{name}@example.com", "%7Bemail%7D"]
    {
        assert_eq!(email(value), None, "{value}");
    }
    assert_eq!(email("none@example.com").as_deref(), Some("none@example.com"));
}

#[test]
fn absent_is_absent_everywhere() {
    for absent in [json!(null), json!(""), json!(" \t"), json!([])] {
        for member in ["email", "phone", "name", "ip", "user_agent", "country", "address"] {
            let read = loose(&format!("/customer/{member}"), absent.clone());
            let mut without = whole();
            without["customer"].as_object_mut().expect("an object").remove(member);
            let without = Order::from_json(&without, UnknownFields::Deny).expect("an order");
            assert_eq!(read.customer, without.customer, "{member}: {absent}");
        }
        for member in [
            "tax",
            "shipping",
            "customer",
            "clicks",
            "click_cookie",
            "items",
            "refunds",
            "utm",
            "comment",
            "discount_percent",
            "surcharge",
            "custom",
            "updated_at",
        ] {
            let mut order = whole();
            order[member] = absent.clone();
            let read = Order::from_json(&order, UnknownFields::Deny).expect("an order");
            order.as_object_mut().expect("an object").remove(member);
            let without = Order::from_json(&order, UnknownFields::Deny).expect("an order");
            assert_eq!(json!(read), json!(without), "{member}: {absent}");
        }
        assert!(loose("/clicks/one", absent.clone()).clicks.is_empty());
        assert!(loose("/clicks/one/id", absent.clone()).click("one").expect("one").is_some());
        assert!(loose("/custom/any", absent.clone()).custom.is_empty());
        assert!(loose("/items/0/refs/one", absent).items[0].refs.is_empty());
    }
}

#[test]
fn what_only_some_network_needs_is_never_a_fault() {
    for wrong in [
        json!(7),
        json!(true),
        json!({ "$a": 1 }),
        json!([[1]]),
        json!("\u{7}x"),
        json!("x".repeat(5_000)),
    ] {
        for pointer in [
            "/tax",
            "/shipping",
            "/surcharge",
            "/discount_percent",
            "/comment",
            "/click_cookie",
            "/customer/email",
            "/customer/phone",
            "/customer/name",
            "/customer/ip",
            "/customer/country",
            "/customer/user_agent",
            "/customer/address/line",
            "/utm/source",
            "/custom/any",
            "/clicks/one",
            "/clicks/one/id",
            "/items/0/sku",
            "/items/0/quantity",
            "/items/0/unit_price",
            "/items/0/total",
            "/items/0/refs/one",
        ] {
            let order = loose(pointer, wrong.clone());
            let again = Order::from_json(&json!(order), UnknownFields::Deny).expect("an order");
            assert_eq!(json!(again), json!(order), "{pointer}: {wrong}");
        }
    }
    for member in ["customer", "clicks", "items", "utm", "custom"] {
        assert!(
            Order::from_json(&with(member, json!("x")), UnknownFields::Deny).is_ok(),
            "{member}"
        );
    }
}

#[test]
fn a_name_by_which_json_marks_a_number_is_left_out_and_refuses_nothing() {
    const NUMBER: &str = "$serde_json::private::Number";
    let invisible = format!("\u{200b}{NUMBER}");
    let odd = json!({ NUMBER: "x", "id": "1" });
    for pointer in ["/clicks", "/clicks/one", "/custom", "/items/0/refs"] {
        let mut given = whole();
        *given.pointer_mut(pointer).expect("a place") = odd.clone();
        let order = Order::from_json(&given, UnknownFields::Deny).expect("an order");

        let written = json!(order);
        let kept = written.pointer(pointer).expect("a place");
        assert_eq!((kept.get(NUMBER), &kept["id"]), (None, &json!("1")), "{pointer}");
    }
    for pointer in ["/clicks/one/id", "/comment", "/customer/name", "/custom/any", "/tax"] {
        let order = loose(pointer, odd.clone());
        let read = parse(&json!(order).to_string()).expect("JSON");
        assert!(Order::from_json(&read, UnknownFields::Deny).is_ok(), "{pointer}");
    }
    // Cleaned, it is one.
    assert!(loose("/custom", json!({ invisible: "x" })).custom.is_empty());

    let event = with("extra", json!("?")).to_string();
    let event = event.replace("\"?\"", &format!("{{\"a\":1,\"{NUMBER}\":\"x\"}}"));
    let now = Timestamp::parse("2026-11-21T12:00:00Z").expect("an instant");
    let (_, detail) = read_event(&event, now).expect("an order");
    assert_eq!(detail["extra"], json!({ "a": 1 }));
}

#[test]
fn an_id_in_two_forms_of_unicode_is_one_order() {
    let id = |text: &str| loose("/order_id", json!(text)).order_id;

    assert_eq!(id("Bestellung-e\u{301}"), id("Bestellung-\u{e9}"));
}

#[test]
fn numbers_are_numbers() {
    let order = loose("/items/0/quantity", serde_json::from_str("1.0").expect("JSON"));
    assert_eq!(order.items[0].pieces(), Some(1));
    assert_eq!(loose("/items/0/quantity", json!("1.5")).items[0].pieces(), None);
    assert_eq!(loose("/items/0/quantity", json!(null)).items[0].pieces(), Some(1));
}

#[test]
fn a_line_has_an_amount_where_it_is_exact() {
    let amount = |line: Value| {
        let order = loose("/items", json!([line]));
        order.items[0].amount(order.currency).map(Amount::shortest)
    };

    assert_eq!(amount(json!({ "quantity": 3, "total": "100.00" })), Ok("100".to_owned()));
    assert_eq!(amount(json!({ "quantity": 1.5, "unit_price": "1499" })), Ok("2248.5".to_owned()));
    assert_eq!(amount(json!({ "quantity": 200, "unit_price": "1.2345" })), Ok("246.9".to_owned()));
    for (line, fault) in [
        (json!({}), AmountFault::NoPrice),
        (json!({ "unit_price": 17.17, "total": "x" }), AmountFault::NotANumber),
        (json!({ "unit_price": "1,5" }), AmountFault::NotANumber),
        (json!({ "unit_price": 1, "quantity": 0 }), AmountFault::Quantity),
        (json!({ "unit_price": 1, "quantity": "x" }), AmountFault::Quantity),
        (json!({ "unit_price": -100 }), AmountFault::Negative),
        (json!({ "unit_price": "17.169999999999998" }), AmountFault::TooPrecise),
        (json!({ "unit_price": "999999999999999", "quantity": 2 }), AmountFault::TooLarge),
    ] {
        assert_eq!(amount(line.clone()), Err(fault), "{line}");
    }
}

#[test]
fn an_order_is_completed_and_changed_at_most_a_day_ahead() {
    let now = Timestamp::parse("2026-11-20T10:15:00Z").expect("an instant");
    let earlier = now - std::time::Duration::from_millis(1);
    let at = json!("2026-11-21T10:15:00Z");
    let cancelled = json!({ "order_id": "A", "status": "cancelled", "updated_at": at });
    let changed = with("updated_at", at);
    for (order, pointers) in [
        (whole(), &["/completed_at"][..]),
        (changed, &["/completed_at", "/updated_at"]),
        (cancelled, &["/updated_at"]),
    ] {
        let arrived = Arrived::from_json(&order, UnknownFields::Deny).expect("an order");

        assert_eq!(arrived.too_far_ahead(now), []);
        let found: Vec<_> = arrived
            .too_far_ahead(earlier)
            .into_iter()
            .map(|fault| (fault.pointer, fault.code))
            .collect();
        let expected: Vec<_> =
            pointers.iter().map(|at| ((*at).to_owned(), "in_the_future")).collect();
        assert_eq!(found, expected, "{order}");
    }
}

#[test]
fn a_cancellation_needs_its_id_and_status_alone() {
    let from_json = |order: Value| Arrived::from_json(&order, UnknownFields::Deny);

    let broken = json!({ "order_id": "A", "status": "refunded", "total": -1, "refunds": 7 });
    assert!(from_json(broken.clone()).is_ok());
    let misspelt = json!({ "order_id": "A", "status": "cancelled", "orderid": 1 });
    assert!(from_json(misspelt).is_err());
}

#[test]
fn a_misspelt_member_names_the_right_one() {
    let mut order = whole();
    let total = order["total"].take();
    order.as_object_mut().expect("an object").remove("total");
    order["totl"] = total;

    let faults = Order::from_json(&order, UnknownFields::Deny).expect_err("faults");

    assert!(
        faults.iter().any(|fault| fault.detail.ends_with("did you mean `total`?")),
        "{faults:?}"
    );
}

#[test]
fn an_order_that_is_no_object_is_one_fault() {
    assert_eq!(codes(&json!([])), [(String::new(), "wrong_type")]);
}

#[test]
fn events_of_others_may_carry_more() {
    let order = with("pipeline", json!({ "run": 7 }));

    assert!(Order::from_json(&order, UnknownFields::Ignore).is_ok());
}

#[test]
fn of_more_lines_or_members_than_anybody_has_the_first_are_kept() {
    let members: Map<_, _> = (0..10_000).map(|number| (format!("m{number}"), json!(1))).collect();
    let mut order = with("items", json!(vec![0; 500_000]));
    order["clicks"] = json!({ "one": members });
    order["items"][0] = json!({ "refs": members });
    order["refunds"] =
        json!([{ "id": "R-1", "amount": "1", "lines": [{ "line": 499_999, "amount": "1" }] }]);

    let order = Order::from_json(&order, UnknownFields::Ignore).expect("an order");

    assert_eq!((order.items.len(), order.refunds.len()), (MOST_ITEMS, 1));
    let click = order.clicks["one"].as_object().map(Map::len);
    assert_eq!((click, order.items[0].refs.len()), (Some(MOST_MEMBERS), MOST_MEMBERS));
}
