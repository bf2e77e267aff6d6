//! Orders that are older than the ledger's memory: those that it holds are repetitions.

use std::time::Duration;

use postback_core::delivery::{Decision, Key};
use postback_harness::Strike;
use postback_integration::{
    Bundle, minimal,
    sign::{KEY, message},
    with,
};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

/// The API refuses the order by both routes.
async fn assert_refused(bundle: &Bundle, order: &Value) {
    for path in ["/orders", "/orders/shopback"] {
        let reply = bundle.post(path, order).await;
        assert_eq!(reply.status, 422, "{path}");
        assert_eq!(reply.body()["errors"][0]["code"], "too_old", "{path}");
    }
}

#[tokio::test]
async fn an_order_that_the_ledger_no_longer_knows_is_too_old() {
    let bundle = Bundle::new(3).await;
    let order = with(minimal("A-1"), "/completed_at", json!("2025-10-01T00:00:00Z"));

    assert_refused(&bundle, &order).await;
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;

    let states = bundle.states("A-1").await;
    assert_eq!(states.len(), 4);
    for (_, state, reason) in states {
        assert_eq!((state.as_str(), reason.as_deref()), ("rejected", Some("too_old")));
    }
    // That is no delivery which the ledger would remember.
    assert_eq!(bundle.post("/orders", &order).await.status, 422);
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

#[tokio::test]
async fn an_old_order_that_the_ledger_holds_is_a_repetition_whichever_way_it_comes() {
    let bundle = Bundle::new(6).await;
    let late = with(minimal("A-1"), "/completed_at", json!("2025-10-20T10:15:00Z"));
    bundle.post("/orders", &late).await;
    bundle.work().await;
    let (requests, before) = (bundle.bed.sandbox.requests(), bundle.states("A-1").await);
    // By then it is older than the ledger's memory.
    bundle.bed.advance(Duration::from_hours(24 * 5));

    let reply = bundle.post("/orders", &late).await;
    let by_webhook = message(KEY, "msg_1", bundle.bed.now(), &late.to_string());
    let answer = bundle.call(&by_webhook).await;
    let direct = bundle.post("/orders/shopback", &late).await;
    bundle.work().await;

    assert_eq!((reply.status, answer.status), (202, 202), "{:?}", reply.body());
    assert_eq!(reply.body()["networks"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        (&direct.body()["state"], &direct.body()["replayed"]),
        (&json!("delivered"), &json!(true))
    );
    assert_eq!((bundle.bed.sandbox.requests(), bundle.states("A-1").await), (requests, before));
}

#[tokio::test]
async fn an_old_order_of_which_the_ledger_does_not_say_is_not_judged() {
    let bundle = Bundle::new(7).await;
    let late = with(minimal("A-1"), "/completed_at", json!("2025-10-01T00:00:00Z"));
    bundle.bed.table.always(Strike::Fail);

    let reply = bundle.post("/orders", &late).await;

    assert_eq!(reply.problem(), (503, "ledger_unavailable".to_owned()));
    assert_eq!(bundle.bus.events(), []);
}

#[tokio::test]
async fn a_delivery_that_began_after_the_ledgers_memory_of_its_order_is_no_knowledge_of_it() {
    let bundle = Bundle::new(8).await;
    // The order was reported in time, and the ledger has forgotten it.
    let cancelled = json!({
        "order_id": "A-1", "status": "cancelled", "updated_at": "2026-11-21T09:00:00Z",
    });
    bundle.post("/orders", &cancelled).await;
    bundle.work().await;
    assert!(bundle.states("A-1").await.iter().all(|(_, state, _)| state == "withdrawn"));
    let order = with(minimal("A-1"), "/completed_at", json!("2025-10-01T00:00:00Z"));
    let order = with(order, "/updated_at", json!("2026-11-21T10:00:00Z"));

    assert_refused(&bundle, &order).await;
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;

    let states = bundle.states("A-1").await;
    assert_eq!(states.len(), 4);
    for (network, state, reason) in states {
        assert_eq!((state.as_str(), reason.as_deref()), ("rejected", Some("too_old")), "{network}");
    }
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

#[tokio::test]
async fn a_person_may_permit_an_order_that_is_too_old_and_its_doubt_is_resolved() {
    let bundle = Bundle::new(9).await;
    let order = with(minimal("A-1"), "/completed_at", json!("2025-10-01T00:00:00Z"));
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;
    let key = Key::known("A-1".to_owned(), "shopback", None);
    bundle.bed.decide(&key, Decision::PermitSending).await;
    let lost = Rule::on(Network::ShopBack, Fault::close_after_reading());
    bundle.bed.sandbox.script(lost).expect("a rule");

    bundle.shopback.enqueue(&order);
    assert!(bundle.bed.work_off(&bundle.shopback, Duration::from_hours(24)).await);

    for (network, state, reason) in bundle.states("A-1").await {
        let expected = match network.as_str() {
            "shopback" => ("delivered", None),
            _ => ("rejected", Some("too_old")),
        };
        assert_eq!((state.as_str(), reason.as_deref()), expected, "{network}");
    }
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 1);
}

#[tokio::test]
async fn a_permission_that_has_lapsed_lets_no_order_pass_that_is_too_old() {
    let bundle = Bundle::new(10).await;
    let order = with(minimal("A-1"), "/completed_at", json!("2025-10-01T00:00:00Z"));
    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;
    let key = Key::known("A-1".to_owned(), "shopback", None);
    bundle.bed.decide(&key, Decision::PermitSending).await;

    bundle.bed.advance(Duration::from_hours(24 * 7));
    bundle.shopback.enqueue(&order);
    bundle.shopback.work().await;

    assert_eq!(bundle.bed.sandbox.requests(), 0);
}
