//! What goes on the bus: every announced state, for a pipeline to react to.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{collections::BTreeSet, time::Duration};

use postback_harness::{FakeServices, INVISIBLE, Strike, TIMEOUT, order_event, sqs_event};
use postback_integration::{Bundle, minimal, with};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

fn script(bundle: &Bundle, network: Network, fault: Fault) {
    bundle.stage.sandbox.script(Rule::on(network, fault)).expect("a rule");
}

fn types(world: &FakeServices) -> Vec<String> {
    world.bus().into_iter().map(|(detail_type, _)| detail_type).collect()
}

fn ids(world: &FakeServices) -> Vec<Value> {
    world.bus().into_iter().map(|(_, detail)| detail["id"].clone()).collect()
}

#[tokio::test]
async fn a_delivery_is_announced_in_full_and_without_personal_data() {
    let bundle = Bundle::new(1).await;

    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;

    let [(detail_type, detail)] = &bundle.cpa_moe.world.bus()[..] else { panic!("not one") };
    let expected = json!({
        "order_id": "A-1", "network": "cpa_moe", "state": "delivered", "proof": "response",
        "attempt": 1, "references": { "lead_id": "500001", "our_id": "A-1" },
        "at": "2026-11-21T10:15:00Z", "id": detail["id"],
    });
    assert_eq!(detail_type, "postback.delivered");
    assert_eq!(*detail, expected);
    assert!(detail["id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn each_announced_state_is_announced_once_with_its_reason() {
    let bundle = Bundle::new(1).await;
    let click = |id: &str| with(minimal("A-1"), "/clicks/shopback/transaction_id", json!(id));
    let nocart = with(minimal("A-1"), "/customer/email", json!("nocart@example.com"));
    let unknown = click("unknown00000000000000000000000");
    script(&bundle, Network::CashMyCell, Fault::close_after_reading());
    script(&bundle, Network::CpaMoe, Fault::redirect("https://elsewhere.example/"));

    bundle.post("/orders/cartstack", &nocart).await;
    bundle.post("/orders/shopback", &unknown).await;
    bundle.post("/orders/cashmycell", &minimal("A-1")).await;
    bundle.post("/orders/cpa_moe", &minimal("A-1")).await;
    bundle.post("/orders/cashmycell", &minimal("A-2")).await;

    let told = |world: &FakeServices| {
        let bus = world.bus().into_iter();
        bus.map(|(kind, detail)| (kind, detail["reason"].clone())).collect::<Vec<_>>()
    };
    let event = |state: &str, reason: Value| (format!("postback.{state}"), reason);
    assert_eq!(told(&bundle.cartstack.world), [event("skipped", json!("no_cart"))]);
    assert_eq!(told(&bundle.shopback.world), [event("rejected", json!("invalid_click"))]);
    assert_eq!(told(&bundle.cpa_moe.world), [event("parked", json!("redirected"))]);
    assert_eq!(
        told(&bundle.cashmycell.world),
        [event("unconfirmed", json!("connection_lost")), event("accepted", Value::Null)]
    );
}

#[tokio::test]
async fn what_is_only_on_its_way_is_not_announced() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(503));

    bundle.post("/orders/shopback", &minimal("A-1")).await;
    let on_its_way = types(&bundle.shopback.world);
    bundle.stage.work_off(&bundle.shopback, DAY).await;

    assert_eq!(on_its_way, Vec::<String>::new());
    assert_eq!(types(&bundle.shopback.world), ["postback.delivered"]);
}

#[tokio::test]
async fn each_state_on_the_way_has_an_event_of_its_own() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());

    bundle.shopback.enqueue(&minimal("A-1"));
    bundle.stage.work_off(&bundle.shopback, DAY).await;

    assert_eq!(types(&bundle.shopback.world), ["postback.unconfirmed", "postback.delivered"]);
    let ids = ids(&bundle.shopback.world);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn no_two_events_share_an_id() {
    let bundle = Bundle::new(1).await;

    for id in ["A-1", "A-2", "A-1/shopback"] {
        bundle.post("/orders", &minimal(id)).await;
        bundle.work().await;
    }

    let ids: Vec<_> = bundle.worlds().iter().flat_map(|(_, world)| ids(world)).collect();
    let different: BTreeSet<_> = ids.iter().map(Value::to_string).collect();
    assert_eq!(ids.len(), 12);
    assert_eq!(different.len(), 12, "{different:?}");
}

#[tokio::test]
async fn a_duplicate_announces_nothing() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &minimal("A-1")).await;

    bundle.post("/orders/shopback", &minimal("A-1")).await;
    bundle.shopback.enqueue(&minimal("A-1"));
    bundle.shopback.work().await;

    assert_eq!(types(&bundle.shopback.world), ["postback.delivered"]);
}

#[tokio::test]
async fn a_message_that_comes_again_announces_under_the_same_id() {
    let bundle = Bundle::new(1).await;
    let world = &bundle.shopback.world;
    world.enqueue(order_event(&minimal("A-1")).to_string());

    // Taken, and not deleted: the invocation ended before SQS heard of it.
    let batch = world.receive(10, INVISIBLE);
    let deadline = bundle.stage.now() + TIMEOUT;
    bundle.shopback.call(&sqs_event(&batch), deadline).await.expect("an answer");
    bundle.stage.advance(INVISIBLE);
    bundle.shopback.work().await;

    assert_eq!(types(world), ["postback.delivered", "postback.delivered"]);
    assert_eq!(world.bus()[0], world.bus()[1]);
    assert_eq!(bundle.stage.sandbox.received(Network::ShopBack).len(), 1);
}

