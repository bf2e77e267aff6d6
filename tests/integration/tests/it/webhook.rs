//! Orders by webhook: signed by Standard Webhooks, taken once, reported once.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use postback_core::clock::Timestamp;
use postback_harness::Strike;
use postback_integration::{
    Bundle, Reply, api_event,
    log::{Log, canaries_in},
    minimal,
    sign::{KEY, NEXT_KEY, message, secret, signature},
    with,
};
use postback_runtime::ledger::{Filter, RECEIPT_PREFIX};
use serde_json::{Value, json};

const CANARY: &str = "canary7351";

fn now(bundle: &Bundle) -> Timestamp {
    bundle.bed.now()
}

async fn send(bundle: &Bundle, key: &str, id: &str, order: &Value) -> Reply {
    bundle.call(&message(key, id, now(bundle), &order.to_string())).await
}

fn refusal(code: &str, status: u64) -> (u64, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_signed_order_is_taken_and_reaches_every_network_once() {
    let bundle = Bundle::new(1).await;
    let order = minimal("A-1");

    let reply = send(&bundle, KEY, "msg_1", &order).await;
    bundle.work().await;

    assert_eq!((reply.status, reply.header("location")), (202, Some("/orders/A-1")));
    bundle.assert_described("post", "/webhooks/orders", &reply).await;
    assert_eq!(bundle.states("A-1").await.len(), 4);
}

#[tokio::test]
async fn the_order_may_be_the_data_of_an_envelope() {
    let bundle = Bundle::new(1).await;
    let at = "2026-11-21T10:15:00Z";
    let envelope = json!({ "type": "order.completed", "timestamp": at, "data": minimal("A-1") });

    let reply = send(&bundle, KEY, "msg_1", &envelope).await;

    assert_eq!((reply.status, &reply.body()["order_id"]), (202, &json!("A-1")));
    bundle.assert_described("post", "/webhooks/orders", &reply).await;
    let none = json!({ "type": "order.completed", "timestamp": at, "data": "A-1" });
    let refused = send(&bundle, KEY, "msg_2", &none).await;
    assert_eq!(refused.problem(), refusal("invalid_order", 422));
    let faulty = with(envelope, "/data/total", json!("a lot"));
    let refused = send(&bundle, KEY, "msg_3", &faulty).await;
    assert_eq!(refused.body()["errors"][0]["pointer"], "/data/total");
    let bare = send(&bundle, KEY, "msg_4", &faulty["data"]).await;
    assert_eq!(bare.body()["errors"][0]["pointer"], "/total");
}

#[tokio::test]
async fn a_message_that_is_not_the_senders_is_refused_and_leaves_nothing() {
    let bundle = Bundle::new(2).await;
    let body = minimal("A-1").to_string();
    let at = now(&bundle);
    let old = at - Duration::from_secs(301);
    let new = at + Duration::from_secs(302);
    let mut altered = message(KEY, "msg_1", at, &body);
    altered["body"] = json!(body.replace("1499.00", "1.00"));
    let mut renamed = message(KEY, "msg_1", at, &body);
    renamed["headers"]["webhook-id"] = json!("msg_2");

    for (event, code) in [
        (api_event("POST", "/webhooks/orders", &body), "webhook_unsigned"),
        (message(NEXT_KEY, "msg_1", at, &body), "webhook_signature_wrong"),
        (altered, "webhook_signature_wrong"),
        (renamed, "webhook_signature_wrong"),
        (message(KEY, "msg_1", old, &body), "webhook_too_old"),
        (message(KEY, "msg_1", new, &body), "webhook_too_new"),
    ] {
        let reply = bundle.call(&event).await;

        assert_eq!(reply.problem(), refusal(code, 401));
        assert_eq!(reply.header("www-authenticate"), Some("StandardWebhooks"));
        bundle.assert_described("post", "/webhooks/orders", &reply).await;
        bundle.assert_untouched(code);
    }
}

#[tokio::test]
async fn a_message_sent_again_is_answered_as_before_and_puts_nothing_on_the_bus() {
    let bundle = Bundle::new(3).await;
    let order = minimal("A-1");
    let first = send(&bundle, KEY, "msg_1", &order).await;
    assert_eq!(bundle.bus.events().len(), 1);
    bundle.bed.advance(Duration::from_hours(26));

    let again = send(&bundle, KEY, "msg_1", &order).await;

    assert_eq!((again.status, &again.text), (202, &first.text));
    assert_eq!(bundle.bus.events().len(), 1);
}

#[tokio::test]
async fn a_message_id_with_another_order_is_refused() {
    let bundle = Bundle::new(4).await;
    send(&bundle, KEY, "msg_1", &minimal("A-1")).await;

    for other in [minimal("A-2"), with(minimal("A-1"), "/total", json!("1.00"))] {
        let reply = send(&bundle, KEY, "msg_1", &other).await;
        assert_eq!(reply.problem(), refusal("webhook_id_reused", 409));
        bundle.assert_described("post", "/webhooks/orders", &reply).await;
    }
    assert_eq!(bundle.bus.events().len(), 1);
}

#[tokio::test]
async fn a_message_that_was_refused_may_be_fixed_under_its_id() {
    let bundle = Bundle::new(5).await;

    let bad = send(&bundle, KEY, "msg_1", &with(minimal("A-1"), "/total", json!("-1"))).await;
    let good = send(&bundle, KEY, "msg_1", &minimal("A-1")).await;

    assert_eq!(bad.problem(), refusal("invalid_order", 422));
    assert_eq!(good.status, 202);
}

#[tokio::test]
async fn the_signature_is_made_over_the_bytes_as_they_were_sent() {
    let bundle = Bundle::new(6).await;
    // Blanks and an escape that another writer of JSON would not leave as they are.
    let body = minimal("A-1").to_string().replace(':', " : ").replace("asha", "\\u0061sha");
    let body = body.replace(" : //", "://").replacen("T10 : 15 : 00Z", "T10:15:00Z", 1);
    let mut event = message(KEY, "msg_1", now(&bundle), &body);
    assert_eq!(bundle.call(&event).await.status, 202);

    event["headers"]["webhook-id"] = json!("msg_2");
    event["headers"]["webhook-signature"] = json!(signature(KEY, "msg_2", now(&bundle), &body));
    event["body"] = json!(BASE64_STANDARD.encode(&body));
    event["isBase64Encoded"] = json!(true);
    assert_eq!(bundle.call(&event).await.status, 202);

    // The same bytes, signed as they stand in the event: not what was sent.
    let encoded = BASE64_STANDARD.encode(&body);
    event["headers"]["webhook-signature"] = json!(signature(KEY, "msg_2", now(&bundle), &encoded));
    let reply = bundle.call(&event).await;
    assert_eq!(reply.problem(), refusal("webhook_signature_wrong", 401));
}

#[tokio::test]
async fn a_silent_ledger_before_the_bus_sends_nothing_and_after_it_the_order_is_reported_once() {
    let bundle = Bundle::new(11).await;
    bundle.bed.table.always(Strike::Fail);
    let before = send(&bundle, KEY, "msg_1", &minimal("A-1")).await;
    assert_eq!(before.problem(), refusal("ledger_unavailable", 503));
    assert_eq!(bundle.bus.events(), []);

    // The id is looked up, then the write that keeps it fails as often as it is tried.
    bundle.bed.table.always(Strike::Pass);
    bundle.bed.table.script([Strike::Pass, Strike::Fail, Strike::Fail, Strike::Fail]);
    let first = send(&bundle, KEY, "msg_1", &minimal("A-1")).await;
    let again = send(&bundle, KEY, "msg_1", &minimal("A-1")).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(bundle.bus.events().len(), 2);

    bundle.work().await;
    assert_eq!(bundle.states("A-1").await.len(), 4);
    assert_eq!(bundle.bed.sandbox.requests(), 4);
}

#[tokio::test]
async fn when_the_bus_is_down_the_message_may_come_again() {
    let bundle = Bundle::new(12).await;
    bundle.bus.down(true);
    let refused = send(&bundle, KEY, "msg_1", &minimal("A-1")).await;
    assert_eq!(refused.problem(), refusal("bus_unavailable", 503));

    bundle.bus.down(false);
    assert_eq!(send(&bundle, KEY, "msg_1", &minimal("A-1")).await.status, 202);
    assert_eq!(bundle.bus.events().len(), 1);
}

#[tokio::test]
async fn a_receipt_is_no_order_and_holds_nothing_of_the_sender() {
    let bundle = Bundle::new(13).await;
    let id = format!("msg_{CANARY}");
    let order = with(minimal("A-1"), "/customer/name", json!(CANARY));
    send(&bundle, KEY, &id, &order).await;

    let items = bundle.bed.table.client().scan().table_name("ledger").send().await;
    let items = items.expect("a scan").items.unwrap_or_default();
    let [item] = &items[..] else { panic!("{items:?}") };
    let key = item["order_id"].as_s().expect("a text");
    assert!(key.starts_with(RECEIPT_PREFIX) && RECEIPT_PREFIX.starts_with(' '));
    assert!(!format!("{item:?}").contains(CANARY) && !format!("{item:?}").contains("asha"));
    let expires: i64 = item["expires_at"].as_n().expect("a number").parse().expect("seconds");
    assert_eq!(expires, (now(&bundle) + Duration::from_hours(30 * 24)).as_secs());

    // No list of deliveries stumbles over it.
    let page = bundle.bed.table.ledger().scan(&Filter::default(), None).await;
    assert_eq!(page.map(|page| page.records), Ok(Vec::new()));
    // Nobody can ask for it as an order, nor send an order that has its place.
    assert_eq!(bundle.get(key).await.problem(), refusal("unknown_order", 404));
    let taken = bundle.post("/orders", &with(minimal("A-1"), "/order_id", json!(key))).await;
    assert_eq!(taken.faults(), [("/order_id".to_owned(), "outer_blanks".to_owned())]);
}

#[tokio::test]
async fn nothing_of_a_message_is_logged_or_answered() {
    let (log, _guard) = Log::capture();
    let bundle = Bundle::new(14).await;
    let order = with(minimal(CANARY), "/customer/name", json!(CANARY)).to_string();
    let id = format!("msg_{CANARY}");
    bundle.webhook_services.rotate(Some(&secret(&[CANARY])));
    send(&bundle, KEY, &id, &minimal("A-1")).await;
    bundle.webhook_services.rotate(Some(&secret(&[KEY])));
    bundle.bed.advance(Duration::from_secs(10));

    let at = now(&bundle);
    let mut senseless = message(KEY, &id, at, &order);
    senseless["headers"]["webhook-timestamp"] = json!(CANARY);
    let mut unsigned = message(KEY, &id, at, &order);
    unsigned["headers"]["webhook-signature"] = json!(CANARY);
    for event in [
        senseless,
        unsigned,
        message(NEXT_KEY, &id, at, &order),
        message(KEY, &id, at - Duration::from_hours(1), &order),
        message(KEY, &id, at, &format!("\"{CANARY}\"")),
    ] {
        let reply = bundle.call(&event).await;
        assert!(
            reply.status >= 400 && canaries_in(&reply.text, &[CANARY]).is_empty(),
            "{}",
            reply.text
        );
    }
    for secret_part in [&KEY[6..], &NEXT_KEY[6..]] {
        assert!(log.lines().iter().all(|line| !line.contains(secret_part)));
    }
    let lines: Vec<_> = log.lines().iter().flat_map(|line| canaries_in(line, &[CANARY])).collect();
    assert!(lines.is_empty() && !log.lines().is_empty(), "{lines:?}");
}

#[tokio::test]
async fn the_webhook_takes_posts_only_and_may_be_off() {
    let bundle = Bundle::new(15).await;
    let mut get = api_event("GET", "/webhooks/orders", "");
    assert_eq!(bundle.call(&get).await.problem(), refusal("method_not_allowed", 405));

    get["requestContext"]["http"]["method"] = json!("POST");
    let request = serde_json::from_value(get).expect("a request");
    let answer = intake::answer(&request, &bundle.intake_services, now(&bundle)).await;
    let reply = Reply::of(&serde_json::to_value(answer).expect("JSON"));
    assert_eq!(reply.problem(), refusal("webhook_off", 404));
    bundle.assert_described("post", "/webhooks/orders", &reply).await;
}

#[tokio::test]
async fn a_slash_behind_the_path_of_a_webhook_is_named_and_not_called_off() {
    let bundle = Bundle::new(16).await;
    for path in ["/webhooks/orders/", "/webhooks/woocommerce/"] {
        let request = serde_json::from_value(api_event("POST", path, "")).expect("a request");

        let answer = intake::answer(&request, &bundle.intake_services, now(&bundle)).await;

        let reply = Reply::of(&serde_json::to_value(answer).expect("JSON"));
        assert_eq!(reply.problem(), refusal("unknown_path", 404), "{path}");
        assert!(reply.text.contains("ends in a slash"), "{reply:?}");
    }
}
