//! A shopper whose texts a firewall before each network refuses: 200 orders an hour, ten in a row,
//! among 2,000 of others. The others' orders are reported as if there were none of the shopper's.
//! Half an hour of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use postback_core::clock::Timestamp;
use postback_integration::{Bundle, bare};
use postback_sandbox::{Fault, Network, Rule};
use serde_json::{Value, json};

const NETWORKS: [Network; 4] =
    [Network::CartStack, Network::CashMyCell, Network::CpaMoe, Network::ShopBack];

const GOOD: u32 = 1_000;
const EVERY: Duration = Duration::from_millis(1_800);
/// So many of the shopper's orders come at once, before every hundredth good one.
const IN_A_ROW: u32 = 10;

/// An order for every network, by a buyer of its own.
pub(crate) fn order(id: &str) -> Value {
    let mut order = bare(id);
    order["customer"] = json!({
        "email": format!("{id}@example.com"), "phone": "+91 98765 43210", "ip": "203.0.113.9",
    });
    order["clicks"] = json!({
        "cashmycell": { "cmc_id": format!("cmc{id}") },
        "cpa_moe": { "offer": 217 },
        "shopback": { "transaction_id": format!("{id:0>30}") },
    });
    order
}

/// The shopper's order, which the firewall before each network answers with 403.
fn hostile(bundle: &Bundle, id: &str) -> Value {
    for network in NETWORKS {
        let known_as = match network {
            Network::CashMyCell => format!("cmc{id}"),
            Network::CartStack => format!("{id}@example.com"),
            Network::CpaMoe | Network::ShopBack => id.to_owned(),
        };
        let refuses = Rule::on(network, Fault::status(403)).order(known_as).forever();
        bundle.bed.sandbox.script(refuses).expect("a rule");
    }
    let mut order = order(id);
    order["comment"] = json!("<script>alert(1)</script>");
    order
}

/// Half an hour of orders. Returns the times at which the good ones came.
async fn half_an_hour(bundle: &Bundle) -> BTreeMap<String, Timestamp> {
    let start = bundle.bed.now();
    let mut came = BTreeMap::new();
    for number in 0..GOOD {
        bundle.work_until(start + EVERY * number).await;
        if number % 100 == 50 {
            for again in 0..IN_A_ROW {
                let order = hostile(bundle, &format!("h{number}x{again}"));
                assert_eq!(bundle.post("/orders", &order).await.status, 202);
                bundle.work().await;
            }
        }
        let id = format!("g{number}");
        came.insert(id.clone(), bundle.bed.now());
        assert_eq!(bundle.post("/orders", &order(&id)).await.status, 202);
        bundle.work().await;
    }
    came
}

#[tokio::test]
async fn a_shopper_whom_a_firewall_refuses_delays_nobody_elses_order() {
    let bundle = Bundle::new(1).await;

    let came = half_an_hour(&bundle).await;

    assert_none_waited(&bundle, &came).await;
    // The shopper's own orders are kept for a person, each by itself.
    for (network, state, reason) in bundle.states("h50x0").await {
        assert_eq!((&*state, reason.as_deref()), ("parked", Some("http_forbidden")), "{network}");
    }
    let paused = |(_, services): (_, &postback_harness::FakeServices)| {
        services.metrics().iter().any(|document| document["Paused"] == 1)
    };
    assert!(!bundle.services().into_iter().any(paused), "no network was paused");
}

#[tokio::test]
async fn a_shopper_who_is_the_first_of_an_instance_delays_nobody_elses_order() {
    let bundle = Bundle::new(2).await;
    for number in 0..IN_A_ROW {
        let order = hostile(&bundle, &format!("h{number}"));
        assert_eq!(bundle.post("/orders", &order).await.status, 202);
        bundle.work().await;
    }

    let mut came = BTreeMap::new();
    for number in 0..10 {
        let id = format!("g{number}");
        came.insert(id.clone(), bundle.bed.now());
        assert_eq!(bundle.post("/orders", &order(&id)).await.status, 202);
        bundle.work().await;
    }

    assert_none_waited(&bundle, &came).await;
}

/// Every good order was reported by every network at the time at which it came.
async fn assert_none_waited(bundle: &Bundle, came: &BTreeMap<String, Timestamp>) {
    let published = bundle.bed.published().await;
    for network in NETWORKS {
        let mut reported = BTreeSet::new();
        for (kind, detail) in &published {
            let id = detail["order_id"].as_str().expect("an order's id");
            let is_success = matches!(&**kind, "postback.delivered" | "postback.accepted");
            if !is_success || detail["network"] != network.to_string() {
                continue;
            }
            let at = detail["at"].as_str().and_then(Timestamp::parse).expect("a time");
            assert_eq!(at, came[id], "{id} at {network}");
            reported.insert(id);
        }
        assert_eq!(reported.len(), came.len(), "{network}");
    }
}
