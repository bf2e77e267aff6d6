//! Any text as the capture cookie of an order, or as the JSON in it. Whatever it is, it costs the order
//! nothing.

#![no_main]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_conformance::NOW;
use postback_fuzz::{mutate, seeds};
use postback_orders::{CheckedOrder, CookieKeys, CookieResult, networks::click_faults, resolve};
use serde_json::{Value, json};

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Some((&which, text)) = data.split_first() else { return };
    let cookie = match str::from_utf8(text) {
        Ok(text) if which % 2 == 0 => text.to_owned(),
        _ => format!("v1.{}", BASE64_URL_SAFE_NO_PAD.encode(text)),
    };

    let (read, result) = resolve(order(&cookie), CookieKeys::UNSIGNED);

    assert!(read.get("click_cookie").is_none());
    assert_ne!(result, Some(CookieResult::Forged), "nothing is signed");
    let own = json!({ "cmc_id": "own" });
    assert_eq!(read["clicks"]["cashmycell"], own, "the order's own click wins");
    let is_more = read["clicks"].as_object().is_some_and(|clicks| clicks.len() > 1);
    assert!(!is_more || result == Some(CookieResult::Read), "{result:?}: {read}");
    assert_eq!(click_faults(&read), []);
    let checked = CheckedOrder::check_unheld(order(&cookie), CookieKeys::UNSIGNED, NOW);
    assert!(checked.is_ok(), "{checked:?}");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 1)
});

fn order(cookie: &str) -> Value {
    json!({
        "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00", "click_cookie": cookie,
        "clicks": { "cashmycell": { "cmc_id": "own" } },
    })
}

fn seeds() {
    let payloads = [
        (
            "two_networks",
            r#"{"shopback":{"transaction_id":"102b983f153f632c9a0a1469e27b55","at":"2026-11-20T09:00:00Z"},"cpa_moe":{"offer":217,"wm":"a"}}"#,
        ),
        (
            "another_networks_click",
            r#"{"cashmycell":{"cmc_id":"C1","at":"soon"},"nobody":{"id":"1"}}"#,
        ),
        (
            "place_holders",
            r#"{"shopback":{"transaction_id":"{transaction_id}"},"cpa_moe":{"wm":"undefined"}}"#,
        ),
        ("no_clicks", r#"{"shopback":[],"cpa_moe":null}"#),
    ];
    for (name, payload) in payloads {
        seeds::write(name, &[b"\x01", payload.as_bytes()].concat());
    }
    let cookies = [
        ("quoted", "\"v1.eyJzaG9wYmFjayI6eyJ0cmFuc2FjdGlvbl9pZCI6IlQxIn19\""),
        ("signed", "v1.eyJzaG9wYmFjayI6eyJ0cmFuc2FjdGlvbl9pZCI6IlQxIn19.K9G9AZcECC0rECf"),
        ("another_version", "v2.e30"),
        ("blank", " "),
    ];
    for (name, cookie) in cookies {
        seeds::write(name, &[b"\x00", cookie.as_bytes()].concat());
    }
}
