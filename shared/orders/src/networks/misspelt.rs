//! Clicks under a misspelt name. The bus passes over the members that an order does not have, because an event of
//! others may hold more; but a click lost there is a cashback lost, and a network that needs no click takes the
//! order all the same, so that nobody would see it.

use postback_core::{
    fields::{Fault, is_absent, nearest, unknown_member},
    order::is_cancellation,
};
use serde_json::{Value, json};

use super::{NETWORKS, has_click};

/// The members of an order that hold its clicks.
const CLICKS: &str = "clicks";
const COOKIE: &str = "click_cookie";

/// A fault for each unknown member that is meant as one of them, where the order has no such member. It is meant
/// so by its name and by what it holds: events of others have `links`, too.
pub(super) fn faults(order: &Value) -> Vec<Fault> {
    if is_cancellation(order) {
        return Vec::new();
    }
    let lacking: Vec<_> = [CLICKS, COOKIE].into_iter().filter(|name| lacks(order, name)).collect();
    let members = order.as_object().into_iter().flatten();
    let meant = members.filter(|(name, value)| match nearest(name, lacking.iter().copied()) {
        Some(CLICKS) => names_click(value),
        Some(_) => value.is_string() && !is_absent(value),
        None => false,
    });
    meant.map(|(name, _)| unknown_member(name, lacking.iter().copied())).collect()
}

fn lacks(order: &Value, name: &str) -> bool {
    order.get(name).is_none_or(|value| is_absent(value) || *value == json!({}))
}

/// Returns whether a value names a network's click anywhere, or one of its members, as it may be misspelt.
fn names_click(value: &Value) -> bool {
    let names = || NETWORKS.iter().filter(|network| has_click(network.name)).map(|it| it.name);
    let members = NETWORKS.iter().flat_map(|network| network.click.iter().copied());
    match value {
        Value::Object(given) => given.iter().any(|(name, value)| {
            nearest(name, names().chain(members.clone())).is_some() || names_click(value)
        }),
        Value::Array(values) => values.iter().any(names_click),
        Value::String(text) => names().any(|name| name == text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(order: &Value) -> Vec<String> {
        faults(order).iter().map(ToString::to_string).collect()
    }

    fn network() -> &'static str {
        NETWORKS.iter().find(|network| !network.click.is_empty()).expect("one with a click").name
    }

    #[test]
    fn clicks_under_a_misspelt_name_are_found_with_the_right_one() {
        let clicks = json!({ network(): { "id": "1" } });
        let listed = json!([{ "network": network(), "id": "1" }]);
        for name in ["click", "Clicks", "clikcs", "clicsk"] {
            for value in [&clicks, &listed] {
                let [fault] = &found(&json!({ name: value, "clicks": {} }))[..] else {
                    panic!("{name}: {value}")
                };
                assert!(fault.starts_with(&format!("/{name}: ")), "{fault}");
                assert!(fault.contains("did you mean `clicks`?"), "{fault}");
            }
        }
        for name in ["clickCookie", "click-cookie", "clickcookies", "Click_Cookie"] {
            let [fault] = &found(&json!({ name: "v1.x", "clicks": clicks }))[..] else {
                panic!("{name}")
            };
            assert!(fault.contains("did you mean `click_cookie`?"), "{fault}");
        }
    }

    #[test]
    fn what_else_an_event_holds_is_no_click() {
        let clicks = json!({ network(): { "id": "1" } });
        for order in [
            json!({ "clicks": clicks, "_clicks": clicks, "click_cookie": "v1.x", "clickCookie": "v1.y" }),
            json!({ "_links": { "self": { "href": "https://shop.example/orders/1" } } }),
            json!({ "click": 7, "clicked": true, "clickId": "T-1", "Clicks": {}, "clickCookie": " " }),
            json!({ "tracking": clicks }),
            json!({ "status": "cancelled", "click": clicks }),
            json!(null),
        ] {
            assert_eq!(found(&order), [""; 0], "{order}");
        }
    }
}
