//! The cost of a validation, in the units that `DynamoDB` reports, in calls and in messages.

use postback_harness::FakeSweep;
use postback_integration::Bundle;
use postback_runtime::services::VALIDATION_DUE;
use serde_json::json;
use sweep::Sweep;

use super::{
    order,
    validation::{bundle, lock_at, refunds, validate, validated},
};

/// The write units since the last look.
fn written(bundle: &Bundle) -> f64 {
    let units = bundle.bed.table.units().write;
    bundle.bed.table.forget_calls();
    units
}

/// The writes since the last look, with what became of each.
fn operations(bundle: &Bundle) -> Vec<(String, bool)> {
    let calls = bundle.bed.table.calls().into_iter();
    let writes = calls.filter(|call| call.operation != "GetItem");
    let writes = writes.map(|call| (call.operation, call.ok)).collect();
    bundle.bed.table.forget_calls();
    writes
}

#[tokio::test]
async fn a_validation_costs_what_the_page_says() {
    let without = Bundle::new(1).await;
    without.post("/orders/shopback", &order("A-1", "a")).await;
    let plain = written(&without);
    let bundle = bundle().await;
    bundle.bed.table.forget_calls();

    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    let created = written(&bundle) - plain;
    bundle.post("/orders/shopback", &refunds(order("A-1", "a"), &[("r-1", "1")])).await;
    let refunded = operations(&bundle);
    bundle.bed.advance_to(lock_at());
    let sweep = Sweep::new(FakeSweep::new(&bundle.bed));
    sweep.sweep(bundle.bed.now() + super::DAY).await.expect("a sweep");
    let messages = sweep.into_services().due();
    let requests = bundle.bed.sandbox.requests();
    bundle.bed.table.forget_calls();
    validate(&bundle).await;
    let reads = bundle.bed.table.calls().iter().filter(|call| call.operation == "GetItem").count();
    let called = written(&bundle);
    validate(&bundle).await;
    let again = written(&bundle);

    assert_eq!(validated(&bundle).len(), 1);
    for (found, expected) in [(created, 1.0), (called, 2.0), (again, 0.0)] {
        assert!((found - expected).abs() < f64::EPSILON, "{found}, not {expected} units");
    }
    assert_eq!(reads, 2, "the validation and its delivery");
    // The duplicate that brings a refund: the refused claim and the click's use. Then the refund, with
    // the delivery and with the validation.
    let put = |ok| ("PutItem".to_owned(), ok);
    let used = ("UpdateItem".to_owned(), true);
    assert_eq!(refunded, [put(false), used, put(true), put(true)]);
    // One message puts it on the queue, and the network is called once.
    assert_eq!(messages.len(), 1);
    assert!(messages[0].contains(VALIDATION_DUE), "{}", messages[0]);
    assert_eq!(bundle.bed.sandbox.requests(), requests + 1);
}

#[tokio::test]
async fn a_refund_that_comes_without_its_order_costs_what_the_page_says() {
    let bundle = bundle().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    let refund = |order_id: &str| {
        json!({ "order_id": order_id, "status": "partially_refunded", "currency": "INR",
            "refunds": [{ "id": "r-1", "amount": "1" }] })
    };
    for (order_id, items) in [("A-1", 2), ("A-2", 1)] {
        bundle.bed.table.forget_calls();

        bundle.post("/orders/shopback", &refund(order_id)).await;

        let calls = bundle.bed.table.calls().into_iter().map(|call| call.operation);
        let (read, written): (Vec<_>, Vec<_>) = calls.partition(|call| call == "GetItem");
        assert_eq!(read.len(), items, "{order_id}");
        assert_eq!(written, vec!["PutItem"; items], "{order_id}");
    }
}
