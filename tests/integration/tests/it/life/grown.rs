//! An order that somebody makes grow: it can still be settled.

use postback_integration::{Bundle, minimal, with};
use postback_sandbox::Network;
use serde_json::{Value, json};

use super::{at_shopback, delivery, state};

/// The letters of an id of a refund, of four bytes each.
const LONG: &str = "\u{1d11e}";

/// The order with so many refunds of these numbers, whose ids are as long as they may be.
fn with_refunds(order: Value, numbers: std::ops::Range<u32>) -> Value {
    let refund =
        |number: u32| json!({ "id": format!("{}{number:0>8}", LONG.repeat(120)), "amount": "1" });
    with(order, "/refunds", json!(numbers.map(refund).collect::<Vec<_>>()))
}

#[tokio::test]
async fn an_order_with_more_refunds_than_an_item_takes_is_reported_and_settled_all_the_same() {
    let bundle = Bundle::new(1).await;
    let order = with(minimal("A-1"), "/total", json!("14990.00"));

    for numbers in [0..450, 450..900, 900..1_300] {
        let order = with_refunds(order.clone(), numbers);
        let reply = bundle.post("/orders", &order).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        bundle.work().await;
    }
    let cancelled = json!({ "order_id": "A-1", "status": "cancelled" });
    assert_eq!(bundle.post("/orders", &cancelled).await.status, 202);
    bundle.work().await;

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
    let shown = delivery(&bundle, "A-1", "shopback").await;
    assert!(shown["cancellations"].as_array().is_some_and(|noted| !noted.is_empty()), "not noted");
    // Their sum is not clear.
    assert_eq!(shown["refunds"]["\u{2026}"], json!({}));
    for (name, services) in bundle.services() {
        assert!(services.queue().is_empty() && services.dead_letters().is_empty(), "{name}");
    }
}
