//! From pending to paid: what ShopBack took is validated once, after the return period.
//!
//! More than 300 lines: the life of one validation.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Key, State},
};
use postback_harness::Strike;
use postback_integration::{Bundle, with};
use postback_sandbox::{Fault, Network};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sweep::Money;

use super::{DAY, delivery, order, published, script, sweeping::sweep};

const SECOND: Duration = Duration::from_secs(1);

/// The sandbox's secret with validation, after 30 days.
pub(super) fn secret(validation: &Value) -> String {
    let secret = json!({
        "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token",
        "adv_sub2": "{currency}", "validation": validation,
    });
    secret.to_string()
}

pub(super) fn terms() -> Value {
    json!({ "offer_id": 4321, "aff_id": 77, "return_period_days": 30 })
}

/// A bundle whose merchant validates.
pub(super) async fn bundle() -> Box<Bundle> {
    let bundle = Bundle::new(1).await;
    bundle.shopback.services.rotate(&secret(&terms()));
    bundle.bed.advance(Duration::from_mins(2));
    bundle
}

/// The time at which the return period of [`order`] is over.
pub(super) fn lock_at() -> Timestamp {
    Timestamp::parse(order("A", "a")["completed_at"].as_str().expect("a time")).expect("a time")
        + DAY * 30
}

pub(super) fn refunds(order: Value, refunds: &[(&str, &str)]) -> Value {
    let refunds: Vec<_> =
        refunds.iter().map(|(id, amount)| json!({ "id": id, "amount": amount })).collect();
    with(order, "/refunds", json!(refunds))
}

/// Lets the sweep find what is due, and the function take it.
pub(super) async fn validate(bundle: &Bundle) {
    sweep(bundle).await;
    bundle.shopback.work().await;
}

/// Status and amount of every validation that ShopBack was sent; none may breach its document.
pub(super) fn validated(bundle: &Bundle) -> Vec<(String, String)> {
    let all = bundle.bed.sandbox.validations().into_iter();
    let all = all.inspect(|one| assert_eq!(one.breach, None, "{one:?}"));
    all.map(|one| (one.status, one.amount)).collect()
}

pub(super) fn one(status: &str, amount: &str) -> Vec<(String, String)> {
    vec![(status.to_owned(), amount.to_owned())]
}

pub(super) async fn shown(bundle: &Bundle, order_id: &str) -> Value {
    delivery(bundle, order_id, "shopback").await["validation"].clone()
}

#[tokio::test]
async fn a_refund_one_second_before_the_lock_lowers_the_amount_and_one_after_it_is_claimed_back() {
    let bundle = bundle().await;
    let reported = order("A-1", "a");
    bundle.post("/orders/shopback", &reported).await;
    let waiting = shown(&bundle, "A-1").await;
    bundle.bed.advance_to(lock_at() - SECOND);
    validate(&bundle).await;
    let early = validated(&bundle);
    // Doubled, and out of order.
    for some in [&[("r-2", "9")][..], &[("r-1", "0.01"), ("r-2", "9")], &[("r-2", "9.00")]] {
        let reply = bundle.post("/orders/shopback", &refunds(reported.clone(), some)).await;
        assert_eq!(reply.status, 200, "{}", reply.body());
    }

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    let approved = shown(&bundle, "A-1").await;
    bundle.bed.advance(DAY);
    validate(&bundle).await;
    let late = refunds(reported, &[("r-3", "20.5")]);
    bundle.post("/orders/shopback", &late).await;
    let back = shown(&bundle, "A-1").await;

    assert_eq!((&waiting["status"], &waiting["amount"]), (&json!("waiting"), &json!("1499")));
    assert_eq!(waiting["lock_at"], json!(lock_at().to_string()));
    assert_eq!(early, []);
    assert_eq!(validated(&bundle), one("approved", "1489.99"));
    assert_eq!((&approved["status"], &approved["amount"]), (&json!("approved"), &json!("1489.99")));
    assert_eq!(back["claim_back"], json!("20.5"));
    assert_eq!(bundle.bed.sandbox.violations(), []);
    let events = published(&bundle, "shopback").await;
    for expected in ["delivered", "refunded", "validation_approved", "claim_back"] {
        assert!(events.iter().any(|event| event == expected), "{expected}: {events:?}");
    }
    let counts = sweep(&bundle).await;
    let money = |standing| {
        let sum = counts["shopback"].validated.get(&(standing, "INR".to_owned()));
        sum.map(ToString::to_string)
    };
    assert_eq!(money(Money::Validated).as_deref(), Some("1489.99"));
    assert_eq!(money(Money::ToClaimBack).as_deref(), Some("20.5"));
    assert_eq!((money(Money::Pending), counts["shopback"].validations_held), (None, 0));
    // A person has claimed it; then more comes back.
    assert_eq!(counts["shopback"].claim_backs, 1);
    let key = Key::known("A-1".to_owned(), "shopback", None).validation();
    bundle.bed.decide(&key, Decision::Acknowledge).await;
    assert_eq!(sweep(&bundle).await["shopback"].claim_backs, 0);
    assert!(shown(&bundle, "A-1").await["claim_back"].is_null());
    bundle.post("/orders/shopback", &refunds(order("A-1", "a"), &[("r-4", "1")])).await;
    let counts = &sweep(&bundle).await["shopback"];
    let claimed = counts.validated.get(&(Money::ToClaimBack, "INR".to_owned()));
    assert_eq!((counts.claim_backs, claimed), (1, Some(&Decimal::ONE)));
    let more = shown(&bundle, "A-1").await;
    assert_eq!((&more["claim_back"], &more["came_back"]), (&json!("1"), &json!("21.5")));
}

