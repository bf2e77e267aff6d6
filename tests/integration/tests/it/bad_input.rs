//! Bad orders at the API: each a clear, stable error, nothing half done.

use postback_integration::{Bundle, PATHS, log::canaries_in, minimal, with};
use serde_json::{Value, from_str, json};

const CANARY: &str = "canary7351";

fn raw(json: &str) -> Value {
    from_str(json).expect("JSON")
}

fn long(characters: usize) -> Value {
    json!(format!("{CANARY}{}", "ü".repeat(characters - CANARY.len())))
}

/// Fails unless `order` is refused everywhere with just this fault, and without its value.
async fn assert_refused(bundle: &Bundle, order: &Value, pointer: &str, code: &str) {
    for path in PATHS {
        let reply = bundle.post(path, order).await;

        let what = format!("{path} {pointer} {code}: {}", reply.text);
        assert_eq!(reply.problem(), (422, "invalid_order".to_owned()), "{what}");
        assert_eq!(reply.faults(), [(pointer.to_owned(), code.to_owned())], "{what}");
        assert!(canaries_in(&format!("{reply:?}"), &[CANARY]).is_empty(), "{what}");
    }
}

async fn assert_all_refused(cases: &[(&str, Value, &str)]) {
    let bundle = Bundle::new(1).await;
    for (pointer, value, code) in cases {
        let order = with(minimal("A-1"), "/items", json!([{}]));
        let order = with(order, "/refunds", json!([{ "id": "r", "amount": 1 }]));
        let order = with(with(order, "/utm", json!({})), "/custom", json!({}));
        let order = with(order, "/customer/address", json!({}));
        assert_refused(&bundle, &with(order, pointer, value.clone()), pointer, code).await;
    }
    bundle.assert_untouched("bad orders");
}

#[tokio::test]
async fn a_member_that_must_be_given_is_asked_for_by_name() {
    let bundle = Bundle::new(1).await;

    for name in ["order_id", "status", "completed_at", "currency", "total"] {
        let pointer = format!("/{name}");
        let mut order = minimal("A-1");
        order.as_object_mut().expect("an object").remove(name);
        assert_refused(&bundle, &order, &pointer, "missing").await;
        assert_refused(&bundle, &with(minimal("A-1"), &pointer, Value::Null), &pointer, "missing")
            .await;
    }
    bundle.assert_untouched("incomplete orders");
}

#[tokio::test]
async fn an_order_id_that_can_stand_for_another_order_is_refused() {
    assert_all_refused(&[
        ("/order_id", json!(""), "missing"),
        ("/order_id", json!(" \t"), "missing"),
        ("/order_id", json!("auto"), "reserved"),
        ("/order_id", json!("AUTO"), "reserved"),
        ("/order_id", json!("null"), "reserved"),
        ("/order_id", json!("undefined"), "reserved"),
        ("/order_id", json!(" canary7351"), "outer_blanks"),
        ("/order_id", json!("canary7351\n7"), "control_character"),
        ("/order_id", json!("canary\t7351"), "control_character"),
        ("/order_id", json!("\u{200b}"), "invisible"),
        ("/order_id", json!("\u{2060} \u{feff}"), "invisible"),
        ("/order_id", json!("canary7351\u{0}"), "control_character"),
        ("/order_id", json!("{canary7351}"), "template"),
        ("/order_id", json!(7351), "wrong_type"),
        ("/order_id", long(129), "too_long"),
    ])
    .await;
}

#[tokio::test]
async fn money_that_is_not_exact_is_refused() {
    let thirty = "735173517351735173517351735173";
    for pointer in ["/total", "/refunds/0/amount"] {
        assert_all_refused(&[
            (pointer, json!(-7351), "negative"),
            (pointer, json!("-0.01"), "negative"),
            (pointer, json!("NaN"), "not_a_decimal"),
            (pointer, json!("Infinity"), "not_a_decimal"),
            (pointer, json!("canary7351"), "not_a_decimal"),
            (pointer, json!(""), "missing"),
            (pointer, json!("1,499.00"), "not_a_decimal"),
            (pointer, json!("+1"), "not_a_decimal"),
            (pointer, json!("1e3"), "not_a_decimal"),
            (pointer, raw("1e-3"), "too_precise"),
            (pointer, raw("0.30000000000000004"), "too_precise"),
            (pointer, raw("1499.0000000000002"), "too_precise"),
            (pointer, json!("14.999"), "too_precise"),
            (pointer, raw(thirty), "too_large"),
            (pointer, json!(thirty), "too_large"),
            (pointer, json!(true), "wrong_type"),
            (pointer, json!({ "canary7351": 1 }), "wrong_type"),
        ])
        .await;
    }
}

#[tokio::test]
async fn an_amount_finer_than_its_currency_is_refused() {
    let bundle = Bundle::new(1).await;
    let yen = with(with(minimal("A-1"), "/currency", json!("JPY")), "/total", json!("100.5"));

    assert_refused(&bundle, &yen, "/total", "too_precise").await;
    bundle.assert_untouched("half a yen");
}

