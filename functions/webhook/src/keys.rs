//! The webhook's secret, read.

use base64::{Engine, prelude::BASE64_STANDARD};
use postback_core::fields::{self, Fault, Invalid, UnknownFields};
use secrecy::SecretSlice;

/// The most keys in force at once: two overlap while a sender changes its key.
const MOST_KEYS: usize = 4;
/// The keys in force.
#[derive(Debug)]
pub(crate) struct Keys(Vec<SecretSlice<u8>>);

impl Keys {
    /// Parses the secret: `{"keys": ["whsec_…"]}`. The keys that are none are left out, each with a
    /// fault.
    pub(crate) fn parse(json: &str) -> (Self, Vec<Fault>) {
        let value = serde_json::from_str(json).unwrap_or_default();
        let read = fields::read(&value, UnknownFields::Deny, |fields| {
            fields.required("keys", |value| {
                let wanted = || Invalid::kind("an array of keys");
                value.as_array().filter(|keys| !keys.is_empty()).cloned().ok_or_else(wanted)
            })
        });
        let values = match read {
            Ok(values) => values,
            Err(faults) => return (Self(Vec::new()), faults),
        };
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        for (index, value) in values.iter().enumerate() {
            let fault = |code, detail: &'static str| Fault {
                pointer: format!("/keys/{index}"),
                code,
                detail: detail.into(),
            };
            match value.as_str().and_then(key) {
                Some(_) if keys.len() == MOST_KEYS => {
                    faults.push(fault("wrong_count", "is one key too many: four are the most"));
                }
                Some(key) => keys.push(key),
                None => {
                    let detail = "must be `whsec_` and 24 to 64 bytes in base64";
                    faults.push(fault("not_a_key", detail));
                }
            }
        }
        (Self(keys), faults)
    }

    /// The keys, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SecretSlice<u8>> {
        self.0.iter()
    }

    /// Returns whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(text: &str) -> Option<SecretSlice<u8>> {
    let bytes = BASE64_STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&bytes.len()).then(|| bytes.into())
}

/// The keys of a secret without faults.
#[cfg(test)]
pub(super) fn keys_of(keys: &[&str]) -> Keys {
    let (keys, faults) = Keys::parse(&serde_json::json!({ "keys": keys }).to_string());
    assert_eq!(faults, []);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            let (keys, faults) = Keys::parse(&secret);
            assert!(keys.is_empty(), "{secret}");
            assert_eq!(faults[0].code, code, "{secret}");
            assert!(!format!("{faults:?}").contains(canary), "{faults:?}");
        }
        let keys = keys_of(&[KEYS[0]]);
        assert!(!format!("{keys:?}").contains("49"), "{keys:?}");
    }
    #[test]
    fn a_key_that_is_none_costs_the_others_nothing() {
        let [key, other] = KEYS;
        let json = serde_json::json!({ "keys": [key, "whsec_", other, key, other, key] });

        let (keys, faults) = Keys::parse(&json.to_string());

        assert_eq!(keys.0.len(), MOST_KEYS);
        let faults: Vec<_> = faults.iter().map(|fault| (&*fault.pointer, fault.code)).collect();
        assert_eq!(faults, [("/keys/1", "not_a_key"), ("/keys/5", "wrong_count")]);
    }
}
