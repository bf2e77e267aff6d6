//! Demo Store: the webhooks of a shop system that does not exist. Pure.

use postback_core::platform::{
    Headers, Mapped, Platform, amount, first, id, number, object, objects, text,
};
use serde_json::{Value, json};

/// Demo Store, which has no settings.
#[derive(Clone, Copy, Debug)]
pub struct DemoStore;

impl Platform for DemoStore {
    const NAME: &'static str = "demo_store";

    const HEADERS: Headers = Headers {
        signature: "x-demo-signature",
        topic: "x-demo-topic",
        delivery: &["x-demo-delivery"],
    };

    fn configure(_: &dyn Fn(&str) -> Option<String>) -> Self {
        Self
    }

    fn order(&self, topic: &str, payload: &Value) -> Mapped {
        if topic != "order.changed" {
            return Mapped::Ignored("other_topic");
        }
        let ignored = match text(payload, "/channel") {
            _ if payload["test"] == json!(true) => Some("test_order"),
            Some("counter") => Some("point_of_sale"),
            Some("staff") => Some("draft_order"),
            Some("renewal") => Some("subscription_renewal"),
            _ => None,
        };
        if let Some(reason) = ignored {
            return Mapped::Ignored(reason);
        }
        match text(payload, "/state").unwrap_or_default() {
            "paid" | "partly_refunded" => {
                let landing = text(payload, "/entry_page").map(str::to_owned);
                Mapped::Order { order: completed(payload), landing }
            }
            status @ ("cancelled" | "refunded") => {
                Mapped::Order { order: ended(payload, status), landing: None }
            }
            _ => Mapped::Ignored("not_paid"),
        }
    }
}

fn completed(payload: &Value) -> Value {
    object([
        ("order_id", id(payload, "/number").map(Value::from)),
        ("status", Some(json!("completed"))),
        ("updated_at", first(payload, &["/changed_at"]).cloned()),
        ("completed_at", first(payload, &["/placed_at"]).cloned()),
        ("currency", first(payload, &["/currency"]).cloned()),
        ("total", number(payload, "/total").map(amount)),
        ("tax", number(payload, "/tax").map(amount)),
        ("shipping", number(payload, "/shipping").map(amount)),
        ("customer", Some(customer(payload))),
        ("items", Some(objects(payload, "/lines").map(item).collect())),
        ("refunds", Some(objects(payload, "/refunds").map(refund).collect())),
        ("click_cookie", first(payload, &["/clicks"]).cloned()),
    ])
}

/// An order that is cancelled or wholly refunded: its id and its time are enough.
fn ended(payload: &Value, status: &str) -> Value {
    object([
        ("order_id", id(payload, "/number").map(Value::from)),
        ("status", Some(json!(status))),
        ("updated_at", first(payload, &["/changed_at"]).cloned()),
    ])
}

fn customer(payload: &Value) -> Value {
    let of = |pointer: &str| text(payload, pointer).map(Value::from);
    object([
        ("email", of("/buyer/email")),
        ("ip", of("/buyer/ip")),
        ("user_agent", of("/buyer/browser")),
        ("country", of("/buyer/country")),
    ])
}

fn item(line: &Value) -> Value {
    object([
        ("sku", first(line, &["/sku"]).cloned()),
        ("name", first(line, &["/title"]).cloned()),
        ("quantity", first(line, &["/quantity"]).cloned()),
        ("total", number(line, "/total").map(amount)),
    ])
}

fn refund(refund: &Value) -> Value {
    object([
        ("id", id(refund, "/id").map(Value::from)),
        ("at", first(refund, &["/at"]).cloned()),
        ("amount", number(refund, "/amount").map(amount)),
    ])
}
