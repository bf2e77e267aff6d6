//! The members of the networks' clicks: collected from their folders when this crate is built.

use postback_core::fields::Fault;
use serde_json::Value;

/// The click of one network.
#[derive(Debug)]
pub struct Click {
    /// The network's name.
    pub network: &'static str,
    members: &'static [&'static str],
    /// The schema, as JSON.
    pub schema: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/clicks.rs"));

/// Returns clicks of unknown networks and unknown members of clicks: the networks would ignore them,
/// and the customer would lose the cashback.
#[must_use]
pub fn faults(order: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (network, click) in order["clicks"].as_object().into_iter().flatten() {
        // `Order::read` reports a malformed name and a click that is no object.
        let Some(click) = click.as_object().filter(|_| is_name(network)) else { continue };
        let Some(known) = CLICKS.iter().find(|known| known.network == network) else {
            faults.push(unknown(format!("/clicks/{network}"), "is not a network that has clicks"));
            continue;
        };
        for member in click.keys().filter(|member| !known.members.contains(&member.as_str())) {
            let member: String = member.chars().take(64).collect();
            let member = member.replace('~', "~0").replace('/', "~1");
            let pointer = format!("/clicks/{network}/{member}");
            faults.push(unknown(pointer, "is not a member of this network's click"));
        }
    }
    faults
}

/// Returns whether the orders of this network are recognised by a click.
#[must_use]
pub fn has_click(network: &str) -> bool {
    CLICKS.iter().any(|known| known.network == network)
}

fn is_name(network: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=32).contains(&network.len()) && network.bytes().all(fits)
}

fn unknown(pointer: String, detail: &'static str) -> Fault {
    Fault { pointer, code: "unknown_member", detail: detail.into() }
}
