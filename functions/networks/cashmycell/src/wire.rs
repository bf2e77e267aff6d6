//! The click of an order, and the constants of the request.
//!
//! The facts are from the vendor's page "API Details: CashMyCell Order Completion API endpoint".

use percent_encoding::percent_decode_str;
use postback_core::{
    fields::{Fields, Invalid, instant, is_nothing, means_nothing},
    order::Order,
    redaction::Reason,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Path: `/api/v1/public/order-complete`, method `GET`.
pub(crate) const PATH: &str = "api/v1/public/order-complete";

/// "Value: `COMPLETED`. Only completed orders should trigger this endpoint."
pub(crate) const STATUS: &str = "COMPLETED";

/// `clicks.cashmycell` of an order: the click through which the customer came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "clicks.cashmycell", deny_unknown_fields)]
pub struct Click {
    /// The click id, as it is in the cookie that CashMyCell's script sets. Missing, blank
    /// or a word for none: the customer did not come through CashMyCell.
    #[schemars(length(max = 1024))]
    pub cmc_id: Option<String>,
    /// The time of the click, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub clicked_at: Option<String>,
}

impl Click {
    /// Parses the members at the API.
    pub(crate) fn parse(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            cmc_id: fields.optional("cmc_id", cookie),
            clicked_at: fields.optional("clicked_at", instant).map(|at| at.to_string()),
        }
    }
}

/// The cookie's value. An empty one is no fault of the order.
fn cookie(value: &Value) -> Result<String, Invalid> {
    match value {
        Value::String(text) if text.chars().count() <= 1_024 => Ok(text.clone()),
        Value::String(_) => Err(Invalid::new("too_long", "at most 1024 characters")),
        _ => Err(Invalid::kind("a string")),
    }
}

/// The most characters of a click id.
const CLICK_ID: usize = 256;

/// The click id of `order`, not encoded; `None` if there is none. The error is the reason that it can
/// be no click id.
///
/// The vendor's script stores the id percent-encoded in the cookie. A raw cookie value is decoded once
/// here, because the request encodes it again.
pub(crate) fn click_id(order: &Order, network: &str) -> Result<Option<String>, Reason> {
    let value = order.click(network).and_then(|click| click.get("cmc_id"));
    let Some(value) = value.filter(|value| !is_nothing(value)) else { return Ok(None) };
    let raw = value.as_str().map(str::trim).filter(|raw| is_cookie(raw));
    let raw = raw.ok_or(Reason::new("invalid_click"))?;
    let decoded = percent_decode_str(raw).decode_utf8().map_or(raw.into(), |text| text);
    let id = decoded.trim();
    Ok((!means_nothing(id)).then(|| id.to_owned()))
}

/// Returns whether `text` can be the cookie's value: unreserved characters and percent-encoded bytes,
/// or an id in Base64.
fn is_cookie(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let is_encoded =
        |rest: &[u8]| rest.iter().take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2;
    let bytes = text.as_bytes();
    let is_right = |(at, b): (usize, &u8)| fits(*b) || (*b == b'%' && is_encoded(&bytes[at + 1..]));
    bytes.len() <= CLICK_ID && bytes.iter().enumerate().all(is_right)
}

#[cfg(test)]
mod tests {
    use postback_conformance::is_current;

    use super::*;

    #[test]
    fn the_schema_of_a_click_is_current() {
        is_current("clicks.schema.json", &schemars::schema_for!(Click));
    }
}
