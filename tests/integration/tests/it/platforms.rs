//! The shop systems' webhooks, by the real handlers: signatures, repetitions, and whole lives of orders.
//! Longer than 300 lines, because one sender plays both shop systems in each test.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use postback_core::clock::Timestamp;
use postback_harness::Strike;
use postback_integration::{
    Bundle, Reply,
    log::Log,
    sign::{PLATFORM_KEY, platform_message, secret},
};
use postback_runtime::{
    lambda::messages::ApiAndQueueHandler, ledger::Filter, services::Unavailable,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A shop system: its path, its headers, its topic of a change, a paid order and the order's id.
struct Shop {
    path: &'static str,
    headers: [&'static str; 3],
    topic: &'static str,
    paid: &'static str,
    order_id: &'static str,
}

const SHOPIFY: Shop = Shop {
    path: "/webhooks/shopify",
    headers: ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-event-id"],
    topic: "orders/updated",
    paid: include_str!("../../../../functions/platforms/shopify/payloads/01-paid.json"),
    order_id: "#1008",
};
const WOOCOMMERCE: Shop = Shop {
    path: "/webhooks/woocommerce",
    headers: ["x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-delivery-id"],
    topic: "order.updated",
    paid: include_str!("../../../../functions/platforms/woocommerce/payloads/01-processing.json"),
    order_id: "3084",
};
const KEY: &str = PLATFORM_KEY;
const NEXT_KEY: &str = "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";

impl Shop {
    fn paid(&self) -> Value {
        let mut case: Value = serde_json::from_str(self.paid).expect("JSON");
        case["payload"].take()
    }

    /// The paid order with other members.
    fn changed(&self, members: Value) -> Value {
        let mut payload = self.paid();
        let (all, changes) = (payload.as_object_mut().expect("an order"), members);
        all.extend(changes.as_object().expect("members").clone());
        payload
    }

    fn message(&self, key: &str, delivery: &str, payload: &Value) -> Value {
        let body = payload.to_string();
        platform_message(self.path, self.headers, key, self.topic, delivery, &body)
    }

    async fn send(&self, bundle: &Bundle, delivery: &str, payload: &Value) -> Reply {
        bundle.call(&self.message(KEY, delivery, payload)).await
    }

    /// The states of the order at the networks.
    async fn states(&self, bundle: &Bundle) -> Vec<(String, String)> {
        bundle.work().await;
        let states = bundle.states(self.order_id).await.into_iter();
        states.map(|(network, state, _)| (network, state)).collect()
    }
}

async fn bundle(seed: u64) -> Box<Bundle> {
    let bundle = Bundle::new(seed).await;
    bundle.bed.advance_to(Timestamp::parse("2026-11-22T00:00:00Z").expect("an instant"));
    bundle
}

/// The results of messages, as they were measured.
fn results(bundle: &Bundle) -> Vec<String> {
    let documents = bundle.platform_services.measured();
    let results = documents.iter().filter_map(|document| document["Result"].as_str());
    results.map(str::to_owned).collect()
}

fn refusals(bundle: &Bundle) -> usize {
    let documents = bundle.platform_services.measured();
    documents.iter().filter(|document| document.get("PlatformRefusals").is_some()).count()
}

fn delivered(networks: &[&str]) -> Vec<(String, String)> {
    networks.iter().map(|name| ((*name).to_owned(), "delivered".to_owned())).collect()
}

#[tokio::test]
async fn a_paid_order_reaches_the_networks_of_its_cookie_and_its_customer() {
    for (shop, source) in [(SHOPIFY, "shopify"), (WOOCOMMERCE, "woocommerce")] {
        let bundle = bundle(1).await;

        let reply = shop.send(&bundle, "d1", &shop.paid()).await;

        assert_eq!((reply.status, &reply.body()["order_id"]), (202, &json!(shop.order_id)));
        assert_eq!(reply.body()["networks"], json!(["cartstack", "shopback"]));
        assert_eq!(bundle.bus.sources(), [format!("postback.webhook/{source}/1")]);
        assert_eq!(shop.states(&bundle).await, delivered(&["cartstack", "shopback"]));
        assert_eq!(results(&bundle), ["taken"]);
    }
}

#[tokio::test]
async fn a_signature_that_does_not_hold_is_refused_and_leaves_nothing() {
    for shop in [SHOPIFY, WOOCOMMERCE] {
        let bundle = bundle(2).await;
        let right = shop.message(KEY, "d1", &shop.paid());
        let mut altered = right.clone();
        altered["body"] = json!(right["body"].as_str().expect("a body").replace("1499", "1"));
        let mut unsigned = right.clone();
        unsigned["headers"].as_object_mut().expect("headers").remove(shop.headers[0]);
        let mut half = right.clone();
        half["headers"][shop.headers[0]] = json!("AAAA");
        for (event, code) in [
            (shop.message(NEXT_KEY, "d1", &shop.paid()), "webhook_signature_wrong"),
            (altered, "webhook_signature_wrong"),
            (half, "webhook_signature_wrong"),
            (unsigned, "webhook_unsigned"),
        ] {
            assert_eq!(bundle.call(&event).await.problem(), (401, code.to_owned()));
            bundle.assert_untouched(code);
        }
        assert_eq!((refusals(&bundle), results(&bundle).len()), (4, 0));
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_gap() {
    for shop in [SHOPIFY, WOOCOMMERCE] {
        let bundle = bundle(3).await;
        bundle.platform_services.rotate(Some(&secret(&[NEXT_KEY, KEY])));
        let by = |key: &str, delivery: &str| shop.message(key, delivery, &shop.paid());
        for (key, delivery) in [(KEY, "d1"), (NEXT_KEY, "d2")] {
            assert_eq!(bundle.call(&by(key, delivery)).await.status, 202, "{key}");
        }
        bundle.platform_services.rotate(Some(&secret(&[NEXT_KEY])));
        bundle.bed.advance(Duration::from_mins(2));
        assert_eq!(bundle.call(&by(KEY, "d3")).await.status, 401);
        bundle.platform_services.rotate(Some("{}"));
        bundle.bed.advance(Duration::from_mins(2));
        let without = bundle.call(&by(NEXT_KEY, "d4")).await;
        assert_eq!(without.problem(), (503, "webhook_keys_unavailable".to_owned()));
    }
}

#[tokio::test]
async fn a_message_that_is_played_back_puts_nothing_on_the_bus() {
    for shop in [SHOPIFY, WOOCOMMERCE] {
        let bundle = bundle(4).await;
        let first = shop.send(&bundle, "d1", &shop.paid()).await;
        bundle.bed.advance(Duration::from_hours(24 * 20));

        let again = shop.send(&bundle, "d1", &shop.paid()).await;

        assert_eq!((again.status, &again.text), (202, &first.text));
        assert_eq!(
            (bundle.bus.events().len(), results(&bundle)),
            (1, vec!["taken".into(), "repeated".into()])
        );
        // Under an id of its own it is another message: the ledger knows the order.
        shop.send(&bundle, "d2", &shop.paid()).await;
        assert_eq!(shop.states(&bundle).await, delivered(&["cartstack", "shopback"]));
        assert_eq!(bundle.bed.sandbox.requests(), 2);
    }
}

#[tokio::test]
async fn a_key_may_hold_blanks_also_at_its_ends() {
    let key = " k3y with blanks~!1 ";
    for shop in [SHOPIFY, WOOCOMMERCE] {
        let bundle = bundle(16).await;
        bundle.platform_services.rotate(Some(&secret(&[key])));
        let reply = bundle.call(&shop.message(key, "d1", &shop.paid())).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        let trimmed = bundle.call(&shop.message(key.trim(), "d2", &shop.paid())).await;
        assert_eq!(trimmed.problem(), (401, "webhook_signature_wrong".to_owned()));
    }
}

#[tokio::test]
async fn the_signature_is_that_of_the_body_before_the_gateway_encoded_it() {
    for shop in [SHOPIFY, WOOCOMMERCE] {
        let bundle = bundle(17).await;
        let mut event = shop.message(KEY, "d1", &shop.paid());
        let body = event["body"].as_str().expect("a body");
        event["body"] = json!(BASE64_STANDARD.encode(body));
        event["isBase64Encoded"] = json!(true);

        let reply = bundle.call(&event).await;

        assert_eq!((reply.status, &reply.body()["order_id"]), (202, &json!(shop.order_id)));
    }
}

#[tokio::test]
async fn an_old_message_changes_nothing_that_came_later() {
    for (shop, later) in [
        (
            SHOPIFY,
            json!({ "updated_at": "2026-11-21T20:00:00+05:30",
                "cancelled_at": "2026-11-21T20:00:00+05:30" }),
        ),
        (WOOCOMMERCE, json!({ "date_modified_gmt": "2026-11-21T14:30:00", "status": "cancelled" })),
    ] {
        let bundle = bundle(5).await;
        shop.send(&bundle, "d2", &shop.changed(later)).await;
        bundle.work().await;

        let reply = shop.send(&bundle, "d1", &shop.paid()).await;

        let states = shop.states(&bundle).await;
        assert!(
            states.len() == 4 && states.iter().all(|(_, state)| state == "withdrawn"),
            "{states:?}"
        );
        assert_eq!((reply.status, bundle.bed.sandbox.requests()), (202, 0));
    }
}

#[tokio::test]
async fn the_first_message_of_a_webhook_of_woocommerce_is_answered() {
    let bundle = bundle(6).await;
    let mut event = postback_integration::api_event("POST", WOOCOMMERCE.path, "webhook_id=12");
    event["headers"] = json!({ "content-type": "application/x-www-form-urlencoded" });

    let reply = bundle.call(&event).await;

    assert_eq!((reply.status, reply.body()), (200, json!({ "ignored": "ping" })));
    bundle.assert_untouched("a ping");
}

#[tokio::test]
async fn what_is_ignored_is_answered_and_counted_and_goes_nowhere() {
    for (shop, payload, reason) in [
        (SHOPIFY, SHOPIFY.changed(json!({ "test": true })), "test_order"),
        (SHOPIFY, SHOPIFY.changed(json!({ "financial_status": "pending" })), "not_paid"),
        (SHOPIFY, SHOPIFY.changed(json!({ "created_at": "2024-11-21T10:15:00Z" })), "too_old"),
        (WOOCOMMERCE, WOOCOMMERCE.changed(json!({ "status": "failed" })), "not_paid"),
    ] {
        let bundle = bundle(7).await;

        let reply = shop.send(&bundle, "d1", &payload).await;

        assert_eq!((reply.status, reply.body()), (200, json!({ "ignored": reason })));
        assert_eq!(results(&bundle), [reason]);
        // Of an old one the ledger is asked. What a later refund needs of the order is kept.
        let calls = bundle.bed.table.calls().into_iter().map(|call| call.operation);
        let written = calls.filter(|call| !["GetItem", "Query"].contains(&call.as_str()));
        let refunds_come_alone = usize::from(shop.path == SHOPIFY.path);
        assert_eq!(written.collect::<Vec<_>>(), vec!["UpdateItem"; refunds_come_alone], "{reason}");
        assert_eq!(bundle.bus.events(), [], "{reason}");
        assert_eq!((shop.states(&bundle).await, bundle.bed.sandbox.requests()), (vec![], 0));
    }
}

#[tokio::test]
async fn an_old_order_that_the_ledger_holds_is_a_change_of_it() {
    let bundle = bundle(7).await;
    let late = SHOPIFY.changed(json!({ "created_at": "2025-10-20T10:15:00Z" }));
    SHOPIFY.send(&bundle, "d1", &late).await;
    let before = delivered(&["cartstack", "shopback"]);
    assert_eq!(SHOPIFY.states(&bundle).await, before);

    bundle.bed.advance(Duration::from_hours(24 * 5));
    let reply = SHOPIFY.send(&bundle, "d2", &late).await;

    assert_eq!(reply.status, 202);
    assert_eq!(results(&bundle), ["taken", "taken"]);
    assert_eq!(SHOPIFY.states(&bundle).await, before);
}

#[tokio::test]
async fn an_order_with_faults_is_kept_for_a_person_and_the_shop_system_does_not_give_up() {
    let bundle = bundle(8).await;
    let payload = SHOPIFY.changed(json!({ "currency": "rupees", "current_total_price": "-1" }));

    let reply = SHOPIFY.send(&bundle, "d1", &payload).await;

    assert_eq!((reply.status, reply.body()), (200, json!({ "ignored": "faulty" })));
    assert_eq!((bundle.bus.events().len(), results(&bundle)), (0, vec!["faulty".to_owned()]));
    let measured = bundle.platform_services.measured();
    let refused = measured.iter().find(|it| it["OrdersRefused"] == 1).expect("a refusal");
    assert_eq!(
        (&refused["Reason"], &refused["OrderRefused"]),
        (&json!("unknown_currency"), &json!(1))
    );
    let [(event, fault)] = &bundle.intake_services.faulty()[..] else { panic!("not one") };
    let event: Value = serde_json::from_str(event).expect("JSON");
    assert_eq!((fault.reason, fault.order_id.as_deref()), ("invalid_order", Some("#1008")));
    assert_eq!(
        (&event["source"], &event["detail-type"]),
        (&json!("shopify"), &json!("order.completed"))
    );
    assert_eq!(event["detail"]["order_id"], "#1008");
}

#[tokio::test]
async fn a_message_that_is_large_or_no_json_does_not_make_the_shop_system_give_up() {
    let bundle = bundle(14).await;
    let noise = "x".repeat(300 * 1024);
    let large = SHOPIFY.changed(json!({ "note_attributes": [{ "name": "a", "value": noise }] }));
    let larger = SHOPIFY.changed(json!({ "line_items": vec![json!({ "title": "T" }); 40_000] }));

    let taken = SHOPIFY.send(&bundle, "d1", &large).await;
    let kept = SHOPIFY.send(&bundle, "d2", &larger).await;
    let Shop { path, headers, topic, .. } = SHOPIFY;
    let no_json = platform_message(path, headers, KEY, topic, "d3", "{");
    let no_json = bundle.call(&no_json).await;

    assert_eq!(taken.status, 202, "{}", taken.text);
    let faulty = (200, json!({ "ignored": "faulty" }));
    assert_eq!((kept.status, kept.body()), faulty);
    assert_eq!((no_json.status, no_json.body()), faulty);
    assert_eq!(results(&bundle), ["taken", "faulty", "faulty"]);
    let kept = bundle.intake_services.faulty();
    let reasons: Vec<_> = kept.iter().map(|(_, fault)| fault.reason).collect();
    assert_eq!(reasons, ["too_large", "not_json"]);
    assert_eq!(kept[0].1.order_id.as_deref(), Some("#1008"));
}

#[tokio::test]
async fn a_faulty_order_keeps_the_clicks_of_its_landing_page() {
    let bundle = bundle(15).await;
    let changes = json!({
        "currency": "rupees", "note_attributes": [], "landing_site": "/?cmc_id=C7",
    });
    SHOPIFY.send(&bundle, "d1", &SHOPIFY.changed(changes)).await;

    let [(event, _)] = &bundle.intake_services.faulty()[..] else { panic!("not one") };
    let event: Value = serde_json::from_str(event).expect("JSON");
    assert_eq!(event["detail"]["clicks"]["cashmycell"], json!({ "cmc_id": "C7" }));
}

#[tokio::test]
async fn what_aws_refuses_is_asked_for_again_where_it_comes_again() {
    let bundle = bundle(9).await;
    bundle.bus.down(true);
    let reply = SHOPIFY.send(&bundle, "d1", &SHOPIFY.paid()).await;
    assert_eq!(reply.problem(), (503, "bus_unavailable".to_owned()));
    bundle.bus.down(false);
    assert_eq!(SHOPIFY.send(&bundle, "d1", &SHOPIFY.paid()).await.status, 202);
    assert_eq!(SHOPIFY.states(&bundle).await.len(), 2);
}

#[tokio::test]
async fn what_aws_refuses_is_kept_where_nothing_comes_again() {
    let bundle = bundle(9).await;
    bundle.bus.down(true);

    let reply = WOOCOMMERCE.send(&bundle, "d1", &WOOCOMMERCE.paid()).await;

    assert_eq!((reply.status, reply.body()), (202, json!({ "kept": "bus_unavailable" })));
    assert_eq!(results(&bundle), ["kept"]);
    let measured = bundle.platform_services.measured();
    assert!(measured.iter().all(|document| document.get("OrderRefused").is_none()));
    let [(event, fault)] = &bundle.intake_services.faulty()[..] else { panic!("not one") };
    assert_eq!((fault.reason, fault.order_id.as_deref()), ("bus_unavailable", Some("3084")));
    // As the operator's tool puts it on the bus.
    let event: Value = serde_json::from_str(event).expect("JSON");
    assert_eq!(event["detail-type"], "order.completed");
    bundle.bus.down(false);
    bundle.put_on_bus("order.completed", &event["detail"]).await;
    let reported = WOOCOMMERCE.states(&bundle).await;
    assert_eq!(reported, delivered(&["cartstack", "shopback"]));
}

/// Shopify's refunds by themselves.
const ALONE: Shop = Shop { topic: "refunds/create", ..SHOPIFY };

/// The refund of one of two shirts.
fn refund() -> Value {
    let text =
        include_str!("../../../../functions/platforms/shopify/payloads/30-refund-topic.json");
    let mut case: Value = serde_json::from_str(text).expect("JSON");
    case["payload"].take()
}

/// The sums of the refunds of each delivery.
async fn refunded(bundle: &Bundle) -> Vec<Option<Decimal>> {
    let held = bundle.bed.table.ledger().scan(&Filter::default(), None).await.expect("a page");
    held.records.iter().map(|it| it.protocol.refunds.sum()).collect()
}

#[tokio::test]
async fn a_refund_by_itself_counts_once_also_with_its_order() {
    let with_order =
        include_str!("../../../../functions/platforms/shopify/payloads/21-partial-refund.json");
    let mut with_order: Value = serde_json::from_str(with_order).expect("JSON");
    let with_order = with_order["payload"].take();
    for refund_first in [true, false] {
        let bundle = bundle(18).await;
        SHOPIFY.send(&bundle, "d1", &SHOPIFY.paid()).await;
        assert_eq!(SHOPIFY.states(&bundle).await.len(), 2);
        bundle.bed.advance(Duration::from_hours(24 * 4));
        let mut messages = [(&ALONE, "d2", refund()), (&SHOPIFY, "d3", with_order.clone())];
        if !refund_first {
            messages.reverse();
        }
        for (shop, delivery, payload) in messages {
            // Shopify sends a message again whose answer it did not get.
            for _ in 0..2 {
                let reply = shop.send(&bundle, delivery, &payload).await;
                assert_eq!((reply.status, &reply.body()["order_id"]), (202, &json!("#1008")));
                SHOPIFY.states(&bundle).await;
            }
        }

        assert_eq!(results(&bundle), ["taken", "taken", "repeated", "taken", "repeated"]);
        // What is kept for the networks that the order does not concern is no delivery.
        assert_eq!(refunded(&bundle).await, [Some(Decimal::from(700)); 2]);
        assert_eq!(SHOPIFY.states(&bundle).await, delivered(&["cartstack", "shopback"]));
        assert_eq!(bundle.bed.sandbox.requests(), 2);
    }
}

#[tokio::test]
async fn a_refund_that_comes_before_its_order_is_kept_for_it() {
    let bundle = bundle(19).await;

    let early = ALONE.send(&bundle, "d1", &refund()).await;
    let kept = SHOPIFY.states(&bundle).await;
    let paid = SHOPIFY.send(&bundle, "d2", &SHOPIFY.paid()).await;

    assert_eq!((early.status, early.body()), (200, json!({ "ignored": "refund_kept" })));
    assert_eq!((kept, paid.status), (vec![], 202));
    let [(_, event)] = &bundle.bus.events()[..] else { panic!("not one") };
    let event: Value = serde_json::from_str(event).expect("JSON");
    let lines = json!([{ "line": "1", "quantity": "1", "amount": "700" }]);
    let expected = json!([{ "id": "871640325", "at": "2026-11-25T03:30:00Z", "amount": "700", "lines": lines }]);
    assert_eq!(event["refunds"], expected);
    assert_eq!(SHOPIFY.states(&bundle).await, delivered(&["cartstack", "shopback"]));
    assert_eq!(refunded(&bundle).await, [Some(Decimal::from(700)); 2]);
    assert_eq!(results(&bundle), ["refund_kept", "taken"]);
}

#[tokio::test]
async fn a_refund_of_an_order_that_is_not_reported_is_ignored_for_the_order_s_reason() {
    for (order, reason) in [
        (json!({ "source_name": "pos" }), "point_of_sale"),
        (json!({ "test": true }), "test_order"),
        (json!({ "source_name": "shopify_draft_order" }), "draft_order"),
    ] {
        let bundle = bundle(20).await;
        SHOPIFY.send(&bundle, "d1", &SHOPIFY.changed(order)).await;

        let reply = ALONE.send(&bundle, "d2", &refund()).await;

        assert_eq!((reply.status, reply.body()), (200, json!({ "ignored": reason })));
        assert_eq!(results(&bundle), [reason, reason]);
        assert_eq!((SHOPIFY.states(&bundle).await, bundle.bus.events()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn an_earlier_version_of_an_order_changes_nothing_that_refunds_need() {
    let bundle = bundle(21).await;
    let line = |id: u64, left: u32| json!({ "id": id, "quantity": 1, "current_quantity": left, "price": "700.00" });
    let before = SHOPIFY.changed(json!({ "line_items": [line(1, 1), line(2, 1)] }));
    let after = SHOPIFY.changed(
        json!({ "line_items": [line(1, 0), line(2, 1)], "updated_at": "2026-11-21T18:00:00Z" }),
    );
    let mut refund = refund();
    refund["refund_line_items"][0]["line_item_id"] = json!(2);
    for (delivery, payload) in [("d1", &before), ("d2", &after), ("d3", &before)] {
        assert_eq!(SHOPIFY.send(&bundle, delivery, payload).await.status, 202);
    }

    ALONE.send(&bundle, "d4", &refund).await;

    let (detail_type, event) = bundle.bus.events().pop().expect("an event");
    let event: Value = serde_json::from_str(&event).expect("JSON");
    assert_eq!(detail_type, "order.partially_refunded");
    assert_eq!(event["refunds"][0]["lines"][0]["line"], "1");
}

#[tokio::test]
async fn what_is_ignored_is_answered_while_the_ledger_is_down() {
    let bundle = bundle(24).await;
    bundle.bed.table.always(Strike::Fail);

    let ignored = SHOPIFY.send(&bundle, "d1", &SHOPIFY.changed(json!({ "test": true }))).await;
    let paid = SHOPIFY.send(&bundle, "d2", &SHOPIFY.paid()).await;

    assert_eq!((ignored.status, ignored.body()), (200, json!({ "ignored": "test_order" })));
    assert_eq!(paid.problem(), (503, "ledger_unavailable".to_owned()));
}

#[tokio::test]
async fn what_is_kept_for_refunds_is_kept_for_120_days_and_is_no_delivery_to_publish() {
    let bundle = bundle(25).await;
    SHOPIFY.send(&bundle, "d1", &SHOPIFY.paid()).await;

    let written = bundle.bed.table.stream().into_iter();
    let mut items = written.map(|write| write["dynamodb"]["NewImage"].clone());
    let kept = items.find(|item| !item["kept_part"].is_null()).expect("an item");

    let end = bundle.bed.now() + Duration::from_hours(120 * 24);
    assert_eq!(kept["expires_at"]["N"], end.as_secs().to_string());
    // Deliveries alone have a version: the stream's filter knows them by it.
    assert_eq!(kept["version"], json!(null));
}

#[tokio::test]
async fn a_refund_that_is_too_large_to_be_kept_is_a_line_of_the_log() {
    let bundle = bundle(26).await;
    let mut huge = refund();
    huge["refund_line_items"] = json!(vec![huge["refund_line_items"][0].clone(); 10_000]);
    let (log, _guard) = Log::capture();

    let reply = ALONE.send(&bundle, "d1", &huge).await;

    assert_eq!((reply.status, log.coded("shop_order_not_kept").len()), (200, 1));
}

/// The receipt is read and written; and where refunds come alone, what they need of the order is.
#[tokio::test]
async fn a_message_costs_what_the_page_says() {
    let bundle = bundle(23).await;
    let part = ["GetItem", "PutItem", "UpdateItem"];
    for (shop, delivery, payload, expected) in [
        (WOOCOMMERCE, "d1", WOOCOMMERCE.paid(), &part[..2]),
        (SHOPIFY, "d2", SHOPIFY.paid(), &part),
        (ALONE, "d3", refund(), &part),
    ] {
        bundle.bed.table.forget_calls();

        assert_eq!(shop.send(&bundle, delivery, &payload).await.status, 202);

        let calls = bundle.bed.table.calls().into_iter().map(|call| call.operation);
        let mut calls: Vec<_> = calls.collect();
        calls.sort();
        assert_eq!(calls, expected, "{delivery}");
        assert!(bundle.bed.table.units().write <= 2.0, "{delivery}");
    }
}

#[tokio::test]
async fn a_refund_that_the_bus_does_not_take_is_asked_for_again() {
    let bundle = bundle(22).await;
    SHOPIFY.send(&bundle, "d1", &SHOPIFY.paid()).await;
    bundle.bus.down(true);

    let down = ALONE.send(&bundle, "d2", &refund()).await;
    bundle.bus.down(false);
    let up = ALONE.send(&bundle, "d2", &refund()).await;

    assert_eq!((down.problem(), up.status), ((503, "bus_unavailable".to_owned()), 202));
    assert_eq!(results(&bundle), ["taken", "taken"]);
}

#[tokio::test]
async fn paid_reported_partly_and_then_wholly_refunded() {
    let bundle = bundle(10).await;
    SHOPIFY.send(&bundle, "d1", &SHOPIFY.paid()).await;
    assert_eq!(SHOPIFY.states(&bundle).await, delivered(&["cartstack", "shopback"]));

    let transactions =
        json!([{ "id": 3, "kind": "refund", "status": "success", "amount": "700.00" }]);
    let refund = json!({ "id": 1, "created_at": "2026-11-21T12:00:00Z", "transactions": transactions,
        "refund_line_items": [{ "line_item_id": 914_402_617, "quantity": 1, "subtotal": "700.00" }] });
    let partly = json!({ "financial_status": "partially_refunded", "refunds": [refund],
        "current_total_price": "799.00", "updated_at": "2026-11-21T12:00:01Z" });
    let reply = SHOPIFY.send(&bundle, "d2", &SHOPIFY.changed(partly)).await;
    assert_eq!(reply.status, 202);
    let (_, detail) = bundle.bus.events().pop().expect("an event");
    let detail: Value = serde_json::from_str(&detail).expect("JSON");
    assert_eq!(
        (&detail["total"], &detail["refunds"][0]["amount"]),
        (&json!("1499"), &json!("700"))
    );

    // The same content: no conflict, no second report.
    assert_eq!(SHOPIFY.states(&bundle).await, delivered(&["cartstack", "shopback"]));
    assert_eq!(bundle.bed.sandbox.requests(), 2);
    let shown = bundle.get("#1008").await.body();
    assert!(
        shown["deliveries"]
            .as_array()
            .expect("some")
            .iter()
            .all(|it| it["conflicts"].as_array().is_none_or(Vec::is_empty)),
        "{shown}"
    );

    let wholly = json!({ "financial_status": "refunded", "updated_at": "2026-11-21T13:00:00Z" });
    SHOPIFY.send(&bundle, "d3", &SHOPIFY.changed(wholly)).await;
    let states = SHOPIFY.states(&bundle).await;
    let reported: Vec<_> = states.iter().filter(|(_, state)| state == "delivered").collect();
    assert_eq!((reported.len(), bundle.bed.sandbox.requests()), (2, 2), "{states:?}");
    let noted = bundle.bed.table.ledger().scan(&Filter::default(), None).await.expect("a page");
    let noted = noted.records.iter().filter(|record| record.protocol.cancelled.is_some());
    assert_eq!(noted.count(), 4);
}

#[tokio::test]
async fn paid_and_cancelled_before_it_was_reported_is_never_reported() {
    for (shop, cancelled) in [
        (
            SHOPIFY,
            json!({ "cancelled_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z" }),
        ),
        (WOOCOMMERCE, json!({ "status": "cancelled", "date_modified_gmt": "2026-11-21T12:00:00" })),
    ] {
        for cancelled_first in [false, true] {
            let bundle = bundle(11).await;
            let mut messages = [("d1", shop.paid()), ("d2", shop.changed(cancelled.clone()))];
            if cancelled_first {
                messages.reverse();
            }
            for (delivery, payload) in &messages {
                assert_eq!(shop.send(&bundle, delivery, payload).await.status, 202);
            }
            // The bus has both before any function runs, and hands over the cancellation first.
            let mut events = bundle.bus.events();
            events.sort();
            assert_eq!(events[0].0, "order.cancelled");
            for event in events {
                bundle.route_in(vec![event]);
                bundle.work().await;
            }

            let states = shop.states(&bundle).await;
            assert!(
                states.len() == 4 && states.iter().all(|(_, state)| state == "withdrawn"),
                "{states:?}"
            );
            assert_eq!(bundle.bed.sandbox.requests(), 0);
        }
    }
}

#[tokio::test]
async fn events_of_a_partner_bus_are_the_same_messages() {
    let bundle = bundle(12).await;
    let metadata = json!({ "X-Shopify-Topic": "orders/paid", "X-Shopify-Event-Id": "e1" });
    let event = json!({
        "source": "aws.partner/shopify.com/1/postback", "detail-type": "shopifyWebhook",
        "detail": { "payload": SHOPIFY.paid(), "metadata": metadata },
    });

    bundle.bus.down(true);
    let now = bundle.bed.now();
    let message = &event.to_string();
    assert_eq!(bundle.shopify.take(message, now).await, Err(Unavailable));
    bundle.bus.down(false);
    for _ in 0..2 {
        assert_eq!(bundle.shopify.take(message, now).await, Ok(()));
    }

    assert_eq!(bundle.bus.sources(), ["postback.bus/shopify"]);
    assert_eq!(SHOPIFY.states(&bundle).await, delivered(&["cartstack", "shopback"]));
    assert_eq!(bundle.shopify.take("{\"detail\": {}}", now).await, Ok(()));
    assert_eq!(bundle.intake_services.faulty()[0].1.reason, "not_an_event");
    assert_eq!(results(&bundle), ["taken", "repeated", "not_an_event"]);
}

#[tokio::test]
async fn a_click_of_the_landing_page_counts_where_no_cookie_names_one() {
    let bundle = bundle(13).await;
    let address = "/?utm_source=shopback&transaction_id=T7&cmc_id=C7";
    SHOPIFY.send(&bundle, "d1", &SHOPIFY.changed(json!({ "landing_site": address }))).await;

    let (_, detail) = bundle.bus.events().pop().expect("an event");
    let detail: Value = serde_json::from_str(&detail).expect("JSON");
    assert_eq!(detail["clicks"]["shopback"]["transaction_id"], "102b983f153f632c9a0a1469e27b55");
    assert_eq!(detail["clicks"]["cashmycell"], json!({ "cmc_id": "C7" }));
}

#[tokio::test]
async fn every_answer_before_a_key_was_found_counts_as_a_refusal_and_as_no_order() {
    let bundle = bundle(15).await;
    let mut undecodable = SHOPIFY.message(KEY, "d1", &SHOPIFY.paid());
    undecodable["isBase64Encoded"] = json!(true);

    let undecodable = bundle.call(&undecodable).await;
    bundle.platform_services.rotate(Some("{}"));
    let without_keys = SHOPIFY.send(&bundle, "d2", &SHOPIFY.paid()).await;

    assert_eq!((undecodable.status, without_keys.status), (400, 503));
    assert_eq!(refusals(&bundle), 2);
    let measured = bundle.platform_services.measured();
    assert!(measured.iter().all(|document| document.get("OrderRefused").is_none()));
}
