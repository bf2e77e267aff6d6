//! The whole life of an order, end to end: cancellations, corrections, shared clicks, changed
//! settings, outages and the sweep.

use std::time::Duration;

use postback_integration::{Bundle, minimal, with};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

mod canaries;
mod cancellation;
mod clicks;
mod fixtures;
mod formats;
mod grown;
mod lines;
mod outage;
mod pauses;
mod plausibility;
mod reconciled;
mod refunds_alone;
mod reopened;
mod retried_once;
mod settings;
mod shop_systems;
mod sweeping;
mod validation;
mod validation_costs;
mod validation_metrics;
mod validation_ways;
mod versions;
mod waiting;

const DAY: Duration = Duration::from_hours(24);

/// An order with a click of its own: the 30 times repeated `click`.
fn order(id: &str, click: &str) -> Value {
    with(minimal(id), "/clicks/shopback/transaction_id", json!(click.repeat(30)))
}

/// The cancellation of an order.
fn cancelled(id: &str) -> Value {
    json!({ "order_id": id, "status": "cancelled" })
}

/// `order` as the shop changed it at `minute` past ten.
fn changed_at(order: Value, minute: u32) -> Value {
    with(order, "/updated_at", json!(format!("2026-11-21T10:{minute:02}:00Z")))
}

fn script(bundle: &Bundle, network: Network, fault: Fault) {
    bundle.bed.sandbox.script(Rule::on(network, fault)).expect("a rule");
}

/// The delivery of an order to one network, as the API shows it.
async fn delivery(bundle: &Bundle, order_id: &str, network: &str) -> Value {
    let body = bundle.get(order_id).await.body();
    let deliveries = body["deliveries"].as_array().cloned().unwrap_or_default();
    let own = deliveries.into_iter().find(|delivery| delivery["network"] == network);
    own.unwrap_or_default()
}

/// State and reason of an order at ShopBack.
async fn at_shopback(bundle: &Bundle, order_id: &str) -> (String, Option<String>) {
    let delivery = delivery(bundle, order_id, "shopback").await;
    let text = |name: &str| delivery[name].as_str().map(str::to_owned);
    (text("state").unwrap_or_default(), text("reason"))
}

/// A state without a reason.
fn state(state: &str) -> (String, Option<String>) {
    (state.to_owned(), None)
}

/// The words of the events about one network's deliveries.
async fn published(bundle: &Bundle, network: &str) -> Vec<String> {
    let events = bundle.bed.published_of(network).await.into_iter();
    events.map(|(kind, _)| kind.trim_start_matches("postback.").to_owned()).collect()
}

/// The amounts that ShopBack received, in order.
fn amounts(bundle: &Bundle) -> Vec<String> {
    let received = bundle.bed.sandbox.received(Network::ShopBack);
    let amount = |params: &[(String, String)]| {
        params.iter().find(|(name, _)| name == "amount").map(|(_, value)| value.clone())
    };
    received.iter().filter_map(|request| amount(&request.params)).collect()
}
