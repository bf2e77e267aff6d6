//! Nothing of the customer gets out beside the deliveries: by the sweep, by the webhook, by an order
//! that no network takes, or by the answers to `postback orders check` and `postback doctor`.

use std::time::Duration;

use postback_core::network::Network as AnyNetwork;
use postback_harness::{FakeSweep, Function, TIMEOUT};
use postback_integration::{
    Bundle,
    log::Log,
    outputs::{Outputs, canary_order, echo},
    sign::{KEY, NEXT_KEY, message},
    with,
};
use postback_runtime::lambda::{CHECK, PLAN, ScheduleHandler};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};
use sweep::Sweep;

#[tokio::test]
async fn a_sweep_measures_nothing_of_the_customers_whose_orders_wait() {
    let bundle = Bundle::new(1).await;
    let (log, _guard) = Log::capture();
    for (network, fault) in [
        (Network::CartStack, Fault::close_after_reading()),
        (Network::ShopBack, Fault::status(403)),
        (Network::CpaMoe, Fault::status(429)),
    ] {
        bundle.bed.sandbox.script(Rule::on(network, fault)).expect("a rule");
    }
    bundle.post("/orders", &canary_order("A-1")).await;
    bundle.work().await;
    bundle.bed.advance(Duration::from_hours(3));
    let sweep = Sweep::new(FakeSweep::new(&bundle.bed));

    sweep.handle(bundle.bed.now() + Duration::from_mins(5)).await.expect("a sweep");

    let mut outputs = Outputs::of(&bundle, &log).await;
    let documents = sweep.into_services().measured();
    assert!(documents.iter().any(|document| document["HeldDeliveries"] == 1), "{documents:?}");
    for document in documents {
        outputs.add("sweep", document.to_string());
    }
    outputs.assert_clean();
}

#[tokio::test]
async fn an_order_that_no_network_takes_leaves_nothing_behind() {
    let bundle = Bundle::new(2).await;
    let (log, _guard) = Log::capture();
    let mut order = canary_order("A-1");
    order["clicks"] = json!({});
    order["customer"].as_object_mut().expect("a customer").remove("email");
    let mut misspelt = canary_order("A-2");
    misspelt["clicks"]["shopback"] = json!({ "transactionid": "canaryclick7351" });

    let mut replies = Vec::new();
    for (number, order) in [&order, &misspelt].into_iter().enumerate() {
        replies.push(bundle.post("/orders", order).await);
        let (at, body) = (bundle.bed.now(), order.to_string());
        for key in [KEY, NEXT_KEY] {
            replies.push(bundle.call(&message(key, &format!("m-{number}"), at, &body)).await);
        }
    }
    bundle.work().await;
    replies.push(bundle.get("A-1").await);

    assert_eq!(bundle.bed.sandbox.requests(), 0);
    Outputs::of(&bundle, &log).await.with_replies(&replies).assert_clean();
}

/// The questions of `postback orders check` about an order, whole and with each member spoilt, and
/// the one of `postback doctor`.
fn questions() -> Vec<Value> {
    let whole = canary_order("A-1");
    let mut orders = vec![whole.clone(), json!(echo()), json!([echo()])];
    for name in whole.as_object().expect("an object").keys() {
        for value in [json!(echo()), json!([echo()]), json!({ "email": echo() }), json!(null)] {
            orders.push(with(whole.clone(), &format!("/{name}"), value));
        }
    }
    let plan = |order| json!({ "detail-type": PLAN, "detail": order });
    let mut questions: Vec<_> = orders.into_iter().map(plan).collect();
    questions.push(json!({ "detail-type": CHECK }));
    // None of the two calls: such an event fails.
    questions.push(json!({ "detail-type": PLAN, "detail": whole, "canarycustom": echo() }));
    questions
}

async fn ask<N: AnyNetwork>(function: &Function<N>, bundle: &Bundle) -> Vec<String> {
    let mut answers = Vec::new();
    for question in questions() {
        let answer = function.call(&question, bundle.bed.now() + TIMEOUT).await;
        answers.push(format!("{answer:?}"));
    }
    answers
}

#[tokio::test]
async fn a_question_about_an_order_is_answered_without_a_word_of_it() {
    let bundle = Bundle::new(3).await;
    let (log, _guard) = Log::capture();

    let answers = [
        ask(&bundle.cartstack, &bundle).await,
        ask(&bundle.cashmycell, &bundle).await,
        ask(&bundle.cpa_moe, &bundle).await,
        ask(&bundle.shopback, &bundle).await,
    ];

    let mut outputs = Outputs::of(&bundle, &log).await;
    for answer in answers.concat() {
        outputs.add("answer", answer);
    }
    assert!(!outputs.seen(&["no_email"]).is_empty(), "an order was left out");
    outputs.assert_clean();
    assert_eq!(bundle.bed.sandbox.requests(), 0);
}
