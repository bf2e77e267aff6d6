//! Shopify passes the suite of the shop systems.

use postback_conformance::platform;
use shopify::Shopify;

#[test]
fn each_recorded_payload_gives_its_order() {
    platform::payloads_give_their_orders::<Shopify>();
}

#[test]
fn a_payload_with_one_thing_otherwise_gives_its_order_or_its_fault() {
    platform::changed_payloads_give::<Shopify>(include_str!("changed.json"));
}

#[test]
fn it_is_a_platform_like_any_other() {
    platform::conforms::<Shopify>(env!("CARGO_PKG_NAME"));
}

#[test]
fn no_payload_makes_it_panic() {
    platform::survives_noise::<Shopify>();
}

#[test]
fn an_event_of_a_partner_bus_holds_the_same_message() {
    use postback_core::platform::Platform;
    use serde_json::json;

    let metadata = json!({
        "X-Shopify-Topic": "orders/paid", "X-Shopify-Event-Id": "e1", "X-Shopify-Webhook-Id": "w1",
    });
    let detail = json!({ "payload": { "name": "#1" }, "metadata": metadata });
    let message = Shopify::event(&detail).expect("a message");
    assert_eq!((message.topic, message.delivery), ("orders/paid", "e1"));
    assert_eq!(message.payload, &json!({ "name": "#1" }));
    assert!(Shopify::event(&json!({ "metadata": metadata })).is_none());
}

#[test]
fn a_refund_that_comes_alone_is_the_same_as_in_its_order() {
    use serde_json::{Value, json};

    platform::refunds_are_the_same_alone::<Shopify>("refunds/create", |order, given| {
        let mut refunds = order["refunds"].as_array()?.iter();
        let is_given = |refund: &&Value| given["id"].as_str() == Some(&refund["id"].to_string());
        let refund = refunds.find(is_given)?;
        let mut message = refund.clone();
        message["order_id"] = order["id"].clone();
        message["note"] = json!("too small");
        Some(message)
    });
}
