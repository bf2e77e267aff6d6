//! `DynamoDB`, Secrets Manager or SQS is missing for an hour. `make dead-hour` sends an order a second
//! meanwhile; without optimisation, where each order costs milliseconds, it is three a minute.

use std::time::Duration;

use postback_harness::{INVISIBLE, Strike};
use postback_integration::{Bundle, with};
use postback_runtime::{
    client::Sender,
    dispatch::{Dispatcher, StartError},
};
use postback_sandbox::{Fault, Network};
use serde_json::{Value, json};
use shopback::ShopBack;
use url::Url;

use super::{DAY, at_shopback, cancelled, delivery, order, published, script, state};

#[tokio::test]
async fn an_hour_without_the_ledger_costs_no_order() {
    let bundle = Bundle::new(1).await;
    let orders: Vec<_> = (0..6).map(|number| format!("A-{number}")).collect();
    bundle.bed.table.always(Strike::Fail);
    for (id, click) in orders.iter().zip(["a", "b", "c", "d", "e", "f"]) {
        bundle.shopback.enqueue(&order(id, click));
    }
    bundle.shopback.services.enqueue(postback_harness::order_event(&cancelled("A-6")).to_string());

    let is_empty = bundle.bed.work_off(&bundle.shopback, Duration::from_hours(1)).await;
    let (requests, queued) =
        (bundle.bed.sandbox.requests(), bundle.shopback.services.queue().len());
    bundle.bed.table.always(Strike::Pass);
    let is_done = bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert!(!is_empty && is_done);
    assert_eq!((requests, queued), (0, orders.len() + 1), "one message for each order");
    assert!(bundle.shopback.services.dead_letters().is_empty());
    for id in &orders {
        assert_eq!(at_shopback(&bundle, id).await, state("delivered"), "{id}");
        assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, id).len(), 1, "{id}");
    }
    assert_eq!(at_shopback(&bundle, "A-6").await, state("withdrawn"));
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), orders.len());
}

#[tokio::test]
async fn a_ledger_that_fails_after_the_claim_costs_no_second_report() {
    let bundle = Bundle::new(1).await;
    bundle.shopback.enqueue(&order("A-1", "a"));
    // The claim and the use of its click are written.
    let strikes = [Strike::Pass; 2].into_iter().chain([Strike::Fail; 40]);
    bundle.bed.table.script(strikes);

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    assert_eq!(at_shopback(&bundle, "A-1").await, state("delivered"));
    assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
    assert!(bundle.shopback.services.dead_letters().is_empty());
}

#[tokio::test]
async fn a_completion_after_the_cancellation_is_published_though_it_met_an_outage() {
    let bundle = Bundle::new(1).await;
    bundle.shopback.services.enqueue(postback_harness::order_event(&cancelled("A-1")).to_string());
    bundle.shopback.work().await;
    bundle.bed.table.always(Strike::Fail);
    bundle.shopback.enqueue(&order("A-1", "a"));
    bundle.shopback.work().await;
    bundle.bed.table.always(Strike::Pass);

    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);

    let expected = ["withdrawn", "cancelled", "completed_after_withdrawal"];
    assert_eq!(published(&bundle, "shopback").await, expected);
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}

/// Minutes of orders: an hour of them is the outage.
const MINUTES: usize = 80;
const OUTAGE: std::ops::Range<usize> = 10..70;
const ORDERS_A_MINUTE: usize = if cfg!(debug_assertions) { 3 } else { 60 };

