//! Orders of one batch: none affects another.

use std::time::Duration;

use postback_harness::{Function, INVISIBLE, Patience};
use postback_integration::{Bundle, minimal, with};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json};
use shopback::ShopBack;
use tokio::time::timeout;

const ORDERS: [&str; 3] = ["A-1", "A-2", "A-3"];

/// For what comes, however busy the machine is.
const LONG: Duration = Duration::from_mins(1);

const DAY: Duration = Duration::from_hours(24);

/// A function with three orders on its queue and a long timeout for its network.
async fn with_three(bundle: &Bundle) -> Function<ShopBack> {
    let bed = &bundle.bed;
    let patience = Patience { network: LONG * 2, ..Patience::default() };
    let endpoint = bed.sandbox.endpoint(Network::ShopBack);
    let services = bundle.shopback.services.clone();
    let function = bed.instance_with(&endpoint, services, patience).await;
    for (id, click) in ORDERS.iter().zip(["a", "b", "c"]) {
        let click = json!({ "shopback": { "transaction_id": click.repeat(30) } });
        function.enqueue(&with(minimal(id), "/clicks", click));
    }
    function
}

/// The published events, as order and event.
async fn published(bundle: &Bundle) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = bundle.bed.published().await.into_iter();
    let mut found: Vec<_> =
        events.map(|(kind, detail)| (text(&detail["order_id"]), kind)).collect();
    found.sort();
    found
}

fn event(order: &str, kind: &str) -> (String, String) {
    (order.to_owned(), format!("postback.{kind}"))
}

/// The number of requests that the network received for an order.
fn requests(bundle: &Bundle, order: &str) -> usize {
    let received = bundle.bed.sandbox.received(Network::ShopBack);
    let of_it = ("adv_sub".to_owned(), order.to_owned());
    received.iter().filter(|request| request.params.contains(&of_it)).count()
}

#[tokio::test]
async fn a_panic_over_one_order_leaves_none_of_the_others_unsettled() {
    let bundle = Bundle::new(1).await;
    let function = with_three(&bundle).await;
    // An order that has to be put back on the queue, where it panics.
    let unavailable = Rule::on(Network::ShopBack, Fault::status(429)).order("A-2");
    bundle.bed.sandbox.script(unavailable).expect("a rule");
    function.services.panic_over(Some("A-2"));

    let batch = function.services.receive(10, INVISIBLE);
    let failed = function.take(&batch).await;
    assert_eq!(failed, [batch[1].id.clone()]);
    assert_eq!(published(&bundle).await, [event("A-1", "delivered"), event("A-3", "delivered")]);
    function.services.panic_over(None);
    bundle.bed.work_off(&function, DAY).await;

    for id in ORDERS {
        assert_eq!(bundle.bed.sandbox.held(Network::ShopBack, id).len(), 1, "{id}");
        let delivery = bundle.get(id).await.body()["deliveries"][0].clone();
        assert_eq!(delivery["state"], "delivered", "{id}");
    }
    assert_eq!((requests(&bundle, "A-1"), requests(&bundle, "A-3")), (1, 1));
}

#[tokio::test]
async fn an_order_whose_network_hangs_delays_no_other_delivery() {
    let bundle = Bundle::new(1).await;
    let function = with_three(&bundle).await;
    let rule = Rule::on(Network::ShopBack, Fault::hang());
    bundle.bed.sandbox.script(rule).expect("a rule");

    let others = async {
        while published(&bundle).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = function.work() => panic!("one hangs"),
        others = timeout(LONG, others) => others.expect("the events of the others"),
    }

    let events = published(&bundle).await;
    assert!(events.iter().all(|(_, kind)| kind == "postback.delivered"), "{events:?}");
}

#[tokio::test]
async fn an_order_that_is_refused_at_last_delays_no_other_delivery() {
    let bundle = Bundle::new(1).await;
    let function = with_three(&bundle).await;
    let answer = Answer::of("text/plain", "success=false;error=nonsense");
    let last = Rule::on(Network::ShopBack, Fault::answer(answer)).after(2);
    bundle.bed.sandbox.script(last).expect("a rule");

    timeout(LONG, function.work()).await.expect("an end");

    let events = published(&bundle).await;
    assert_eq!(events.iter().filter(|(_, kind)| kind == "postback.delivered").count(), 2);
}

/// The amounts that the network received.
fn amounts(bundle: &Bundle) -> Vec<String> {
    let received = bundle.bed.sandbox.received(Network::ShopBack).into_iter();
    let amount = |(name, value): (String, String)| (name == "amount").then_some(value);
    received.filter_map(|request| request.params.into_iter().find_map(amount)).collect()
}

#[tokio::test]
async fn a_cancellation_in_the_batch_of_its_order_comes_first() {
    let bundle = Bundle::new(1).await;
    let order = with(minimal("A-1"), "/clicks/shopback/transaction_id", json!("a".repeat(30)));
    bundle.shopback.enqueue(&order);
    bundle.shopback.enqueue(&json!({ "order_id": "A-1", "status": "cancelled" }));

    let batch = bundle.shopback.services.receive(10, INVISIBLE);
    assert_eq!(batch.len(), 2);
    assert!(bundle.shopback.take(&batch).await.is_empty());

    assert_eq!(requests(&bundle, "A-1"), 0);
    let delivery = bundle.get("A-1").await.body()["deliveries"][0].clone();
    assert_eq!(delivery["state"], "withdrawn");
}

#[tokio::test]
async fn of_several_versions_in_one_batch_the_latest_is_reported() {
    let bundle = Bundle::new(1).await;
    for minute in [14, 11, 16, 12, 15, 13] {
        let order = with(minimal("A-1"), "/clicks/shopback/transaction_id", json!("a".repeat(30)));
        let order = with(order, "/updated_at", json!(format!("2026-11-21T10:{minute}:00Z")));
        bundle.shopback.enqueue(&with(order, "/total", json!(format!("{minute}00.00"))));
    }

    let batch = bundle.shopback.services.receive(10, INVISIBLE);
    assert_eq!(batch.len(), 6);
    assert!(bundle.shopback.take(&batch).await.is_empty());

    assert_eq!(amounts(&bundle), ["1600"]);
    assert_eq!(published(&bundle).await, [event("A-1", "delivered")], "no conflict");
}
