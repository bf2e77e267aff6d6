//! The refunds of an order, and its total without them. A total that fell with a refund would take it
//! off twice.

use postback_core::platform::{amount, first, id, number, object, objects, text};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::lines;

/// The total as the customer agreed to it: after edits, before refunds.
///
/// `current_total_price` falls with edits and with refunds. So the refunds are added again, unless
/// the original total already agrees.
pub(super) fn total(payload: &Value) -> Option<Value> {
    let original = number(payload, "/total_price");
    let Some(current) = number(payload, "/current_total_price") else {
        return original.map(amount);
    };
    let refunds: Vec<_> = objects(payload, "/refunds").collect();
    if refunds.is_empty() {
        return Some(amount(current));
    }
    let paid: Decimal = refunds.iter().filter_map(|refund| paid_back(refund, payload)).sum();
    let unedited = original.filter(|original| [current, current + paid].contains(original));
    let goods: Decimal = refunds.iter().map(|refund| goods(refund)).sum();
    Some(amount(unedited.unwrap_or(current + goods)))
}

/// The refunds with money in them.
pub(super) fn of(payload: &Value) -> Vec<Value> {
    let refunds = objects(payload, "/refunds").filter_map(|refund| {
        let paid = paid_back(refund, payload).filter(|paid| *paid > Decimal::ZERO)?;
        let lines = objects(refund, "/refund_line_items").map(|line| refunded(line, payload));
        Some(object([
            ("id", id(refund, "/id").map(Value::from)),
            ("at", first(refund, &["/processed_at", "/created_at"]).cloned()),
            ("amount", Some(amount(paid))),
            ("lines", Some(Value::Array(lines.collect()))),
        ]))
    });
    refunds.collect()
}

/// The amount that was paid back, in the shop's currency.
fn paid_back(refund: &Value, payload: &Value) -> Option<Decimal> {
    let paid = objects(refund, "/transactions").filter(|transaction| {
        let is_done = text(transaction, "/status").is_none_or(|status| status == "success");
        is_done && text(transaction, "/kind") == Some("refund")
    });
    let paid: Vec<_> = paid.collect();
    let is_own = |paid: &&Value| match text(paid, "/currency") {
        Some(currency) => Some(currency) == text(payload, "/currency"),
        None => true,
    };
    if paid.iter().all(is_own) {
        return paid.iter().map(|paid| number(paid, "/amount")).sum();
    }
    // The customer was paid in another currency: what the lines and the adjustments are worth here.
    let adjusted = objects(refund, "/order_adjustments").filter_map(|it| number(it, "/amount"));
    Some(goods(refund) - adjusted.sum::<Decimal>())
}

/// The worth of the goods that came back.
fn goods(refund: &Value) -> Decimal {
    objects(refund, "/refund_line_items").filter_map(worth).sum()
}

fn worth(line: &Value) -> Option<Decimal> {
    Some(number(line, "/subtotal")? + number(line, "/total_tax").unwrap_or_default())
}

fn refunded(line: &Value, payload: &Value) -> Value {
    let line_id = id(line, "/line_item_id");
    let place = lines(payload).position(|it| line_id.is_some() && id(it, "/id") == line_id);
    object([
        ("line", place.map(|place| json!((place + 1).to_string()))),
        ("quantity", first(line, &["/quantity"]).cloned()),
        ("amount", worth(line).map(amount)),
    ])
}
