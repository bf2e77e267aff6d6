//! Versions of one order: corrections, conflicts, and versions that wait for an attempt.

use std::time::Duration;

use postback_core::delivery::{Key, State};
use postback_harness::Strike;
use postback_integration::{Bundle, with};
use postback_sandbox::{Fault, Network};
use serde_json::{Value, json};

use super::{DAY, amounts, at_shopback, cancelled, changed_at, order, published, script, state};

fn of_total(total: &str) -> Value {
    with(order("A-1", "a"), "/total", json!(total))
}

#[tokio::test]
async fn a_later_version_replaces_what_the_network_certainly_does_not_hold() {
    for by_bus in [false, true] {
        let bundle = Bundle::new(1).await;
        script(&bundle, Network::ShopBack, Fault::status(429));
        bundle.post("/orders/shopback", &of_total("1499.00")).await;

        let later = changed_at(of_total("1599.00"), 20);
        if by_bus {
            bundle.shopback.enqueue(&later);
        } else {
            assert_eq!(bundle.post("/orders/shopback", &later).await.status, 202);
        }
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

        assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
        assert_eq!(amounts(&bundle), ["1499", "1599"]);
        assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 1);
        assert_eq!(published(&bundle, "shopback").await, ["delivered"]);
    }
}

#[tokio::test]
async fn a_conflict_says_what_was_reported() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &of_total("1499.00")).await;

    let reply = bundle.post("/orders/shopback", &of_total("1599.00")).await;

    let detail = reply.body()["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert!(detail.contains("reported") && detail.contains("1499 INR"), "{detail}");
}

#[tokio::test]
async fn a_conflict_says_that_nothing_was_sent_and_names_the_way_to_correct_it() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &of_total("1499.00")).await;

    let reply = bundle.post("/orders/shopback", &of_total("1599.00")).await;

    let detail = reply.body()["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert!(detail.contains("nothing has been sent") && detail.contains("updated_at"), "{detail}");
}

#[tokio::test]
async fn a_later_version_waits_for_a_doubt_and_is_a_conflict_once_the_earlier_is_delivered() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    bundle.post("/orders/shopback", &of_total("1499.00")).await;

    let reply = bundle.post("/orders/shopback", &changed_at(of_total("1599.00"), 20)).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("unconfirmed")));
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(amounts(&bundle), ["1499", "1499"]);
    let events = published(&bundle, "shopback").await;
    assert_eq!(events, ["unconfirmed", "delivered", "conflict"]);
}

#[tokio::test]
async fn of_two_versions_that_wait_for_a_doubt_the_newest_is_reported() {
    let key = Key::known("A-1".to_owned(), "cpa_moe", None);
    for by_queue in [false, true] {
        let bundle = Bundle::new(1).await;
        script(&bundle, Network::CpaMoe, Fault::close_before_reading());
        bundle.post("/orders/cpa_moe", &changed_at(of_total("1499.00"), 10)).await;
        for (total, minute) in [("1549.00", 20), ("1599.00", 30)] {
            let later = changed_at(of_total(total), minute);
            if by_queue {
                bundle.cpa_moe.enqueue(&later);
                bundle.cpa_moe.work().await;
            } else {
                let reply = bundle.post("/orders/cpa_moe", &later).await;
                assert_eq!((reply.status, &reply.body()["state"]), (202, &json!("unconfirmed")));
            }
        }

        // The network shows nothing of it.
        assert!(bundle.bed.work_off(&bundle.cpa_moe, DAY).await);

        let held = bundle.cpa_moe.record_of(&key).await.expect("a record").protocol;
        assert_eq!((held.state, held.attempt), (State::Delivered, 2), "by queue: {by_queue}");
        assert_eq!((held.facts.get("amount"), held.waiting_version), (Some("1599"), None));
        assert_eq!(bundle.bed.sandbox.leads("A-1").len(), 1);
        let events = published(&bundle, "cpa_moe").await;
        assert!(!events.contains(&"conflict".to_owned()), "{events:?}");
    }
}

#[tokio::test]
async fn a_correction_that_can_not_be_reported_waits_for_one_that_can() {
    for by_queue in [false, true] {
        let bundle = Bundle::new(1).await;
        let of = |total: &str, minute| {
            changed_at(with(of_total(total), "/currency", json!("KWD")), minute)
        };
        script(&bundle, Network::ShopBack, Fault::status(429));
        bundle.post("/orders/shopback", &of("1499.00", 10)).await;
        // Three decimals are one too many for this network.
        if by_queue {
            bundle.shopback.enqueue(&of("1599.125", 20));
        } else {
            assert_eq!(bundle.post("/orders/shopback", &of("1599.125", 20)).await.status, 202);
        }
        bundle.shopback.work().await;
        let unfit = at_shopback(&bundle, "A-1").await;

        let reply = bundle.post("/orders/shopback", &of("1599.12", 30)).await;

        assert_eq!(unfit, ("parked".to_owned(), Some("not_plannable".to_owned())));
        assert_eq!(reply.body()["state"], "delivered", "by queue: {by_queue}");
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
        assert_eq!(amounts(&bundle), ["1499", "1599.12"]);
    }
}

