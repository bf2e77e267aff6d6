//! WooCommerce passes the suite of the shop systems.

use postback_conformance::platform;
use woocommerce::WooCommerce;

#[test]
fn each_recorded_payload_gives_its_order() {
    platform::payloads_give_their_orders::<WooCommerce>();
}

#[test]
fn a_payload_with_one_thing_otherwise_gives_its_order_or_its_fault() {
    platform::changed_payloads_give::<WooCommerce>(include_str!("changed.json"));
}

#[test]
fn it_is_a_platform_like_any_other() {
    platform::conforms::<WooCommerce>(env!("CARGO_PKG_NAME"));
}

#[test]
fn no_payload_makes_it_panic() {
    platform::survives_noise::<WooCommerce>();
}

#[test]
fn the_first_message_of_a_webhook_is_a_ping() {
    use postback_core::platform::Platform;

    assert!(WooCommerce::is_ping(b"webhook_id=12"));
    for body in ["webhook_id=", "webhook_id=1&a=b", "webhook_id=x", "{\"id\":1}"] {
        assert!(!WooCommerce::is_ping(body.as_bytes()), "{body}");
    }
}

#[test]
fn a_refund_whose_amount_cant_be_read_is_a_fault_that_a_person_sees() {
    use postback_core::{
        fields::UnknownFields,
        order::Arrived,
        platform::{Mapped, Platform},
    };
    use serde_json::{Value, json};

    let recorded = include_str!("../payloads/14-partial-refund.json");
    let recorded: Value = serde_json::from_str(recorded).expect("JSON");
    let mut payload = recorded["payload"].clone();
    payload["refunds"] = json!([{ "id": 3090, "total": null }, { "id": 3091, "total": "0.00" }]);

    let mapped = WooCommerce::configure(&|_| None).order("order.updated", &payload);

    let Mapped::Order { order, .. } = mapped else { panic!("ignored") };
    assert_eq!(order["refunds"], json!([{ "id": "3090" }]));
    let faults = Arrived::from_json(&order, UnknownFields::Deny).expect_err("a fault");
    let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(at, ["/refunds/0/amount"]);
}
