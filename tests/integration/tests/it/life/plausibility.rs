//! An order that exceeds a bound of the operator's: nothing is sent, by any way, until a person permits
//! it, the shop corrects it, or the bound is raised.

use std::time::Duration;

use postback_core::delivery::{Decision, Key};
use postback_integration::{Bundle, with};
use postback_sandbox::{Fault, Network};
use serde_json::{Value, json};

use super::{
    DAY, amounts, at_shopback, cancelled, changed_at, delivery, order, published, script, state,
    sweeping::sweep,
};

/// An order of INR 1499 with a click of its own, beyond [`BOUND`].
const BOUND: &str = "SGD=5000,INR=1000";

async fn bounded() -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    for (_, services) in bundle.services() {
        services.bound(BOUND);
    }
    bundle
}

fn implausible() -> (String, Option<String>) {
    ("parked".to_owned(), Some("implausible".to_owned()))
}

fn key() -> Key {
    Key::known("A-1".to_owned(), "shopback", None)
}

fn effects(bundle: &Bundle) -> usize {
    bundle.bed.sandbox.totals(Network::ShopBack).effects
}

/// Lets the waiting message come round several times.
async fn an_hour(bundle: &Bundle) {
    bundle.bed.work_off(&bundle.shopback, Duration::from_hours(1)).await;
}

#[tokio::test]
async fn it_waits_by_every_way_without_a_request_and_stops_no_other_order() {
    let bundle = bounded().await;
    bundle.post("/orders", &order("A-1", "a")).await;
    bundle.work().await;

    let reply = bundle.post("/orders/shopback", &order("A-2", "b")).await;
    let small = with(order("A-3", "c"), "/total", json!("999.00"));
    let passed = bundle.post("/orders/shopback", &small).await;
    assert!(!bundle.bed.work_off(&bundle.shopback, DAY * 5).await, "it waits");

    assert_eq!((reply.status, reply.body()["reason"].as_str()), (202, Some("implausible")));
    bundle.assert_described("post", "/orders/shopback", &reply).await;
    for (_, state, reason) in bundle.states("A-1").await {
        assert_eq!((state, reason), implausible());
    }
    assert_eq!(bundle.states("A-1").await.len(), 4, "at each network");
    assert_eq!(passed.body()["state"], "delivered");
    assert_eq!(bundle.bed.sandbox.requests(), 1, "the small one alone");
    assert_eq!(delivery(&bundle, "A-1", "shopback").await["attempt"], 0);
    assert_eq!(published(&bundle, "cashmycell").await, ["parked"]);
}

#[tokio::test]
async fn a_person_lets_it_go_once_and_the_bound_never_stops_it_again() {
    let bundle = bounded().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    script(&bundle, Network::ShopBack, Fault::status(429));

    bundle.bed.decide(&key(), Decision::PermitSending).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await, "it waits on");

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    let found = delivery(&bundle, "A-1", "shopback").await;
    let ends: Vec<_> = found["attempts"].as_array().into_iter().flatten().collect();
    assert_eq!((ends.len(), effects(&bundle)), (2, 1), "{ends:?}");
    let events = published(&bundle, "shopback").await;
    assert_eq!(events, ["parked", "decided", "delivered"]);
}

#[tokio::test]
async fn what_a_person_gives_up_is_not_sent_though_it_comes_again() {
    let bundle = bounded().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    bundle.bed.decide(&key(), Decision::Abandon).await;
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await, "it waits on");
    bundle.shopback.services.bound("");
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    let given_up = ("abandoned".to_owned(), Some("implausible".to_owned()));
    assert_eq!(at_shopback(&bundle, "A-1").await, given_up);
    assert_eq!(effects(&bundle), 0);
}

#[tokio::test]
async fn a_correction_within_the_bound_is_sent_and_another_beyond_it_waits() {
    let bundle = bounded().await;
    bundle.shopback.enqueue(&changed_at(order("A-1", "a"), 10));
    an_hour(&bundle).await;
    let total =
        |minute, total: &str| changed_at(with(order("A-1", "a"), "/total", json!(total)), minute);

    bundle.shopback.enqueue(&total(20, "14990.00"));
    an_hour(&bundle).await;
    assert_eq!(at_shopback(&bundle, "A-1").await, implausible());
    bundle.shopback.enqueue(&total(30, "149.90"));
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await, "it waits on");

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(amounts(&bundle), ["149.9"]);
}

#[tokio::test]
async fn a_cancellation_withdraws_it() {
    let bundle = bounded().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;

    bundle.post("/orders/shopback", &cancelled("A-1")).await;
    bundle.bed.decide(&key(), Decision::PermitSending).await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert_eq!(at_shopback(&bundle, "A-1").await, state("withdrawn"));
    assert_eq!(effects(&bundle), 0);
}

#[tokio::test]
async fn a_bound_that_is_raised_or_removed_lets_it_go() {
    for raised in ["INR=2000", ""] {
        let bundle = bounded().await;
        bundle.shopback.enqueue(&order("A-1", "a"));
        an_hour(&bundle).await;

        bundle.shopback.services.bound(raised);
        assert!(bundle.bed.work_off(&bundle.shopback, DAY).await, "{raised}: it waits on");

        assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"), "{raised}");
        assert_eq!(effects(&bundle), 1, "{raised}");
    }
}

#[tokio::test]
async fn an_order_of_lines_is_judged_as_a_whole() {
    let bundle = bounded().await;
    let secret = json!({
        "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token", "mode": "line_items",
    });
    bundle.shopback.services.rotate(&secret.to_string());
    bundle.bed.advance(Duration::from_mins(10));
    let items = ["750.00", "749.00"].map(|price| json!({ "unit_price": price }));
    let order = with(order("A-1", "a"), "/items", json!(items));

    let reply = bundle.post("/orders/shopback", &order).await;

    let lines = reply.body()["lines"].as_array().cloned().unwrap_or_default();
    let reasons: Vec<&Value> = lines.iter().map(|line| &line["reason"]).collect();
    assert_eq!(reasons, ["implausible", "implausible"], "{}", reply.text);
    assert_eq!(effects(&bundle), 0);
}

#[tokio::test]
async fn a_total_beyond_a_multiple_of_its_lines_waits_without_a_bound_of_its_currency() {
    let bundle = bounded().await;
    bundle.shopback.services.bound_by_lines("2");
    let of = |id, price: &str| with(order(id, "a"), "/items", json!([{ "unit_price": price }]));

    bundle.post("/orders/shopback", &of("A-1", "14.99")).await;
    let passed = bundle.post("/orders/shopback", &of("A-2", "749.50")).await;

    assert_eq!(at_shopback(&bundle, "A-1").await, implausible());
    assert_eq!(passed.body()["state"], "delivered", "{}", passed.text);
}

#[tokio::test]
async fn the_sweep_counts_it_with_its_money_as_held_for_as_long_as_it_waits() {
    let bundle = bounded().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    an_hour(&bundle).await;

    let waiting = sweep(&bundle).await["shopback"].clone();
    bundle.bed.decide(&key(), Decision::PermitSending).await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    let money = waiting.money.get("INR").map(ToString::to_string);
    assert_eq!((waiting.held, waiting.unwatched, money.as_deref()), (1, 0, Some("1499")));
    assert_eq!(sweep(&bundle).await.get("shopback").map_or(0, |counts| counts.held), 0);
}