/// Orders at a network that de-duplicates and one that never confirms, one of each minute by a caller
/// who calls again until there is an answer, and now and then a 429. `missing` takes a service away
/// for an hour, and gives it back.
async fn an_hour_under_load(service: &str, missing: impl Fn(&Bundle, bool)) {
    let bundle = Bundle::new(1).await;
    let mut unanswered = Vec::new();
    for minute in 0..MINUTES {
        match minute {
            minute if minute == OUTAGE.start => missing(&bundle, true),
            minute if minute == OUTAGE.end => missing(&bundle, false),
            minute if minute % 7 == 0 => {
                script(&bundle, Network::ShopBack, Fault::status(429));
                script(&bundle, Network::CashMyCell, Fault::status(429));
            }
            _ => {}
        }
        let last = (minute + 1) * ORDERS_A_MINUTE - 1;
        for number in minute * ORDERS_A_MINUTE..last {
            bundle.shopback.enqueue(&numbered(number));
            bundle.cashmycell.enqueue(&numbered(number));
        }
        unanswered.push(last);
        call_again(&bundle, &mut unanswered).await;
        bundle.shopback.work().await;
        bundle.cashmycell.work().await;
        bundle.bed.advance(Duration::from_mins(1));
    }
    while !unanswered.is_empty() {
        call_again(&bundle, &mut unanswered).await;
        bundle.bed.advance(Duration::from_mins(1));
    }
    assert!(bundle.bed.work_off(&bundle.shopback, DAY).await);
    assert!(bundle.bed.work_off(&bundle.cashmycell, DAY).await);

    let mut once = [0; 2];
    let orders = MINUTES * ORDERS_A_MINUTE;
    for number in 0..orders {
        let id = format!("A-{number}");
        let shopback = bundle.bed.sandbox.held(Network::ShopBack, &id).len();
        let cashmycell = bundle.bed.sandbox.held(Network::CashMyCell, &click(number)).len();
        assert_eq!((shopback, cashmycell), (1, 1), "{service}: {id}");
        let at_cashmycell = delivery(&bundle, &id, "cashmycell").await;
        assert_eq!(at_cashmycell["state"], "accepted", "{service}: {at_cashmycell}");
        assert_eq!(at_shopback(&bundle, &id).await, state("delivered"), "{service}: {id}");
        once = [once[0] + shopback, once[1] + cashmycell];
    }
    let dead = bundle.services().map(|(_, services)| services.dead_letters().len());
    println!("{service}: {orders} orders, reported once {once:?}, dead letters {dead:?}");
    assert_eq!(dead, [0; 4], "{service}");
}

/// Callers call until they are answered that the order is taken.
async fn call_again(bundle: &Bundle, unanswered: &mut Vec<usize>) {
    for number in std::mem::take(unanswered) {
        let order = numbered(number);
        let shopback = bundle.post("/orders/shopback", &order).await.status;
        let cashmycell = bundle.post("/orders/cashmycell", &order).await.status;
        if shopback >= 300 || cashmycell >= 300 {
            unanswered.push(number);
        }
    }
}

fn click(number: usize) -> String {
    format!("cmc{number}")
}

/// An order with clicks of its own.
fn numbered(number: usize) -> Value {
    let order = order(&format!("A-{number}"), "a");
    let order = with(order, "/clicks/shopback/transaction_id", json!(format!("{number:0>30}")));
    with(order, "/clicks/cashmycell", json!({ "cmc_id": click(number) }))
}

#[tokio::test]
async fn an_hour_without_the_ledger_under_load_costs_no_order_and_no_second_report() {
    an_hour_under_load("no ledger", |bundle, missing| {
        bundle.bed.table.always(if missing { Strike::Fail } else { Strike::Pass });
    })
    .await;
}

#[tokio::test]
async fn an_hour_in_which_the_queues_take_nothing_costs_no_order_and_no_second_report() {
    an_hour_under_load("no queue", |bundle, missing| {
        for (_, services) in bundle.services() {
            services.queue_down(missing);
        }
    })
    .await;
}

#[tokio::test]
async fn an_hour_without_the_secrets_costs_no_order_and_no_second_report() {
    an_hour_under_load("no secrets", |bundle, missing| {
        for (_, services) in bundle.services() {
            services.secret_down(missing);
        }
    })
    .await;
}

/// An instance that starts meanwhile can't: Lambda's invocation fails and the messages come again.
#[tokio::test]
async fn an_hour_in_which_no_instance_can_start_costs_no_order() {
    let bundle = Bundle::new(1).await;
    let services = &bundle.shopback.services;
    for number in 0..20 {
        bundle.shopback.enqueue(&numbered(number));
    }
    services.secret_down(true);
    let end = bundle.bed.now() + Duration::from_hours(1);
    let mut received = 0;
    while bundle.bed.now() < end {
        received += services.receive(100, INVISIBLE).len();
        let endpoint = Url::parse("http://127.0.0.1:1").expect("a URL");
        let sender = Sender::new(endpoint, Duration::from_secs(1), Duration::from_secs(3));
        let ledger = bundle.bed.table.ledger();
        let started = Dispatcher::<ShopBack, _>::start(ledger, sender, services.clone()).await;
        assert!(matches!(started, Err(StartError::SecretUnavailable)));
        bundle.bed.advance(INVISIBLE);
    }
    services.secret_down(false);

    let is_done = bundle.bed.work_off(&bundle.shopback, DAY).await;

    // The template lets a message be received a thousand times.
    assert_eq!((is_done, received), (true, 20 * 20));
    assert!(services.dead_letters().is_empty());
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 20);
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 20);
}
