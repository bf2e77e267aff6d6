//! Any payload of a shop system, under any topic and setting: it is ignored with a reason, or gives an
//! order that names no member that there is none of.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_core::{
    fields::UnknownFields,
    order::Arrived,
    platform::{Mapped, Platform},
};
use postback_fuzz::{mutate, seeds};
use serde_json::{Value, json};
use shopify::Shopify;
use woocommerce::WooCommerce;

/// The topics with an order, those of each shop system in turn, and others.
const TOPICS: [&str; 8] = [
    "orders/paid",
    "order.created",
    "orders/updated",
    "order.updated",
    "orders/cancelled",
    "order.restored",
    "refunds/create",
    "",
];

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Some((&which, text)) = data.split_first() else { return };
    let Ok(payload) = serde_json::from_slice::<Value>(text) else { return };

    is_mapped::<Shopify>(which, "authorized", &payload);
    is_mapped::<WooCommerce>(which, "completed", &payload);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 1)
});

fn is_mapped<P: Platform>(which: u8, completed_when: &str, payload: &Value) {
    let setting = |name: &str| match name {
        "ORDER_ID" if which & 0x10 != 0 => Some("id".to_owned()),
        "COMPLETED_WHEN" if which & 0x20 != 0 => Some(completed_when.to_owned()),
        _ => None,
    };
    let topic = TOPICS[usize::from(which) % TOPICS.len()];
    let platform = P::configure(&setting);
    if let Some(message) = P::event(payload) {
        assert!(message.payload.is_object());
    }
    let part = platform.part("orders/paid", payload).map(|it| it.part);
    match platform.order(topic, payload) {
        Mapped::Ignored(reason) => assert!(!reason.is_empty()),
        Mapped::Order { order, .. } => is_read(&order),
        // Of the order that the same payload would be.
        Mapped::Refund(lone) => match platform.refunds(part.as_ref(), &[lone.refund]) {
            Ok(order) => is_read(&order),
            Err(reason) => assert!(!reason.is_empty()),
        },
    }
}

fn is_read(order: &Value) {
    let status = order["status"].as_str().unwrap_or_default();
    let statuses = ["completed", "cancelled", "refunded", "partially_refunded"];
    assert!(statuses.contains(&status), "{order}");
    let faults = Arrived::from_json(order, UnknownFields::Deny).err().unwrap_or_default();
    assert!(faults.iter().all(|it| it.code != "unknown_member"), "{faults:?}: {order}");
}

fn seeds() {
    seeds::from_payloads(&["shopify", "woocommerce"], |topic, payload| {
        let number = TOPICS.iter().position(|it| *it == topic).unwrap_or_default();
        let which = u8::try_from(number).unwrap_or_default();
        [&[which], payload.as_bytes()].concat()
    });
    let metadata = json!({ "X-Shopify-Topic": "orders/paid", "X-Shopify-Event-Id": "e1" });
    let event = json!({ "payload": { "id": 1 }, "metadata": metadata });
    seeds::write("event_of_a_partner_bus", &[b"\x00", event.to_string().as_bytes()].concat());
}
