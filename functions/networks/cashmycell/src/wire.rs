//! The click of an order, and the constants of the request.
//!
//! The facts are from the vendor's page "API Details: CashMyCell Order Completion API endpoint".

use percent_encoding::percent_decode_str;
use postback_core::{fields::means_nothing, order::Order, redaction::Reason};

/// Path: `/api/v1/public/order-complete`, method `GET`.
pub(crate) const PATH: &str = "api/v1/public/order-complete";

/// "Value: `COMPLETED`. Only completed orders should trigger this endpoint."
pub(crate) const STATUS: &str = "COMPLETED";

/// The most characters of a click id.
const CLICK_ID: usize = 256;

/// The click id of `order`, not encoded; `None` if there is none. The error is the reason that it can
/// be no click id.
///
/// The vendor's script stores the id percent-encoded in the cookie. A raw cookie value is decoded once
/// here, because the request encodes it again.
pub(crate) fn click_id(order: &Order, network: &str) -> Result<Option<String>, Reason> {
    let invalid = Reason::new("invalid_click");
    let click = order.click(network).map_err(|_| invalid.clone())?;
    let Some(value) = click.and_then(|click| click.get("cmc_id")) else { return Ok(None) };
    let raw = value.as_str().map(str::trim).filter(|raw| is_cookie(raw)).ok_or(invalid)?;
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
