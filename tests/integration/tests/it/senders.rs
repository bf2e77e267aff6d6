//! The short name of who first brought an order: in its deliveries, what is shown and the events.

use std::time::Duration;

use postback_harness::{Strike, api_event, order_event};
use postback_integration::{
    Bundle,
    log::Log,
    minimal,
    sign::{KEY, NEXT_KEY, PLATFORM_KEY, message, platform_message, secret},
    with,
};
use serde_json::{Value, json};

async fn shown(bundle: &Bundle, order_id: &str) -> Vec<String> {
    let reply = bundle.get(order_id).await;
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
    let body = reply.body();
    let deliveries = body["deliveries"].as_array().expect("a list").iter();
    deliveries.map(|each| each["source"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn bring(bundle: &Bundle, order: &Value, source: &str) {
    let mut event = order_event(order);
    event["source"] = source.into();
    bundle.shopback.services.enqueue(event.to_string());
    bundle.shopback.work().await;
}

#[tokio::test]
async fn a_delivery_keeps_who_first_brought_it_and_its_events_say_so() {
    let bundle = Bundle::new(1).await;
    bring(&bundle, &minimal("A-1"), "postback.api/ShopRole").await;
    // The same order from elsewhere is a repetition.
    bring(&bundle, &minimal("A-1"), "shop.checkout").await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    assert_eq!(shown(&bundle, "A-1").await, ["api/ShopRole"]);
    let record = bundle.shopback.record("A-1").await.expect("a record");
    assert!(record.conflicts.is_empty());
    assert_eq!(record.attempts.count(), 1);
    let events = bundle.bed.published_of("shopback").await;
    assert!(!events.is_empty());
    assert!(events.iter().all(|(_, detail)| detail["source"] == "api/ShopRole"), "{events:?}");
}

#[tokio::test]
async fn every_way_has_its_name_and_an_address_of_a_person_is_none() {
    let bundle = Bundle::new(1).await;
    bring(&bundle, &minimal("A-1"), "shop.checkout").await;
    bring(&bundle, &minimal("A-2"), "asha@shop.example").await;
    bring(&bundle, &minimal("A-3"), "postback.webhook/shopify/1").await;
    bundle.post("/orders/shopback", &minimal("A-4")).await;

    let mut names = Vec::new();
    for order_id in ["A-1", "A-2", "A-3", "A-4"] {
        names.extend(shown(&bundle, order_id).await);
    }

    assert_eq!(names, ["bus/shop.checkout", "bus", "webhook/shopify/1", "api"]);
}

#[tokio::test]
async fn a_direct_call_is_named_by_its_role_or_token_too() {
    let bundle = Bundle::new(1).await;
    let role = json!({ "iam": { "userArn": "arn:aws:sts::1:assumed-role/ShopRole/asha" } });
    let token = json!({ "jwt": { "claims": { "sub": "3abc" }, "scopes": ["send"] } });
    let person = json!({ "iam": { "userArn": "arn:aws:iam::1:user/asha@shop.example" } });
    let federated = json!({ "iam": { "userArn": "arn:aws:sts::1:federated-user/asha" } });
    for (id, authorizer) in [("A-1", role), ("A-2", token), ("A-3", person), ("A-4", federated)] {
        let body = minimal(id).to_string();
        let mut event = api_event("POST", "/orders/shopback", &body);
        event["requestContext"]["authorizer"] = authorizer;
        bundle.call(&event).await;
    }

    assert_eq!(shown(&bundle, "A-1").await, ["api/ShopRole"]);
    assert_eq!(shown(&bundle, "A-2").await, ["api/3abc"]);
    // Neither a person's address nor the name of a session.
    assert_eq!(shown(&bundle, "A-3").await, ["api"]);
    assert_eq!(shown(&bundle, "A-4").await, ["api"]);
}

#[tokio::test]
async fn an_order_that_waits_before_its_first_write_keeps_its_sender() {
    let bundle = Bundle::new(1).await;
    bundle.bed.table.script([Strike::Fail; 20]);
    bring(&bundle, &minimal("A-1"), "shop.checkout").await;
    bundle.bed.table.script([]);
    assert_eq!(bundle.shopback.record("A-1").await, None);
    bundle.bed.work_off(&bundle.shopback, Duration::from_hours(1)).await;

    assert_eq!(shown(&bundle, "A-1").await, ["bus/shop.checkout"]);
}

#[tokio::test]
async fn the_log_has_the_place_of_a_webhooks_key_with_the_id_of_the_request() {
    let bundle = Bundle::new(2).await;
    bundle.webhook_services.rotate(Some(&secret(&[KEY, NEXT_KEY])));
    let (log, _guard) = Log::capture();
    let now = bundle.bed.now();
    let order = minimal("A-1").to_string();
    let faulty = with(minimal("A-2"), "/total", json!("a lot")).to_string();
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let headers = ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-event-id"];
    let topic = "orders/updated";
    for (id, mut event) in [
        ("r-1", message(KEY, "msg_1", now, &order)),
        ("r-2", message(NEXT_KEY, "msg_2", now, &faulty)),
        ("r-3", message(stranger, "msg_3", now, &order)),
        ("r-4", platform_message("/webhooks/shopify", headers, PLATFORM_KEY, topic, "d1", "{}")),
    ] {
        event["requestContext"]["requestId"] = json!(id);
        bundle.call(&event).await;
    }

    let lines = log.coded("webhook_sender");
    let named: Vec<_> = lines.iter().map(|it| (&*it["source"], &*it["request_id"])).collect();
    let expected = [("webhook/1", "r-1"), ("webhook/2", "r-2"), ("webhook/shopify/1", "r-4")];
    assert_eq!(named, expected);
}
