//! One order, one network: the view of the caller, of the network and of the ledger.

use std::time::Duration;

use postback_core::delivery::State;
use postback_harness::TestBed;
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};
use shopback::ShopBack;

const DAY: Duration = Duration::from_hours(24);

fn order(id: &str) -> Value {
    json!({
        "order_id": id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
        "clicks": { "shopback": { "transaction_id": "102b983f153f632c9a0a1469e27b55" } },
    })
}

#[tokio::test]
async fn an_order_is_sent_once_and_a_duplicate_is_replayed() {
    let bed = TestBed::new(1).await;
    let shopback = bed.function::<ShopBack>().await;

    let first = shopback.post(&order("A-1")).await;
    let second = shopback.post(&order("A-1")).await;

    assert_eq!((first.status, &first.body["state"]), (200, &json!("delivered")), "{first:?}");
    assert_eq!(first.body["replayed"], false);
    assert_eq!((second.status, &second.body["state"]), (200, &json!("delivered")));
    assert_eq!(second.body["replayed"], true);
    assert_eq!(bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
    assert_eq!(bed.sandbox.violations(), []);
    let units = bed.table.units();
    assert_eq!((units.write, units.read, units.calls), (3.0, 0.0, 3));
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_the_networks_duplicate() {
    let bed = TestBed::new(1).await;
    let shopback = bed.function::<ShopBack>().await;
    let rule = Rule::on(Network::ShopBack, Fault::close_after_reading()).order("A-1");
    bed.sandbox.script(rule).expect("a rule");

    shopback.enqueue(&order("A-1"));
    let done = bed.work_off(&shopback, DAY).await;

    let record = shopback.record("A-1").await.expect("a record");
    assert!(done);
    assert_eq!(record.protocol.state, State::Delivered);
    assert_eq!(record.protocol.attempt, 2);
    assert_eq!(bed.sandbox.held(Network::ShopBack, "A-1").len(), 1);
}
