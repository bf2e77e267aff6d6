//! Shopify: the webhooks of a shop, and the events that it puts on a partner bus. Pure.

use postback_core::{
    clock::Timestamp,
    platform::{
        Headers, LoneRefund, Mapped, Message, OrderPart, Platform, amount, first, id, name, number,
        object, objects, text,
    },
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value, json};

mod refunds;

/// The names under which a theme puts the capture cookie among the cart's attributes.
const COOKIE: [&str; 2] = ["pb_clicks", "_pb_clicks"];

/// The topics of messages with the whole order.
const WITH_ORDER: [&str; 6] = [
    "orders/create",
    "orders/paid",
    "orders/updated",
    "orders/cancelled",
    "orders/fulfilled",
    "orders/partially_fulfilled",
];

/// The reason of what is not read by itself: `orders/updated` brings it with the order.
const NEEDS_ORDER: &str = "needs_orders_updated";

/// The reason of a refund that waits for its order: it is kept until then.
const KEPT: &str = "refund_kept";

/// The reason of a refund whose payment is not made yet: the order's message says when it is.
const UNDER_WAY: &str = "refund_under_way";

/// The reasons for which an order is never reported.
const NEVER: [&str; 4] = ["test_order", "point_of_sale", "draft_order", "subscription_renewal"];

/// Shopify, with the shop's settings.
#[derive(Clone, Copy, Debug)]
pub struct Shopify {
    /// True if orders are reported under the large number instead of the name that the customer sees.
    by_id: bool,
    /// True if an authorised payment completes an order.
    when_authorized: bool,
}

impl Platform for Shopify {
    const NAME: &'static str = "shopify";

    const HEADERS: Headers = Headers {
        signature: "x-shopify-hmac-sha256",
        topic: "x-shopify-topic",
        delivery: &["x-shopify-event-id", "x-shopify-webhook-id"],
    };

    fn configure(setting: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            by_id: setting("ORDER_ID").as_deref() == Some("id"),
            when_authorized: setting("COMPLETED_WHEN").as_deref() == Some("authorized"),
        }
    }

    fn order(&self, topic: &str, payload: &Value) -> Mapped {
        match topic {
            "refunds/create" => return lone_refund(payload),
            // It has what changed, but neither the order's name, nor its total.
            "orders/edited" => return Mapped::Ignored(NEEDS_ORDER),
            topic if !WITH_ORDER.contains(&topic) => return Mapped::Ignored("other_topic"),
            _ => {}
        }
        if let Some(reason) = never(payload) {
            return Mapped::Ignored(reason);
        }
        let status = match text(payload, "/financial_status").unwrap_or_default() {
            _ if first(payload, &["/cancelled_at"]).is_some_and(|at| *at != json!(false)) => {
                "cancelled"
            }
            "voided" => "cancelled",
            "refunded" => "refunded",
            "paid" | "partially_refunded" => "completed",
            "authorized" if self.when_authorized => "completed",
            _ => return Mapped::Ignored("not_paid"),
        };
        let order = match status {
            "completed" => self.completed(payload),
            status => object([
                ("order_id", self.order_id(payload)),
                ("status", Some(json!(status))),
                ("updated_at", first(payload, &["/updated_at"]).cloned()),
            ]),
        };
        let landing = text(payload, "/landing_site").filter(|_| status == "completed");
        Mapped::Order { order, landing: landing.map(str::to_owned) }
    }

    fn part(&self, topic: &str, payload: &Value) -> Option<OrderPart> {
        let order = id(payload, "/id").filter(|_| WITH_ORDER.contains(&topic))?;
        let updated_at = text(payload, "/updated_at").and_then(Timestamp::parse);
        let part = match never(payload) {
            Some(reason) => json!({ "ignored": reason }),
            None => object([
                ("order_id", self.order_id(payload)),
                ("refunded_as", Some(refunds::needed_of_order(payload))),
            ]),
        };
        Some(OrderPart { order, updated_at, part })
    }

    fn refunds(&self, part: Option<&Value>, refunds: &[Value]) -> Result<Value, &'static str> {
        let part = part.ok_or(KEPT)?;
        if let Some(reason) = text(part, "/ignored") {
            return Err(NEVER.into_iter().find(|it| *it == reason).unwrap_or("other_topic"));
        }
        let mut order = part["refunded_as"].clone();
        order["refunds"] = json!(refunds);
        let mapped = refunds::of(&order);
        if mapped.is_empty() {
            let waits = refunds.iter().any(refunds::is_under_way);
            return Err(if waits { UNDER_WAY } else { "nothing_paid_back" });
        }
        Ok(object([
            ("order_id", first(part, &["/order_id"]).cloned()),
            ("status", Some(json!("partially_refunded"))),
            ("currency", first(&order, &["/currency"]).cloned()),
            ("refunds", Some(Value::Array(mapped))),
        ]))
    }

    fn event(detail: &Value) -> Option<Message<'_>> {
        let metadata = detail.get("metadata")?;
        let id = ["X-Shopify-Event-Id", "X-Shopify-Webhook-Id"];
        let mut ids = id.iter().filter_map(|name| metadata.get(name)?.as_str());
        Some(Message {
            topic: metadata.get("X-Shopify-Topic")?.as_str()?,
            delivery: ids.next()?,
            payload: detail.get("payload").filter(|payload| payload.is_object())?,
        })
    }
}

