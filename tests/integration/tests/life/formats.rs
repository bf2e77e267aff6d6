//! An item of a later format is left alone.

use aws_sdk_dynamodb::types::AttributeValue;
use postback_integration::Bundle;
use postback_sandbox::Network;

use super::{DAY, cancelled, order, sweeping::sweep};

/// Writes the item of a later version: one more state, one more attribute.
async fn write_later(bundle: &Bundle) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: u32| AttributeValue::N(number.to_string());
    let table = &bundle.bed.table;
    let put = table.client().put_item().table_name(table.name());
    let put = put.item("order_id", text("A-1")).item("delivery", text("shopback"));
    let put = put.item("format", number(2)).item("version", number(7));
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
    assert_eq!((swept["shopback"].unreadable, swept["shopback"].open), (1, 0));
}
