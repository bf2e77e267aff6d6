//! The faults of a secret, by the schema in the network's folder. Nothing of a value is shown.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;

/// All faults, each in words.
pub(super) fn faults(schema: &Value, secret: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<Value>(secret) else {
        return vec!["it is not JSON".to_owned()];
    };
    let Ok(validator) = jsonschema::validator_for(schema) else {
        return vec!["its schema can't be read".to_owned()];
    };
    let mut faults: Vec<_> =
        validator.iter_errors(&value).map(|error| fault(schema, &error)).collect();
    faults.sort();
    faults.dedup();
    faults
}

/// A fault in words: the validator's own would quote the value.
fn fault(schema: &Value, error: &ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let member = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!("{} is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let shown: Vec<_> = unexpected.iter().filter(|name| is_shown(name)).collect();
            match shown.first() {
                Some(name) => format!("there is no setting {name}"),
                None => "it has a member that is no setting".to_owned(),
            }
        }
        ValidationErrorKind::AnyOf { .. } => {
            let choices = schema["anyOf"].as_array().into_iter().flatten();
            let names = choices.filter_map(|choice| choice["required"][0].as_str());
            format!("one of {} is missing", names.collect::<Vec<_>>().join(", "))
        }
        _ if member.is_empty() => "it must be a JSON object".to_owned(),
        _ => match schema["properties"][member]["description"].as_str() {
            Some(description) => format!("{member} is not valid; expected: {description}"),
            None => format!("{member} is not valid"),
        },
    }
}

/// The name of a member that is no setting may be the key itself, pasted in the wrong place.
fn is_shown(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 24 && digits <= 1 && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn example() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["key"],
            "anyOf": [{ "required": ["offer_id"] }, { "required": ["offers"] }],
            "properties": {
                "key": { "type": "string", "pattern": "^[a-z]{4}$", "description": "four letters" },
                "offer_id": { "type": ["string", "integer"] },
                "offers": { "type": "object" }
            }
        })
    }

    #[test]
    fn faults_are_in_words_and_quote_nothing() {
        let of = |secret: &str| faults(&example(), secret);

        assert_eq!(of(r#"{"key": "abcd", "offer_id": 7}"#), Vec::<String>::new());
        assert_eq!(of("abcd"), ["it is not JSON"]);
        assert_eq!(of("[]"), ["it must be a JSON object"]);
        assert_eq!(
            of(r#"{"key": "hunter2"}"#),
            ["key is not valid; expected: four letters", "one of offer_id, offers is missing"]
        );
        assert_eq!(of(r#"{"offer_id": 7}"#), ["key is missing"]);
        assert_eq!(
            of(r#"{"key": "abcd", "offer_id": 7, "ofer": 1}"#),
            ["there is no setting ofer"]
        );
        assert_eq!(
            of(r#"{"key": "abcd", "offer_id": 7, "070a632e2b574ca894d90610c7da97bc": 1}"#),
            ["it has a member that is no setting"]
        );
    }
}
