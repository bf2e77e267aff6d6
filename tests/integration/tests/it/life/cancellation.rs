//! Cancelled orders: before, between and after the attempts, by every way.

use postback_harness::order_event;
use postback_integration::{Bundle, with};
use postback_sandbox::{Fault, Network};
use serde_json::{Value, json};

use super::{DAY, at_shopback, cancelled, changed_at, delivery, order, published, script, state};

/// The ways of an order.
#[derive(Clone, Copy, Debug)]
enum Way {
    Call,
    Bus,
    Queue,
}

const WAYS: [Way; 3] = [Way::Call, Way::Bus, Way::Queue];

/// Sends an order to ShopBack's function and lets it be taken.
async fn send(bundle: &Bundle, way: Way, order: &Value) {
    match way {
        Way::Call => {
            let reply = bundle.post("/orders/shopback", order).await;
            assert!(matches!(reply.status, 200 | 202), "{reply:?}");
            bundle.assert_described("post", "/orders/shopback", &reply).await;
        }
        Way::Bus => {
            assert_eq!(bundle.post("/orders", order).await.status, 202);
            bundle.route();
            bundle.shopback.work().await;
        }
        Way::Queue => {
            let mut event = order_event(order);
            let status = order["status"].as_str().unwrap_or_default();
            event["detail-type"] = json!(format!("order.{status}"));
            bundle.shopback.services.enqueue(event.to_string());
            bundle.shopback.work().await;
        }
    }
}

fn requests(bundle: &Bundle) -> usize {
    bundle.bed.sandbox.received(Network::ShopBack).len()
}

#[tokio::test]
async fn an_order_cancelled_before_it_arrives_is_never_reported() {
    for (first, second) in WAYS.into_iter().zip([Way::Bus, Way::Queue, Way::Call]) {
        let bundle = Bundle::new(1).await;

        send(&bundle, first, &cancelled("A-1")).await;
        send(&bundle, second, &order("A-1", "a")).await;
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(at_shopback(&bundle, "A-1").await, state("withdrawn"), "{first:?}");
        assert_eq!(requests(&bundle), 0, "{first:?}");
        let expected = ["withdrawn", "cancelled", "completed_after_withdrawal"];
        assert_eq!(published(&bundle, "shopback").await, expected, "{first:?}");
    }
}

#[tokio::test]
async fn an_order_cancelled_while_it_waits_is_withdrawn() {
    for way in WAYS {
        let bundle = Bundle::new(1).await;
        script(&bundle, Network::ShopBack, Fault::status(429));
        bundle.post("/orders/shopback", &order("A-1", "a")).await;

        send(&bundle, way, &cancelled("A-1")).await;
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(at_shopback(&bundle, "A-1").await, state("withdrawn"), "{way:?}");
        assert_eq!(requests(&bundle), 1, "{way:?}");
        assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 0, "{way:?}");
    }
}

#[tokio::test]
async fn a_parked_order_that_is_cancelled_is_not_sent_when_the_setting_is_fixed() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::redirect("https://elsewhere.example/"));
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    bundle.post("/orders/shopback", &cancelled("A-1")).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(at_shopback(&bundle, "A-1").await, state("withdrawn"));
    assert_eq!(requests(&bundle), 1);
}

#[tokio::test]
async fn an_order_cancelled_during_an_attempt_is_not_sent_again() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::hang().not_processed());

    let cancel = async {
        bundle.bed.sandbox.wait_for_received(Network::ShopBack, "A-1", 1).await;
        let reply = bundle.post("/orders/shopback", &cancelled("A-1")).await;
        bundle.bed.sandbox.release();
        reply
    };
    let first = order("A-1", "a");
    let (_, reply) = tokio::join!(bundle.post("/orders/shopback", &first), cancel);
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("sending")));
    assert_eq!(requests(&bundle), 1, "it is not sent again");
}

#[tokio::test]
async fn a_cancellation_during_an_attempt_that_succeeds_is_an_event_for_the_shop() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::hang());

    let cancel = async {
        bundle.bed.sandbox.wait_for_received(Network::ShopBack, "A-1", 1).await;
        bundle.post("/orders/shopback", &cancelled("A-1")).await;
        bundle.bed.sandbox.release();
    };
    let first = order("A-1", "a");
    let (reply, ()) = tokio::join!(bundle.post("/orders/shopback", &first), cancel);

    assert_eq!(reply.body()["state"], "delivered");
    let expected = ["cancelled", "delivered", "cancelled_after_delivery"];
    assert_eq!(published(&bundle, "shopback").await, expected);
}

#[tokio::test]
async fn a_cancellation_after_the_delivery_is_noted_once_and_published() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    for way in WAYS {
        send(&bundle, way, &cancelled("A-1")).await;
    }

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    let expected = ["delivered", "cancelled", "cancelled_after_delivery"];
    assert_eq!(published(&bundle, "shopback").await, expected);
}

#[tokio::test]
async fn a_cancelled_order_in_doubt_is_never_sent_again() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    bundle.post("/orders/shopback", &cancelled("A-1")).await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert_eq!(at_shopback(&bundle, "A-1").await.0, "unconfirmed");
    assert_eq!(requests(&bundle), 1);
}

