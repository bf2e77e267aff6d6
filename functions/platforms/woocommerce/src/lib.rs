//! WooCommerce: the webhooks of a shop. Pure.

use postback_core::platform::{
    Headers, Mapped, Platform, amount, first, id, name, number, object, objects, text,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The names under which a shop puts the capture cookie among an order's meta data.
const COOKIE: [&str; 2] = ["pb_clicks", "_pb_clicks"];
/// The meta data with the address on which the customer's session began.
const LANDING: &str = "_wc_order_attribution_session_entry";
/// The meta data with the mode of `WooPayments`. Other gateways leave no mark of a test in the order.
const PAYMENT_MODE: &str = "_wcpay_mode";

/// WooCommerce, with the shop's settings.
#[derive(Clone, Copy, Debug)]
pub struct WooCommerce {
    /// True if orders are reported under the post's id instead of the number that the customer sees.
    by_id: bool,
    /// True if an order has to be fulfilled, too.
    when_completed: bool,
}

impl Platform for WooCommerce {
    const NAME: &'static str = "woocommerce";

    const HEADERS: Headers = Headers {
        signature: "x-wc-webhook-signature",
        topic: "x-wc-webhook-topic",
        delivery: &["x-wc-webhook-delivery-id"],
    };

    // It waits for a minute, and five errors in a row turn the webhook off.
    const SENDS_AGAIN: bool = false;

    fn configure(setting: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            by_id: setting("ORDER_ID").as_deref() == Some("id"),
            when_completed: setting("COMPLETED_WHEN").as_deref() == Some("completed"),
        }
    }

    fn order(&self, topic: &str, payload: &Value) -> Mapped {
        match topic {
            "order.created" | "order.updated" | "order.restored" => {}
            "order.deleted" => return self.deleted(payload),
            _ => return Mapped::Ignored("other_topic"),
        }
        let is_test = meta(payload, &[PAYMENT_MODE]) == Some("test");
        let ignored = match text(payload, "/created_via") {
            _ if is_test => Some("test_order"),
            Some("admin") => Some("draft_order"),
            Some("pos-rest-api") => Some("point_of_sale"),
            Some("subscription") => Some("subscription_renewal"),
            _ => None,
        };
        if let Some(reason) = ignored {
            return Mapped::Ignored(reason);
        }
        let status = match text(payload, "/status").unwrap_or_default() {
            "processing" if self.when_completed => return Mapped::Ignored("not_fulfilled"),
            "completed" | "processing" => "completed",
            "cancelled" | "trash" => "cancelled",
            "refunded" => "refunded",
            "pending" | "on-hold" | "failed" | "checkout-draft" | "auto-draft" | "draft" => {
                return Mapped::Ignored("not_paid");
            }
            _ => return Mapped::Ignored("unknown_status"),
        };
        let order = match status {
            "completed" => self.completed(payload),
            status => object([
                ("order_id", self.order_id(payload)),
                ("status", Some(json!(status))),
                ("updated_at", utc(payload, &["/date_modified_gmt"])),
            ]),
        };
        let landing = meta(payload, &[LANDING]).filter(|_| status == "completed");
        Mapped::Order { order, landing: landing.map(str::to_owned) }
    }

    fn is_ping(body: &[u8]) -> bool {
        body.strip_prefix(b"webhook_id=")
            .is_some_and(|id| !id.is_empty() && id.len() <= 20 && id.iter().all(u8::is_ascii_digit))
    }
}

impl WooCommerce {
    fn order_id(self, payload: &Value) -> Option<Value> {
        id(payload, if self.by_id { "/id" } else { "/number" }).map(Value::from)
    }

    /// An order that was moved to the bin. Its id is all that such a message has, and where orders go by
    /// their numbers it may be the number of another one.
    fn deleted(self, payload: &Value) -> Mapped {
        if !self.by_id {
            return Mapped::Ignored("deleted_without_number");
        }
        let order =
            object([("order_id", self.order_id(payload)), ("status", Some(json!("cancelled")))]);
        Mapped::Order { order, landing: None }
    }

