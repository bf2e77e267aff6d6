//! Any text as the secret of each network. With valid settings, an order is sent.

#![no_main]

use std::sync::LazyLock;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_conformance::NOW;
use postback_core::{
    delivery::Attempt,
    fields::{UnknownFields, is_place_holder},
    network::{Network, Plan, configure},
    order::Order,
};
use postback_fuzz::{
    canary::{MARK, is_a_name, mark},
    mutate, networks, seeds,
};
use serde_json::Value;
use shopback::ShopBack;
use url::Url;

static ORDER: LazyLock<Order> = LazyLock::new(|| {
    let order = Order::from_json(&networks::order(), UnknownFields::Deny);
    order.unwrap_or_else(|faults| panic!("{faults:?}"))
});

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Some((&[which, network], text)) = data.split_first_chunk() else { return };
    let Ok(text) = str::from_utf8(text) else { return };

    match network % 4 {
        0 => is_read::<CartStack>(text, which),
        1 => is_read::<CashMyCell>(text, which),
        2 => is_read::<CpaMoe>(text, which),
        _ => is_read::<ShopBack>(text, which),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 2)
});

fn is_read<N: Network>(text: &str, which: u8) {
    match configure::<N>(text) {
        Ok(network) => can_send(&network),
        Err(faults) => assert!(!faults.is_empty()),
    }
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return };
    mark(&mut value, which);
    if is_a_name(&value) {
        return;
    }
    for fault in configure::<N>(&value.to_string()).err().into_iter().flatten() {
        assert!(!format!("{fault} {fault:?}").contains(MARK), "{fault:?}");
        assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'), "{fault:?}");
    }
}

fn can_send<N: Network>(network: &N) {
    let Plan::Send(parts) = network.plan(&ORDER) else { return };
    let endpoint = Url::parse(N::ENDPOINT).unwrap_or_else(|error| panic!("{error}"));
    for part in parts {
        let url = network.request(&part.report, &Attempt::first(NOW)).url(&endpoint);
        for (name, value) in url.query_pairs() {
            assert!(!value.trim().is_empty(), "{name} is sent empty");
            assert!(!is_place_holder(&value), "{name} is sent as a place holder");
        }
    }
}

fn seeds() {
    let settings = [
        r#"{"key":"0123456789abcdef","siteid":"aBcD12","total":"without_tax_and_shipping","on_unconfirmed":"resend"}"#,
        r#"{"reference_id":true}"#,
        r#"{"user":2718,"key":"0123456789abcdef","default_offer":"217"}"#,
        r#"{"offer_id":1234,"security_token":"070a632e2b574ca894d90610c7da97bc","mode":"line_items","offer_by_country":{"MY":7},"adv_sub2":"{currency}-{line}","adv_unique1":"{custom.coupon}"}"#,
    ];
    for (text, network) in settings.iter().zip(0..) {
        seeds::write(&format!("{network}"), &[&[1, network], text.as_bytes()].concat());
    }
}