#[tokio::test]
async fn the_call_repeats_every_id_and_no_click() {
    let bundle = bundle().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    let calls = bundle.bed.sandbox.received(Network::ShopBack);
    let params = calls.last().expect("a call").params.clone();
    let expected = [
        ("offer_id", "4321"),
        ("aff_id", "77"),
        ("adv_sub", "A-1"),
        ("adv_sub2", "INR"),
        ("amount", "1499"),
        ("security_token", "fake0token0fake0token0fake0token"),
        ("status", "approved"),
    ];
    assert_eq!(params, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn what_came_back_whole_is_rejected_and_what_was_not_reported_is_not_validated() {
    let bundle = bundle().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.post("/orders/shopback", &json!({ "order_id": "A-1", "status": "cancelled" })).await;
    let click = "unknown00000000000000000000000";
    let unknown = with(order("A-2", "b"), "/clicks/shopback/transaction_id", json!(click));
    bundle.post("/orders/shopback", &unknown).await;

    bundle.bed.advance_to(lock_at() + DAY);
    validate(&bundle).await;

    assert_eq!(validated(&bundle), one("rejected", "1499"));
    assert_eq!(shown(&bundle, "A-1").await["status"], "rejected");
    assert_eq!(shown(&bundle, "A-2").await["status"], "none");
}

#[tokio::test]
async fn refunds_above_the_amount_and_refunds_that_are_not_clear_are_a_persons_matter() {
    let bundle = bundle().await;
    let reported = order("A-1", "a");
    bundle.post("/orders/shopback", &reported).await;
    for some in [[("r-1", "1000")], [("r-2", "1000")]] {
        bundle.post("/orders/shopback", &refunds(reported.clone(), &some)).await;
    }
    let reported = order("A-2", "b");
    bundle.post("/orders/shopback", &reported).await;
    for some in [[("r-1", "10")], [("r-1", "11")]] {
        bundle.post("/orders/shopback", &refunds(reported.clone(), &some)).await;
    }

    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    validate(&bundle).await;

    assert_eq!(validated(&bundle), []);
    let reasons = [shown(&bundle, "A-1").await, shown(&bundle, "A-2").await];
    let reasons = reasons.map(|shown| (shown["status"].clone(), shown["reason"].clone()));
    assert_eq!(reasons[0], (json!("held"), json!("refunds_exceed_amount")));
    assert_eq!(reasons[1], (json!("held"), json!("refund_unclear")));
    assert_eq!(sweep(&bundle).await["shopback"].validations_held, 2);
}

#[tokio::test]
async fn the_sweep_brings_the_validation_of_a_delivery_whose_sender_died_after_it_settled() {
    let bundle = bundle().await;
    // The claim, the use of its click and the settlement are written.
    bundle.bed.table.script([Strike::Pass; 3].into_iter().chain([Strike::Hang]));
    let reported = order("A-1", "a");
    tokio::select! {
        _ = bundle.post("/orders/shopback", &reported) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }
    bundle.bed.table.script([]);
    bundle.post("/orders/shopback", &order("A-2", "b")).await;
    let key = Key::known("A-1".to_owned(), "shopback", None);
    let state = bundle.shopback.record_of(&key).await.expect("a record").protocol.state;
    let before = bundle.shopback.record_of(&key.validation()).await;

    sweep(&bundle).await;
    let put = bundle.shopback.services.queue().len();
    bundle.shopback.work().await;
    sweep(&bundle).await;
    let put_again = bundle.shopback.services.queue().len();
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;

    assert_eq!((state, before), (State::Delivered, None));
    assert_eq!((put, put_again), (1, 0), "one that is followed is not put");
    assert_eq!(validated(&bundle).len(), 2);
}

#[tokio::test]
async fn the_sweep_brings_the_validation_of_a_delivery_that_a_person_confirmed() {
    let bundle = bundle().await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    let key = Key::known("A-1".to_owned(), "shopback", None);
    bundle.bed.decide(&key, Decision::Confirm).await;
    for message in bundle.shopback.services.queue() {
        bundle.shopback.services.delete(&message.id);
    }

    validate(&bundle).await;

    assert_eq!(shown(&bundle, "A-1").await["status"], "waiting");
}

#[tokio::test]
async fn a_lost_answer_is_held_and_only_a_person_permits_a_second_call() {
    let bundle = bundle().await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.advance_to(lock_at());
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    validate(&bundle).await;
    for _ in 0..3 {
        bundle.bed.advance(DAY);
        validate(&bundle).await;
    }
    let held = shown(&bundle, "A-1").await;
    let calls = bundle.bed.sandbox.requests();

    let key = Key::known("A-1".to_owned(), "shopback", None).validation();
    bundle.bed.decide(&key, Decision::PermitSending).await;
    validate(&bundle).await;
    validate(&bundle).await;

    assert_eq!(held["status"], "unconfirmed");
    assert_eq!(bundle.bed.sandbox.requests(), calls + 1);
    assert_eq!(shown(&bundle, "A-1").await["status"], "approved");
}

#[tokio::test]
async fn a_wrong_offer_waits_for_other_settings_and_the_orders_go_on() {
    let bundle = bundle().await;
    let wrong = json!({ "offer_id": 1, "aff_id": 77, "return_period_days": 30 });
    bundle.shopback.services.rotate(&secret(&wrong));
    bundle.bed.advance(Duration::from_mins(2));
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    bundle.bed.advance_to(lock_at());
    validate(&bundle).await;
    let parked = shown(&bundle, "A-1").await;
    let other = bundle.post("/orders/shopback", &order("A-2", "b")).await.body();

    bundle.shopback.services.rotate(&secret(&terms()));
    bundle.bed.advance(Duration::from_mins(2));
    validate(&bundle).await;

    assert_eq!(other["state"], "delivered");
    assert_eq!((&parked["status"], &parked["reason"]), (&json!("held"), &json!("offer_mismatch")));
    assert_eq!(shown(&bundle, "A-1").await["status"], "approved");
}

#[tokio::test]
async fn nothing_is_validated_and_nothing_more_is_written_without_the_settings() {
    let bundle = Bundle::new(1).await;
    bundle.post("/orders/shopback", &order("A-1", "a")).await;
    let records = bundle.bed.table.ledger().of_order("A-1").await.expect("the ledger");
    bundle.bed.advance_to(lock_at() + DAY);
    validate(&bundle).await;

    assert_eq!(records.len(), 1);
    assert_eq!(records[0].protocol.reported, None);
    assert_eq!((validated(&bundle), bundle.bed.sandbox.requests()), (vec![], 1));
}

#[tokio::test]
async fn a_function_killed_after_the_delivery_follows_it_when_the_message_comes_again() {
    let bundle = bundle().await;
    let key = Key::known("A-1".to_owned(), "shopback", None).validation();
    bundle.shopback.enqueue(&order("A-1", "a"));
    let messages = bundle.shopback.services.receive(10, Duration::from_mins(3));
    // Claim, click and settlement are written; the write of the validation never is.
    bundle.bed.table.script([Strike::Pass; 3].into_iter().chain([Strike::Hang]));
    tokio::select! {
        _ = bundle.shopback.take(&messages) => panic!("the ledger never answers"),
        () = bundle.bed.table.wait_for_strikes(1) => {}
    }
    let before = bundle.shopback.record_of(&key).await;
    bundle.bed.advance(Duration::from_mins(4));
    bundle.shopback.work().await;

    assert!(before.is_none() && bundle.shopback.record_of(&key).await.is_some());
    assert_eq!(bundle.bed.sandbox.requests(), 1);
}
