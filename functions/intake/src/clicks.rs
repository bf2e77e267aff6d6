//! What the networks' crates say of their clicks, collected when this function is built.

use postback::{fields::Fault, order::Order};

pub(crate) struct Click {
    pub(crate) network: &'static str,
    members: &'static [&'static str],
    pub(crate) schema: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/clicks.rs"));

/// Clicks of no network and members of no click: each would be passed over in silence, and the
/// customer would lose the cashback.
pub(crate) fn faults(order: &Order) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (network, click) in &order.clicks {
        let Some(known) = CLICKS.iter().find(|known| known.network == network) else {
            faults.push(unknown(format!("/clicks/{network}"), "is not a network that has clicks"));
            continue;
        };
        for member in click.keys().filter(|member| !known.members.contains(&member.as_str())) {
            let pointer =
                format!("/clicks/{network}/{}", member.replace('~', "~0").replace('/', "~1"));
            faults.push(unknown(pointer, "is not a member of this network's click"));
        }
    }
    faults
}

fn unknown(pointer: String, detail: &'static str) -> Fault {
    Fault { pointer, code: "unknown_member", detail: detail.into() }
}
