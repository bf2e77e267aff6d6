//! Any order to each network: its click, its plan and its requests.

#![no_main]

use std::sync::LazyLock;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_conformance::NOW;
use postback_core::{
    delivery::{Attempt, Facts},
    fields::{UnknownFields, is_place_holder},
    network::{Network, Plan},
    order::Order,
};
use postback_fuzz::{mutate, networks::configured, seeds};
use serde_json::{Value, json};
use shopback::ShopBack;
use url::Url;

struct All {
    cartstack: CartStack,
    cashmycell: CashMyCell,
    cpa_moe: CpaMoe,
    by_order: ShopBack,
    by_line: ShopBack,
}

static ALL: LazyLock<All> = LazyLock::new(|| {
    let shopback = |mode| {
        configured(&json!({
            "offer_id": 7, "offer_by_country": { "MY": 8, "IN": 9 }, "mode": mode,
            "security_token": "canarytokencanarytokencanaryto01", "adv_sub2": "{currency}-{tax}",
            "adv_sub3": "{discount_percent}{surcharge}", "adv_unique1": "{custom.gift}",
        }))
    };
    All {
        cartstack: configured(&json!({ "key": "abc", "siteid": "d", "total": "without_tax" })),
        cashmycell: configured(&json!({ "reference_id": true })),
        cpa_moe: configured(&json!({ "user": 1, "key": "abc", "default_offer": 5 })),
        by_order: shopback("order"),
        by_line: shopback("line_items"),
    }
});

fuzz_target!(init: seeds::from_orders(|order| order.as_bytes().to_vec()), |data: &[u8]| {
    let Ok(value) = serde_json::from_slice(data) else { return };
    let Ok(order) = Order::from_json(&value, UnknownFields::Ignore) else { return };
    // As the bus carries it.
    let again = serde_json::to_value(&order).ok();
    let again = again.and_then(|value| Order::from_json(&value, UnknownFields::Ignore).ok());
    let orders = [&order, again.as_ref().unwrap_or(&order)];

    is_sent(&ALL.cartstack, orders);
    is_sent(&ALL.cashmycell, orders);
    is_sent(&ALL.cpa_moe, orders);
    is_sent(&ALL.by_order, orders);
    is_sent(&ALL.by_line, orders);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 0)
});

fn is_sent<N: Network>(network: &N, [order, again]: [&Order; 2]) {
    let plan = network.plan(order);
    assert_eq!(content(&plan), content(&network.plan(again)), "it changes on the bus");
    assert_eq!(N::facts(order), N::facts(again), "it changes on the bus");
    let Plan::Send(parts) = plan else { return };
    let endpoint = Url::parse(N::ENDPOINT).unwrap_or_else(|error| panic!("{error}"));
    for part in parts {
        let request = network.request(&part.report, &Attempt::first(NOW));
        let url = request.url(&endpoint);
        assert_eq!(url.origin(), endpoint.origin());
        let query: Vec<_> = url.query_pairs().collect();
        for (index, (name, value)) in query.iter().enumerate() {
            assert!(!value.trim().is_empty(), "{name} is sent empty");
            assert!(!is_place_holder(value), "{name} is sent as a place holder");
            assert!(query[..index].iter().all(|pair| pair.0 != *name), "{name} is sent twice");
        }
        request.body().into_iter().for_each(is_filled_in);
    }
}

/// The content of each delivery, by its line; or the reason that there is none.
fn content<R>(plan: &Plan<R>) -> Result<Vec<(Option<&str>, &Facts)>, String> {
    match plan {
        Plan::Send(parts) => {
            Ok(parts.iter().map(|part| (part.line.as_deref(), &part.facts)).collect())
        }
        Plan::Skip(reason) => Err(format!("skipped {reason}")),
        Plan::Reject(reason) => Err(format!("rejected {reason}")),
    }
}

fn is_filled_in(value: &Value) {
    match value {
        Value::String(text) => assert!(!is_place_holder(text), "{text} is a place holder"),
        Value::Array(values) => values.iter().for_each(is_filled_in),
        Value::Object(members) => members.values().for_each(is_filled_in),
        _ => {}
    }
}
