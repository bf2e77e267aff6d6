//! Nothing of the customer gets out beside the deliveries: by the sweep, by the webhook, or by an
//! order that no network takes.

use std::time::Duration;

use postback_harness::FakeSweep;
use postback_integration::{
    Bundle,
    log::Log,
    outputs::{Outputs, canary_order},
    sign::{KEY, NEXT_KEY, message},
};
use postback_runtime::lambda::ScheduleHandler;
use postback_sandbox::{Fault, Network, Rule};
use serde_json::json;
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
    let mut outputs = Outputs::of(&bundle, &log).await.with_replies(&replies);
    for document in bundle.webhook_services.measured() {
        outputs.add("metrics", document.to_string());
    }
    outputs.assert_clean();
}
