//! Orders as shops really send them: empty members, broken numbers, telephone numbers of every kind.
//! Each has the same outcome by the API and by the bus. Longer than 300 lines, because it is a table.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::collections::BTreeMap;

use postback_integration::{Bundle, api_event, bare, with};
use serde_json::{Value, json};

/// The outcome at each network where nothing stands in the way.
const FINE: [(&str, &str); 4] = [
    ("cartstack", "delivered"),
    ("cashmycell", "accepted"),
    ("cpa_moe", "delivered"),
    ("shopback", "delivered"),
];

/// The outcome of a case: that of each network that differs from [`FINE`], where `none` means that the
/// order does not concern it; or the fault that refuses the order.
enum Outcome {
    Taken(&'static [(&'static str, &'static str)]),
    Refused(&'static str, &'static str),
}

use Outcome::{Refused, Taken};

type Case = (&'static str, Vec<(&'static str, Value)>, Outcome);

fn absent() -> Vec<Case> {
    vec![
        ("email-empty", vec![("/customer/email", json!(""))], Taken(&[("cartstack", "none")])),
        ("country-empty", vec![("/customer/country", json!(""))], Taken(&[])),
        ("postcode-empty", vec![("/customer/address", json!({ "postal_code": "" }))], Taken(&[])),
        ("utm-empty", vec![("/utm", json!({ "source": "" }))], Taken(&[])),
        ("tax-empty", vec![("/tax", json!(""))], Taken(&[])),
        ("click-null", vec![("/clicks/cashmycell", json!(null))], Taken(&[("cashmycell", "none")])),
        ("refs-null", vec![("/items/0/refs", json!({ "cpa_moe": null }))], Taken(&[])),
        ("click-list", vec![("/clicks/cashmycell", json!([]))], Taken(&[("cashmycell", "none")])),
        ("time-null", vec![("/completed_at", json!(null))], Refused("/completed_at", "missing")),
    ]
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

fn numbers() -> Vec<Case> {
    let discount = json!({ "name": "Discount", "quantity": 1, "unit_price": "-100.00" });
    let too_precise = Taken(&[
        ("shopback", "rejected amount_too_precise"),
        ("cpa_moe", "rejected amount_too_precise"),
    ]);
    vec![
        ("price-float", vec![("/items/0/unit_price", number("17.169999999999998"))], Taken(&[])),
        ("tax-fine", vec![("/tax", json!("1.735537"))], Taken(&[])),
        ("discount-fine", vec![("/discount_percent", number("33.333333"))], Taken(&[])),
        ("quantity-1.0", vec![("/items/0/quantity", number("1.0"))], Taken(&[])),
        ("quantity-1.5", vec![("/items/0/quantity", number("1.5"))], Taken(&[])),
        ("quantity-0", vec![("/items/0/quantity", json!(0))], Taken(&[])),
        ("negative-line", vec![("/items/1", discount)], Taken(&[])),
        ("offer-float", vec![("/clicks/cpa_moe/offer", number("217.0"))], Taken(&[])),
        (
            "jpy-half",
            vec![("/currency", json!("JPY")), ("/total", json!("1234.5"))],
            Refused("/total", "too_precise"),
        ),
        ("jpy", vec![("/currency", json!("JPY")), ("/total", json!("1234.00"))], Taken(&[])),
        (
            "kwd",
            vec![
                ("/currency", json!("KWD")),
                ("/total", json!("1.234")),
                ("/items/0/unit_price", json!("1.234")),
            ],
            too_precise,
        ),
        ("twd", vec![("/currency", json!("TWD")), ("/total", json!("1499.50"))], Taken(&[])),
        ("idr", vec![("/currency", json!("IDR")), ("/total", json!("150000.00"))], Taken(&[])),
        ("nothing", vec![("/total", json!("0.00"))], Taken(&[])),
    ]
}

fn people() -> Vec<Case> {
    let text = |pointer, value: &str| vec![(pointer, json!(value))];
    let phone = |name, value: &str| (name, text("/customer/phone", value), Taken(&[]));
    vec![
        ("email-plus", text("/customer/email", "a+tag@example.com"), Taken(&[])),
        ("email-idn", text("/customer/email", "käufer@bücher.example"), Taken(&[])),
        ("email-rtl", text("/customer/email", "\u{202a}rtl@example.com\u{202c}"), Taken(&[])),
        phone("phone-dots", "06.12.34.56.78"),
        phone("phone-extension", "+1 212-555-0123 x45"),
        phone("phone-bidi", "\u{202a}+49 170 1234567\u{202c}"),
        phone("phone-arabic", "+971 ٥٠ ١٢٣ ٤٥٦٧"),
        phone("phone-lrm", "\u{200e}79022222222"),
        ("ip-port", text("/customer/ip", "203.0.113.9:52311"), Taken(&[])),
        ("ip-list", text("/customer/ip", "203.0.113.9, 203.0.113.9"), Taken(&[])),
        ("ip-array", vec![("/customer/ip", json!(["203.0.113.9"]))], Taken(&[])),
        ("ip-unknown", text("/customer/ip", "unknown"), Taken(&[("cpa_moe", "rejected no_ip")])),
        ("ip-v6", text("/customer/ip", "2a00:1450:4001:80b::200e"), Taken(&[])),
        ("name-control", text("/items/0/name", "Men\u{92}s shirt"), Taken(&[])),
        ("name-emoji", text("/customer/name", "Ann 🎉 Smith"), Taken(&[])),
        ("name-long", text("/items/0/name", &"x".repeat(501)), Taken(&[])),
        ("comment-long", text("/comment", &"x".repeat(2_001)), Taken(&[])),
        ("comment-braces", text("/comment", "please leave at {side} door"), Taken(&[])),
        ("custom-json", vec![("/custom", json!({ "gift": "{\"wrap\":true}" }))], Taken(&[])),
    ]
}

fn ids() -> Vec<Case> {
    vec![
        ("id-hash", vec![("/order_id", json!("#1001-bh"))], Taken(&[])),
        ("id-gid", vec![("/order_id", json!("gid://shop/Order/450789469"))], Taken(&[])),
        ("id-slashes", vec![("/order_id", json!("2026/11/000123"))], Taken(&[])),
        ("id-composed", vec![("/order_id", json!("Bestellung-e\u{301}"))], Taken(&[])),
        (
            "time-no-zone",
            vec![("/completed_at", json!("2026-11-21T10:15:00"))],
            Refused("/completed_at", "not_an_instant"),
        ),
        (
            "time-0000",
            vec![("/completed_at", json!("2026-11-21T10:15:00+0000"))],
            Refused("/completed_at", "not_an_instant"),
        ),
        (
            "time-ahead",
            vec![("/completed_at", json!("2027-11-21T10:15:00Z"))],
            Refused("/completed_at", "in_the_future"),
        ),
        ("status-word", vec![("/status", json!("paid"))], Refused("/status", "unknown_word")),
        (
            "cmc-number",
            vec![("/clicks/cashmycell/cmc_id", json!(1_234_567_890))],
            Taken(&[("cashmycell", "rejected invalid_click")]),
        ),
        (
            "cmc-bool",
            vec![("/clicks/cashmycell/cmc_id", json!(true))],
            Taken(&[("cashmycell", "rejected invalid_click")]),
        ),
        (
            "cmc-text",
            vec![("/clicks/cashmycell", json!("abc123xyz789"))],
            Taken(&[("cashmycell", "rejected invalid_click")]),
        ),
        (
            "cmc-object",
            vec![("/clicks/cashmycell/cmc_id", json!("[object Object]"))],
            Taken(&[("cashmycell", "none")]),
        ),
        (
            "click-uuid",
            vec![(
                "/clicks/shopback/transaction_id",
                json!("5b1a1c3e-0b1f-4d0e-9a55-0f4b3c2d1e00"),
            )],
            Taken(&[("shopback", "rejected invalid_click")]),
        ),
        (
            "offer-text",
            vec![("/clicks/cpa_moe/offer", json!("abc"))],
            Taken(&[("cpa_moe", "rejected invalid_click")]),
        ),
    ]
}

/// The cases with their orders, each with clicks and an address of its own.
fn cases() -> Vec<(&'static str, Value, Outcome)> {
    let all = [absent(), numbers(), people(), ids()].into_iter().flatten();
    let order = |(index, (name, changes, outcome)): (usize, Case)| {
        let mut order = bare(&format!("T-{name}"));
        order["customer"] = json!({
            "email": format!("{name}@example.com"), "phone": "+91 98765 43210", "name": "A Buyer",
            "ip": "203.0.113.9", "country": "IN",
        });
        order["clicks"] = json!({
            "cashmycell": { "cmc_id": format!("cmc{index:012}") },
            "cpa_moe": { "offer": 217, "wm": 42 },
            "shopback": { "transaction_id": format!("{index:030}") },
        });
        order["items"] =
            json!([{ "sku": "S-1", "name": "A thing", "quantity": 1, "unit_price": "1499.00" }]);
        for (pointer, value) in changes {
            if pointer == "/items/1" {
                order["items"].as_array_mut().expect("lines").push(value);
            } else {
                order = with(order, pointer, value);
            }
        }
        (name, order, outcome)
    };
    all.enumerate().map(order).collect()
}

fn expected(outcome: &Outcome) -> BTreeMap<String, String> {
    let Taken(others) = outcome else { return BTreeMap::new() };
    let mut all: BTreeMap<_, _> = FINE.into_iter().collect();
    all.extend(others.iter().copied());
    let all = all.into_iter().filter(|(_, state)| *state != "none");
    all.map(|(network, state)| (network.to_owned(), state.to_owned())).collect()
}

/// The deliveries of an order: `delivered`, `rejected <reason>`.
async fn states(bundle: &Bundle, order: &Value) -> BTreeMap<String, String> {
    let states = bundle.states(order["order_id"].as_str().expect("an id")).await;
    let state =
        |(network, state, reason): (String, String, Option<String>)| match (state.as_str(), reason)
        {
            ("rejected", Some(reason)) => (network, format!("rejected {reason}")),
            _ => (network, state),
        };
    states.into_iter().map(state).collect()
}

#[tokio::test]
async fn each_order_has_its_outcome_by_the_api() {
    let bundle = Bundle::new(1).await;

    for (name, order, outcome) in cases() {
        let reply = bundle.post("/orders", &order).await;
        bundle.work().await;

        let expected = expected(&outcome);
        if let Refused(pointer, code) = outcome {
            let error = &reply.body()["errors"][0];
            assert_eq!(
                (&error["pointer"], &error["code"]),
                (&json!(pointer), &json!(code)),
                "{name}"
            );
        } else {
            assert_eq!(reply.status, 202, "{name}: {:?}", reply.body());
            let networks: Vec<_> = expected.keys().collect();
            assert_eq!(reply.body()["networks"], json!(networks), "{name}");
        }
        assert_eq!(states(&bundle, &order).await, expected, "{name}");
    }
}

#[tokio::test]
async fn each_order_has_the_same_outcome_by_the_bus() {
    let bundle = Bundle::new(2).await;

    for (name, order, outcome) in cases() {
        bundle.put_on_bus("order.completed", &order).await;
        bundle.work().await;

        assert_eq!(states(&bundle, &order).await, expected(&outcome), "{name}");
    }
}

#[tokio::test]
async fn an_order_that_the_ledger_no_longer_knows_is_too_old() {
    let bundle = Bundle::new(3).await;
    let (_, order, _) = cases().remove(3);
    let order = with(order, "/completed_at", json!("2025-10-01T00:00:00Z"));

    for path in ["/orders", "/orders/shopback"] {
        let reply = bundle.post(path, &order).await;
        assert_eq!(reply.status, 422, "{path}");
        assert_eq!(reply.body()["errors"][0]["code"], "too_old", "{path}");
    }
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;

    let states = states(&bundle, &order).await;
    assert_eq!(states.len(), 4);
    assert!(states.values().all(|state| state == "rejected too_old"), "{states:?}");
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

#[tokio::test]
async fn an_order_that_concerns_no_network_is_found_again() {
    let bundle = Bundle::new(4).await;
    let mut order = bare("A-1");
    order["clicks"] =
        json!({ "shopback": { "clicked_at": "2026-11-20T09:00:00Z", "transaction_id": "" } });

    let reply = bundle.post("/orders", &order).await;
    assert_eq!(reply.body()["networks"], json!([]));
    bundle.assert_described("post", "/orders", &reply).await;
    bundle.work().await;

    let reply = bundle.get("A-1").await;
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
    let found = &reply.body()["unclaimed"];
    assert_eq!(
        (&found["amount"], &found["currency"], &found["source"]),
        (&json!("1499"), &json!("INR"), &json!("api"))
    );
    assert_eq!(found["clicks"], json!(["shopback.clicked_at"]));
    let puts = bundle.bed.table.calls().iter().filter(|call| call.operation == "PutItem").count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn a_pending_or_cancelled_order_is_not_kept_as_unclaimed() {
    let bundle = Bundle::new(5).await;

    let pending = bundle.post("/orders", &with(bare("P-1"), "/status", json!("pending"))).await;
    let cancelled = bundle.post("/orders", &with(bare("C-1"), "/status", json!("cancelled"))).await;

    assert_eq!(pending.body()["networks"], json!([]));
    let all = json!(["cartstack", "cashmycell", "cpa_moe", "shopback"]);
    assert_eq!(cancelled.body()["networks"], all);
    assert_eq!(bundle.get("P-1").await.status, 404);
}

#[tokio::test]
async fn a_misspelt_network_or_member_names_the_right_one() {
    let bundle = Bundle::new(6).await;
    let order = with(
        bare("A-1"),
        "/clicks",
        json!({ "shopbak": {}, "shopback": { "transactionId": "x" } }),
    );

    let reply = bundle.post("/orders", &order).await;
    let details: Vec<_> = reply.body()["errors"].as_array().cloned().unwrap_or_default();
    let details: Vec<_> = details.iter().filter_map(|error| error["detail"].as_str()).collect();
    assert!(
        details.iter().any(|detail| detail.ends_with("did you mean `shopback`?")),
        "{details:?}"
    );
    assert!(
        details.iter().any(|detail| detail.ends_with("did you mean `transaction_id`?")),
        "{details:?}"
    );

    let reply = bundle
        .post(
            "/orders/shopback",
            &with(bare("A-1"), "/clicks", json!({ "shopback": { "transactionid": 1 } })),
        )
        .await;
    assert!(
        reply.body()["errors"][0]["detail"]
            .as_str()
            .is_some_and(|d| d.contains("`transaction_id`"))
    );
    let reply = bundle.post("/orders/shopbak", &order).await;
    assert!(
        reply.body()["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("Did you mean `shopback`?"))
    );
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let bundle = Bundle::new(7).await;

    bundle.post("/orders", &bare("A-1")).await;
    for (path, status) in [("/openapi.json", 200), ("/orders/A-1", 200), ("/orders/A-2", 404)] {
        let get = bundle.call(&api_event("GET", path, "")).await;
        let reply = bundle.call(&api_event("HEAD", path, "")).await;

        assert_eq!((get.status, reply.status), (status, status), "{path}");
        assert_eq!(reply.header("content-type"), get.header("content-type"), "{path}");
        assert!(reply.text.is_empty() && !get.text.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn an_id_is_found_in_either_form_of_unicode() {
    let bundle = Bundle::new(8).await;
    let order =
        with(bare("Bestellung-e\u{301}"), "/customer", json!({ "email": "asha@example.com" }));

    bundle.post("/orders", &order).await;
    bundle.work().await;

    assert_eq!(bundle.get("Bestellung-\u{e9}").await.status, 200);
    assert_eq!(bundle.get("Bestellung-e\u{301}").await.status, 200);
}
