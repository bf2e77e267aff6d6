//! The refunds of an order, and its total without them. A total that fell with a refund would take it
//! off twice, also one whose payment is still under way or failed: its goods are off the order already.

use postback_core::{
    clock::Timestamp,
    platform::{amount, first, id, number, object, objects, text},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::lines;

/// The total and the tax in it, as the customer agreed to them: after edits, before refunds.
///
/// The current ones fall with edits and with refunds. So the refunds are added again, unless the
/// original total already agrees.
pub(super) fn agreed(payload: &Value) -> [Option<Value>; 2] {
    let originals = ["/total_price", "/total_tax"].map(|pointer| number(payload, pointer));
    let Some(current) = number(payload, "/current_total_price") else {
        return originals.map(|it| it.map(amount));
    };
    // Goods that an edit took out before they were paid for are no money back.
    let refunds: Vec<_> = refunds(payload, Payments::All).collect();
    let paid_back = |refund: &&Value| paid_back(refund, payload, Payments::All);
    let paid: Decimal = refunds.iter().filter_map(paid_back).sum();
    let goods: Decimal = refunds.iter().map(|refund| goods(refund, payload)).sum();
    let shipping: Decimal = refunds.iter().map(|refund| shipping(refund, payload)).sum();
    let agrees = |original: Decimal| {
        [paid, goods + shipping].into_iter().any(|back| original == current + back)
            || (original == current && !refunds.iter().any(|refund| is_off(refund, payload)))
    };
    if !refunds.is_empty() && originals[0].is_some_and(agrees) {
        return originals.map(|it| it.map(amount));
    }
    let lines = refunds.iter().flat_map(|refund| objects(refund, "/refund_line_items"));
    let taxes: Decimal = lines.filter_map(|line| number(line, "/total_tax")).sum();
    let tax = number(payload, "/current_total_tax").map(|tax| tax + taxes).or(originals[1]);
    [Some(amount(current + goods)), tax.map(amount)]
}

/// Returns whether the order no longer has the goods of a refund: then the current total is without
/// them, too.
fn is_off(refund: &Value, payload: &Value) -> bool {
    let is_left_out = |line: &Value| {
        let left = number(line, "/current_quantity").zip(number(line, "/quantity"));
        left.is_some_and(|(left, ordered)| left < ordered)
    };
    let came_back = |line: &Value| {
        let line_id = id(line, "/id");
        let mut lines = objects(refund, "/refund_line_items");
        line_id.is_some() && lines.any(|it| id(it, "/line_item_id") == line_id)
    };
    objects(payload, "/line_items").any(|line| came_back(line) && is_left_out(line))
}

/// The refunds with money in them. One whose amount can't be read has none: that is a fault of the
/// order, which a person sees.
pub(super) fn of(payload: &Value) -> Vec<Value> {
    let refunds = refunds(payload, Payments::Done).map(|refund| {
        let lines = objects(refund, "/refund_line_items").map(|line| refunded(line, payload));
        object([
            ("id", id(refund, "/id").map(Value::from)),
            ("at", first(refund, &["/processed_at", "/created_at"]).cloned()),
            ("amount", paid_back(refund, payload, Payments::Done).map(amount)),
            ("lines", Some(Value::Array(lines.collect()))),
        ])
    });
    refunds.collect()
}

/// The most lines of an order whose ids are kept: twice what Shopify takes. A refund of a later one is
/// not clear.
const MOST_LINES: usize = 1_000;

/// As much of an order as [`of`] needs of it. A line keeps its place.
pub(super) fn needed_of_order(payload: &Value) -> Value {
    let ids = lines(payload).take(MOST_LINES).map(|line| json!({ "id": first(line, &["/id"]) }));
    needed(&object([
        ("currency", first(payload, &["/currency"]).cloned()),
        ("taxes_included", first(payload, &["/taxes_included"]).cloned()),
        ("line_items", Some(ids.collect())),
    ]))
}

/// The members that [`of`] needs: no notes, no names and nothing of the payment's holder.
const NEEDED: [&str; 22] = [
    "id",
    "taxes_included",
    "line_items",
    "created_at",
    "processed_at",
    "refund_line_items",
    "line_item_id",
    "quantity",
    "subtotal",
    "total_tax",
    "refund_shipping_lines",
    "subtotal_amount_set",
    "tax_amount_set",
    "shop_money",
    "order_adjustments",
    "amount_set",
    "amount",
    "tax_amount",
    "transactions",
    "kind",
    "status",
    "currency",
];

/// The words that [`of`] knows. Another one says no more than that it is another.
const WORDS: [&str; 6] = ["refund", "shipping_refund", "success", "failure", "error", "pending"];

/// As much of a refund as [`of`] needs: numbers, times, currencies and known words.
pub(super) fn needed(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let is_currency = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
            let is_number = number(value, "").is_some() || text.bytes().all(|b| b.is_ascii_digit());
            let is_known = WORDS.contains(&text) || Timestamp::parse(text).is_some();
            let is_needed = text.is_empty() || is_currency || is_number || is_known;
            json!(if is_needed { text } else { "other" })
        }
        Value::Object(members) => {
            let members = members.iter().filter(|(name, _)| NEEDED.contains(&name.as_str()));
            members.map(|(name, value)| (name.clone(), needed(value))).collect()
        }
        Value::Array(values) => values.iter().map(needed).collect(),
        value => value.clone(),
    }
}

