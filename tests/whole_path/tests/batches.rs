//! Orders that come in one batch: each fares as if it had come alone.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use postback_harness::INVISIBLE;
use postback_sandbox::{Answer, Fault, Network, Rule};
use postback_whole_path::{Bundle, minimal, with};
use serde_json::{Value, json};
use tokio::time::timeout;

const ORDERS: [&str; 3] = ["A-1", "A-2", "A-3"];

/// For what comes, however busy the machine is.
const LONG: Duration = Duration::from_mins(1);

/// With three orders on a network's queue.
async fn with_three() -> Bundle {
    let bundle = Bundle::new(1).await;
    for (id, click) in ORDERS.iter().zip(["a", "b", "c"]) {
        let click = json!({ "shopback": { "transaction_id": click.repeat(30) } });
        bundle.shopback.enqueue(&with(minimal(id), "/clicks", click));
    }
    bundle
}

/// What is on the bus, as order and event.
fn told(bundle: &Bundle) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bus = bundle.shopback.world.bus().into_iter();
    let mut told: Vec<_> = bus.map(|(kind, detail)| (text(&detail["order_id"]), kind)).collect();
    told.sort();
    told
}

fn event(order: &str, kind: &str) -> (String, String) {
    (order.to_owned(), format!("postback.{kind}"))
}

#[tokio::test]
async fn a_panic_over_one_order_leaves_none_of_the_others_unsettled() {
    let bundle = with_three().await;
    let world = &bundle.shopback.world;
    world.panic_over(Some("A-2"));

    let batch = world.receive(10, INVISIBLE);
    let invocation = AssertUnwindSafe(bundle.shopback.take(&batch)).catch_unwind().await;
    assert!(invocation.is_err(), "the invocation fails, and its alarm rings");
    assert_eq!(told(&bundle), [event("A-1", "delivered"), event("A-3", "delivered")]);
    world.panic_over(None);
    bundle.stage.work_off(&bundle.shopback, LONG * 60).await;

    for id in ORDERS {
        assert_eq!(bundle.stage.sandbox.held(Network::ShopBack, id).len(), 1, "{id}");
        let delivery = bundle.get(id).await.body()["deliveries"][0].clone();
        assert_eq!(delivery["state"], "delivered", "{id}");
    }
    assert_eq!(bundle.stage.sandbox.received(Network::ShopBack).len(), 3);
}

#[tokio::test]
async fn an_order_whose_network_hangs_holds_back_no_other_ones_event() {
    let bundle = with_three().await;
    let rule = Rule::on(Network::ShopBack, Fault::hang());
    bundle.stage.sandbox.script(rule).expect("a rule");

    let others = async {
        while told(&bundle).len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = bundle.shopback.work() => panic!("one hangs"),
        others = timeout(LONG, others) => others.expect("the events of the others"),
    }

    assert!(told(&bundle).iter().all(|(_, kind)| kind == "postback.delivered"));
}

#[tokio::test]
async fn an_order_that_is_refused_at_last_holds_back_no_other_ones_event() {
    let bundle = with_three().await;
    let answer = Answer::of("text/plain", "success=false;error=nonsense");
    let last = Rule::on(Network::ShopBack, Fault::answer(answer));
    bundle.stage.sandbox.script(last).expect("a rule");

    timeout(LONG, bundle.shopback.work()).await.expect("an end");

    let delivered = told(&bundle).iter().filter(|(_, kind)| kind.ends_with("delivered")).count();
    assert_eq!(delivered, 2);
}
