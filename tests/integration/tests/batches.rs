//! Orders that come in one batch: each fares as if it had come alone.

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

/// A function with three orders on its queue, which waits for its network as long as it takes.
async fn with_three(bundle: &Bundle) -> Function<ShopBack> {
    let stage = &bundle.stage;
    let patience = Patience { network: LONG * 2, ..Patience::default() };
    let endpoint = stage.sandbox.endpoint(Network::ShopBack);
    let world = bundle.shopback.world.clone();
    let function = stage.instance_with(&endpoint, world, patience).await;
    for (id, click) in ORDERS.iter().zip(["a", "b", "c"]) {
        let click = json!({ "shopback": { "transaction_id": click.repeat(30) } });
        function.enqueue(&with(minimal(id), "/clicks", click));
    }
    function
}

/// What is on the bus, as order and event.
fn told(function: &Function<ShopBack>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bus = function.world.bus().into_iter();
    let mut told: Vec<_> = bus.map(|(kind, detail)| (text(&detail["order_id"]), kind)).collect();
    told.sort();
    told
}

fn event(order: &str, kind: &str) -> (String, String) {
    (order.to_owned(), format!("postback.{kind}"))
}

/// How often the network was told of an order.
fn requests(bundle: &Bundle, order: &str) -> usize {
    let received = bundle.stage.sandbox.received(Network::ShopBack);
    let of_it = ("adv_sub".to_owned(), order.to_owned());
    received.iter().filter(|request| request.params.contains(&of_it)).count()
}

#[tokio::test]
async fn a_panic_over_one_order_leaves_none_of_the_others_unsettled() {
    let bundle = Bundle::new(1).await;
    let function = with_three(&bundle).await;
    function.world.panic_over(Some("A-2"));

    let batch = function.world.receive(10, INVISIBLE);
    let failed = function.take(&batch).await;
    assert_eq!(failed, [batch[1].id.clone()]);
    assert_eq!(told(&function), [event("A-1", "delivered"), event("A-3", "delivered")]);
    function.world.panic_over(None);
    bundle.stage.work_off(&function, DAY).await;

    for id in ORDERS {
        assert_eq!(bundle.stage.sandbox.held(Network::ShopBack, id).len(), 1, "{id}");
        let delivery = bundle.get(id).await.body()["deliveries"][0].clone();
        assert_eq!(delivery["state"], "delivered", "{id}");
    }
    assert_eq!((requests(&bundle, "A-1"), requests(&bundle, "A-3")), (1, 1));
}

#[tokio::test]
async fn an_order_whose_network_hangs_holds_back_no_other_ones_event() {
    let bundle = Bundle::new(1).await;
    let function = with_three(&bundle).await;
    let rule = Rule::on(Network::ShopBack, Fault::hang());
    bundle.stage.sandbox.script(rule).expect("a rule");

    let others = async {
        while told(&function).len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = function.work() => panic!("one hangs"),
        others = timeout(LONG, others) => others.expect("the events of the others"),
    }

    assert!(told(&function).iter().all(|(_, kind)| kind == "postback.delivered"));
}

#[tokio::test]
async fn an_order_that_is_refused_at_last_holds_back_no_other_ones_event() {
    let bundle = Bundle::new(1).await;
    let function = with_three(&bundle).await;
    let answer = Answer::of("text/plain", "success=false;error=nonsense");
    let last = Rule::on(Network::ShopBack, Fault::answer(answer)).after(2);
    bundle.stage.sandbox.script(last).expect("a rule");

    timeout(LONG, function.work()).await.expect("an end");

    let delivered = told(&function).iter().filter(|(_, kind)| kind.ends_with("delivered")).count();
    assert_eq!(delivered, 2);
}