/// Returns whether a payment of a refund is under way. No message comes when it is made but the order's.
pub(super) fn is_under_way(refund: &Value) -> bool {
    let is_open = |paid: &Value| !matches!(text(paid, "/status"), Some("failure" | "error"));
    payments(refund, Payments::All).any(is_open)
}

/// The quantity of a line that came back for money.
pub(super) fn quantity_paid_back(line: &Value, payload: &Value) -> Decimal {
    let line_id = id(line, "/id");
    let lines = refunds(payload, Payments::All).flat_map(|it| objects(it, "/refund_line_items"));
    let of_line = lines.filter(|it| line_id.is_some() && id(it, "/line_item_id") == line_id);
    of_line.filter_map(|it| number(it, "/quantity")).sum()
}

/// The payments of a refund that count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Payments {
    /// Those that went through.
    Done,
    /// Those that are under way or failed as well.
    All,
}

/// The refunds with money in them.
fn refunds(payload: &Value, which: Payments) -> impl Iterator<Item = &Value> {
    let has_money = move |refund: &&Value| {
        let unclear = paid_back(refund, payload, which).is_none_or(|paid| paid > Decimal::ZERO);
        (names_none(refund) || payments(refund, which).next().is_some()) && unclear
    };
    objects(payload, "/refunds").filter(has_money)
}

/// Returns whether a refund says nothing of payments: an edit says that there are none.
fn names_none(refund: &Value) -> bool {
    refund["transactions"].is_null()
}

/// The payments of a refund.
fn payments(refund: &Value, which: Payments) -> impl Iterator<Item = &Value> {
    objects(refund, "/transactions").filter(move |transaction| {
        let is_done = text(transaction, "/status").is_none_or(|status| status == "success");
        let is_some = number(transaction, "/amount").is_none_or(|amount| !amount.is_zero());
        let counts = is_done || which == Payments::All;
        counts && is_some && text(transaction, "/kind") == Some("refund")
    })
}

/// The amount that was paid back, in the shop's currency; `None` where it is not clear.
fn paid_back(refund: &Value, payload: &Value, which: Payments) -> Option<Decimal> {
    let is_own = |paid: &Value| match text(paid, "/currency") {
        Some(currency) => Some(currency) == text(payload, "/currency"),
        None => true,
    };
    if !names_none(refund) && payments(refund, which).all(is_own) {
        return payments(refund, which).map(|paid| number(paid, "/amount")).sum();
    }
    // The customer was paid in another currency, or it is not said what was paid: what the goods, the
    // shipping and the difference are worth here.
    let worth = goods(refund, payload) + shipping(refund, payload) - difference(refund);
    Some(worth).filter(|worth| *worth > Decimal::ZERO)
}

/// The worth of the goods that came back.
fn goods(refund: &Value, payload: &Value) -> Decimal {
    let worth = |line: &Value| Some(number(line, "/subtotal")? + tax(line, "/total_tax", payload));
    objects(refund, "/refund_line_items").filter_map(worth).sum()
}

/// The shipping that was paid back: lines of its own since 2024-10, adjustments before. Some messages
/// have both.
fn shipping(refund: &Value, payload: &Value) -> Decimal {
    let of_line = |line: &Value| {
        let tax = tax(line, "/tax_amount_set/shop_money/amount", payload);
        Some(number(line, "/subtotal_amount_set/shop_money/amount")? + tax)
    };
    let mut lines = objects(refund, "/refund_shipping_lines").peekable();
    if lines.peek().is_some() {
        return lines.filter_map(of_line).sum();
    }
    -adjusted(refund, true)
}

/// The goods' worth that was not paid back, or what was paid back beyond it, as a negative number.
fn difference(refund: &Value) -> Decimal {
    adjusted(refund, false)
}

/// The adjustments of shipping, or all others.
fn adjusted(refund: &Value, of_shipping: bool) -> Decimal {
    let amount = |it: &Value| {
        let shop = number(it, "/amount_set/shop_money/amount").or_else(|| number(it, "/amount"));
        let tax = number(it, "/tax_amount_set/shop_money/amount");
        let tax = tax.or_else(|| number(it, "/tax_amount")).unwrap_or_default();
        shop.map(|amount| amount + tax)
    };
    let is_wanted = |it: &&Value| (text(it, "/kind") == Some("shipping_refund")) == of_shipping;
    objects(refund, "/order_adjustments").filter(is_wanted).filter_map(amount).sum()
}

/// The tax on top of an amount: none where the amounts include it.
fn tax(value: &Value, pointer: &str, payload: &Value) -> Decimal {
    if payload["taxes_included"] == json!(true) {
        return Decimal::ZERO;
    }
    number(value, pointer).unwrap_or_default()
}

/// A line that came back. Its amount is with or without tax as the line's own is.
fn refunded(line: &Value, payload: &Value) -> Value {
    let line_id = id(line, "/line_item_id");
    let place = lines(payload).position(|it| line_id.is_some() && id(it, "/id") == line_id);
    object([
        ("line", place.map(|place| json!((place + 1).to_string()))),
        ("quantity", first(line, &["/quantity"]).cloned()),
        ("amount", number(line, "/subtotal").map(amount)),
    ])
}
