//! A secret with keys, read: `{"keys": ["…"]}`.

use base64::{Engine, prelude::BASE64_STANDARD};
use postback_core::{
    fields::{self, Fault, Invalid, UnknownFields},
    order::{self, Unreadable},
};
use secrecy::SecretSlice;
use serde_json::Value;

/// The most keys in force at once: two overlap while a sender changes its key.
const MOST_KEYS: usize = 4;

/// A kind of keys: their secret and their form.
#[derive(Clone, Copy, Debug)]
pub struct KeyKind {
    /// The name of their secret, as `postback secret` takes it.
    pub secret: &'static str,
    /// The form of a key, for a person: "must be …".
    pub shape: &'static str,
    /// Parses a key; `None` if the text is none.
    pub parse: fn(&str) -> Option<SecretSlice<u8>>,
}

/// The keys in force.
#[derive(Debug)]
pub struct Keys(Vec<SecretSlice<u8>>);

impl Keys {
    /// Parses a secret. The keys that are none are left out, each with a fault.
    #[must_use]
    pub fn parse(json: &str, kind: &KeyKind) -> (Self, Vec<Fault>) {
        let value = match order::parse(json) {
            Ok(value) => value,
            Err(Unreadable::NotJson { .. }) => Value::Null,
            // Nobody knows which of the two is meant.
            Err(Unreadable::Doubled(_)) => {
                let (code, detail) = ("member_twice", "names a member twice".into());
                return (Self(Vec::new()), vec![Fault { pointer: String::new(), code, detail }]);
            }
        };
        let read = fields::from_json(&value, UnknownFields::Deny, |fields| {
            fields.required("keys", |value| {
                let wanted = || Invalid::kind("an array of keys");
                value.as_array().filter(|keys| !keys.is_empty()).cloned().ok_or_else(wanted)
            })
        });
        let values = match read {
            Ok(values) => values,
            Err(faults) => {
                return (Self(Vec::new()), faults.into_iter().map(without_name).collect());
            }
        };
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        for (index, value) in values.iter().enumerate() {
            let fault = |code, detail: &'static str| Fault {
                pointer: format!("/keys/{index}"),
                code,
                detail: detail.into(),
            };
            match value.as_str().and_then(kind.parse) {
                Some(_) if keys.len() == MOST_KEYS => {
                    faults.push(fault("wrong_count", "is one key too many: four are the most"));
                }
                Some(key) => keys.push(key),
                None => faults.push(fault("not_a_key", kind.shape)),
            }
        }
        (Self(keys), faults)
    }

    /// The keys, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &SecretSlice<u8>> {
        self.0.iter()
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The name of a member that is not `keys` may be the key itself, pasted in the wrong place.
fn without_name(fault: Fault) -> Fault {
    if fault.code != "unknown_member" {
        return fault;
    }
    Fault { pointer: String::new(), detail: "has a member that is not `keys`".into(), ..fault }
}

/// Reads a key as Standard Webhooks writes it: `whsec_` and 24 to 64 bytes in base64.
#[must_use]
pub fn standard_key(text: &str) -> Option<SecretSlice<u8>> {
    let bytes = BASE64_STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&bytes.len()).then(|| bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: KeyKind = KeyKind { secret: "any", shape: "must be a key", parse: standard_key };

    const KEYS: [&str; 2] =
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

    #[test]
    fn keys_that_are_none_are_refused_without_being_shown() {
        let canary = "canary7351";
        for (secret, code) in [
            (String::new(), "wrong_type"),
            ("{}".into(), "missing"),
            (format!(r#"{{"keys": "{canary}"}}"#), "wrong_type"),
            (r#"{"keys": []}"#.into(), "wrong_type"),
            (format!(r#"{{"keys": ["{canary}"]}}"#), "not_a_key"),
            (format!(r#"{{"keys": ["whsec_{canary}"]}}"#), "not_a_key"),
            (r#"{"keys": ["whsec_c2hvcnQ="]}"#.into(), "not_a_key"),
            (r#"{"keys": [7]}"#.into(), "not_a_key"),
            (format!(r#"{{"whsec_{canary}": 1, "keys": ["{}"]}}"#, KEYS[0]), "unknown_member"),
            (format!(r#"{{"keys": ["{}"], "keys": ["{}"]}}"#, KEYS[0], KEYS[1]), "member_twice"),
        ] {
            let (keys, faults) = Keys::parse(&secret, &KIND);
            assert!(keys.is_empty(), "{secret}");
            assert_eq!(faults[0].code, code, "{secret}");
            assert!(!format!("{faults:?}").contains(canary), "{faults:?}");
        }
        let (keys, faults) =
            Keys::parse(&serde_json::json!({ "keys": [KEYS[0]] }).to_string(), &KIND);
        assert_eq!(faults, []);
        assert!(!format!("{keys:?}").contains("49"), "{keys:?}");
    }
    #[test]
    fn a_key_that_is_none_costs_the_others_nothing() {
        let [key, other] = KEYS;
        let json = serde_json::json!({ "keys": [key, "whsec_", other, key, other, key] });

        let (keys, faults) = Keys::parse(&json.to_string(), &KIND);

        assert_eq!(keys.0.len(), MOST_KEYS);
        let faults: Vec<_> = faults.iter().map(|fault| (&*fault.pointer, fault.code)).collect();
        assert_eq!(faults, [("/keys/1", "not_a_key"), ("/keys/5", "wrong_count")]);
    }
}
