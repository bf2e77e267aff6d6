//! The API as its callers see it: answers, replays, conflicts and errors.

use postback_harness::Strike;
use postback_integration::{Bundle, bare, minimal, with};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

fn script(bundle: &Bundle, fault: Fault) {
    bundle.bed.sandbox.script(Rule::on(Network::ShopBack, fault)).expect("a rule");
}

#[tokio::test]
async fn an_order_on_the_bus_is_answered_with_its_id_the_time_and_its_place() {
    let bundle = Bundle::new(1).await;

    let reply = bundle.post("/orders", &minimal("A-1")).await;

    assert_eq!(reply.status, 202);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("location"), Some("/orders/A-1"));
    let accepted = json!({
        "order_id": "A-1", "accepted_at": "2026-11-21T10:15:00Z",
        "networks": ["cartstack", "cashmycell", "cpa_moe", "shopback"],
    });
    assert_eq!(reply.body(), accepted);
    let [(detail_type, detail)] = &bundle.bus.events()[..] else { panic!("not one event") };
    let detail: Value = serde_json::from_str(detail).expect("JSON");
    assert_eq!(detail_type, "order.completed");
    assert_eq!(detail, with(minimal("A-1"), "/total", json!("1499")));
    bundle.assert_described("post", "/orders", &reply).await;
}

#[tokio::test]
async fn a_final_state_is_200_and_any_other_202() {
    let bundle = Bundle::new(1).await;
    let bed = &bundle.bed;
    let rejected = with(bare("A-3"), "/clicks", json!({ "shopback": { "transaction_id": "?" } }));
    script(&bundle, Fault::status(429));
    let retrying = bundle.post("/orders/shopback", &minimal("A-1")).await;
    script(&bundle, Fault::close_after_reading());
    let unconfirmed = bundle.post("/orders/shopback", &minimal("A-2")).await;
    let skipped = bundle.post("/orders/shopback", &bare("A-5")).await;
    let rejected = bundle.post("/orders/shopback", &rejected).await;
    script(&bundle, Fault::redirect("https://elsewhere.example/"));
    let parked = bundle.post("/orders/shopback", &minimal("A-4")).await;

    let body = |id: &str, state: &str, reason: &str, attempt: u32| {
        json!({
            "order_id": id, "network": "shopback", "state": state, "reason": reason,
            "attempt": attempt, "replayed": false,
        })
    };
    for (reply, status, body) in [
        (retrying, 202, body("A-1", "retrying", "http_429", 1)),
        (unconfirmed, 202, body("A-2", "unconfirmed", "connection_lost", 1)),
        (skipped, 200, body("A-5", "skipped", "no_click", 0)),
        (rejected, 200, body("A-3", "rejected", "invalid_click", 0)),
        (parked, 202, body("A-4", "parked", "redirected", 1)),
    ] {
        assert_eq!((reply.status, reply.body()), (status, body));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        bundle.assert_described("post", "/orders/shopback", &reply).await;
    }
    assert_eq!(bed.sandbox.violations(), []);
}

#[tokio::test]
async fn an_order_posted_again_is_replayed() {
    let bundle = Bundle::new(1).await;
    let order = minimal("A-1");

    let first = bundle.post("/orders/shopback", &order).await;
    // The same amount in other words is the same order.
    let again = with(order, "/total", json!(1499));
    let second = bundle.post("/orders/shopback", &again).await;

    let body = |replayed: bool| {
        json!({
            "order_id": "A-1", "network": "shopback", "state": "delivered", "reason": null,
            "attempt": 1, "replayed": replayed,
        })
    };
    assert_eq!((first.status, first.body()), (200, body(false)));
    assert_eq!((second.status, second.body()), (200, body(true)));
    // Two writes for the delivery, one refused write for the repetition, and each time the use of the
    // click beside the claim.
    let units = bundle.bed.table.units();
    assert_eq!((units.write, units.read, units.calls), (5.0, 0.0, 5));
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 1);
    bundle.assert_described("post", "/orders/shopback", &second).await;
}

#[tokio::test]
async fn the_same_id_with_another_content_is_a_conflict_and_sends_nothing() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    let before = bundle.get("A-1").await;

    let other = with(minimal("A-1"), "/total", json!("1599.00"));
    let reply = bundle.post("/orders/shopback", &other).await;

    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 1);
    assert_eq!(bundle.get("A-1").await, before);
    assert_eq!(bundle.bed.published().await.len(), 1);
    bundle.assert_described("post", "/orders/shopback", &reply).await;
}

#[tokio::test]
async fn a_conflict_on_the_queue_is_noted_and_published_and_sends_nothing() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    for total in ["1599.00", "1699.00"] {
        bundle.shopback.enqueue(&with(minimal("A-1"), "/total", json!(total)));
        bundle.shopback.work().await;
    }

    let reply = bundle.get("A-1").await;
    let delivery = &reply.body()["deliveries"][0];
    assert_eq!(delivery["state"], "delivered");
    assert_eq!(delivery["conflicts"].as_array().map(Vec::len), Some(2));
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
    let published = bundle.bed.published().await;
    let kinds: Vec<_> = published.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["postback.delivered", "postback.conflict", "postback.conflict"]);
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 1);
    assert!(bundle.shopback.services.queue().is_empty());
    assert!(bundle.shopback.services.dead_letters().is_empty());
}

#[tokio::test]
async fn without_its_ledger_nothing_is_sent_and_the_answer_says_when_to_come_back() {
    let bundle = Bundle::new(1).await;

    for strike in [Strike::Fail, Strike::Throttle] {
        bundle.bed.table.always(strike);
        let posted = bundle.post("/orders/shopback", &minimal("A-1")).await;
        let read = bundle.get("A-1").await;

        for (reply, method, path) in
            [(&posted, "post", "/orders/shopback"), (&read, "get", "/orders/{order_id}")]
        {
            assert_eq!(reply.problem(), (503, "ledger_unavailable".to_owned()), "{strike:?}");
            assert_eq!(reply.header("retry-after"), Some("5"), "{strike:?}");
            bundle.assert_described(method, path, reply).await;
        }
    }
    assert_eq!(bundle.bed.sandbox.requests(), 0);
    bundle.bed.table.always(Strike::Pass);
    let posted = bundle.post("/orders/shopback", &minimal("A-1")).await;
    assert_eq!((posted.status, &posted.body()["replayed"]), (200, &json!(false)));
}

#[tokio::test]
async fn without_its_bus_an_order_is_not_taken() {
    let bundle = Bundle::new(1).await;
    bundle.bus.down(true);

    let reply = bundle.post("/orders", &minimal("A-1")).await;

    assert_eq!(reply.problem(), (503, "bus_unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("5"));
    bundle.assert_described("post", "/orders", &reply).await;
    bundle.assert_untouched("an order that the bus did not take");
}

#[tokio::test]
async fn a_promise_that_cannot_be_queued_is_not_given() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Fault::status(429));
    bundle.shopback.services.queue_down(true);

    let refused = bundle.post("/orders/shopback", &minimal("A-1")).await;
    bundle.shopback.services.queue_down(false);
    let again = bundle.post("/orders/shopback", &minimal("A-1")).await;

    assert_eq!(refused.problem(), (503, "queue_unavailable".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("5"));
    bundle.assert_described("post", "/orders/shopback", &refused).await;
    assert_eq!((again.status, &again.body()["state"]), (202, &json!("retrying")));
    assert_eq!(bundle.shopback.services.queue().len(), 1);
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 1);
}
