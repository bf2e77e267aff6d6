//! Demo Store passes the suite of the shop systems.

use demo_store::DemoStore;
use postback_conformance::platform;

#[test]
fn each_recorded_payload_gives_its_order() {
    platform::payloads_give_their_orders::<DemoStore>();
}

#[test]
fn it_is_a_platform_like_any_other() {
    platform::conforms::<DemoStore>(env!("CARGO_PKG_NAME"));
}

#[test]
fn no_payload_makes_it_panic() {
    platform::survives_noise::<DemoStore>();
}
