//! The capture cookie, from the order to the networks: by the API, by webhook and from the bus.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use postback_integration::{
    Bundle,
    log::Log,
    minimal,
    sign::{KEY, message},
    with,
};
use postback_runtime::services::Unavailable;
use serde_json::{Value, json};
use sha2::Sha256;

const AT: &str = "2026-11-20T09:00:00Z";

fn clicks() -> Value {
    json!({
        "shopback": { "transaction_id": "T1", "at": AT }, "cashmycell": { "cmc_id": "C1", "at": AT },
    })
}

fn cookie() -> String {
    format!("v1.{}", BASE64_URL_SAFE_NO_PAD.encode(clicks().to_string()))
}

fn signed() -> String {
    let key = BASE64_STANDARD.decode(&KEY["whsec_".len()..]).expect("a key");
    let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key").chain_update(cookie());
    format!("{}.{}", cookie(), BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn order(order_id: &str, cookie: &str) -> Value {
    let order = with(minimal(order_id), "/clicks", json!({}));
    with(with(order, "/customer", json!({})), "/click_cookie", json!(cookie))
}

/// The networks that have the order.
async fn networks(bundle: &Bundle, order_id: &str) -> Vec<String> {
    bundle.work().await;
    bundle.states(order_id).await.into_iter().map(|(network, ..)| network).collect()
}

/// The results that were measured of cookies.
fn measured(documents: &[Value]) -> Vec<&str> {
    documents.iter().filter_map(|document| document["Cookie"].as_str()).collect()
}

#[tokio::test]
async fn the_clicks_of_a_cookie_reach_their_networks_whichever_way_the_order_came() {
    let bundle = Bundle::new(1).await;
    let expected = ["cashmycell", "shopback"];

    let reply = bundle.post("/orders", &order("A-1", &cookie())).await;
    assert_eq!((reply.status, &reply.body()["networks"]), (202, &json!(expected)));
    assert_eq!(networks(&bundle, "A-1").await, expected);

    let body = order("A-2", &cookie()).to_string();
    let reply = bundle.call(&message(KEY, "msg_1", bundle.bed.now(), &body)).await;
    assert_eq!((reply.status, &reply.body()["networks"]), (202, &json!(expected)));
    assert_eq!(networks(&bundle, "A-2").await, expected);

    bundle.put_on_bus("order.completed", &order("A-3", &cookie())).await;
    let events = bundle.bus.events();
    assert!(events.len() == 1 && !events[0].1.contains("click_cookie"), "{events:?}");
    assert_eq!(bundle.bus.sources().last().map(String::as_str), Some("postback.bus/shop"));
    assert_eq!(networks(&bundle, "A-3").await, expected);

    let by_intake = bundle.intake_services.measured();
    assert_eq!(measured(&by_intake), ["read", "read"]);
    assert_eq!(measured(&bundle.webhook_services.measured()), ["read"]);
}

#[tokio::test]
async fn a_networks_own_route_reads_no_cookie_and_logs_the_order_that_is_skipped_for_it() {
    let (log, _guard) = Log::capture();
    let bundle = Bundle::new(1).await;
    let named = with(order("A-2", &cookie()), "/clicks", minimal("A-2")["clicks"].clone());

    for order in [order("A-1", &cookie()), order("A-3", ""), named] {
        let reply = bundle.post("/orders/shopback", &order).await;
        assert_eq!(reply.status, 200, "{}", reply.body());
    }

    let [line] = log.coded("click_cookie_not_read").try_into().expect("one line");
    assert_eq!((line["order_id"].as_str(), line["network"].as_str()), ("A-1", "shopback"));
}

#[tokio::test]
async fn an_order_on_the_bus_is_left_to_intake_until_its_cookie_is_read() {
    let bundle = Bundle::new(2).await;
    // It concerns every network by itself; with its cookie it must reach each once.
    let order = with(minimal("A-1"), "/click_cookie", json!("nonsense"));

    bundle.put_on_bus("order.completed", &order).await;
    for (network, services) in bundle.services() {
        assert!(services.queue().is_empty(), "{network}");
    }

    assert_eq!(networks(&bundle, "A-1").await.len(), 4);
    assert_eq!(measured(&bundle.intake_services.measured()), ["damaged"]);
    let cancelled = with(order, "/status", json!("cancelled"));
    bundle.put_on_bus("order.cancelled", &cancelled).await;
    assert_eq!(bundle.bus.events(), [], "it goes by its status alone");
}

#[tokio::test]
async fn an_order_that_the_bus_does_not_take_again_stays_on_intakes_queue() {
    let bundle = Bundle::new(3).await;
    let event = postback_harness::order_event(&order("A-1", &cookie())).to_string();
    bundle.bus.down(true);
    assert_eq!(bundle.take(&event).await, Err(Unavailable));
    bundle.bus.down(false);
    assert_eq!(bundle.take(&event).await, Ok(()));

    assert_eq!(networks(&bundle, "A-1").await, ["cashmycell", "shopback"]);
}

#[tokio::test]
async fn a_forged_cookie_costs_its_clicks_and_never_the_order() {
    let bundle = Bundle::new(4).await;
    let secret = json!({ "keys": [KEY] }).to_string();
    bundle.intake_services.sign_cookies(Ok(&secret));

    for (order_id, cookie, expected) in [
        ("A-1", signed(), json!(["cashmycell", "shopback"])),
        ("A-2", cookie(), json!([])),
        ("A-3", format!("{}x", signed()), json!([])),
        ("A-4", String::new(), json!([])),
    ] {
        let reply = bundle.post("/orders", &order(order_id, &cookie)).await;
        assert_eq!((reply.status, &reply.body()["networks"]), (202, &expected), "{order_id}");
    }
    bundle.intake_services.sign_cookies(Err(Unavailable));
    let reply = bundle.post("/orders", &order("A-5", &cookie())).await;
    assert_eq!(reply.body()["networks"], json!(["cashmycell", "shopback"]));

    let documents = bundle.intake_services.measured();
    assert_eq!(measured(&documents), ["read", "forged", "forged", "missing", "read"]);
}

#[tokio::test]
async fn a_click_that_the_order_names_wins_over_its_cookie() {
    let bundle = Bundle::new(5).await;
    let named = json!({ "shopback": { "transaction_id": "T9" } });

    bundle.post("/orders", &with(order("A-1", &cookie()), "/clicks", named)).await;

    let (_, detail) = &bundle.bus.events()[0];
    let detail: Value = serde_json::from_str(detail).expect("JSON");
    assert_eq!(detail["clicks"]["shopback"], json!({ "transaction_id": "T9" }));
    assert_eq!(detail["clicks"]["cashmycell"]["cmc_id"], "C1");
    assert_eq!(detail.get("click_cookie"), None);
}
