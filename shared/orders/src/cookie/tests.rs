use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::*;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const AT: &str = "2026-11-20T09:00:00Z";

fn unsigned(clicks: &Value) -> String {
    format!("v1.{}", BASE64_URL_SAFE_NO_PAD.encode(clicks.to_string()))
}

fn signed(clicks: &Value, key: &str) -> String {
    let text = unsigned(clicks);
    let key = standard_key(key).expect("a key");
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("a key");
    let mac = mac.chain_update(&text).finalize().into_bytes();
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
}

fn keys(keys: &[&str]) -> CookieKeys {
    CookieKeys::of(&CookieSecret::Json(json!({ "keys": keys }).to_string().into()))
}

/// The clicks of an order after its cookie was read, and the result.
fn resolve_clicks(
    cookie: &Value,
    clicks: &Value,
    keys: &CookieKeys,
) -> (Value, Option<CookieResult>) {
    let (order, result) = resolve(json!({ "click_cookie": cookie, "clicks": clicks }), keys);
    assert_eq!(order.get(MEMBER), None, "{cookie}");
    (order["clicks"].clone(), result)
}

/// The network with this member in its click, and one whose click has no time.
fn with(member: &str) -> &'static str {
    NETWORKS.iter().find(|it| it.click.contains(&member)).expect("a network").name
}

fn two() -> (Value, Value) {
    let (one, other) = (with("transaction_id"), with("cmc_id"));
    let cookie = json!({
        one: { "transaction_id": "T1", "at": AT }, other: { "cmc_id": "C1", "at": AT },
    });
    let clicks = json!({
        one: { "transaction_id": "T1", CLICKED_AT: AT }, other: { "cmc_id": "C1", CLICKED_AT: AT },
    });
    (cookie, clicks)
}

#[test]
fn every_networks_click_is_read_with_its_time() {
    let (cookie, clicks) = two();
    for text in [unsigned(&cookie), format!(" \"{}\" ", unsigned(&cookie)), signed(&cookie, KEY)] {
        let read = resolve_clicks(&json!(text), &json!(null), CookieKeys::UNSIGNED);
        assert_eq!(read, (clicks.clone(), Some(CookieResult::Read)), "{text}");
    }
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    for text in [signed(&cookie, KEY), format!("\"{}=\"", unsigned(&cookie))] {
        for text in [encoded(&text), encoded(&encoded(&text))] {
            let read = resolve_clicks(&json!(text), &json!(null), CookieKeys::UNSIGNED);
            assert_eq!(read, (clicks.clone(), Some(CookieResult::Read)), "{text}");
        }
    }
    let timeless = with("wm");
    let cookie = json!({ timeless: { "offer": 217, "wm": "a", "at": AT } });
    let (clicks, _) = resolve_clicks(&json!(unsigned(&cookie)), &json!({}), CookieKeys::UNSIGNED);
    assert_eq!(clicks, json!({ timeless: { "offer": 217, "wm": "a" } }));
}

#[test]
fn a_click_that_the_order_names_wins() {
    let (cookie, clicks) = two();
    let (one, other) = (with("transaction_id"), with("cmc_id"));
    let cookie = json!(unsigned(&cookie));
    let named = json!({ one: { "transaction_id": "T9" }, other: { "cmc_id": "" } });

    let (read, result) = resolve_clicks(&cookie, &named, CookieKeys::UNSIGNED);

    assert_eq!(result, Some(CookieResult::Read));
    assert_eq!(read, json!({ one: { "transaction_id": "T9" }, other: clicks[other] }));
}

