//! Whole lives by the webhooks of shop systems alone: their recorded payloads come in, and the sweep
//! is the only clock.

use std::time::Duration;

use postback_core::clock::Timestamp;
use postback_integration::{
    Bundle,
    sign::{PLATFORM_KEY, platform_message},
};
use serde_json::{Value, json};

use super::{
    DAY,
    validation::{one, secret, shown, terms, validate, validated},
};

/// A shop system: its path and headers, and its recorded payloads of one order.
struct Shop {
    path: &'static str,
    headers: [&'static str; 3],
    order_id: &'static str,
    paid: &'static str,
    partly_refunded: &'static str,
    cancelled: &'static str,
}

const SHOPS: [Shop; 2] = [
    Shop {
        path: "/webhooks/woocommerce",
        headers: ["x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-delivery-id"],
        order_id: "3084",
        paid: include_str!(
            "../../../../../functions/platforms/woocommerce/payloads/01-processing.json"
        ),
        partly_refunded: include_str!(
            "../../../../../functions/platforms/woocommerce/payloads/14-partial-refund.json"
        ),
        cancelled: include_str!(
            "../../../../../functions/platforms/woocommerce/payloads/11-cancelled.json"
        ),
    },
    Shop {
        path: "/webhooks/shopify",
        headers: ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-event-id"],
        order_id: "#1008",
        paid: include_str!("../../../../../functions/platforms/shopify/payloads/01-paid.json"),
        partly_refunded: include_str!(
            "../../../../../functions/platforms/shopify/payloads/21-partial-refund.json"
        ),
        cancelled: include_str!(
            "../../../../../functions/platforms/shopify/payloads/27-cancelled.json"
        ),
    },
];

impl Shop {
    /// Sends a recorded payload as the shop system would, and lets the functions work.
    async fn send(&self, bundle: &Bundle, delivery: &str, recorded: &str) {
        let case: Value = serde_json::from_str(recorded).expect("JSON");
        let (topic, body) = (case["topic"].as_str().expect("a topic"), case["payload"].to_string());
        let event = platform_message(self.path, self.headers, PLATFORM_KEY, topic, delivery, &body);
        let reply = bundle.call(&event).await;
        assert_eq!((reply.status, &reply.body()["order_id"]), (202, &json!(self.order_id)));
        bundle.work().await;
    }

    async fn states(&self, bundle: &Bundle) -> Vec<String> {
        bundle.states(self.order_id).await.into_iter().map(|(_, state, _)| state).collect()
    }
}

/// A bundle whose merchant validates, on the day after the recorded orders.
async fn bundle() -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    bundle.shopback.services.rotate(&secret(&terms()));
    bundle.bed.advance_to(Timestamp::parse("2026-11-22T00:00:00Z").expect("an instant"));
    bundle
}

#[tokio::test]
async fn paid_reported_partly_refunded_and_validated_with_the_lower_amount() {
    for shop in &SHOPS {
        let bundle = bundle().await;
        shop.send(&bundle, "d1", shop.paid).await;
        assert_eq!(shop.states(&bundle).await, ["delivered", "delivered"], "{}", shop.path);
        bundle.bed.advance(DAY * 4);
        // The shop systems repeat themselves: the refund counts once.
        for delivery in ["d2", "d2", "d3"] {
            shop.send(&bundle, delivery, shop.partly_refunded).await;
        }
        bundle.bed.advance(DAY * 24);
        validate(&bundle).await;
        let early = validated(&bundle);

        bundle.bed.advance(DAY * 3);
        validate(&bundle).await;

        assert_eq!((early, validated(&bundle)), (vec![], one("approved", "799")), "{}", shop.path);
        let shown = shown(&bundle, shop.order_id).await;
        assert_eq!((&shown["status"], &shown["amount"]), (&json!("approved"), &json!("799")));
        assert_eq!(bundle.bed.sandbox.violations(), []);
    }
}

#[tokio::test]
async fn paid_and_cancelled_while_the_networks_were_down_and_never_reported() {
    for shop in &SHOPS {
        let bundle = bundle().await;
        bundle.bed.sandbox.stop().await;
        shop.send(&bundle, "d1", shop.paid).await;
        let waiting = shop.states(&bundle).await;
        bundle.bed.advance(Duration::from_secs(1));
        shop.send(&bundle, "d2", shop.cancelled).await;
        let cancelled = shop.states(&bundle).await;
        bundle.bed.sandbox.resume().await.expect("its port");

        bundle.work_until(bundle.bed.now() + DAY * 32).await;
        validate(&bundle).await;

        assert_eq!(waiting, ["retrying", "retrying"], "{}", shop.path);
        assert!(cancelled.iter().all(|state| state == "withdrawn"), "{cancelled:?}");
        assert_eq!((bundle.bed.sandbox.requests(), validated(&bundle)), (0, vec![]));
    }
}

#[tokio::test]
async fn paid_reported_partly_refunded_by_a_message_of_the_refund_alone_and_validated_with_the_rest()
 {
    let alone =
        include_str!("../../../../../functions/platforms/shopify/payloads/30-refund-topic.json");
    let shop = &SHOPS[1];
    let bundle = bundle().await;
    shop.send(&bundle, "d1", shop.paid).await;
    assert_eq!(shop.states(&bundle).await, ["delivered", "delivered"]);
    bundle.bed.advance(DAY * 4);

    // Each once, and once with the order.
    for (delivery, message) in
        [("d2", alone), ("d2", alone), ("d3", alone), ("d4", shop.partly_refunded)]
    {
        shop.send(&bundle, delivery, message).await;
    }
    bundle.bed.advance(DAY * 27);
    validate(&bundle).await;

    assert_eq!(validated(&bundle), one("approved", "799"));
    assert_eq!(bundle.bed.sandbox.violations(), []);
}

#[tokio::test]
async fn refunded_whole_by_messages_of_refunds_alone_while_the_networks_were_down_and_never_reported()
 {
    let alone =
        include_str!("../../../../../functions/platforms/shopify/payloads/30-refund-topic.json");
    let shop = &SHOPS[1];
    let bundle = bundle().await;
    bundle.bed.sandbox.stop().await;
    shop.send(&bundle, "d1", shop.paid).await;

    for (id, amount) in [(1, "700.00"), (2, "799.00")] {
        let mut message: Value = serde_json::from_str(alone).expect("JSON");
        message["payload"]["id"] = json!(id);
        message["payload"]["transactions"][0]["amount"] = json!(amount);
        shop.send(&bundle, amount, &message.to_string()).await;
    }
    bundle.bed.sandbox.resume().await.expect("its port");
    bundle.work_until(bundle.bed.now() + DAY * 32).await;
    validate(&bundle).await;

    assert_eq!(shop.states(&bundle).await, ["withdrawn", "withdrawn"]);
    assert_eq!((bundle.bed.sandbox.requests(), validated(&bundle)), (0, vec![]));
}
