//! The capture cookie `pb_clicks`: the clicks that brought the customer, from the landing page to the
//! order. `v1.<JSON in base64url>`, and `.<HMAC-SHA256 of that in base64url>` where a server signs it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use postback_core::{
    clock::Timestamp,
    fields::{is_absent, is_nothing, means_nothing},
};
use postback_runtime::services::CookieSecret;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::{
    keys::{KeyKind, Keys, standard_key},
    networks::NETWORKS,
};

/// The member of an order that holds the cookie's value.
const MEMBER: &str = "click_cookie";
/// The most bytes of the cookie.
const MAX_BYTES: usize = 1_024;
/// The most characters of a value in it.
const MAX_VALUE: usize = 256;
/// The member of a click that says when it was.
const CLICKED_AT: &str = "clicked_at";

/// The keys that sign the cookie.
pub const COOKIE_KEYS: KeyKind = KeyKind {
    secret: "click_cookie",
    shape: "must be `whsec_` and 24 to 64 bytes in base64",
    parse: standard_key,
};

/// The result of reading a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieResult {
    /// Its clicks were read.
    Read,
    /// It can't be read, or holds no click of a network that there is.
    Damaged,
    /// It has no signature by a key in force.
    Forged,
}

impl CookieResult {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Damaged => "damaged",
            Self::Forged => "forged",
        }
    }
}

/// The keys in force; none where cookies are not signed.
#[derive(Debug)]
pub struct CookieKeys(Option<Keys>);

impl CookieKeys {
    /// No keys: a cookie counts without a signature.
    pub const UNSIGNED: &Self = &Self(None);

    /// Reads the secret. While its keys can't be had, cookies count unsigned: a forged click is refused
    /// by its network, while an honest one that was dropped is lost.
    #[must_use]
    pub fn of(secret: &CookieSecret) -> Self {
        let json = match secret {
            CookieSecret::Unsigned => return Self(None),
            CookieSecret::Unavailable => {
                let code = "click_cookie_keys_unavailable";
                tracing::warn!(code, "cookies count unsigned until their keys can be read");
                return Self(None);
            }
            CookieSecret::Json(json) => json.expose_secret(),
        };
        let (keys, faults) = Keys::parse(json, &COOKIE_KEYS);
        if !faults.is_empty() {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            let (code, faults) = ("click_cookie_keys_malformed", faults.join("; "));
            let fix = "postback secret click_cookie";
            tracing::error!(code, faults, fix, "those keys of the capture cookie are not in force");
        }
        Self((!keys.is_empty()).then_some(keys))
    }

    fn verify(&self, signed: &str, signature: Option<&str>) -> bool {
        let Some(keys) = &self.0 else { return true };
        let signature = signature.and_then(|it| BASE64_URL_SAFE_NO_PAD.decode(it).ok());
        let Some(signature) = signature else { return false };
        keys.iter().any(|key| {
            let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret());
            mac.is_ok_and(|mac| mac.chain_update(signed).verify_slice(&signature).is_ok())
        })
    }
}

/// Returns whether an order on the bus has a cookie: the networks' rules leave it to intake, which
/// puts it on the bus again with the cookie's clicks.
#[must_use]
pub fn has_cookie(order: &Value) -> bool {
    match order.get(MEMBER) {
        Some(Value::Array(values)) => values.iter().any(|value| !value.is_object()),
        Some(value) => !value.is_object(),
        None => false,
    }
}

/// Takes the cookie out of an order and adds its clicks, of the networks that the order itself names
/// no click of. The result is `None` where there is no cookie.
#[must_use]
pub fn resolve(mut order: Value, keys: &CookieKeys) -> (Value, Option<CookieResult>) {
    let Some(members) = order.as_object_mut() else { return (order, None) };
    let Some(cookie) = members.remove(MEMBER).filter(|value| !is_absent(value)) else {
        return (order, None);
    };
    let found = cookie.as_str().map_or(Err(CookieResult::Damaged), |text| clicks_in(text, keys));
    let found = match found {
        Ok(found) => found,
        Err(result) => return (order, Some(result)),
    };
    let clicks = members.entry("clicks").or_insert(Value::Null);
    // Clicks of another type are a fault of the order, which stays to be seen.
    if is_absent(clicks) {
        *clicks = json!({});
    }
    if let Some(clicks) = clicks.as_object_mut() {
        for (network, click) in found {
            if clicks.get(&network).is_none_or(names_none) {
                clicks.insert(network, click);
            }
        }
    }
    (order, Some(CookieResult::Read))
}

/// Returns whether a click that an order names holds nothing.
pub(crate) fn names_none(click: &Value) -> bool {
    is_absent(click)
        || click.as_object().map_or_else(|| is_nothing(click), |it| it.values().all(is_nothing))
}

/// The clicks of a cookie by network, as an order names them.
fn clicks_in(cookie: &str, keys: &CookieKeys) -> Result<Map<String, Value>, CookieResult> {
    // A cookie may come quoted and percent-encoded, as some servers show it, also twice.
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let cookie = decoded(&decoded(cookie));
    let cookie = cookie.trim().trim_matches('"');
    let damaged = CookieResult::Damaged;
    if cookie.len() > MAX_BYTES {
        return Err(damaged);
    }
    let mut parts = cookie.split('.');
    let (version, payload, signature) = (parts.next(), parts.next(), parts.next());
    let Some(payload) = payload.filter(|_| version == Some("v1") && parts.next().is_none()) else {
        return Err(damaged);
    };
    if !keys.verify(&format!("v1.{payload}"), signature) {
        return Err(CookieResult::Forged);
    }
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| damaged)?;
    let value: Value = serde_json::from_slice(&json).map_err(|_| damaged)?;
    let clicks = NETWORKS.iter().filter_map(|network| {
        let click = click(value.get(network.name)?.as_object()?, network.click)?;
        Some((network.name.to_owned(), click))
    });
    let clicks: Map<_, _> = clicks.collect();
    if clicks.is_empty() { Err(damaged) } else { Ok(clicks) }
}

/// The members of a click that its network knows, with the time where it has a place for one.
fn click(members: &Map<String, Value>, known: &[&str]) -> Option<Value> {
    let named = known.iter().filter(|name| **name != CLICKED_AT).filter_map(|name| {
        let value = members.get(*name).filter(|value| is_plausible(value))?;
        Some(((*name).to_owned(), value.clone()))
    });
    let mut click: Map<_, _> = named.collect();
    if click.is_empty() {
        return None;
    }
    let at = members.get("at").and_then(Value::as_str);
    if let Some(at) = at.filter(|at| Timestamp::parse(at).is_some())
        && known.contains(&CLICKED_AT)
    {
        click.insert(CLICKED_AT.to_owned(), json!(at));
    }
    Some(Value::Object(click))
}

/// Returns whether a value may be an id: what a script left behind or a stranger made up is none.
pub(crate) fn is_plausible(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let is_long = text.chars().count() > MAX_VALUE;
            // The last two are in no message of a queue.
            let is_none = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
            !is_long && !means_nothing(text) && !text.chars().any(is_none)
        }
        Value::Number(number) => number.is_u64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
