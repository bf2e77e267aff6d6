//! Nothing of the customer gets out beside the deliveries: by the sweep, by the webhook, or by an
//! order that no network takes.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{sync::Mutex, time::Duration};

use postback_core::clock::Timestamp;
use postback_integration::{
    Bundle,
    log::Log,
    outputs::{Outputs, canary_order},
    sign::{KEY, NEXT_KEY, message},
};
use postback_runtime::{lambda::ScheduleHandler, ledger::Ledger, services::SweepServices};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};
use sweep::Sweep;

struct Services<'a> {
    ledger: Ledger,
    now: Timestamp,
    measured: &'a Mutex<Vec<Value>>,
}

impl SweepServices for Services<'_> {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> u64 {
        7
    }

    fn stack(&self) -> String {
        "stack".to_owned()
    }

    fn measure(&self, document: &Value) {
        self.measured.lock().expect("a lock").push(document.clone());
    }
}

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
    let (now, measured) = (bundle.bed.now() + Duration::from_hours(3), Mutex::default());
    let services = Services { ledger: bundle.bed.table.ledger(), now, measured: &measured };

    Sweep::new(services).handle(now + Duration::from_mins(5)).await.expect("a sweep");

    let mut outputs = Outputs::of(&bundle, &log).await;
    let documents = measured.into_inner().expect("a lock");
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
