//! The clicks in the address of the page on which a customer's visit began.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::{
    cookie::{is_plausible, names_none},
    networks::{NETWORKS, Network},
};

/// Adds the clicks of an address to an order, of the networks that it names no click of.
pub(crate) fn add_clicks(order: &mut Value, address: &str) {
    let query = address.split('#').next().unwrap_or_default();
    let Some((_, query)) = query.split_once('?') else { return };
    let parameters: Vec<_> = query.split('&').filter_map(parameter).collect();
    let Some(members) = order.as_object_mut() else { return };
    let found =
        NETWORKS.iter().filter_map(|network| Some((network.name, click(network, &parameters)?)));
    for (name, click) in found {
        let clicks = members.entry("clicks").or_insert_with(|| json!({}));
        if let Some(clicks) = clicks.as_object_mut()
            && clicks.get(name).is_none_or(names_none)
        {
            clicks.insert(name.to_owned(), click);
        }
    }
}

fn parameter(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((decoded(name)?, decoded(value)?))
}

fn click(network: &Network, parameters: &[(String, String)]) -> Option<Value> {
    // The first that may be an id: a parameter may come twice, once empty.
    let value = |wanted: &str| {
        let found = parameters.iter().filter(|(name, _)| name == wanted);
        found.map(|(_, value)| json!(value)).find(is_plausible)
    };
    if let Some(marker) = network.marker {
        let given = value(marker)?;
        if network.value.is_some_and(|wanted| given != *wanted) {
            return None;
        }
    }
    let members = network.captured.iter();
    let members: Map<_, _> =
        members.filter_map(|member| Some(((*member).to_owned(), value(member)?))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters of every network's click, each with this value, and the clicks they are.
    fn all(given: &str) -> (String, Value) {
        let (mut query, mut clicks) = (Vec::new(), Map::new());
        for network in NETWORKS.iter().filter(|network| !network.captured.is_empty()) {
            let members =
                network.captured.iter().map(|member| ((*member).to_owned(), json!(given)));
            clicks.insert(network.name.to_owned(), Value::Object(members.collect()));
            query.extend(network.captured.iter().map(|member| format!("{member}={given}")));
            if let Some((marker, value)) = network.marker.zip(network.value) {
                query.push(format!("{marker}={value}"));
            }
        }
        (query.join("&"), Value::Object(clicks))
    }

    fn of(address: &str) -> Value {
        let mut order = json!({});
        add_clicks(&mut order, address);
        order.get("clicks").cloned().unwrap_or_else(|| json!({}))
    }

    #[test]
    fn every_networks_click_is_found_in_an_address_beside_its_marker() {
        let (query, clicks) = all("x1");
        for address in [format!("/?{query}"), format!("https://shop.example/a?b=c&{query}#d")] {
            assert_eq!(of(&address), clicks, "{address}");
        }
        for network in NETWORKS.iter().filter(|network| network.value.is_some()) {
            let alone = format!("/?{}=x1", network.captured[0]);
            assert_eq!(of(&alone), json!({}), "{}", network.name);
        }
    }

    #[test]
    fn what_an_order_names_stays_and_what_is_no_id_is_left_out() {
        let (query, clicks) = all("x1");
        let network = NETWORKS.iter().find(|it| !it.captured.is_empty()).expect("one").name;
        let mut order = json!({ "clicks": { network: { "id": "own" } } });
        add_clicks(&mut order, &format!("/?{query}"));
        assert_eq!(order["clicks"][network], json!({ "id": "own" }));
        assert_eq!(order["clicks"].as_object().map(Map::len), clicks.as_object().map(Map::len));

        for given in ["", "%7Bid%7D", "undefined", "%00a", "%ff", "a%EF%BF%BF"] {
            assert_eq!(of(&format!("/?{}", all(given).0)), json!({}), "{given}");
        }
        assert_eq!((of(""), of("/page"), of("/?&=&a")), (json!({}), json!({}), json!({})));
    }

    #[test]
    fn of_a_parameter_that_comes_twice_the_first_that_may_be_an_id_counts() {
        let cases = include_str!("../../../tests/click_capture.json");
        let cases: Value = serde_json::from_str(cases).expect("JSON");
        for (address, clicks) in cases["addresses"].as_object().expect("addresses") {
            assert_eq!(of(address), *clicks, "{address}");
        }
    }
}
