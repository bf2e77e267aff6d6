//! A network that a person paused: nothing is sent by any way, and everything is reported once it is
//! resumed.

use std::{collections::BTreeSet, time::Duration};

use postback_harness::Function;
use postback_integration::{Bundle, minimal, with};
use postback_runtime::ledger::ALL_NETWORKS;
use postback_sandbox::{Fault, Network};
use serde_json::{Value, json};
use shopback::ShopBack;

use super::{
    DAY, at_shopback, delivery, order, script, state,
    validation::{self, lock_at, one, shown, validate, validated},
};

/// The time between two orders: 50 a second.
const BETWEEN: Duration = Duration::from_millis(20);

/// The orders of ten seconds at 50 a second.
const TEN_SECONDS: u32 = 500;

fn numbered(number: u32) -> Value {
    let click = json!(format!("{number:030}"));
    with(minimal(&format!("A-{number}")), "/clicks/shopback/transaction_id", click)
}

/// Orders at 50 a second: by the queue, and every fifth by a direct call. Each is taken by one of the
/// instances.
async fn stream(bundle: &Bundle, instances: &[Function<ShopBack>], numbers: std::ops::Range<u32>) {
    for number in numbers {
        let instance = &instances[number as usize % instances.len()];
        if number % 5 == 0 {
            instance.post(&numbered(number)).await;
        } else {
            instance.enqueue(&numbered(number));
        }
        instance.work().await;
        bundle.bed.advance(BETWEEN);
    }
}

/// More instances of ShopBack's function, on one queue.
async fn instances(bundle: &Bundle) -> Vec<Function<ShopBack>> {
    let (endpoint, mut instances) = (bundle.bed.sandbox.endpoint(Network::ShopBack), Vec::new());
    for _ in 0..3 {
        let services = bundle.shopback.services.clone();
        instances.push(bundle.bed.instance::<ShopBack>(&endpoint, services).await);
    }
    instances
}

fn requests(bundle: &Bundle) -> usize {
    bundle.bed.sandbox.received(Network::ShopBack).len()
}

#[tokio::test]
async fn a_pause_takes_effect_within_seconds_by_every_way_and_after_it_all_is_reported_once() {
    for name in ["shopback", ALL_NETWORKS] {
        let bundle = Bundle::new(1).await;
        let first = instances(&bundle).await;
        stream(&bundle, &first, 0..100).await;
        assert_eq!(requests(&bundle), 100, "nothing is paused yet");

        bundle.bed.pause(name, true).await;
        stream(&bundle, &first, 100..100 + TEN_SECONDS).await;
        let before = requests(&bundle);
        // A deployment starts all instances anew.
        let second = instances(&bundle).await;
        stream(&bundle, &second, 1_000..1_200).await;

        assert_eq!(requests(&bundle), before, "reported ten seconds after the pause");
        assert!(before <= 100 + 250, "{before} were reported: it took longer than five seconds");
        let waiting = at_shopback(&bundle, "A-1199").await;
        assert_eq!(waiting, ("parked".to_owned(), Some("paused".to_owned())));

        bundle.bed.work_off(&second[0], Duration::from_mins(1)).await;
        assert_eq!(requests(&bundle), before, "not a probe while it is paused");

        bundle.bed.pause(name, false).await;
        assert!(bundle.bed.work_off(&second[0], Duration::from_mins(30)).await, "it waits on");

        let held = bundle.bed.sandbox.received(Network::ShopBack);
        let ids: BTreeSet<_> = held.iter().map(|request| request.order.clone()).collect();
        assert_eq!((held.len(), ids.len()), (800, 800), "each once");
        assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 800);
    }
}

#[tokio::test]
async fn a_network_that_is_paused_is_neither_asked_nor_sent_what_waits_already() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    script(&bundle, Network::CpaMoe, Fault::close_after_reading());
    for network in ["shopback", "cpa_moe"] {
        bundle.post(&format!("/orders/{network}"), &order("A-1", "a")).await;
        bundle.bed.pause(network, true).await;
    }
    bundle.bed.advance(Duration::from_secs(5));
    let before = bundle.bed.sandbox.requests();

    assert!(!bundle.bed.work_off(&bundle.shopback, DAY).await, "it waits");
    assert!(!bundle.bed.work_off(&bundle.cpa_moe, DAY).await, "it waits");
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    assert_eq!(bundle.bed.sandbox.requests(), before);

    for network in ["shopback", "cpa_moe"] {
        bundle.bed.pause(network, false).await;
    }
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
    assert!(bundle.bed.work_off(&bundle.cpa_moe, DAY).await);
    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(delivery(&bundle, "A-1", "cpa_moe").await["state"], "delivered");
    for network in [Network::ShopBack, Network::CpaMoe] {
        assert_eq!(bundle.bed.sandbox.totals(network).effects, 1);
    }
}

#[tokio::test]
async fn a_paused_network_is_not_validated_and_is_once_it_is_resumed() {
    let bundle = validation::bundle().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.advance_to(lock_at());
    bundle.bed.pause("shopback", true).await;
    bundle.bed.advance(Duration::from_secs(5));

    for _ in 0..3 {
        validate(&bundle).await;
        bundle.bed.advance(DAY);
    }
    assert_eq!((validated(&bundle), requests(&bundle)), (vec![], 1));
    assert_eq!(shown(&bundle, "A-1").await["status"], "waiting");

    bundle.bed.pause("shopback", false).await;
    bundle.bed.advance(Duration::from_secs(5));
    validate(&bundle).await;
    assert_eq!(validated(&bundle), one("approved", "1499"));
}

#[tokio::test]
async fn a_pause_stays_in_force_while_the_ledger_does_not_answer_the_question() {
    let bundle = Bundle::new(1).await;
    bundle.bed.pause("shopback", true).await;
    bundle.bed.advance(Duration::from_secs(5));
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    bundle.bed.table.fail_all(Some("Query"));
    bundle.bed.work_off(&bundle.shopback, Duration::from_hours(2)).await;
    let fresh = bundle.bed.function::<ShopBack>().await;
    let answer = fresh.post(&order("A-2", "b")).await;

    assert_eq!(requests(&bundle), 0);
    assert_eq!(answer.status, 503, "an instance that knows nothing sends nothing");
}

#[tokio::test]
async fn a_pause_of_one_network_costs_the_others_nothing_and_is_shown_with_the_order() {
    let bundle = Bundle::new(1).await;
    bundle.bed.pause("shopback", true).await;
    bundle.bed.advance(Duration::from_secs(5));

    bundle.post("/orders", &order("A-1", "a")).await;
    bundle.work().await;

    assert_eq!(delivery(&bundle, "A-1", "cpa_moe").await["state"], "delivered");
    let reply = bundle.get("A-1").await;
    bundle.assert_described("get", "/orders/{order_id}", &reply).await;
    let paused = reply.body()["paused"].clone();
    assert_eq!(paused[0]["network"], "shopback");
    assert_eq!(paused.as_array().map(Vec::len), Some(1));
    assert!(!reply.text.contains("operator"), "the API names no operator");
}
