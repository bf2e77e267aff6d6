//! The sweep finds what nobody watches.

use std::{collections::BTreeMap, time::Duration};

use postback_core::delivery::{Decision, Key, State};
use postback_harness::{FakeSweep, Strike};
use postback_integration::Bundle;
use postback_sandbox::{Fault, Network};
use serde_json::json;
use sweep::{Counts, Sweep};

use super::{order, published, script};

/// Sweeps the ledger once, and puts the validations that are due on ShopBack's queue.
pub(super) async fn sweep(bundle: &Bundle) -> BTreeMap<String, Counts> {
    let now = bundle.bed.now();
    let sweep = Sweep::new(FakeSweep::new(&bundle.bed));
    let counts = sweep.sweep(now + Duration::from_mins(5)).await.expect("a sweep");
    for message in sweep.into_services().due() {
        bundle.shopback.services.enqueue(message);
    }
    counts
}

#[tokio::test]
async fn a_claim_whose_sender_died_becomes_a_doubt_that_is_published_and_counted() {
    let bundle = Bundle::new(1).await;
    // The claim and the use of its click are written, and the function dies before the settlement.
    let strikes = [Strike::Pass; 2].into_iter().chain([Strike::Hang]);
    bundle.bed.table.script(strikes);
    let died = order("A-1", "a");
    tokio::select! {
        _ = bundle.post("/orders/shopback", &died) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }

    let early = sweep(&bundle).await;
    let under_way = bundle.shopback.record("A-1").await.expect("a record").protocol.state;
    bundle.bed.advance(Duration::from_mins(2));
    let late = sweep(&bundle).await;
    bundle.bed.advance(Duration::from_hours(3));
    let later = sweep(&bundle).await;

    assert_eq!((early["shopback"].open, under_way), (1, State::Sending));
    assert_eq!(late["shopback"].open, 1);
    assert_eq!(published(&bundle, "shopback").await, ["unconfirmed"]);
    assert_eq!(later["shopback"].unwatched, 1, "it has no message");
}

#[tokio::test]
async fn a_waiting_order_whose_message_is_lost_is_counted_as_unwatched() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::ShopBack, Fault::status(429));
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    for message in bundle.shopback.services.queue() {
        bundle.shopback.services.delete(&message.id);
    }

    let watched = sweep(&bundle).await;
    bundle.bed.advance(Duration::from_hours(3));
    let unwatched = sweep(&bundle).await;

    assert_eq!((watched["shopback"].open, watched["shopback"].unwatched), (1, 0));
    assert_eq!((unwatched["shopback"].open, unwatched["shopback"].unwatched), (1, 1));
    assert_eq!(unwatched["shopback"].oldest, Duration::from_hours(3));
}

#[tokio::test]
async fn a_held_delivery_is_counted_with_its_money_for_as_long_as_it_is_held() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::CashMyCell, Fault::close_after_reading());
    bundle.post("/orders/cashmycell", &order("A-1", "a")).await;
    bundle.post("/orders/cashmycell", &order("A-2", "b")).await;

    for _ in 0..2 {
        let counts = sweep(&bundle).await;
        let held = &counts["cashmycell"];
        let money = held.money.get("INR").map(ToString::to_string);
        assert_eq!((held.open, held.held, money.as_deref()), (1, 1, Some("1499")));
        bundle.bed.advance(Duration::from_hours(24));
    }
}

#[tokio::test]
async fn a_permission_is_counted_until_the_order_comes_for_it_or_it_lapses() {
    let bundle = Bundle::new(1).await;
    for order_id in ["A-1", "A-2"] {
        script(&bundle, Network::CashMyCell, Fault::close_after_reading());
        bundle.post("/orders/cashmycell", &order(order_id, order_id)).await;
    }
    for order_id in ["A-1", "A-2"] {
        let key = Key::known(order_id.to_owned(), "cashmycell", None);
        bundle.bed.decide(&key, Decision::PermitSending).await;
    }

    let permitted = sweep(&bundle).await;
    // Two doubts in a row opened the circuit.
    bundle.bed.advance(Duration::from_mins(10));
    let sent = bundle.post("/orders/cashmycell", &order("A-1", "A-1")).await;
    assert_eq!(sent.body()["state"], "accepted", "{}", sent.text);
    let used = sweep(&bundle).await;
    bundle.bed.advance(Duration::from_hours(24 * 7 + 1));
    let lapsed = sweep(&bundle).await;

    let counted = [permitted, used, lapsed].map(|counts| counts["cashmycell"].permitted);
    assert_eq!(counted, [2, 1, 0]);
}

#[tokio::test]
async fn a_claim_that_the_ledger_does_not_end_keeps_nothing_else_from_being_counted() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::CashMyCell, Fault::close_after_reading());
    bundle.post("/orders/cashmycell", &order("A-1", "a")).await;
    let strikes = [Strike::Pass; 2].into_iter().chain([Strike::Hang]);
    bundle.bed.table.script(strikes);
    let died = order("A-2", "b");
    tokio::select! {
        _ = bundle.post("/orders/shopback", &died) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }
    bundle.bed.advance(Duration::from_mins(2));

    bundle.bed.table.fail_all(Some("PutItem"));
    let counts = sweep(&bundle).await;
    bundle.bed.table.fail_all(None);
    let state = bundle.shopback.record("A-2").await.expect("a record").protocol.state;
    sweep(&bundle).await;

    assert_eq!((counts["cashmycell"].held, counts["shopback"].open), (1, 1));
    assert_eq!(state, State::Sending);
    assert_eq!(published(&bundle, "shopback").await, ["unconfirmed"], "by the next sweep");
}

#[tokio::test]
async fn a_yes_to_what_a_person_gave_up_meanwhile_is_delivered_and_raises_an_alarm() {
    let bundle = Bundle::new(1).await;
    script(&bundle, Network::CashMyCell, Fault::hang());
    let key = Key::known("A-1".to_owned(), "cashmycell", None);
    let give_up = async {
        bundle.bed.sandbox.wait_for_received(Network::CashMyCell, "abc123xyz789", 1).await;
        bundle.bed.advance(Duration::from_mins(2));
        sweep(&bundle).await;
        bundle.bed.decide(&key, Decision::Abandon).await;
        let state = bundle.cashmycell.record("A-1").await.expect("a record").protocol.state;
        bundle.bed.sandbox.release();
        state
    };
    let late = order("A-1", "a");

    let (reply, meanwhile) = tokio::join!(bundle.post("/orders/cashmycell", &late), give_up);

    assert_eq!((meanwhile, &reply.body()["state"]), (State::Abandoned, &json!("accepted")));
    let metrics = bundle.cashmycell.services.metrics();
    let alarms = metrics.iter().filter(|document| document["UnclearRefusals"] == 1);
    assert_eq!(alarms.count(), 1, "{metrics:?}");
}
