//! An item of a later format is left alone.

use aws_sdk_dynamodb::types::AttributeValue;
use postback_integration::Bundle;
use postback_sandbox::Network;
use serde_json::json;

use super::{DAY, cancelled, order, sweeping::sweep};

/// Writes the item of a later version: one more state, one more attribute.
async fn write_later(bundle: &Bundle) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: u32| AttributeValue::N(number.to_string());
    let table = &bundle.bed.table;
    let put = table.client().put_item().table_name(table.name());
    let put = put.item("order_id", text("A-1")).item("delivery", text("shopback"));
    let put = put.item("format", number(2)).item("version", number(7)).item("attempt", number(3));
    put.item("state", text("levitating")).send().await.expect("written");
}

#[tokio::test]
async fn an_item_of_a_later_format_is_left_alone_and_its_messages_wait() {
    let bundle = Bundle::new(1).await;
    write_later(&bundle).await;
    let before = bundle.bed.table.stream().len();

    bundle.shopback.enqueue(&order("A-1", "a"));
    bundle.shopback.enqueue(&cancelled("A-1"));
    let is_empty = bundle.bed.work_off(&bundle.shopback, DAY).await;
    let swept = sweep(&bundle).await;

    assert!(!is_empty);
    assert_eq!(bundle.shopback.services.queue().len(), 2);
    assert!(bundle.shopback.services.dead_letters().is_empty());
    assert!(bundle.bed.sandbox.received(Network::ShopBack).is_empty());
    let writes = bundle.bed.table.stream();
    let of_it =
        writes[before..].iter().filter(|write| write["dynamodb"]["Keys"]["order_id"]["S"] == "A-1");
    assert_eq!(of_it.count(), 0);
    assert_eq!((swept["shopback"].unreadable, swept["shopback"].open), (1, 1));
}

#[tokio::test]
async fn a_delivery_of_a_later_format_is_shown_with_what_can_be_read() {
    let bundle = Bundle::new(1).await;
    write_later(&bundle).await;
    bundle.post("/orders/cashmycell", &order("A-1", "a")).await;

    let reply = bundle.get("A-1").await;

    let deliveries = reply.body()["deliveries"].clone();
    assert_eq!((reply.status, &deliveries[0]["state"]), (200, &json!("accepted")));
    let later = json!({ "network": "shopback", "format": 2, "state": "levitating", "attempt": 3 });
    assert_eq!(deliveries[1], later);
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}

#[tokio::test]
async fn a_later_format_at_one_network_is_no_obstacle_to_a_cancellation_at_another() {
    let bundle = Bundle::new(1).await;
    write_later(&bundle).await;

    let reply = bundle.post("/orders/cashmycell", &cancelled("A-1")).await;

    assert_eq!((reply.status, &reply.body()["state"]), (200, &json!("withdrawn")));
}

#[tokio::test]
async fn publish_makes_one_event_of_a_write_in_a_later_format_and_goes_on() {
    let bundle = Bundle::new(1).await;
    write_later(&bundle).await;
    bundle.post("/orders/cashmycell", &order("A-1", "a")).await;

    let events = bundle.bed.published().await;

    let kinds: Vec<_> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["postback.unreadable", "postback.accepted"]);
}