    fn completed(self, payload: &Value) -> Value {
        let completed = ["/date_paid_gmt", "/date_completed_gmt", "/date_created_gmt"];
        let items = objects(payload, "/line_items").map(item).collect();
        object([
            ("order_id", self.order_id(payload)),
            ("status", Some(json!("completed"))),
            ("updated_at", utc(payload, &["/date_modified_gmt"])),
            ("completed_at", utc(payload, &completed)),
            ("currency", first(payload, &["/currency"]).cloned()),
            ("total", number(payload, "/total").map(amount)),
            ("tax", number(payload, "/total_tax").map(amount)),
            ("shipping", number(payload, "/shipping_total").map(amount)),
            ("customer", Some(customer(payload))),
            ("items", Some(Value::Array(items))),
            ("refunds", Some(Value::Array(refunds(payload)))),
            ("click_cookie", meta(payload, &COOKIE).map(Value::from)),
            ("comment", first(payload, &["/customer_note"]).cloned()),
        ])
    }
}

/// The first of these times; a day of zeros is how a database says that there is none. Without a zone it
/// means UTC; WooCommerce writes none, but a shop may filter what is sent, also as its database has it:
/// with a blank before the clock.
fn utc(payload: &Value, pointers: &[&str]) -> Option<Value> {
    let mut times = pointers.iter().filter_map(|pointer| text(payload, pointer));
    let time = times.find(|time| !time.starts_with("0000-00-00"))?;
    let time = time.replacen(' ', "T", 1);
    let clock = time.split_once(['T', 't']).map_or("", |(_, clock)| clock);
    let has_zone = clock.contains(['Z', 'z', '+', '-']);
    Some(json!(if has_zone { time } else { format!("{time}Z") }))
}

/// The first text among the meta data of these names: a plugin's may be anything.
fn meta<'a>(payload: &'a Value, names: &[&str]) -> Option<&'a str> {
    let is_named = |it: &&Value| text(it, "/key").is_some_and(|key| names.contains(&key));
    objects(payload, "/meta_data").filter(is_named).find_map(|it| text(it, "/value"))
}

/// A line with its final amount. Its `price` is a float and may have 17 digits: it is left alone.
fn item(line: &Value) -> Value {
    let tax = number(line, "/total_tax").unwrap_or_default();
    let total = number(line, "/total").and_then(|total| total.checked_add(tax));
    object([
        ("sku", first(line, &["/sku"]).cloned()),
        ("name", first(line, &["/name"]).cloned()),
        ("quantity", first(line, &["/quantity"]).cloned()),
        ("total", total.map(amount)),
    ])
}

/// The refunds, whose totals are negative.
fn refunds(payload: &Value) -> Vec<Value> {
    let refunds = objects(payload, "/refunds").filter_map(|refund| {
        let paid = number(refund, "/total").map(|total| total.abs());
        let members = [("id", id(refund, "/id").map(Value::from)), ("amount", paid.map(amount))];
        (paid != Some(Decimal::ZERO)).then(|| object(members))
    });
    refunds.collect()
}

fn customer(payload: &Value) -> Value {
    let of = |pointer: &str| text(payload, pointer).map(Value::from);
    let name = name(payload, ["/billing/first_name", "/billing/last_name"]);
    // Of goods without a delivery only the country may be there.
    let is_delivered = text(payload, "/shipping/address_1").is_some();
    let place = &payload[if is_delivered { "shipping" } else { "billing" }];
    let at = |pointer: &str| text(place, pointer).map(Value::from);
    let country = at("/country").or_else(|| of("/shipping/country"));
    object([
        ("email", of("/billing/email")),
        ("phone", of("/billing/phone")),
        ("name", name.map(Value::from)),
        ("ip", of("/customer_ip_address")),
        ("user_agent", of("/customer_user_agent")),
        ("country", country.or_else(|| of("/billing/country"))),
        (
            "address",
            Some(object([
                ("postal_code", at("/postcode")),
                ("line", at("/address_1")),
                ("region", at("/state")),
                ("city", at("/city")),
            ])),
        ),
    ])
}
