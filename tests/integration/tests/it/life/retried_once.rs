//! An answer that is worth one retry, and no more.

use std::time::Duration;

use postback_integration::{Bundle, with};
use postback_sandbox::{Answer, Fault, Network};
use serde_json::json;

use super::{DAY, delivery, order, script, sweeping::sweep};

fn general_error() -> Fault {
    Fault::answer(Answer::of("application/json", r#"{"resp":102,"err_txt":"general error"}"#))
}

#[tokio::test]
async fn cartstacks_102_has_its_one_retry_whatever_failed_before_it() {
    let order = with(order("A-1", "a"), "/customer", json!({ "email": "a1@example.com" }));
    for before in [None, Some(Fault::status(429))] {
        let bundle = Bundle::new(1).await;
        let earlier = usize::from(before.is_some());
        for fault in before.into_iter().chain([general_error(), general_error()]) {
            script(&bundle, Network::CartStack, fault);
        }

        bundle.cartstack.enqueue(&order);
        bundle.bed.work_off(&bundle.cartstack, DAY).await;

        let delivery = delivery(&bundle, "A-1", "cartstack").await;
        assert_eq!(
            (&delivery["state"], &delivery["reason"]),
            (&json!("parked"), &json!("general_error"))
        );
        let requests = bundle.bed.sandbox.received(Network::CartStack).len();
        assert_eq!(requests, earlier + 2, "one retry");
    }
}

#[tokio::test]
async fn cartstacks_102_after_a_429_that_passes_at_its_retry_is_delivered() {
    let bundle = Bundle::new(1).await;
    let order = with(order("A-1", "a"), "/customer", json!({ "email": "a1@example.com" }));
    for fault in [Fault::status(429), general_error()] {
        script(&bundle, Network::CartStack, fault);
    }

    bundle.cartstack.enqueue(&order);
    let is_done = bundle.bed.work_off(&bundle.cartstack, DAY).await;

    assert!(is_done);
    assert_eq!(delivery(&bundle, "A-1", "cartstack").await["state"], "delivered");
}

#[tokio::test]
async fn an_order_that_is_parked_for_good_is_missed_the_same_day_if_its_message_is_lost() {
    let bundle = Bundle::new(1).await;
    let order = with(order("A-1", "a"), "/customer", json!({ "email": "a1@example.com" }));
    for fault in [general_error(), general_error()] {
        script(&bundle, Network::CartStack, fault);
    }
    bundle.cartstack.enqueue(&order);
    bundle.bed.work_off(&bundle.cartstack, DAY).await;
    let parked = delivery(&bundle, "A-1", "cartstack").await;
    let watched = sweep(&bundle).await;

    for message in bundle.cartstack.services.queue() {
        bundle.cartstack.services.delete(&message.id);
    }
    bundle.bed.advance(Duration::from_hours(9));
    let missed = sweep(&bundle).await;

    assert_eq!(parked["state"], "parked");
    let unwatched = [&watched, &missed].map(|counts| counts["cartstack"].unwatched);
    assert_eq!(unwatched, [0, 1]);
}