#[tokio::test]
async fn a_success_that_the_ledger_did_not_take_is_announced_again_under_the_same_id() {
    let bundle = Bundle::new(1).await;
    let world = &bundle.shopback.world;
    let [fail, pass] = [Strike::Fail, Strike::Pass];
    bundle.stage.table.script([pass, fail, fail, fail]);

    let answer = bundle.post("/orders/shopback", &minimal("A-1")).await;
    assert_eq!((answer.status, answer.body()["state"].as_str()), (202, Some("sending")));
    assert_eq!(types(world), ["postback.delivered"]);
    bundle.stage.advance(DAY);
    bundle.shopback.work().await;

    assert_eq!(types(world), ["postback.delivered", "postback.delivered"]);
    assert_eq!(ids(world)[0], ids(world)[1]);
    assert_eq!(world.bus()[1].1["attempt"], 2);
    assert_eq!(bundle.stage.sandbox.held(Network::ShopBack, "A-1").len(), 1);
}

#[tokio::test]
async fn on_the_queue_too_a_success_is_one_whatever_the_ledger_says() {
    let bundle = Bundle::new(1).await;
    let world = &bundle.shopback.world;
    let [fail, pass] = [Strike::Fail, Strike::Pass];
    bundle.stage.table.script([pass, fail, fail, fail]);

    bundle.shopback.enqueue(&minimal("A-1"));
    let batch = world.receive(10, INVISIBLE);
    let deadline = bundle.stage.now() + TIMEOUT;
    bundle.shopback.call(&sqs_event(&batch), deadline).await.expect("an answer");

    assert_eq!(types(world), ["postback.delivered"]);
    assert_eq!(bundle.stage.sandbox.held(Network::ShopBack, "A-1").len(), 1);
}

#[tokio::test]
async fn an_announcement_keeps_its_id_whatever_was_noted_in_between() {
    let bundle = Bundle::new(1).await;
    let world = &bundle.shopback.world;
    world.enqueue(order_event(&minimal("A-1")).to_string());
    let batch = world.receive(10, INVISIBLE);
    let deadline = bundle.stage.now() + TIMEOUT;
    bundle.shopback.call(&sqs_event(&batch), deadline).await.expect("an answer");

    bundle.shopback.enqueue(&with(minimal("A-1"), "/total", json!("1599.00")));
    bundle.shopback.work().await;
    bundle.stage.advance(INVISIBLE);
    bundle.shopback.work().await;

    assert_eq!(types(world), ["postback.delivered", "postback.conflict", "postback.delivered"]);
    let ids = ids(world);
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn what_the_bus_did_not_take_is_announced_later_and_not_told_again() {
    for fault in [None, Some(Fault::redirect("https://elsewhere.example/"))] {
        let bundle = Bundle::new(1).await;
        let world = &bundle.shopback.world;
        let state = if fault.is_some() { "parked" } else { "delivered" };
        if let Some(fault) = fault {
            script(&bundle, Network::ShopBack, fault);
        }
        world.bus_down(true);
        let reply = bundle.post("/orders/shopback", &minimal("A-1")).await;
        for _ in 0..3 {
            bundle.stage.advance(Duration::from_secs(20));
            bundle.shopback.work().await;
        }

        world.bus_down(false);
        for _ in 0..3 {
            bundle.stage.advance(Duration::from_mins(4));
            bundle.shopback.work().await;
        }

        let record = bundle.shopback.record("A-1").await.expect("a record");
        let id = postback_runtime::services::DeliveryEvent::of(&record).id;
        assert_eq!(reply.body()["state"], state);
        assert_eq!(types(world), [format!("postback.{state}")]);
        assert_eq!(ids(world), [json!(id)]);
        assert_eq!(bundle.stage.sandbox.received(Network::ShopBack).len(), 1);
    }
}

#[tokio::test]
async fn a_conflict_that_the_bus_did_not_take_is_announced_later_and_counted_once() {
    let bundle = Bundle::new(1).await;
    let world = &bundle.shopback.world;
    bundle.post("/orders/shopback", &minimal("A-1")).await;
    world.bus_down(true);

    bundle.shopback.enqueue(&with(minimal("A-1"), "/total", json!("1599.00")));
    for _ in 0..3 {
        bundle.shopback.work().await;
        bundle.stage.advance(Duration::from_secs(20));
    }
    world.bus_down(false);
    bundle.stage.work_off(&bundle.shopback, DAY).await;

    assert_eq!(types(world), ["postback.delivered", "postback.conflict"]);
    let record = bundle.shopback.record("A-1").await.expect("a record");
    assert_eq!((record.conflicts, &world.bus()[1].1["conflicts"]), (1, &json!(1)));
    assert!(world.queue().is_empty());
}

#[tokio::test]
async fn neither_queue_nor_bus_lose_an_order_when_both_are_down() {
    let bundle = Bundle::new(1).await;
    let world = &bundle.shopback.world;
    world.bus_down(true);
    world.queue_down(true);

    bundle.shopback.enqueue(&minimal("A-1"));
    bundle.shopback.work().await;
    world.bus_down(false);
    world.queue_down(false);
    bundle.stage.work_off(&bundle.shopback, DAY).await;

    assert_eq!(types(world), ["postback.delivered"]);
    assert_eq!(bundle.stage.sandbox.held(Network::ShopBack, "A-1").len(), 1);
    assert!(world.queue().is_empty() && world.dead_letters().is_empty());
}
