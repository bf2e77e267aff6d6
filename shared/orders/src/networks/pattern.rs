//! The event patterns of `EventBridge`, in the parts of them that networks use: members, `$or`, values
//! and `exists`.

use std::iter;

use serde_json::Value;

/// Returns whether `EventBridge` finds that `value` matches `pattern`. It knows more operators than
/// these; a test fails when a network's pattern has another.
pub(super) fn matches(pattern: &Value, value: &Value) -> bool {
    fits(pattern, Some(value))
}

fn fits(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, pattern)| match name.as_str() {
            "$or" => pattern.as_array().into_iter().flatten().any(|choice| fits(choice, value)),
            name => fits(pattern, value.and_then(|value| value.get(name))),
        }),
        Value::Array(choices) => choices.iter().any(|choice| is_chosen(choice, value)),
        _ => false,
    }
}

/// A rule sees the leaves of an event, and each of a list.
fn is_chosen(choice: &Value, value: Option<&Value>) -> bool {
    let leaves: Vec<&Value> = match value {
        Some(Value::Array(values)) => values.iter().filter(|value| !value.is_object()).collect(),
        Some(Value::Object(_)) | None => Vec::new(),
        Some(value) => iter::once(value).collect(),
    };
    match choice.get("exists").and_then(Value::as_bool) {
        Some(exists) => leaves.is_empty() != exists,
        None => leaves.contains(&choice),
    }
}

/// The members that a pattern names, each with its place: `clicks.net.id`.
pub(super) fn members(pattern: &Value) -> Vec<String> {
    let mut members = Vec::new();
    collect(pattern, "", &mut members);
    members
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

/// Returns whether the pattern has no operator but those that are judged here.
#[cfg(test)]
pub(super) fn is_known(pattern: &Value) -> bool {
    pattern.as_object().is_some_and(|pattern| {
        pattern.iter().all(|(member, wanted)| match wanted {
            Value::Array(patterns) if member == "$or" => patterns.iter().all(is_known),
            Value::Array(accepted) => accepted.iter().all(|accepted| match accepted.as_object() {
                Some(operator) => operator.len() == 1 && accepted["exists"].is_boolean(),
                None => !accepted.is_array(),
            }),
            inner => is_known(inner),
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_matches_as_on_the_bus() {
        let exists = json!([{ "exists": true }]);
        let pattern = json!({
            "$or": [{ "a": { "b": exists } }, { "a": exists }], "s": ["x", "y"],
            "n": [{ "exists": false }],
        });

        for (event, is_taken) in [
            (json!({ "s": "x", "a": { "b": 7 } }), true),
            (json!({ "s": "x", "a": { "b": null } }), true),
            (json!({ "s": "y", "a": true }), true),
            (json!({ "s": "y", "a": ["v"] }), true),
            (json!({ "s": "y", "a": ["v"], "n": {} }), true),
            (json!({ "s": "y", "a": ["v"], "n": 1 }), false),
            (json!({ "s": "z", "a": 1 }), false),
            (json!({ "s": "x", "a": { "c": 7 } }), false),
            (json!({ "s": "x", "a": { "b": {} } }), false),
            (json!({ "s": "x", "a": [] }), false),
            (json!({ "s": "x", "a": [{}] }), false),
            (json!({ "s": "x" }), false),
        ] {
            assert_eq!(matches(&pattern, &event), is_taken, "{event}");
        }
    }

    #[test]
    fn a_pattern_names_its_members() {
        let exists = json!([{ "exists": true }]);
        let pattern = json!({ "$or": [{ "a": { "b": exists } }, { "c": exists }] });

        assert_eq!(members(&pattern), ["a.b", "c"]);
    }

    #[test]
    fn an_operator_that_is_not_judged_here_is_seen() {
        assert!(is_known(&json!({ "a": [7, { "exists": true }], "b": { "c": ["x"] } })));
        assert!(!is_known(&json!({ "a": [{ "prefix": "x" }] })));
        assert!(!is_known(&json!({ "$or": [{ "a": [{ "numeric": [">", 1] }] }] })));
    }
}
