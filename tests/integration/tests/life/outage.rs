//! `DynamoDB` is missing for an hour.

use std::time::Duration;

use postback_harness::Strike;
use postback_integration::Bundle;
use postback_sandbox::Network;

use super::{DAY, at_shopback, cancelled, order, state};

#[tokio::test]
async fn an_hour_without_the_ledger_costs_no_order() {
    let bundle = Bundle::new(1).await;
    let orders: Vec<_> = (0..6).map(|number| format!("A-{number}")).collect();
    bundle.bed.table.always(Strike::Fail);
    for (id, click) in orders.iter().zip(["a", "b", "c", "d", "e", "f"]) {
        bundle.shopback.enqueue(&order(id, click));
    }
    bundle.shopback.services.enqueue(postback_harness::order_event(&cancelled("A-6")).to_string());

    let is_empty = bundle.bed.work_off(&bundle.shopback, Duration::from_hours(1)).await;
    let (requests, queued) =
        (bundle.bed.sandbox.requests(), bundle.shopback.services.queue().len());
    bundle.bed.table.always(Strike::Pass);
    let is_done = bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert!(!is_empty && is_done);
    assert_eq!((requests, queued), (0, orders.len() + 1), "one message for each order");
    assert!(bundle.shopback.services.dead_letters().is_empty());
    for id in &orders {
        assert_eq!(at_shopback(&bundle, id).await, state("delivered"), "{id}");
        assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, id).len(), 1, "{id}");
    }
    assert_eq!(at_shopback(&bundle, "A-6").await, state("withdrawn"));
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), orders.len());
}

#[tokio::test]
async fn a_ledger_that_fails_after_the_claim_costs_no_second_report() {
    let bundle = Bundle::new(1).await;
    bundle.shopback.enqueue(&order("A-1", "a"));
    // The claim and the use of its click are written.
    let strikes = [Strike::Pass; 2].into_iter().chain([Strike::Fail; 40]);
    bundle.bed.table.script(strikes);

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
    assert!(bundle.shopback.services.dead_letters().is_empty());
}
