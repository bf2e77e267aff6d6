//! Refused orders and malformed secrets: none of their values is repeated.

use std::time::Duration;

use postback_core::network::{self, Network as _};
use postback_harness::{FakeServices, INVISIBLE, TIMEOUT};
use postback_integration::{
    Bundle, Reply, api_event, bare,
    log::Log,
    outputs::{Outputs, canary_order, echo},
    with,
};
use postback_runtime::{client::Sender, dispatch::Dispatcher};
use postback_sandbox::Network;
use serde_json::{Value, json};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

async fn post(bundle: &Bundle, network: Network, id: &str) -> Reply {
    bundle.post(&format!("/orders/{network}"), &canary_order(id)).await
}

#[tokio::test]
async fn a_bad_order_leaves_nothing_behind() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let mut replies = Vec::new();
    let whole = canary_order("A-1");
    let mut bad = vec![json!(echo()), json!([echo()])];
    for name in whole.as_object().expect("an object").keys() {
        for value in [json!(echo()), json!([echo()]), json!({ "email": echo() })] {
            bad.push(with(whole.clone(), &format!("/{name}"), value));
        }
    }
    for name in whole["customer"].as_object().expect("an object").keys() {
        bad.push(with(whole.clone(), &format!("/customer/{name}"), json!([echo()])));
        bad.push(with(whole.clone(), &format!("/customer/{name}"), json!(echo())));
    }
    for order in &bad {
        for network in NETWORKS {
            replies.push(bundle.post(&format!("/orders/{network}"), order).await);
        }
        replies.push(bundle.post("/orders", order).await);
        bundle.shopback.enqueue(order);
    }
    bundle.shopback.services.enqueue(echo());
    for _ in 0..6 {
        bundle.shopback.work().await;
        bundle.bed.advance(INVISIBLE);
    }

    assert!(log.coded("faulty_order_left").len() > 10);
    assert_eq!(bundle.shopback.services.dead_letters().len(), 1);
    assert!(replies.iter().filter(|reply| reply.status == 422).count() > 60);
    Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
}

#[tokio::test]
async fn an_event_of_no_trigger_fails_without_a_word_of_it() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let mut outputs = Outputs::of(&bundle, &log).await;
    let mut body = api_event("POST", "/orders/shopback", "");
    body["body"] = json!({ "email": echo() });
    let deadline = bundle.bed.now() + TIMEOUT;

    for event in [
        json!({ "canaryname": echo() }),
        json!(echo()),
        json!({ "Records": echo() }),
        json!({ "Records": [{ "body": { "email": echo() } }] }),
        json!({ "requestContext": echo() }),
        body,
    ] {
        let failed = bundle.shopback.call(&event, deadline).await;
        outputs.add("failure", failed.expect_err("no such trigger"));
    }

    outputs.assert_clean();
}

/// Malformed secrets, each with canaries in it.
fn malformed(secret: &Value) -> Vec<String> {
    let mut bad = vec![echo(), format!("\"{}", echo()), json!([echo()]).to_string()];
    for name in secret.as_object().expect("settings").keys() {
        let place = format!("/{name}");
        for value in [json!("{canarysecret}"), json!(" canarysecret\n"), json!(["canarysecret"])] {
            bad.push(with(secret.clone(), &place, value).to_string());
        }
    }
    bad.push(with(secret.clone(), "/unknown", json!("canarysecret")).to_string());
    bad
}

async fn start_errors<N: network::Network>(secret: &Value, outputs: &mut Outputs) {
    let bundle = Bundle::new(1).await;
    for secret in malformed(secret) {
        let services = FakeServices::new(bundle.bed.now(), 1, &secret);
        let endpoint = bundle.bed.sandbox.base_url().parse().expect("a URL");
        let sender = Sender::new(endpoint, Duration::from_secs(2), Duration::from_secs(3));
        let ledger = bundle.bed.table.ledger();
        let started =
            Box::pin(Dispatcher::<N, FakeServices>::start(ledger, sender, services)).await;

        let error = started.expect_err("a malformed secret");
        assert!(error.to_string().starts_with("the secret named by NETWORK_SECRET_ARN"), "{error}");
        outputs.add("start", format!("{error} {error:?}"));
    }
}

#[tokio::test]
async fn a_malformed_secret_stops_the_function_without_a_word_of_it() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let mut outputs = Outputs::of(&bundle, &log).await;

    let token = "fake0token0fake0token0fake0token";
    start_errors::<cashmycell::CashMyCell>(&json!({ "reference_id": true }), &mut outputs).await;
    start_errors::<cartstack::CartStack>(
        &json!({ "key": "Fake0ApiKey0CaseSensitive", "siteid": "FakeSite01", "total": "net" }),
        &mut outputs,
    )
    .await;
    start_errors::<cpa_moe::CpaMoe>(
        &json!({ "user": "1001", "key": "fake0key0fake0key0", "default_offer": "1" }),
        &mut outputs,
    )
    .await;
    start_errors::<shopback::ShopBack>(
        &json!({ "offer_id": 1234, "security_token": token, "mode": "order" }),
        &mut outputs,
    )
    .await;

    outputs.assert_clean();
}

#[tokio::test]
async fn a_secret_that_is_rotated_to_nonsense_leaves_nothing_behind() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    let good = json!({ "offer_id": 1234, "security_token": "fake0token0fake0token0fake0token" });

    for (number, secret) in malformed(&good).iter().enumerate() {
        bundle.shopback.services.rotate(secret);
        bundle.bed.advance(Duration::from_mins(2));
        let order = with(
            canary_order(&format!("A-{number}")),
            "/clicks/shopback/transaction_id",
            json!(format!("canaryclick{number:019}")),
        );
        let reply = bundle.post("/orders/shopback", &order).await;
        assert_eq!(reply.body()["reason"], "settings_faulty", "nothing is sent with the old ones");
    }

    let outputs = Outputs::of(&bundle, &log).await;
    assert!(!outputs.seen(&["orders wait until it is corrected"]).is_empty());
    outputs.assert_clean();
}

#[tokio::test]
async fn settings_that_a_network_refuses_are_not_named_by_value() {
    for network in NETWORKS.into_iter().filter(|network| *network != Network::CashMyCell) {
        let bundle = Bundle::new(1).await;
        let (log, _guard) = Log::capture();
        bundle.bed.sandbox.change_accounts(|accounts| {
            accounts.cartstack.key = "other".into();
            accounts.cpa_moe.key = "other".into();
            accounts.shopback.security_token = "other".into();
        });

        let replies = [post(&bundle, network, "A-1").await, post(&bundle, network, "A-2").await];

        let state = |reply: &Reply| reply.body()["state"].clone();
        assert_eq!(replies.each_ref().map(state), ["parked", "parked"], "{network}");
        Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
    }
}

#[tokio::test]
async fn what_is_printed_of_the_functions_themselves_shows_no_value() {
    let bundle = Bundle::new(1).await;
    let dispatcher = format!("{:?}", bundle.shopback.dispatcher);
    let mut outputs = Outputs::of(&bundle, &Log::default()).await;
    let settings = |text: &str| network::configure::<shopback::ShopBack>(text);
    let secret = r#"{"offer_id": 1234, "security_token": "fake0token0fake0token0fake0token"}"#;

    outputs.add("dispatcher", dispatcher);
    outputs.add("network", format!("{:?}", settings(secret).expect("settings")));
    outputs.add("record", format!("{:?}", bundle.shopback.record("A-1").await));
    outputs.add("name", shopback::ShopBack::NAME);
    outputs.add("order", bare("A-1").to_string());

    outputs.assert_clean();
}
