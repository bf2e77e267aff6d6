//! Clicks, and whatever else networks know their orders by, under a misspelt name. The bus passes over the members
//! that an order does not have, because an event of others may hold more; but a click lost there is a cashback lost,
//! and the networks that need none of it take the order all the same, so that nobody would see it.

use postback_core::{
    fields::{Fault, UnknownFields, is_absent, nearest, unknown_member},
    order::{Order, goes_by_status},
};
use serde_json::{Value, json};

use super::{NETWORKS, has_click, pattern, under};

/// The members of an order that hold its clicks.
const CLICKS: &str = "clicks";
const COOKIE: &str = "click_cookie";

/// The most members that are looked at: whoever sends an order chooses how many it has, and each costs
/// time.
const MOST_MEMBERS: usize = 1_000;

/// A fault for each unknown member that is meant as one of them, where the order has no such member. It is meant
/// so by its name and by what it holds: events of others have `links`, too.
pub(super) fn faults(order: &Value) -> Vec<Fault> {
    if goes_by_status(order) {
        return Vec::new();
    }
    let lacking: Vec<_> = [CLICKS, COOKIE].into_iter().filter(|name| lacks(order, name)).collect();
    let members = order.as_object().into_iter().flatten().take(MOST_MEMBERS);
    let mut left = MOST_MEMBERS;
    let meant = members.filter(|(name, value)| match nearest(name, lacking.iter().copied()) {
        Some(CLICKS) => names_click(value, &mut left),
        Some(_) => value.is_string() && !is_absent(value),
        None => false,
    });
    let clicks = meant.map(|(name, _)| unknown_member(name, lacking.iter().copied()));
    clicks.chain(others(order)).collect()
}

/// The same for each member by which a network knows its orders without a click: an e-mail address, say.
fn others(order: &Value) -> Vec<Fault> {
    let members = NETWORKS.iter().flat_map(|network| pattern::members(&network.pattern()));
    let mut paths: Vec<Vec<String>> = members
        .map(|member| member.split('.').map(str::to_owned).collect())
        .filter(|path: &Vec<String>| path[0] != CLICKS)
        .collect();
    paths.sort();
    paths.dedup();
    let mut meant: Vec<_> = paths.iter().flat_map(|path| meant_as(path, order, "")).collect();
    if !meant.is_empty() {
        // An order's own member is meant as itself.
        let faults = Order::from_json(order, UnknownFields::Deny).err().unwrap_or_default();
        let is_unknown = |pointer: &str| {
            faults.iter().any(|it| it.code == "unknown_member" && it.pointer == pointer)
        };
        meant.retain(|fault| is_unknown(&fault.pointer));
    }
    meant
}

/// The most members that may be meant as one.
const MOST_MEANT: usize = 16;

/// The members of `value` that may be meant as the first of `path`, or below it, where that is lacking.
fn meant_as(path: &[String], value: &Value, place: &str) -> Vec<Fault> {
    let Some((name, rest)) = path.split_first() else { return Vec::new() };
    if !lacks(value, name) {
        return meant_as(rest, &value[name], &format!("{place}/{name}"));
    }
    let members = value.as_object().into_iter().flatten();
    let meant = members.filter(|(given, value)| {
        nearest(given, [name.as_str()]).is_some() && names_text(value, rest)
    });
    let fault = |(given, _): (&String, _)| under(place, unknown_member(given, [name.as_str()]));
    meant.take(MOST_MEANT).map(fault).collect()
}

/// Returns whether a value holds a text at this path, whose members may be misspelt.
fn names_text(value: &Value, path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return value.is_string() && !is_absent(value);
    };
    let mut members = value.as_object().into_iter().flatten();
    members
        .any(|(given, value)| nearest(given, [name.as_str()]).is_some() && names_text(value, rest))
}

fn lacks(order: &Value, name: &str) -> bool {
    order.get(name).is_none_or(|value| is_absent(value) || *value == json!({}))
}

/// Returns whether a value names a network's click anywhere, or one of its members, as it may be misspelt.
fn names_click(value: &Value, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    let names = || NETWORKS.iter().filter(|network| has_click(network.name)).map(|it| it.name);
    let members = NETWORKS.iter().flat_map(|network| network.click.iter().copied());
    match value {
        Value::Object(given) => given.iter().any(|(name, value)| {
            *left > 0
                && (nearest(name, names().chain(members.clone())).is_some()
                    || names_click(value, left))
        }),
        Value::Array(values) => values.iter().any(|value| names_click(value, left)),
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
    fn what_a_network_knows_its_orders_by_is_found_under_a_misspelt_name() {
        let fault = |pointer: &str, meant: &str| {
            let detail = format!("is not a member of this object; did you mean `{meant}`?");
            vec![format!("{pointer}: {detail} (unknown_member)")]
        };
        for (order, found_faults) in [
            (json!({ "customer": { "mail": "a@b.example" } }), fault("/customer/mail", "email")),
            (
                json!({ "customer": { "E-Mail": "a", "email": "" } }),
                fault("/customer/E-Mail", "email"),
            ),
            (json!({ "costumer": { "email": "a@b.example" } }), fault("/costumer", "customer")),
            (
                json!({ "customer": {}, "Customer": { "Email": "a" } }),
                fault("/Customer", "customer"),
            ),
            // These are members of an order, or hold no address, or one is given.
            (json!({ "custom": { "email": "a@b.example" } }), Vec::new()),
            (json!({ "costumer": { "id": "7" }, "customers": ["a@b.example"] }), Vec::new()),
            (json!({ "customer": { "mail": " ", "name": "A", "mails": ["a"] } }), Vec::new()),
            (json!({ "customer": { "mail": "a", "email": "b" } }), Vec::new()),
            (json!({ "customer": "a@b.example" }), Vec::new()),
            (json!({ "status": "cancelled", "customer": { "mail": "a" } }), Vec::new()),
        ] {
            assert_eq!(found(&order), found_faults, "{order}");
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

    #[test]
    fn no_more_members_are_looked_at_than_anybody_sends() {
        let nested = |depth: usize| (0..depth).fold(json!("x"), |inner, _| json!([inner]));
        let wide: Vec<_> = (0..MOST_MEMBERS).map(|_| json!({ "any": 1 })).collect();
        let late = json!([wide, { network(): 1 }]);

        assert_eq!(found(&json!({ "click": late })), Vec::<String>::new());
        assert_eq!(found(&json!({ "click": nested(100) })), Vec::<String>::new());
        assert_eq!(found(&json!({ "click": [wide[0], { network(): 1 }] })).len(), 1);
    }
}
