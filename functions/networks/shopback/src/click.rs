//! `clicks.shopback` of an order.

use postback_core::{
    fields::{Fields, Invalid, instant, is_nothing},
    network::{Network, Plan},
    order::Order,
    redaction::Reason,
};
use schemars::JsonSchema;
use serde_json::Value;

use crate::{Planned, ShopBack, reject};

/// The most letters and digits of a click id that are sent; the network decides about it. The document
/// says 30, its own demonstration uses 8.
const CLICK_ID: usize = 64;

/// The most characters of a member at the API.
const MEMBER: usize = 256;

/// The ids that the shop keeps of a visit through a ShopBack redirect link.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Click {
    /// `transaction_id` of the redirect link. Without one there is nothing to report.
    #[schemars(length(max = 256))]
    pub transaction_id: Option<String>,
    /// The time of the visit, RFC 3339. For the shop's own records: it is not reported.
    #[schemars(extend("format" = "date-time"))]
    pub clicked_at: Option<String>,
}

/// Checks the members at the API. A click id with other characters is no fault of the order: the other
/// networks still get it.
pub(crate) fn check(fields: &mut Fields<'_, '_>) {
    fields.optional("transaction_id", |value| member(value).map(drop));
    fields.optional("clicked_at", instant);
}

fn member(value: &Value) -> Result<&str, Invalid> {
    let text = value.as_str().ok_or_else(|| Invalid::kind("a string"))?;
    if text.chars().count() > MEMBER {
        return Err(Invalid::new("too_long", format!("at most {MEMBER} characters")));
    }
    Ok(text)
}

/// The click id, or the plan for an order without one.
pub(crate) fn transaction_id(order: &Order) -> Planned<String> {
    const MEMBER: &str = "transaction_id";
    let value = order.click(ShopBack::NAME).and_then(|click| click.get(MEMBER));
    let Some(value) = value.filter(|value| !is_nothing(value)) else {
        return Err(Plan::Skip(Reason::new("no_click")));
    };
    // A number is a click that was mangled on its way from the cookie: a person should see it.
    let text = value.as_str().map(str::trim).ok_or_else(|| reject("invalid_click"))?;
    if text.len() > CLICK_ID || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(reject("invalid_click"));
    }
    Ok(text.to_owned())
}
