//! `GET /orders/{order_id}`, and the API's own description.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, DecisionRecord, Delivery, Stamp, State},
    problem::Code,
    redaction::OperatorNote,
};
use postback_integration::{Bundle, api_event, encode, minimal, with};
use postback_runtime::ledger::Put;
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json};

fn script(bundle: &Bundle, fault: Fault) {
    bundle.bed.sandbox.script(Rule::on(Network::ShopBack, fault)).expect("a rule");
}

#[tokio::test]
async fn an_order_is_read_back_with_every_delivery_and_every_attempt() {
    let bundle = Bundle::new(1).await;
    let answer = Answer::status(429).with_header("retry-after", "60");
    script(&bundle, Fault::answer(answer));
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    bundle.bed.work_off(&bundle.shopback, Duration::from_hours(1)).await;
    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;

    let reply = bundle.get("A-1").await;

    let body = reply.body();
    let [cpa_moe, shopback] = &body["deliveries"].as_array().expect("a list")[..] else {
        panic!("not two deliveries: {body}");
    };
    assert_eq!((reply.status, &body["order_id"]), (200, &json!("A-1")));
    assert_eq!(cpa_moe["references"], json!({ "lead_id": "500001", "our_id": "A-1" }));
    assert_eq!(
        shopback["attempts"],
        json!([
            {
                "number": 1, "amount": "1499", "version": 2, "state": "retrying", "reason": "http_429",
                "started_at": "2026-11-21T10:15:00Z", "ended_at": "2026-11-21T10:15:00Z",
                "details": { "http_status": "429" },
            },
            {
                "number": 2, "amount": "1499", "version": 4, "state": "delivered",
                "started_at": "2026-11-21T10:16:00Z", "ended_at": "2026-11-21T10:16:00Z",
                "details": { "http_status": "200" },
            },
        ])
    );
    let expected = json!({
        "network": "shopback", "state": "delivered", "reason": null, "proof": "response",
        "attempt": 2, "in_doubt": false, "references": {},
        "first_seen_at": "2026-11-21T10:15:00Z", "updated_at": "2026-11-21T10:16:00Z",
        "attempts": shopback["attempts"], "validation": { "status": "none" }, "source": "api",
    });
    assert_eq!(*shopback, expected);
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}

#[tokio::test]
async fn an_order_with_a_long_story_says_how_much_of_it_is_left_out() {
    let bundle = Bundle::new(1).await;
    for _ in 0..11 {
        script(&bundle, Fault::answer(Answer::status(429).with_header("retry-after", "60")));
    }
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    bundle.bed.work_off(&bundle.shopback, Duration::from_hours(72)).await;

    let reply = bundle.get("A-1").await;

    let delivery = &reply.body()["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["attempt"]), (&json!("delivered"), &json!(12)));
    let attempts = delivery["attempts"].as_array().expect("a list");
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt["number"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 5, 6, 7, 8, 9, 10, 11, 12].map(Some));
    assert_eq!(delivery["left_out"], json!({ "attempts": 2 }));
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}

#[tokio::test]
async fn an_order_that_waits_says_until_when() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Fault::answer(Answer::status(429).with_header("retry-after", "3600")));
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    let reply = bundle.get("A-1").await;

    let delivery = &reply.body()["deliveries"][0];
    assert_eq!(delivery["state"], "retrying");
    assert_eq!(delivery["next_at"], "2026-11-21T11:15:00Z");
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}

#[tokio::test]
async fn what_a_person_decided_is_shown_and_not_who_or_why() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Fault::answer(Answer::status(429)));
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    let ledger = bundle.bed.table.ledger();
    let [record] = &ledger.of_order("A-1").await.expect("a record")[..] else {
        panic!("not one delivery");
    };
    let decision = DecisionRecord {
        version: 0,
        at: Timestamp::parse("2026-11-21T10:30:00Z").expect("a time"),
        attempt: 1,
        decision: Decision::Confirm,
        by: OperatorNote::identity("arn:aws:iam::123456789012:user/canary"),
        why: OperatorNote::new("canary").expect("words"),
        evidence: None,
        claim_back: None,
        contents_left_out: 0,
    };
    let next = Delivery { state: State::Delivered, ..record.protocol.clone() };
    let stamp = Stamp { now: bundle.bed.now(), write_id: 7 };
    let put = ledger.put(&record.decided(next, decision, stamp), Some(record.version)).await;
    assert!(matches!(put, Ok(Put::Written)));

    let reply = bundle.get("A-1").await;

    let shown = json!([{ "at": "2026-11-21T10:30:00Z", "attempt": 1, "decision": "confirm" }]);
    assert_eq!(reply.body()["deliveries"][0]["decisions"], shown);
    assert!(!reply.body().to_string().contains("canary"));
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}