#[tokio::test]
async fn a_lookup_settles_a_cancelled_order_in_doubt() {
    for (fault, end) in [
        (Fault::close_after_reading(), "delivered"),
        (Fault::close_after_reading().not_processed(), "withdrawn"),
    ] {
        let bundle = Bundle::new(1).await;
        script(&bundle, Network::CpaMoe, fault);
        bundle.post("/orders/cpa_moe", &order("A-1", "a")).await;

        bundle.post("/orders/cpa_moe", &cancelled("A-1")).await;
        assert!(bundle.bed.work_off(&bundle.cpa_moe, DAY).await);

        assert_eq!(delivery(&bundle, "A-1", "cpa_moe").await["state"], end);
        let events = published(&bundle, "cpa_moe").await;
        let is_published = events.iter().any(|kind| kind == "cancelled_after_delivery");
        assert_eq!(is_published, end == "delivered", "{events:?}");
        assert_eq!(bundle.bed.sandbox.leads("A-1").len(), usize::from(end == "delivered"));
    }
}

#[tokio::test]
async fn a_later_completion_opens_a_withdrawn_order() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &changed_at(cancelled("A-1"), 20)).await;

    let early = bundle.post("/orders/shopback", &changed_at(order("A-1", "a"), 10)).await;
    let late = bundle.post("/orders/shopback", &changed_at(order("A-1", "a"), 30)).await;

    assert_eq!(early.body()["state"], "withdrawn");
    assert_eq!(late.body()["state"], "delivered");
    assert_eq!(requests(&bundle), 1);
}

#[tokio::test]
async fn an_old_cancellation_changes_nothing() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &changed_at(order("A-1", "a"), 30)).await;

    bundle.post("/orders/shopback", &changed_at(cancelled("A-1"), 20)).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(published(&bundle, "shopback").await, ["delivered"]);
}

#[tokio::test]
async fn a_cancellation_goes_to_every_network_by_its_status_alone() {
    let bundle = Bundle::new(1).await;

    let reply = bundle.post("/orders", &cancelled("A-1")).await;
    bundle.work().await;

    assert_eq!(reply.status, 202);
    let states = bundle.states("A-1").await;
    assert_eq!(states.len(), 4);
    assert!(states.iter().all(|(_, state, _)| state == "withdrawn"), "{states:?}");
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

#[tokio::test]
async fn the_cancellation_of_an_earlier_version_is_noted_once_and_said_to_change_nothing() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &changed_at(order("A-1", "a"), 20)).await;
    let earlier = changed_at(cancelled("A-1"), 10);

    let reply = bundle.post("/orders/shopback", &earlier).await;
    let noted = delivery(&bundle, "A-1", "shopback").await;
    bundle.post("/orders/shopback", &earlier).await;

    let body = reply.body();
    assert_eq!((&body["state"], &body["reason"]), (&json!("delivered"), &json!("superseded")));
    bundle.assert_described("post", "/orders/shopback", &reply).await;
    let words = noted["cancellations"].as_array().cloned().unwrap_or_default();
    assert_eq!(words.len(), 1, "{noted}");
    assert_eq!(words[0]["word"], "superseded");
    assert_eq!(words[0]["order_updated_at"], earlier["updated_at"]);
    assert_eq!(delivery(&bundle, "A-1", "shopback").await, noted, "a repetition writes nothing");
    assert_eq!(published(&bundle, "shopback").await, ["delivered"]);
}

/// An order of 1499 with these refunds.
fn refunded(refunds: &[(&str, &str)]) -> Value {
    let refunds = refunds.iter().map(|(id, amount)| json!({ "id": id, "amount": amount }));
    with(order("A-1", "a"), "/refunds", refunds.collect())
}

#[tokio::test]
async fn refunds_of_several_messages_that_reach_the_total_are_a_refund_of_the_whole() {
    for way in WAYS {
        for last in ["1399.00", "1500.00"] {
            let bundle = Bundle::new(1).await;
            send(&bundle, way, &order("A-1", "a")).await;

            send(&bundle, way, &refunded(&[("r1", "100.00")])).await;
            let before = published(&bundle, "shopback").await;
            send(&bundle, way, &refunded(&[("r2", last)])).await;
            let after = published(&bundle, "shopback").await;
            send(&bundle, way, &refunded(&[("r2", last)])).await;

            assert_eq!(before, ["delivered", "refunded"], "{way:?}");
            assert!(after.contains(&"cancelled_after_delivery".to_owned()), "{way:?}: {after:?}");
            assert_eq!(published(&bundle, "shopback").await, after, "a repetition is no news");
            assert_eq!(requests(&bundle), 1);
        }
    }
}

#[tokio::test]
async fn an_order_whose_refunds_exceed_its_total_before_it_is_reported_never_is() {
    let bundle = Bundle::new(1).await;

    send(&bundle, Way::Call, &refunded(&[("r1", "1600.00")])).await;

    assert_eq!(at_shopback(&bundle, "A-1").await, state("withdrawn"));
    assert_eq!(requests(&bundle), 0);
}

#[tokio::test]
async fn no_later_version_takes_a_refund_of_the_whole_back() {
    for way in WAYS {
        let bundle = Bundle::new(1).await;
        send(&bundle, way, &changed_at(order("A-1", "a"), 10)).await;
        send(&bundle, way, &changed_at(refunded(&[("r1", "1499.00")]), 10)).await;

        send(&bundle, way, &changed_at(order("A-1", "a"), 20)).await;

        let shown = delivery(&bundle, "A-1", "shopback").await;
        let words = shown["cancellations"].as_array().cloned().unwrap_or_default();
        assert!(words.iter().all(|word| word["word"] != "revoked"), "{way:?}: {shown}");
        assert!(!words.is_empty(), "{way:?}: {shown}");
    }
}
