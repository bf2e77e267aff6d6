//! Every state that an attempt can lead to, by the real functions and networks.

use std::time::Duration;

use postback_integration::{Bundle, bare, minimal, with};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

fn script(bundle: &Bundle, network: Network, fault: Fault) {
    bundle.bed.sandbox.script(Rule::on(network, fault)).expect("a rule");
}

async fn post(bundle: &Bundle, network: Network, order: &Value) -> Value {
    bundle.post(&format!("/orders/{network}"), order).await.body()
}

/// The only delivery of an order.
async fn delivery(bundle: &Bundle, order_id: &str) -> Value {
    let body = bundle.get(order_id).await.body();
    let [delivery] = &body["deliveries"].as_array().expect("a list")[..] else {
        panic!("not one delivery: {body}");
    };
    delivery.clone()
}

#[tokio::test]
async fn delivered_is_what_the_network_confirmed_by_response_duplicate_or_lookup() {
    let bundle = Bundle::new(1).await;
    let (shopback, cpa_moe) = (&bundle.shopback, &bundle.cpa_moe);
    let click = with(minimal("A-2"), "/clicks/shopback/transaction_id", json!("b".repeat(30)));

    post(&bundle, Network::ShopBack, &minimal("A-1")).await;
    script(&bundle, Network::ShopBack, Fault::close_after_reading());
    post(&bundle, Network::ShopBack, &click).await;
    bundle.bed.work_off(shopback, DAY).await;
    script(&bundle, Network::CpaMoe, Fault::close_after_reading());
    post(&bundle, Network::CpaMoe, &minimal("A-3")).await;
    bundle.bed.work_off(cpa_moe, DAY).await;

    for (order_id, proof) in [("A-1", "response"), ("A-2", "duplicate"), ("A-3", "lookup")] {
        let delivery = delivery(&bundle, order_id).await;
        assert_eq!((&delivery["state"], &delivery["proof"]), (&json!("delivered"), &json!(proof)));
    }
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 2);
    assert_eq!(bundle.bed.sandbox.totals(Network::CpaMoe).effects, 1);
}

#[tokio::test]
async fn accepted_is_success_of_a_network_that_never_confirms() {
    let bundle = Bundle::new(1).await;

    let body = post(&bundle, Network::CashMyCell, &minimal("A-1")).await;

    assert_eq!(body["state"], "accepted");
    assert_eq!(delivery(&bundle, "A-1").await["proof"], Value::Null);
}

#[tokio::test]
async fn skipped_is_an_order_with_nothing_to_report() {
    let bundle = Bundle::new(1).await;
    let pending = with(minimal("A-1"), "/status", json!("pending"));
    let no_cart = with(minimal("A-2"), "/customer/email", json!("nocart@example.com"));

    let reasons = [
        post(&bundle, Network::ShopBack, &bare("A-1")).await,
        post(&bundle, Network::CartStack, &bare("A-1")).await,
        post(&bundle, Network::ShopBack, &pending).await,
        post(&bundle, Network::CartStack, &no_cart).await,
    ];

    assert!(reasons.iter().all(|body| body["state"] == "skipped"), "{reasons:?}");
    let reasons = reasons.map(|body| body["reason"].as_str().unwrap_or_default().to_owned());
    assert_eq!(reasons, ["no_click", "no_email", "not_completed", "no_cart"]);
}

#[tokio::test]
async fn rejected_is_an_order_that_can_never_pass_and_duplicate_elsewhere_is_shown() {
    let bundle = Bundle::new(1).await;
    let unknown = with(
        minimal("A-1"),
        "/clicks/shopback/transaction_id",
        json!("unknown00000000000000000000000"),
    );
    let elsewhere = with(
        minimal("A-2"),
        "/clicks/shopback/transaction_id",
        json!("expired00000000000000000000000"),
    );

    let unknown = post(&bundle, Network::ShopBack, &unknown).await;
    let elsewhere = post(&bundle, Network::ShopBack, &elsewhere).await;
    let more = bundle.bed.work_off(&bundle.shopback, DAY).await;

    assert_eq!(
        (&unknown["state"], &unknown["reason"]),
        (&json!("rejected"), &json!("invalid_click"))
    );
    assert_eq!(elsewhere["reason"], "duplicate_elsewhere");
    assert!(more, "nothing is tried again");
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 2);
    let (kind, detail) = &bundle.bed.published().await[1];
    assert_eq!(
        (kind.as_str(), &detail["reason"]),
        ("postback.rejected", &json!("duplicate_elsewhere"))
    );
}