/// The reason for which an order is never reported.
fn never(payload: &Value) -> Option<&'static str> {
    match text(payload, "/source_name") {
        _ if payload["test"] == json!(true) => Some("test_order"),
        Some("pos") => Some("point_of_sale"),
        Some("shopify_draft_order") => Some("draft_order"),
        // The first order of a subscription comes from the checkout, as any other.
        Some(name) if name.starts_with("subscription_contract") => Some("subscription_renewal"),
        _ => None,
    }
}

/// A refund by itself: it has neither the order's name, nor its currency, nor whether its amounts include
/// the tax.
fn lone_refund(payload: &Value) -> Mapped {
    // Under another id it would be another refund than the one within its order.
    let number = |pointer| id(payload, pointer).filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
    match (number("/order_id"), number("/id")) {
        (Some(order), Some(id)) => {
            Mapped::Refund(LoneRefund { order, id, refund: refunds::needed(payload) })
        }
        _ => Mapped::Ignored(NEEDS_ORDER),
    }
}

impl Shopify {
    fn order_id(self, payload: &Value) -> Option<Value> {
        id(payload, if self.by_id { "/id" } else { "/name" }).map(Value::from)
    }

    fn completed(self, payload: &Value) -> Value {
        let shipping = "/total_shipping_price_set/shop_money/amount";
        let [total, tax] = refunds::agreed(payload);
        object([
            ("order_id", self.order_id(payload)),
            ("status", Some(json!("completed"))),
            ("updated_at", first(payload, &["/updated_at"]).cloned()),
            ("completed_at", first(payload, &["/created_at"]).cloned()),
            ("currency", first(payload, &["/currency"]).cloned()),
            ("total", total),
            ("tax", tax),
            ("shipping", number(payload, shipping).map(amount)),
            ("customer", Some(customer(payload))),
            ("items", Some(Value::Array(items(payload)))),
            ("refunds", Some(Value::Array(refunds::of(payload)))),
            ("click_cookie", cookie(payload)),
            ("comment", first(payload, &["/note"]).cloned()),
        ])
    }
}

/// The lines of an order; of an edited one those that are left. A line that money came back for stays
/// at its place.
fn lines(payload: &Value) -> impl Iterator<Item = &Value> {
    objects(payload, "/line_items").filter(move |line| sold(line, payload) != Some(Decimal::ZERO))
}

/// The quantity of a line: after edits, before refunds.
fn sold(line: &Value, payload: &Value) -> Option<Decimal> {
    let ordered = number(line, "/quantity");
    let Some(left) = number(line, "/current_quantity") else { return ordered };
    let sold = left + refunds::quantity_paid_back(line, payload);
    Some(ordered.map_or(sold, |ordered| sold.min(ordered)))
}

fn items(payload: &Value) -> Vec<Value> {
    lines(payload).map(|line| item(line, payload)).collect()
}

fn item(line: &Value, payload: &Value) -> Value {
    let allocated = objects(line, "/discount_allocations").filter_map(|it| number(it, "/amount"));
    let allocated: Decimal = allocated.sum();
    let discount = match first(line, &["/discount_allocations"]) {
        Some(_) => allocated,
        None => number(line, "/total_discount").unwrap_or_default(),
    };
    let (price, quantity) = (number(line, "/price"), sold(line, payload));
    let total = price.zip(quantity).and_then(|(price, quantity)| price.checked_mul(quantity));
    let total = total.and_then(|total| total.checked_sub(discount));
    object([
        ("sku", first(line, &["/sku"]).cloned()),
        ("name", first(line, &["/title", "/name"]).cloned()),
        ("quantity", quantity.map(|quantity| json!(quantity.to_i64()))),
        ("unit_price", price.map(amount)),
        ("total", total.map(amount)),
    ])
}

fn customer(payload: &Value) -> Value {
    let of = |pointers: &[&str]| first(payload, pointers).cloned();
    let is_delivered = ["/shipping_address/address1", "/shipping_address/country_code"]
        .iter()
        .any(|pointer| text(payload, pointer).is_some());
    let place = &payload[if is_delivered { "shipping_address" } else { "billing_address" }];
    let at = |pointer: &str| text(place, pointer).map(Value::from);
    let name = name(payload, ["/customer/first_name", "/customer/last_name"])
        .or_else(|| name(place, ["/first_name", "/last_name"]));
    object([
        ("email", of(&["/email", "/contact_email", "/customer/email"])),
        ("phone", of(&["/phone", "/customer/phone"]).or_else(|| at("/phone"))),
        ("name", name.map(Value::from)),
        ("ip", of(&["/browser_ip", "/client_details/browser_ip"])),
        ("user_agent", of(&["/client_details/user_agent"])),
        ("country", at("/country_code")),
        (
            "address",
            Some(object([
                ("postal_code", at("/zip")),
                ("line", at("/address1")),
                ("region", at("/province")),
                ("city", at("/city")),
            ])),
        ),
    ])
}

fn cookie(payload: &Value) -> Option<Value> {
    let is_ours = |it: &&Value| text(it, "/name").is_some_and(|name| COOKIE.contains(&name));
    let mut ours = objects(payload, "/note_attributes").filter(is_ours);
    ours.find_map(|it| text(it, "/value")).map(Value::from)
}