#[tokio::test]
async fn an_order_nobody_knows_is_not_found() {
    let bundle = Bundle::new(1).await;

    let reply = bundle.get("A-1").await;

    assert_eq!(reply.problem(), (404, "unknown_order".to_owned()));
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}

#[tokio::test]
async fn an_order_id_of_odd_characters_is_found_where_location_says() {
    let bundle = Bundle::new(1).await;
    let ids = [
        "A 1",
        "A/1",
        "A//1/",
        "50%",
        "A%2F1",
        "%41",
        "Bestellung-ü",
        "№7",
        "a+b&c=d?e#f",
        "🛒",
        ".",
    ];
    for id in ids {
        let reply = bundle.post("/orders", &minimal(id)).await;
        bundle.work().await;
        let location = reply.header("location").expect("a place").to_owned();

        assert!(location.is_ascii() && !location.contains(['?', '#', ' ', '+']), "{location}");
        let found = bundle.get_path(&location).await;
        assert_eq!((found.status, &found.body()["order_id"]), (200, &json!(id)), "{location}");
        assert_eq!(found.body()["deliveries"].as_array().map(Vec::len), Some(4), "{id}");
    }
    // Where the gateway has not decoded the path, the function does.
    let mut event = api_event("GET", "/orders/x", "");
    event["pathParameters"] = json!({ "order_id": encode("№7") });
    let request = serde_json::from_value(event).expect("an event");
    let answer = audit::answer(&request, &bundle.bed.table.ledger()).await;
    assert_eq!(answer.status_code, 200);
    assert_eq!(bundle.bed.sandbox.violations(), []);
}

#[tokio::test]
async fn the_description_is_whole() {
    let bundle = Bundle::new(1).await;

    let reply = bundle.get_path("/openapi.json").await;

    let description = bundle.description().await;
    let document = description.document();
    assert_eq!((reply.status, &document["openapi"]), (200, &json!("3.1.0")));
    assert!(description.references().len() > 10);
    for reference in description.references() {
        assert!(description.resolve(&reference).is_some(), "{reference}");
    }
    let order = &document["components"]["schemas"]["Order"]["else"]["properties"];
    let clicks = &order["clicks"]["anyOf"][0];
    assert!(clicks["properties"].get("cartstack").is_none(), "it has no click");
    assert_eq!(clicks["additionalProperties"], false);
    for (member, pointer) in [
        ("cmc_id", "/cashmycell"),
        ("clicked_at", "/cashmycell"),
        ("offer", "/cpa_moe"),
        ("wm", "/cpa_moe"),
        ("transaction_id", "/shopback"),
    ] {
        let click = &clicks["properties"].pointer(pointer).expect("a schema")["anyOf"][0];
        assert!(click["properties"][member].is_object(), "{pointer} {member}");
        assert_eq!(click["additionalProperties"], false, "{pointer}");
    }
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    assert_eq!(*codes, json!(Code::ALL.map(Code::as_str)));
}

#[tokio::test]
async fn a_bad_order_is_answered_as_described() {
    let bundle = Bundle::new(1).await;

    for (path, described) in [("/orders", "/orders"), ("/orders/shopback", "/orders/shopback")] {
        for body in ["{", "{}", "{\"x\":1}"] {
            let reply = bundle.call(&api_event("POST", path, body)).await;
            bundle.assert_described("post", described, &reply).await;
        }
    }
    let reply = bundle.post("/orders/nobody", &minimal("A-1")).await;
    bundle.assert_described("post", "/orders/shopback", &reply).await;
}

#[tokio::test]
async fn the_check_of_answers_sees_what_is_wrong() {
    let bundle = Bundle::new(1).await;
    let description = bundle.description().await;
    let schema = description.answer("post", "/orders/shopback", 200, "application/json");
    let good = bundle.post("/orders/shopback", &minimal("A-1")).await.body();

    assert!(description.differences(schema, &good).is_empty());
    for (pointer, value) in [
        ("/state", json!("done")),
        ("/attempt", json!("1")),
        ("/replayed", Value::Null),
        ("/more", json!(1)),
    ] {
        let bad = with(good.clone(), pointer, value);
        assert_eq!(description.differences(schema, &bad).len(), 1, "{pointer}");
    }
    let mut bad = good;
    bad.as_object_mut().expect("an object").remove("reason");
    assert_eq!(description.differences(schema, &bad), ["/reason: is missing"]);
}

#[tokio::test]
async fn an_id_that_is_longer_than_a_key_of_the_ledger_is_unknown_and_not_asked_for() {
    let bundle = Bundle::new(1).await;

    for id in ["x".repeat(129), "x".repeat(2_049), "\u{e9}".repeat(1_025), "x".repeat(8_000)] {
        let reply = bundle.get(&id).await;

        assert_eq!(reply.problem(), (404, "unknown_order".to_owned()), "{} bytes", id.len());
    }
    bundle.assert_untouched("ids that are none");
}