#[tokio::test]
async fn an_earlier_version_is_superseded_and_no_conflict() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &changed_at(of_total("1599.00"), 20)).await;

    let reply = bundle.post("/orders/shopback", &changed_at(of_total("1499.00"), 10)).await;
    bundle.shopback.enqueue(&of_total("1499.00"));
    bundle.shopback.work().await;

    assert_eq!((reply.status, &reply.body()["replayed"]), (200, &json!(true)));
    assert_eq!(amounts(&bundle), ["1599"]);
    assert_eq!(published(&bundle, "shopback").await, ["delivered"]);
    assert!(bundle.shopback.services.queue().is_empty());
}

#[tokio::test]
async fn a_later_version_whose_call_dies_after_its_claim_is_carried_on() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &of_total("1499.00")).await;
    bundle.bed.advance(Duration::from_hours(1));
    // The record is read, the claim is written over the version before, and the function dies before
    // the settlement.
    bundle.bed.table.script([Strike::Pass, Strike::Pass, Strike::Hang]);
    let later = changed_at(of_total("1599.00"), 20);
    tokio::select! {
        _ = bundle.post("/orders/shopback", &later) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }
    bundle.bed.table.script([]);

    let is_done = bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert!(is_done);
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 1);
    assert_eq!(amounts(&bundle).last().map(String::as_str), Some("1599"));
}

#[tokio::test]
async fn a_later_version_that_can_t_be_put_on_its_queue_replaces_nothing() {
    // It may be due, or still have to wait.
    for pause in [Duration::from_hours(1), Duration::ZERO] {
        replaces_nothing_after(pause).await;
    }
}

async fn replaces_nothing_after(pause: Duration) {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &of_total("1499.00")).await;
    bundle.bed.advance(pause);
    bundle.shopback.services.queue_down(true);

    let reply = bundle.post("/orders/shopback", &changed_at(of_total("1599.00"), 20)).await;

    assert_eq!(reply.problem(), (503, "queue_unavailable".to_owned()));
    assert_eq!(amounts(&bundle), ["1499"]);
    bundle.shopback.services.queue_down(false);
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
    assert_eq!(amounts(&bundle), ["1499", "1499"], "the version held goes on");
}

/// Of two versions the later one holds, in whatever order they come.
#[tokio::test]
async fn a_cancellation_of_an_earlier_version_than_a_conflict_changes_nothing() {
    for by_queue in [false, true] {
        for cancelled_before in [false, true] {
            let bundle = Bundle::new(1).await;
            bundle.post("/orders/shopback", &changed_at(of_total("1499.00"), 10)).await;
            let cancellation = changed_at(cancelled("A-1"), 20);
            if cancelled_before {
                bundle.post("/orders/shopback", &cancellation).await;
            }
            let later = changed_at(of_total("1599.00"), 30);
            if by_queue {
                bundle.shopback.enqueue(&later);
                bundle.shopback.work().await;
            } else {
                assert_eq!(bundle.post("/orders/shopback", &later).await.status, 409);
            }

            let reply = bundle.post("/orders/shopback", &cancellation).await;

            assert_eq!(reply.body()["reason"], "superseded", "{}", reply.text);
            let record = bundle.shopback.record("A-1").await.expect("a record");
            assert_eq!(record.protocol.cancelled, None, "the shop's latest word is completed");
            assert_eq!(record.protocol.facts.get("amount"), Some("1499"));
            let events = published(&bundle, "shopback").await;
            let count = |wanted: &str| events.iter().filter(|kind| *kind == wanted).count();
            assert_eq!(count("cancelled_after_delivery"), usize::from(cancelled_before));
            assert_eq!(count("conflict"), usize::from(by_queue), "{events:?}");
        }
    }
}

#[tokio::test]
async fn each_attempt_keeps_the_amount_that_it_reported() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &of_total("1499.00")).await;
    bundle.post("/orders/shopback", &changed_at(of_total("1599.00"), 20)).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    let reply = bundle.get("A-1").await;

    let attempts = reply.body()["deliveries"][0]["attempts"].clone();
    let amounts = [&attempts[0]["amount"], &attempts[1]["amount"]];
    assert_eq!(amounts, [&json!("1499"), &json!("1599")], "{attempts:#}");
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
}
