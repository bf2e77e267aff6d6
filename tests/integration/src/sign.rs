//! A sender of webhooks.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use postback_core::clock::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::api_event;

/// The key in force, as a secret of the webhook holds it.
pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The key that comes after it.
pub const NEXT_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// The key of the shop systems, as they show it.
pub const PLATFORM_KEY: &str = "shpss_0123456789abcdef0123456789abcdef";

/// The secret with these keys.
#[must_use]
pub fn secret(keys: &[&str]) -> String {
    json!({ "keys": keys }).to_string()
}

/// A signature, as the header holds it.
#[must_use]
pub fn signature(key: &str, id: &str, at: Timestamp, body: &str) -> String {
    let key = BASE64_STANDARD.decode(key.trim_start_matches("whsec_")).expect("a key");
    let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    let mac = mac.chain_update(format!("{id}.{}.{body}", at.as_secs())).finalize();
    format!("v1,{}", BASE64_STANDARD.encode(mac.into_bytes()))
}

/// A message of a sender that has `key`.
#[must_use]
pub fn message(key: &str, id: &str, at: Timestamp, body: &str) -> Value {
    let mut event = api_event("POST", "/webhooks/orders", body);
    event["headers"]["webhook-id"] = json!(id);
    event["headers"]["webhook-timestamp"] = json!(at.as_secs().to_string());
    event["headers"]["webhook-signature"] = json!(signature(key, id, at, body));
    event
}

/// The signature of a shop system: the base64 of HMAC-SHA256 over the body.
#[must_use]
pub fn platform_signature(key: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    BASE64_STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
}

/// A webhook of a shop system: `headers` are its signature's, its topic's and its delivery's name.
#[must_use]
pub fn platform_message(
    path: &str,
    headers: [&str; 3],
    key: &str,
    topic: &str,
    delivery: &str,
    body: &str,
) -> Value {
    let mut event = api_event("POST", path, body);
    let values = [&platform_signature(key, body), topic, delivery];
    for (header, value) in headers.into_iter().zip(values) {
        event["headers"][header] = json!(value);
    }
    event
}