#[tokio::test]
async fn a_value_of_no_known_kind_is_refused() {
    assert_all_refused(&[
        ("/status", json!("canary7351"), "unknown_word"),
        ("/status", json!("COMPLETED"), "unknown_word"),
        ("/completed_at", json!("canary7351"), "not_an_instant"),
        ("/completed_at", json!("2026-11-21"), "not_an_instant"),
        ("/completed_at", json!("2026-11-23T10:15:00Z"), "in_the_future"),
        ("/updated_at", json!("canary7351"), "not_an_instant"),
        ("/completed_at", json!(1_795_256_100_i64), "wrong_type"),
        ("/currency", json!("XYZ"), "unknown_currency"),
        ("/currency", json!("inr"), "unknown_currency"),
        ("/currency", json!("canary7351"), "unknown_currency"),
        ("/currency", json!(356), "wrong_type"),
        ("/refunds", json!("canary7351"), "wrong_type"),
        ("/refunds/0/id", long(129), "too_long"),
        ("/refunds/0/at", json!("canary7351"), "not_an_instant"),
    ])
    .await;
}

#[tokio::test]
async fn an_unknown_member_is_refused_by_name() {
    assert_all_refused(&[
        ("/totl", json!("canary7351"), "unknown_member"),
        ("/a~1b~0c", json!("canary7351"), "unknown_member"),
        ("/customer/mail", json!("canary7351"), "unknown_member"),
        ("/customer/address/zip", json!("canary7351"), "unknown_member"),
        ("/items/0/size", json!("canary7351"), "unknown_member"),
        ("/utm/id", json!("canary7351"), "unknown_member"),
    ])
    .await;
}

#[tokio::test]
async fn a_click_of_no_network_and_an_unknown_member_of_a_click_are_refused_by_name() {
    let bundle = Bundle::new(1).await;
    let nobody = with(minimal("A-1"), "/clicks/nobody", json!({ "id": CANARY }));
    let hyphen = with(minimal("A-1"), "/clicks/cpa-moe", json!({ "offer": CANARY }));
    let colour = with(minimal("A-1"), "/clicks/shopback/colour", json!(CANARY));

    let unknown = bundle.post("/orders", &nobody).await;
    let misspelt = bundle.post("/orders", &hyphen).await;
    let member = bundle.post("/orders", &colour).await;
    let direct = bundle.post("/orders/shopback", &colour).await;

    let fault = |pointer: &str, code: &str| [(pointer.to_owned(), code.to_owned())];
    assert_eq!(unknown.faults(), fault("/clicks/nobody", "unknown_member"));
    assert_eq!(misspelt.faults(), fault("/clicks/cpa-moe", "unknown_member"));
    assert_eq!(member.faults(), fault("/clicks/shopback/colour", "unknown_member"));
    assert_eq!(direct.faults(), fault("/clicks/shopback/colour", "unknown_member"));
    for reply in [unknown, misspelt, member, direct] {
        assert_eq!(reply.problem(), (422, "invalid_order".to_owned()));
        assert!(!reply.text.contains(CANARY), "{reply:?}");
    }
    bundle.assert_untouched("clicks of no network");
}

#[tokio::test]
async fn clicks_that_are_no_object_are_refused_on_every_way() {
    let bundle = Bundle::new(1).await;
    for clicks in [
        json!([{ "network": "shopback", "transaction_id": CANARY }]),
        json!("shopback=canary7351"),
        json!(7351),
        json!(true),
    ] {
        let order = with(minimal("A-1"), "/clicks", clicks);

        for path in ["/orders", "/orders/shopback"] {
            assert_eq!(
                bundle.post(path, &order).await.faults(),
                [("/clicks".to_owned(), "wrong_type".to_owned())],
                "{path} {order}"
            );
        }
        // A cookie doesn't hide them.
        let cookie = with(order.clone(), "/click_cookie", json!("v1.e30"));
        assert_eq!(bundle.post("/orders", &cookie).await.status, 422, "{order}");
        // Nobody reads the clicks of a cancelled order.
        let cancelled =
            json!({ "order_id": "A-2", "status": "cancelled", "clicks": order["clicks"] });
        assert_eq!(bundle.post("/orders", &cancelled).await.status, 202, "{order}");
    }
    for absent in [json!(null), json!(" "), json!([]), json!({})] {
        let order = with(minimal("A-3"), "/clicks", absent);
        assert_eq!(bundle.post("/orders", &order).await.status, 202, "{order}");
    }
}

#[tokio::test]
async fn all_faults_are_named_at_once() {
    let bundle = Bundle::new(1).await;
    let order = json!({
        "order_id": "auto", "status": "done", "currency": "XYZ", "total": "NaN", "totl": 1,
        "customer": { "email": CANARY }, "items": [{}, { "quantity": 0 }], "refunds": [{ "amount": 1 }],
        "clicks": { "shopback": { "colour": CANARY } },
    });

    for path in ["/orders", "/orders/shopback"] {
        let reply = bundle.post(path, &order).await;

        let faults = reply.faults();
        let faults: Vec<_> = faults.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
        for expected in [
            ("/order_id", "reserved"),
            ("/status", "unknown_word"),
            ("/completed_at", "missing"),
            ("/currency", "unknown_currency"),
            ("/total", "not_a_decimal"),
            ("/totl", "unknown_member"),
            ("/refunds/0/id", "missing"),
            ("/clicks/shopback/colour", "unknown_member"),
        ] {
            assert!(faults.contains(&expected), "{path} {expected:?}: {faults:?}");
        }
        assert_eq!(faults.len(), 8, "{path}: {faults:?}");
        assert!(!reply.text.contains(CANARY), "{path}");
    }
    bundle.assert_untouched("an order with many faults");
}
