//! WooCommerce passes the suite of the shop systems.

use postback_conformance::platform;
use woocommerce::WooCommerce;

#[test]
fn each_recorded_payload_gives_its_order() {
    platform::payloads_give_their_orders::<WooCommerce>();
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
