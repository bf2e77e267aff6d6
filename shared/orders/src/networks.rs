//! The networks that an order concerns: judged by the patterns of their rules on the bus, which are
//! collected from the networks' manifests when this crate is built.

use postback_runtime::services::{ActiveNetworks, ORDER_COMPLETED, ORDER_TYPES};
use serde_json::Value;

include!(concat!(env!("OUT_DIR"), "/networks.rs"));

/// Returns whether there is a network of this name.
#[must_use]
pub fn is_network(name: &str) -> bool {
    NETWORKS.iter().any(|(network, _)| *network == name)
}

/// Returns the networks whose rules take an event of this type with this order.
#[must_use]
pub fn concerned(active: &ActiveNetworks, detail_type: &str, order: &Value) -> Vec<&'static str> {
    let status = order["status"].as_str().unwrap_or_default();
    let takes = |name: &str, pattern: &str| match status {
        "completed" if detail_type == ORDER_COMPLETED => {
            let pattern = serde_json::from_str(pattern).unwrap_or_default();
            active.every_order.contains(name) || matches(&pattern, order)
        }
        // By its status alone: it may name no click and no customer.
        "cancelled" | "refunded" => ORDER_TYPES.contains(&detail_type),
        _ => false,
    };
    let on = NETWORKS.iter().filter(|(name, _)| active.on.contains(*name));
    on.filter(|(name, pattern)| takes(name, pattern)).map(|(name, _)| *name).collect()
}

/// Returns whether `EventBridge` finds that `value` matches `pattern`. It knows more operators than
/// these; a test fails when a network's pattern has another.
fn matches(pattern: &Value, value: &Value) -> bool {
    let Some(pattern) = pattern.as_object() else { return false };
    pattern.iter().all(|(member, wanted)| match wanted {
        Value::Array(patterns) if member == "$or" => {
            patterns.iter().any(|pattern| matches(pattern, value))
        }
        Value::Array(accepted) => {
            accepted.iter().any(|accepted| is_accepted(accepted, value.get(member)))
        }
        inner => value.get(member).is_some_and(|value| matches(inner, value)),
    })
}

fn is_accepted(accepted: &Value, value: Option<&Value>) -> bool {
    match (accepted["exists"].as_bool(), value) {
        // Only a leaf exists, for `EventBridge`.
        (Some(exists), value) => exists == value.is_some_and(|value| !value.is_object()),
        (None, value) => value == Some(accepted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(active: &ActiveNetworks, detail_type: &str, order: &Value) -> Vec<&'static str> {
        concerned(active, detail_type, order)
    }

    fn all() -> ActiveNetworks {
        let on = NETWORKS.iter().map(|(name, _)| (*name).to_owned());
        ActiveNetworks { on: on.collect(), ..ActiveNetworks::NONE.clone() }
    }

    fn is_known(pattern: &Value) -> bool {
        pattern.as_object().is_some_and(|pattern| {
            pattern.iter().all(|(member, wanted)| match wanted {
                Value::Array(patterns) if member == "$or" => patterns.iter().all(is_known),
                Value::Array(accepted) => {
                    accepted.iter().all(|accepted| match accepted.as_object() {
                        Some(operator) => operator.len() == 1 && accepted["exists"].is_boolean(),
                        None => !accepted.is_array(),
                    })
                }
                inner => is_known(inner),
            })
        })
    }

    #[test]
    fn every_pattern_of_a_network_has_operators_that_are_judged_here() {
        for (name, pattern) in NETWORKS {
            let pattern = serde_json::from_str(pattern).expect("JSON");
            assert!(is_known(&pattern), "{name}: {pattern}");
        }
        assert!(!is_known(&json!({ "a": [{ "prefix": "x" }] })));
    }

    #[test]
    fn a_pattern_matches_as_on_the_bus() {
        let pattern = json!({ "status": ["a", "b"], "$or": [
            { "x": { "y": [{ "exists": true }] } }, { "z": [{ "exists": false }] }
        ] });
        for (value, expected) in [
            (json!({ "status": "a", "x": { "y": null }, "z": 1 }), true),
            (json!({ "status": "b" }), true),
            (json!({ "status": "c" }), false),
            (json!({ "status": "a", "z": 1 }), false),
            (json!({ "status": "a", "x": { "y": {} }, "z": 1 }), false),
            (json!({ "status": "a", "x": 7, "z": 1 }), false),
        ] {
            assert_eq!(matches(&pattern, &value), expected, "{value}");
        }
    }

    #[test]
    fn a_network_may_get_every_completed_order() {
        let order = json!({ "status": "completed" });
        let (name, _) = NETWORKS[0];
        let mut active = all();

        assert_eq!(of(&active, "order.completed", &order), [""; 0]);
        active.every_order.insert(name.to_owned());
        assert_eq!(of(&active, "order.completed", &order), [name]);
        assert_eq!(of(&active, "order.pending", &order), [""; 0]);
        active.on.clear();
        assert_eq!(of(&active, "order.completed", &order), [""; 0]);
    }

    #[test]
    fn a_cancelled_order_concerns_every_network_that_is_on() {
        let order = json!({ "status": "cancelled" });

        assert_eq!(of(&all(), "order.cancelled", &order).len(), NETWORKS.len());
        assert_eq!(of(&all(), "order.completed", &order).len(), NETWORKS.len());
        assert_eq!(of(&all(), "order.pending", &order), [""; 0]);
    }
}
