//! Broken messages on a queue: they hold nothing up, and none is lost.

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
    other_type["detail-type"] = json!("order.archived");
    let mut no_detail = order_event(&order);
    no_detail.as_object_mut().expect("an object").remove("detail");
    let mut no_type = order_event(&order);
    no_type.as_object_mut().expect("an object").remove("detail-type");
    let event = |detail: Value| order_event(&detail).to_string();
    vec![
        ("not JSON", "{".to_owned()),
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
async fn only_the_broken_message_of_a_batch_is_a_dead_letter_and_the_others_are_delivered() {
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

        assert_eq!(failed, [""; 0], "{what}");
        let dead = shopback.services.dead_letters();
        assert_eq!(dead[number..].len(), 1, "{what}");
        assert_eq!(dead[number].body, batch[1].body, "{what}");
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
async fn a_broken_message_is_a_dead_letter_at_once_with_its_reason() {
    let bundle = Bundle::new(1).await;
    let shopback = &bundle.shopback;
    for (_, message) in broken() {
        shopback.services.enqueue(message);
    }

    shopback.work().await;

    let dead = shopback.services.dead_letters();
    let bodies: Vec<_> = dead.iter().map(|letter| letter.body.clone()).collect();
    assert_eq!(bodies, broken().into_iter().map(|(_, body)| body).collect::<Vec<_>>());
    let reasons: Vec<_> = dead.iter().map(|letter| letter.reason).collect();
    let expected = [
        vec!["not_an_event"; 4],
        vec!["other_type"],
        vec!["invalid_order"; 3],
        vec!["not_an_event"],
    ];
    assert_eq!(reasons, expected.concat());
    assert!(shopback.services.queue().is_empty());
    assert_eq!(bundle.bed.table.calls(), []);
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

#[tokio::test]
async fn a_broken_message_stays_on_the_queue_while_the_dead_letters_take_none() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    services.enqueue("{");

    services.queue_down(true);
    bundle.shopback.work().await;
    services.queue_down(false);
    let (kept, dead) = (services.queue().len(), services.dead_letters().len());
    bundle.bed.advance(INVISIBLE);
    bundle.shopback.work().await;

    assert_eq!((kept, dead), (1, 0));
    assert_eq!((services.queue().len(), services.dead_letters().len()), (0, 1));
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
    bundle.assert_unwritten("an order without a click");
}