#[test]
fn what_is_no_click_of_a_network_is_left_out() {
    let network = with("transaction_id");
    let long = "x".repeat(MAX_VALUE + 1);
    for value in ["{transaction_id}", "undefined", "", "a\u{7}b", "a\nb", &long] {
        let cookie = json!({ network: { "transaction_id": value, "at": AT } });
        let read = resolve_clicks(&json!(unsigned(&cookie)), &json!({}), CookieKeys::UNSIGNED);
        assert_eq!(read, (json!({}), Some(CookieResult::Damaged)), "{value}");
    }
    let cookie = json!({
        "nobody": { "id": "1" },
        network: { "transaction_id": "T1", "offer": 7, "at": "yesterday", "x": { "y": 1 } },
    });
    let (read, _) = resolve_clicks(&json!(unsigned(&cookie)), &json!({}), CookieKeys::UNSIGNED);
    assert_eq!(read, json!({ network: { "transaction_id": "T1" } }));
}

#[test]
fn a_damaged_cookie_is_ignored_and_one_that_is_absent_is_none() {
    let (cookie, _) = two();
    let text = unsigned(&cookie);
    let padded = json!({ with("cmc_id"): { "cmc_id": "C1", "more": "x".repeat(4_000) } });
    for damaged in [
        json!("x"),
        json!("v2.e30"),
        json!("v1"),
        json!("v1."),
        json!("v1.e30"),
        json!(text.replace("v1.", "v1.*")),
        json!(&text[..text.len() - 9]),
        json!(format!("{text}.sig.more")),
        json!(unsigned(&padded)),
        json!(unsigned(&json!([cookie]))),
        json!(7),
        json!({ "v1": 1 }),
    ] {
        let read = resolve_clicks(&damaged, &json!({}), CookieKeys::UNSIGNED);
        assert_eq!(read, (json!({}), Some(CookieResult::Damaged)), "{damaged}");
    }
    for absent in [json!(null), json!(""), json!(" "), json!([])] {
        assert_eq!(resolve_clicks(&absent, &json!({}), CookieKeys::UNSIGNED).1, None, "{absent}");
    }
}

#[test]
fn only_a_signature_by_a_key_in_force_counts_where_cookies_are_signed() {
    let (cookie, clicks) = two();
    let signed = |key| signed(&cookie, key);
    for (text, in_force, is_taken) in [
        (signed(KEY), keys(&[KEY]), true),
        (signed(KEY), keys(&[NEXT_KEY, KEY]), true),
        (signed(KEY), keys(&[NEXT_KEY]), false),
        (unsigned(&cookie), keys(&[KEY]), false),
        (format!("{}.", unsigned(&cookie)), keys(&[KEY]), false),
        (signed(KEY).replace("v1.ey", "v1.eyJ"), keys(&[KEY]), false),
        (signed(KEY)[..signed(KEY).len() - 4].to_owned(), keys(&[KEY]), false),
        // No key, and none that can be had: an honest click is not lost.
        (unsigned(&cookie), keys(&[]), true),
        (unsigned(&cookie), CookieKeys::of(&CookieSecret::Unavailable), true),
    ] {
        let expected = if is_taken {
            (clicks.clone(), Some(CookieResult::Read))
        } else {
            (json!({}), Some(CookieResult::Forged))
        };
        assert_eq!(resolve_clicks(&json!(text), &json!({}), &in_force), expected, "{text}");
    }
}

#[test]
fn a_cookie_is_seen_as_a_rule_of_the_bus_sees_it() {
    for (value, is_one) in [
        (json!("v1.e30"), true),
        (json!(null), true),
        (json!(["x"]), true),
        (json!({ "a": 1 }), false),
        (json!([]), false),
    ] {
        assert_eq!(has_cookie(&json!({ "click_cookie": value })), is_one, "{value}");
    }
    assert!(!has_cookie(&json!({})));
}

#[test]
fn the_cookie_of_the_examples_gives_the_clicks_that_they_were_given() {
    let case = include_str!("../../../../tests/click_capture.json");
    let case: Value = serde_json::from_str(case).expect("JSON");
    let keys = keys(&[case["key"].as_str().expect("a key")]);

    let read = resolve_clicks(&case["cookie"], &json!({}), &keys);

    assert_eq!(read, (case["clicks"].clone(), Some(CookieResult::Read)));
}
