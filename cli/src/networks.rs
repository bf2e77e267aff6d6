//! The networks as their folders describe them, collected when the tool is built.

use serde_json::Value;

/// A network.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    /// The pattern of its rule on the bus, below `detail`: JSON.
    pattern: &'static str,
    /// The schema of its secret: JSON.
    secret: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/networks.rs"));

/// The network of this name; `None` if this version of the tool does not know it.
pub(crate) fn find(name: &str) -> Option<&'static Network> {
    NETWORKS.iter().find(|network| network.name == name)
}

impl Network {
    /// The schema of its secret.
    pub(crate) fn secret(&self) -> Value {
        serde_json::from_str(self.secret).unwrap_or_default()
    }

    /// Returns whether its rule takes a completed order.
    pub(crate) fn takes(&self, order: &Value) -> bool {
        matches(&self.pattern(), Some(order))
    }

    /// The members by which its rule takes an order: `clicks.net.id or customer.email`.
    pub(crate) fn wants(&self) -> String {
        let mut members = Vec::new();
        collect(&self.pattern(), "", &mut members);
        members.join(" or ")
    }

    fn pattern(&self) -> Value {
        serde_json::from_str(self.pattern).unwrap_or_default()
    }
}

/// Returns whether an event pattern of EventBridge matches, in the parts of it that networks use: members, `$or`
/// and `exists`.
fn matches(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, pattern)| match name.as_str() {
            "$or" => pattern.as_array().into_iter().flatten().any(|choice| matches(choice, value)),
            name => matches(pattern, value.and_then(|value| value.get(name))),
        }),
        Value::Array(choices) => choices.iter().any(|choice| match choice["exists"].as_bool() {
            Some(exists) => is_leaf(value) == exists,
            None => value == Some(choice),
        }),
        _ => false,
    }
}

/// A rule sees the leaves of an event.
fn is_leaf(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Object(_)) => false,
        Some(Value::Array(values)) => !values.is_empty(),
        Some(_) => true,
    }
}

fn collect(pattern: &Value, place: &str, members: &mut Vec<String>) {
    let Value::Object(inner) = pattern else {
        members.push(place.to_owned());
        return;
    };
    for (name, pattern) in inner {
        if name == "$or" {
            let choices = pattern.as_array().into_iter().flatten();
            choices.for_each(|choice| collect(choice, place, members));
        } else {
            let dot = if place.is_empty() { "" } else { "." };
            collect(pattern, &format!("{place}{dot}{name}"), members);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_matches_as_on_the_bus_and_says_by_which_members() {
        let exists = json!([{ "exists": true }]);
        let pattern = json!({ "$or": [{ "a": { "b": exists } }, { "c": exists }] });
        let takes = |event: &Value| matches(&pattern, Some(event));

        assert!(takes(&json!({ "a": { "b": 7 } })) && takes(&json!({ "c": "x" })));
        assert!(takes(&json!({ "c": [1] })));
        for event in [json!({}), json!({ "a": 1 }), json!({ "a": { "b": {} } }), json!({ "c": [] })]
        {
            assert!(!takes(&event), "{event}");
        }
        let mut members = Vec::new();
        collect(&pattern, "", &mut members);
        assert_eq!(members, ["a.b", "c"]);
    }

    #[test]
    fn every_network_has_its_pattern_and_its_schema() {
        assert!(NETWORKS.len() >= 4);
        for network in NETWORKS {
            assert_eq!(network.secret()["type"], "object", "{}", network.name);
            assert!(
                network.wants().contains('.') && !network.takes(&json!({})),
                "{}",
                network.name
            );
        }
    }
}
