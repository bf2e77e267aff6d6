//! The networks: their names, the members of their clicks and the pattern of their orders, collected
//! from their folders when this crate is built.

use postback_core::{
    fields::{Fault, MOST_FAULTS, escape, is_absent, is_nothing, nearest, unknown_member},
    order::{clicks_fault, goes_by_status, text_of},
};
use postback_runtime::services::{ActiveNetworks, ORDER_COMPLETED, ORDER_TYPES};
use serde_json::Value;

mod misspelt;
mod pattern;

/// A network as its folder describes it.
#[derive(Debug)]
pub struct Network {
    /// Its machine name.
    pub name: &'static str,
    /// The members of its click; none where it has no click.
    pub(crate) click: &'static [&'static str],
    /// The parameters of a landing page's address that are a click.
    pub(crate) captured: &'static [&'static str],
    /// The parameter beside which alone these count.
    pub(crate) marker: Option<&'static str>,
    /// The value that it must have; any unless set.
    pub(crate) value: Option<&'static str>,
    /// The event pattern of its rule on the bus, below `detail`: JSON.
    pattern: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/networks.rs"));

/// Returns clicks of unknown networks, unknown members of clicks, and clicks that are no object: the
/// networks would ignore them, and the customer would lose the cashback. What goes by its status alone has none, because it needs no click.
#[must_use]
pub fn click_faults(order: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    if goes_by_status(order) {
        return faults;
    }
    faults.extend(clicks_fault(order));
    for (name, click) in order["clicks"].as_object().into_iter().flatten().take(MOST_FAULTS) {
        let with_clicks = NETWORKS.iter().filter(|network| !network.click.is_empty());
        let Some(network) = with_clicks.clone().find(|network| network.name == name) else {
            faults.push(under("/clicks", unknown_member(name, with_clicks.map(|n| n.name))));
            continue;
        };
        let members = click.as_object().into_iter().flatten();
        let unknown = members.filter(|(member, _)| !network.click.contains(&member.as_str()));
        for (member, _) in unknown.take(MOST_FAULTS) {
            let place = format!("/clicks/{}", escape(name));
            faults.push(under(&place, unknown_member(member, network.click.iter().copied())));
        }
    }
    faults
}

/// The same of an order that came on the bus, and what its networks know it by under a misspelt name: there
/// the members that an order does not have are passed over.
#[must_use]
pub fn click_faults_on_bus(order: &Value) -> Vec<Fault> {
    [click_faults(order), misspelt::faults(order)].concat()
}

/// Says in the log that the `customer` of a completed order is no object, or its e-mail address no text,
/// and so counts as absent: a network that knows its orders by it does not get this one.
pub fn warn_of_customer(order: &Value, order_id: &str) {
    let is_read = match order.get("customer") {
        Some(Value::Object(members)) => {
            members.get("email").is_none_or(|email| is_nothing(email) || text_of(email).is_some())
        }
        customer => customer.is_none_or(is_absent),
    };
    if is_read || goes_by_status(order) {
        return;
    }
    let code = "customer_unread";
    tracing::warn!(code, order_id, "the customer, or the e-mail address, counts as absent");
}

fn under(place: &str, fault: Fault) -> Fault {
    Fault { pointer: format!("{place}{}", fault.pointer), ..fault }
}

/// The network of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Network> {
    NETWORKS.iter().find(|network| network.name == name)
}

/// Returns whether there is a network of this name.
#[must_use]
pub fn is_network(name: &str) -> bool {
    find(name).is_some()
}

/// Returns whether the orders of this network are recognised by a click.
#[must_use]
pub fn has_click(name: &str) -> bool {
    find(name).is_some_and(|network| !network.click.is_empty())
}

/// The sentences about a network that there is none of.
#[must_use]
pub fn existing(name: &str) -> String {
    let names = NETWORKS.iter().map(|network| network.name);
    let meant = nearest(name, names.clone()).map(|meant| format!(" Did you mean `{meant}`?"));
    let list = names.collect::<Vec<_>>().join(", ");
    format!("There are: {list}.{}", meant.unwrap_or_default())
}

/// Returns the networks whose rules take an event of this type with this order.
#[must_use]
pub fn concerned(active: &ActiveNetworks, detail_type: &str, order: &Value) -> Vec<&'static str> {
    let status = order["status"].as_str().unwrap_or_default();
    let takes = |network: &Network| match status {
        "completed" if detail_type == ORDER_COMPLETED => {
            active.every_order.contains(network.name) || network.takes(order)
        }
        // By its status alone: it may name no click and no customer.
        "cancelled" | "refunded" | "partially_refunded" => ORDER_TYPES.contains(&detail_type),
        _ => false,
    };
    let on = NETWORKS.iter().filter(|network| active.on.contains(network.name));
    on.filter(|network| takes(network)).map(|network| network.name).collect()
}

impl Network {
    /// Returns whether its rule takes a completed order, as it is on the bus.
    #[must_use]
    pub fn takes(&self, order: &Value) -> bool {
        pattern::matches(&self.pattern(), order)
    }

    /// The members by which its rule takes an order: `clicks.net.id or customer.email`.
    #[must_use]
    pub fn wants(&self) -> String {
        pattern::members(&self.pattern()).join(" or ")
    }

    fn pattern(&self) -> Value {
        serde_json::from_str(self.pattern).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all() -> ActiveNetworks {
        let on = NETWORKS.iter().map(|network| network.name.to_owned());
        ActiveNetworks { on: on.collect(), ..ActiveNetworks::NONE.clone() }
    }

    #[test]
    fn every_pattern_of_a_network_is_judged_here_and_says_by_which_members() {
        for network in NETWORKS {
            let Network { name, pattern, .. } = network;
            assert!(pattern::is_known(&network.pattern()), "{name}: {pattern}");
            assert!(network.wants().contains('.') && !network.takes(&json!({})), "{name}");
        }
    }

    #[test]
    fn a_network_may_get_every_completed_order() {
        let order = json!({ "status": "completed" });
        let name = NETWORKS[0].name;
        let mut active = all();

        assert_eq!(concerned(&active, "order.completed", &order), [""; 0]);
        active.every_order.insert(name.to_owned());
        assert_eq!(concerned(&active, "order.completed", &order), [name]);
        assert_eq!(concerned(&active, "order.pending", &order), [""; 0]);
        active.on.clear();
        assert_eq!(concerned(&active, "order.completed", &order), [""; 0]);
    }

    #[test]
    fn a_cancelled_order_concerns_every_network_that_is_on() {
        let order = json!({ "status": "cancelled" });

        assert_eq!(concerned(&all(), "order.cancelled", &order).len(), NETWORKS.len());
        assert_eq!(concerned(&all(), "order.completed", &order).len(), NETWORKS.len());
        assert_eq!(concerned(&all(), "order.pending", &order), [""; 0]);
    }

    #[test]
    fn an_unknown_network_lists_those_that_exist() {
        for Network { name, .. } in NETWORKS {
            let sentences = existing(&name.to_uppercase());

            assert!(NETWORKS.iter().all(|network| sentences.contains(network.name)), "{sentences}");
            assert!(sentences.ends_with(&format!("Did you mean `{name}`?")), "{sentences}");
        }
    }
}
