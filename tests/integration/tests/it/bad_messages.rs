//! Broken messages on a queue: they hold nothing up, and none is lost.

use std::time::Duration;

use postback_core::delivery::State;
use postback_harness::{Function, INVISIBLE, TIMEOUT, order_event, sqs_event};
use postback_integration::{Bundle, bare, log::Log, minimal, with};
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
    // Intake sees no event of the other functions: one with a faulty order is kept here.
    let event = |detail: Value| own_event(&detail, "postback.api").to_string();
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

fn own_event(detail: &Value, source: &str) -> Value {
    let mut event = order_event(detail);
    event["source"] = json!(source);
    event
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
async fn a_faulty_order_of_a_sender_is_one_letter_of_intake_and_none_of_a_network() {
    for source in ["shop", "postback", "postbackshop.checkout"] {
        let bundle = Bundle::new(1).await;
        let (log, _guard) = Log::capture();
        let event = own_event(&with(minimal("A-1"), "/total", json!("14,99")), source).to_string();

        for (_, services) in bundle.services() {
            services.enqueue(event.clone());
        }
        bundle.take(&event).await.expect("taken");
        bundle.work().await;

        let [(kept, fault)] = &bundle.intake_services.faulty()[..] else { panic!("one letter") };
        assert_eq!((kept, fault.order_id.as_deref()), (&event, Some("A-1")));
        let left = log.coded("faulty_order_left");
        let named: Vec<_> = left.iter().map(|line| line["network"].as_str()).collect();
        assert_eq!(named, ["cartstack", "cashmycell", "cpa_moe", "shopback"], "{source}");
        for line in left {
            assert_eq!(
                (line["order_id"].as_str(), line["reason"].as_str()),
                ("A-1", "not_a_decimal")
            );
            assert_eq!(line["faults"], "not_a_decimal at /total");
        }
        for (network, services) in bundle.services() {
            assert!(services.dead_letters().is_empty(), "{source}: {network}");
            assert!(services.queue().is_empty(), "{source}: {network}");
            // It is counted once, by intake.
            assert!(services.metrics().is_empty(), "{source}: {network}");
        }
        assert_eq!(bundle.bed.table.calls(), []);
    }
}

#[tokio::test]
async fn a_faulty_order_that_intake_does_not_see_is_a_dead_letter() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    let faulty = with(minimal("A-1"), "/total", json!("14,99"));
    let mut put_back = own_event(&faulty, "shop");
    put_back["not_before_ms"] = json!(1);
    let mut delayed = put_back.clone();
    delayed["detail-type"] = json!("postback.order_delayed");
    let mut unnamed = order_event(&faulty);
    unnamed.as_object_mut().expect("an object").remove("source");
    let unseen = [own_event(&faulty, "postback.bus/shop"), put_back, delayed, unnamed];

    for event in &unseen {
        services.enqueue(event.to_string());
    }
    bundle.shopback.work().await;

    let letters: Vec<_> = services.dead_letters().into_iter().map(|letter| letter.body).collect();
    assert_eq!(letters, unseen.map(|event| event.to_string()));
}

#[tokio::test]
async fn a_faulty_order_that_intake_may_have_read_otherwise_is_a_dead_letter() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    let now = bundle.bed.now();
    let faulty = own_event(&with(minimal("A-1"), "/total", json!("14,99")), "shop");
    let at = |time: Value| with(faulty.clone(), "/time", time);
    let minute = Duration::from_mins(1);
    let mut untimed = faulty.clone();
    untimed.as_object_mut().expect("an object").remove("time");
    let doubtful = [
        with(faulty.clone(), "/replay-name", json!("orders-of-monday")),
        at(json!((now - minute * 16).to_string())),
        at(json!((now + minute * 16).to_string())),
        at(json!("yesterday")),
        at(json!(7)),
        untimed,
    ];

    services.enqueue(at(json!((now - minute * 15).to_string())).to_string());
    for event in &doubtful {
        services.enqueue(event.to_string());
    }
    bundle.shopback.work().await;

    let letters: Vec<_> = services.dead_letters().into_iter().map(|letter| letter.body).collect();
    assert_eq!(letters, doubtful.map(|event| event.to_string()));

    // Intake may have read it before a deployment since its first delivery.
    services.enqueue(faulty.to_string());
    let first = services.receive(1, minute);
    assert_eq!(first.len(), 1);
    bundle.bed.advance(minute);
    bundle.shopback.work().await;
    assert_eq!(services.dead_letters().last().map(|it| &it.body), Some(&faulty.to_string()));
    assert!(services.queue().is_empty());
}

#[tokio::test]
async fn an_order_from_the_future_is_kept_however_late_intake_looks_at_it() {
    let bundle = Bundle::new(1).await;
    let shortly = bundle.bed.now() + Duration::from_hours(24) + Duration::from_mins(1);
    let order = with(minimal("A-1"), "/completed_at", json!(shortly.to_string()));
    let event = order_event(&order).to_string();

    bundle.shopback.services.enqueue(event.clone());
    bundle.shopback.work().await;
    // By then it is not too far ahead any more.
    bundle.bed.advance(Duration::from_mins(30));
    bundle.take(&event).await.expect("taken");

    assert_eq!(state(&bundle.shopback, "A-1").await, None);
    assert_eq!(bundle.intake_services.faulty(), []);
    let [letter] = &bundle.shopback.services.dead_letters()[..] else { panic!("one letter") };
    assert_eq!((&letter.body, letter.reason), (&event, "invalid_order"));
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