#[tokio::test]
async fn parked_stops_sending_keeps_the_orders_and_sends_them_once_the_setting_is_fixed() {
    let bundle = Bundle::new(1).await;
    let order = |number: usize| {
        let click = format!("{number:030}");
        with(minimal(&format!("A-{number}")), "/clicks/shopback/transaction_id", json!(click))
    };
    let token = "1234567890abcdef1234567890abcdef";
    bundle
        .bed
        .sandbox
        .change_accounts(|accounts| token.clone_into(&mut accounts.shopback.security_token));

    for number in 1..=3 {
        let body = post(&bundle, Network::ShopBack, &order(number)).await;
        assert_eq!(
            (&body["state"], &body["reason"]),
            (&json!("parked"), &json!("security_token_refused"))
        );
    }
    assert_eq!(bundle.bed.sandbox.received(Network::ShopBack).len(), 2, "sending has stopped");
    let published = bundle.bed.published().await;
    assert!(published.iter().all(|(kind, _)| kind == "postback.parked"), "{published:?}");
    assert_eq!(published.len(), 3);

    bundle
        .shopback
        .services
        .rotate(&json!({ "offer_id": 1234, "security_token": token }).to_string());
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    for number in 1..=3 {
        assert_eq!(delivery(&bundle, &format!("A-{number}")).await["state"], "delivered");
    }
    assert_eq!(bundle.bed.sandbox.totals(Network::ShopBack).effects, 3);
}

#[tokio::test]
async fn retrying_is_certainly_not_processed_and_is_sent_again_later() {
    for network in [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack] {
        let bundle = Bundle::new(1).await;
        script(&bundle, network, Fault::status(429));

        let body = post(&bundle, network, &minimal("A-1")).await;
        bundle.bed.work_off(&bundle.cartstack, DAY).await;
        bundle.bed.work_off(&bundle.cashmycell, DAY).await;
        bundle.bed.work_off(&bundle.cpa_moe, DAY).await;
        bundle.bed.work_off(&bundle.shopback, DAY).await;

        assert_eq!((&body["state"], &body["reason"]), (&json!("retrying"), &json!("http_429")));
        let state = delivery(&bundle, "A-1").await["state"].clone();
        assert!(state == "delivered" || state == "accepted", "{network}: {state}");
        assert_eq!(bundle.bed.sandbox.totals(network).effects, 1, "{network}");
    }
}

#[tokio::test]
async fn unconfirmed_may_have_been_processed_and_the_networks_own_rule_decides() {
    let bundle = Bundle::new(1).await;
    let rules = [
        (Network::CartStack, "unconfirmed", vec!["confirmation"]),
        (Network::CashMyCell, "unconfirmed", vec!["order-complete"]),
        (Network::CpaMoe, "delivered", vec!["add", "list"]),
        (Network::ShopBack, "delivered", vec!["conversion", "conversion"]),
    ];
    for (network, _, _) in &rules {
        script(&bundle, *network, Fault::close_after_reading());
        let body = post(&bundle, *network, &minimal("A-1")).await;
        assert_eq!(body["state"], "unconfirmed", "{network}");
    }

    bundle.bed.work_off(&bundle.cartstack, DAY).await;
    bundle.bed.work_off(&bundle.cashmycell, DAY).await;
    bundle.bed.work_off(&bundle.cpa_moe, DAY).await;
    bundle.bed.work_off(&bundle.shopback, DAY).await;

    let states = bundle.states("A-1").await;
    for (network, state, calls) in rules {
        let is = states.iter().find(|(name, ..)| *name == network.to_string()).expect("a state");
        assert_eq!(is.1, state, "{network}");
        let received = bundle.bed.sandbox.received(network);
        let made: Vec<_> = received.iter().map(|request| request.call.as_str()).collect();
        assert_eq!(made, calls, "{network}");
        assert_eq!(bundle.bed.sandbox.totals(network).effects, 1, "{network}");
    }
}

#[tokio::test]
async fn a_408_is_a_doubt_of_its_order_and_pauses_nobody() {
    for network in [Network::CashMyCell, Network::CartStack, Network::CpaMoe, Network::ShopBack] {
        let bundle = Bundle::new(1).await;
        script(&bundle, network, Fault::status(408));
        let other = with(minimal("A-2"), "/clicks/shopback/transaction_id", json!("b".repeat(30)));

        let first = post(&bundle, network, &minimal("A-1")).await;
        let second = post(&bundle, network, &other).await;

        assert_eq!(first["state"], "unconfirmed", "{network}: {first}");
        assert_eq!(first["reason"], "http_408", "{network}: {first}");
        let is_taken = second["state"] == "delivered" || second["state"] == "accepted";
        assert!(is_taken, "{network}: {second}");
    }
}
