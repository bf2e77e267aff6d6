//! `clicks.shopback` of an order.

use postback_core::{
    network::{Network, Plan},
    order::Order,
    redaction::Reason,
};

use crate::{Planned, ShopBack, reject};

/// The member that holds the click id.
pub(crate) const TRANSACTION_ID: &str = "transaction_id";

/// The most letters and digits of a click id that are sent; the network decides about it. The document
/// says 30, its own demonstration uses 8.
const CLICK_ID: usize = 64;

/// The click id, or the plan for an order without one.
pub(crate) fn transaction_id(order: &Order) -> Planned<String> {
    let invalid = || reject("invalid_click");
    let click = order.click(ShopBack::NAME).map_err(|_| invalid())?;
    let Some(value) = click.and_then(|click| click.get(TRANSACTION_ID)) else {
        return Err(Plan::Skip(Reason::new("no_click")));
    };
    // A number is a click that was mangled on its way from the cookie: a person should see it.
    let text = value.as_str().map(str::trim).ok_or_else(invalid)?;
    if text.len() > CLICK_ID || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(invalid());
    }
    Ok(text.to_owned())
}
