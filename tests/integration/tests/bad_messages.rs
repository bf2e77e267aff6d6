//! Broken messages on a queue: they hold nothing up, and none is lost.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use postback_core::delivery::State;
use postback_harness::{Function, INVISIBLE, TIMEOUT, order_event, sqs_event};
use postback_integration::{Bundle, bare, minimal, with};
use postback_sandbox::Network;
use serde_json::{Value, json};
use shopback::ShopBack;

/// Every kind of broken message.
fn broken() -> Vec<(&'static str, String)> {
    let order = minimal("B-1");
    let mut other_type = order_event(&order);
    other_type["detail-type"] = json!("order.cancelled");
    let mut no_detail = order_event(&order);
    no_detail.as_object_mut().expect("an object").remove("detail");
    let mut no_type = order_event(&order);
    no_type.as_object_mut().expect("an object").remove("detail-type");
    let event = |detail: Value| order_event(&detail).to_string();
    vec![
        ("not JSON", "{".to_owned()),
        ("empty", String::new()),
        ("no object", "[]".to_owned()),
        ("no detail", no_detail.to_string()),
        ("no detail type", no_type.to_string()),
        ("another detail type", other_type.to_string()),
        ("a detail that is no order", event(json!("B-1"))),
        ("an order without an id", event(with(order.clone(), "/order_id", Value::Null))),
        ("an order of no amount", event(with(order, "/total", json!("NaN")))),
        ("cut off", event(minimal("B-1"))[..200].to_owned()),
    ]
}

async fn state(shopback: &Function<ShopBack>, order_id: &str) -> Option<State> {
    shopback.record(order_id).await.map(|record| record.protocol.state)
}

#[tokio::test]
async fn only_the_broken_message_of_a_batch_fails_and_the_others_are_delivered() {
    let bundle = Bundle::new(1).await;
    let shopback = &bundle.shopback;
    for (number, (what, message)) in broken().into_iter().enumerate() {
        let click = |place: char| format!("{place}{number:029}");
        let good = |id: &str, place| {
            with(minimal(id), "/clicks/shopback/transaction_id", json!(click(place)))
        };
        let ids = [format!("A-{number}-before"), format!("A-{number}-behind")];
        shopback.enqueue(&good(&ids[0], 'a'));
        shopback.services.enqueue(message);
        shopback.enqueue(&good(&ids[1], 'b'));

        let batch = shopback.services.receive(10, INVISIBLE);
        let failed = shopback.take(&batch).await;

        assert_eq!(failed, [batch[1].id.clone()], "{what}");
        for id in &ids {
            assert_eq!(state(shopback, id).await, Some(State::Delivered), "{what}");
            assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, id).len(), 1, "{what}");
        }
    }
    assert_eq!(state(shopback, "B-1").await, None);
    assert_eq!(bundle.bed.sandbox.violations(), []);
}

#[tokio::test]
async fn a_message_without_a_body_fails_alone() {
    let bundle = Bundle::new(1).await;
    let shopback = &bundle.shopback;
    shopback.services.enqueue("");
    shopback.enqueue(&minimal("A-1"));
    let batch = shopback.services.receive(10, INVISIBLE);
    let mut event = sqs_event(&batch);
    event["Records"][0].as_object_mut().expect("a record").remove("body");

    let deadline = bundle.bed.now() + TIMEOUT;
    let answer = shopback.call(&event, deadline).await.expect("an answer");

    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": batch[0].id }] }));
    assert_eq!(state(shopback, "A-1").await, Some(State::Delivered));
}

#[tokio::test]
async fn a_broken_message_ends_in_the_dead_letters_after_five_receives() {
    let bundle = Bundle::new(1).await;
    let shopback = &bundle.shopback;
    let broken: Vec<_> = broken().into_iter().map(|(_, message)| message).collect();
    for message in &broken {
        shopback.services.enqueue(message);
    }

    for receive in 1..=5 {
        assert!(shopback.services.dead_letters().is_empty(), "before receive {receive}");
        shopback.work().await;
        bundle.bed.advance(INVISIBLE);
    }
    shopback.work().await;

    let dead: Vec<_> = shopback.services.dead_letters().into_iter().map(|it| it.body).collect();
    assert_eq!(dead, broken);
    assert!(shopback.services.queue().is_empty());
    assert_eq!(bundle.bed.table.calls(), []);
    assert_eq!(bundle.bed.sandbox.requests(), 0);
    assert_eq!(bundle.bed.table.stream(), Vec::<Value>::new());
}

#[tokio::test]
async fn an_event_of_others_may_carry_more_than_an_order() {
    let bundle = Bundle::new(1).await;
    let order = with(minimal("A-1"), "/pipeline", json!({ "run": 7 }));
    let order = with(order, "/customer/loyalty", json!("gold"));

    bundle.shopback.enqueue(&order);
    bundle.shopback.work().await;

    assert_eq!(state(&bundle.shopback, "A-1").await, Some(State::Delivered));
    assert!(bundle.shopback.services.queue().is_empty());
}

#[tokio::test]
async fn a_message_that_concerns_the_network_in_nothing_is_taken_and_forgotten() {
    let bundle = Bundle::new(1).await;

    bundle.shopback.enqueue(&bare("A-1"));
    bundle.shopback.work().await;

    assert!(bundle.shopback.services.queue().is_empty());
    bundle.assert_untouched("an order without a click");
}
