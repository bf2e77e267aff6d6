//! The [Standard Webhooks] scheme: HMAC-SHA256 over `id.timestamp.body`. Pure: the time is passed
//! in.
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use postback_core::{
    clock::Timestamp,
    fields::{self, Fault, Invalid, UnknownFields},
    problem::{Code, Problem},
};
use postback_runtime::lambda::api::Request;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::Value;
use sha2::Sha256;

/// The largest difference between a message's time and ours, either way.
pub(crate) const TOLERANCE: Duration = Duration::from_mins(5);

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

const LONGEST_ID: usize = 256;
/// The most keys in force at once: two overlap while a sender changes its key.
const MOST_KEYS: usize = 4;
/// The most signatures of one message that are checked.
const MOST_SIGNATURES: usize = 16;

/// The headers of a signed message.
pub(crate) struct SignedMessage<'a> {
    /// The same for every delivery of this message.
    pub(crate) id: &'a str,
    timestamp: &'a str,
    at: Timestamp,
    signatures: &'a str,
}

impl<'a> SignedMessage<'a> {
    pub(crate) fn parse(request: &'a Request) -> Result<Self, Problem> {
        let id = header(request, ID).filter(|id| id.len() <= LONGEST_ID);
        let timestamp = header(request, TIMESTAMP);
        let at = timestamp.and_then(seconds);
        let signatures = header(request, SIGNATURE);
        Ok(Self {
            id: id.ok_or_else(|| unsigned(ID))?,
            timestamp: timestamp.ok_or_else(|| unsigned(TIMESTAMP))?,
            at: at.ok_or_else(|| unsigned(TIMESTAMP))?,
            signatures: signatures.ok_or_else(|| unsigned(SIGNATURE))?,
        })
    }

    /// Refuses a message that was signed too long ago, or by a clock that is wrong.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), Problem> {
        if self.at.until(now) > TOLERANCE {
            let detail = "The message was signed more than five minutes ago. Sign it again with the \
                          current time, under the same `webhook-id`. Nothing was sent.";
            return Err(Problem::new(Code::WebhookTooOld, detail));
        }
        if now.until(self.at) > TOLERANCE {
            let detail = "The message was signed more than five minutes in the future. Set the \
                          sender's clock; `webhook-timestamp` is in seconds. Nothing was sent.";
            return Err(Problem::new(Code::WebhookTooNew, detail));
        }
        Ok(())
    }

    /// Returns whether one of the signatures is made over `body` with one of the keys.
    pub(crate) fn matches(&self, body: &[u8], keys: &Keys) -> bool {
        let versioned = self.signatures.split_ascii_whitespace().take(MOST_SIGNATURES);
        versioned
            .filter_map(|signature| BASE64_STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|signature| keys.0.iter().any(|key| self.is_made_with(key, body, &signature)))
    }

    fn is_made_with(&self, key: &SecretSlice<u8>, body: &[u8], signature: &[u8]) -> bool {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret()) else { return false };
        // In constant time, so that no signature can be guessed byte by byte.
        mac.chain_update(self.id)
            .chain_update(".")
            .chain_update(self.timestamp)
            .chain_update(".")
            .chain_update(body)
            .verify_slice(signature)
            .is_ok()
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let value = request.headers.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}

fn seconds(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse::<i64>().ok().filter(|_| digits)?;
    seconds.checked_mul(1000).map(Timestamp::from_millis)
}

fn unsigned(header: &str) -> Problem {
    let detail = format!(
        "The header `{header}` is missing or malformed. Send `{ID}`, `{TIMESTAMP}` (seconds since \
         1970) and `{SIGNATURE}` (`v1,…`) by Standard Webhooks. Nothing was sent."
    );
    Problem::new(Code::WebhookUnsigned, detail)
}

/// The keys in force.
#[derive(Debug)]
pub(crate) struct Keys(Vec<SecretSlice<u8>>);

impl Keys {
    /// Parses the secret: `{"keys": ["whsec_…"]}`.
    pub(crate) fn parse(json: &str) -> Result<Self, Vec<Fault>> {
        let value = serde_json::from_str(json).unwrap_or_default();
        fields::read(&value, UnknownFields::Deny, |fields| fields.required("keys", keys)).map(Self)
    }
}

fn keys(value: &Value) -> Result<Vec<SecretSlice<u8>>, Invalid> {
    let values = value.as_array().ok_or_else(|| Invalid::kind("an array of keys"))?;
    if values.is_empty() || values.len() > MOST_KEYS {
        return Err(Invalid::new("wrong_count", format!("must hold 1 to {MOST_KEYS} keys")));
    }
    let wrong = || Invalid::new("not_a_key", "must be `whsec_` and 24 to 64 bytes in base64, each");
    values.iter().map(|value| value.as_str().and_then(key).ok_or_else(wrong)).collect()
}

fn key(text: &str) -> Option<SecretSlice<u8>> {
    let bytes = BASE64_STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&bytes.len()).then(|| bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Secret, id, timestamp, body, signature: as the reference implementations are tested with and
    /// as the specification has it.
    const PUBLISHED: [[&str; 5]; 2] = [
        [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ],
        [
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "1649367553",
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ],
    ];

    fn request(id: &str, timestamp: &str, signature: &str) -> Request {
        let headers = [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)];
        Request { headers: headers.into_iter().collect(), ..Request::default() }
    }

    fn keys_of(keys: &[&str]) -> Keys {
        Keys::parse(&serde_json::json!({ "keys": keys }).to_string()).expect("keys")
    }

    fn matches(request: &Request, body: &str, keys: &[&str]) -> bool {
        SignedMessage::parse(request).expect("headers").matches(body.as_bytes(), &keys_of(keys))
    }

    #[test]
    fn the_published_vectors_match() {
        for [key, id, timestamp, body, signature] in PUBLISHED {
            assert!(matches(&request(id, timestamp, signature), body, &[key]), "{id}");
        }
    }

    #[test]
    fn nothing_else_matches() {
        let [[key, id, timestamp, body, signature], [other_key, other_id, .., other]] = PUBLISHED;

        assert!(!matches(&request(other_id, timestamp, signature), body, &[key]));
        assert!(!matches(&request(id, "1614265331", signature), body, &[key]));
        assert!(!matches(&request(id, timestamp, signature), r#"{"test": 2432232315}"#, &[key]));
        assert!(!matches(&request(id, timestamp, signature), body, &[other_key]));
        assert!(!matches(&request(id, timestamp, other), body, &[key]));
        let bare = signature.trim_start_matches("v1,");
        for wrong in [bare, &format!("v1a,{bare}"), &format!("v2,{bare}"), "v1,", "v1", &bare[..20]]
        {
            assert!(!matches(&request(id, timestamp, wrong), body, &[key]), "{wrong}");
        }
        // A part of the right one is not the right one.
        let half = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(bare).expect("base64")[..16]);
        assert!(!matches(&request(id, timestamp, &format!("v1,{half}")), body, &[key]));
    }

    #[test]
    fn one_of_several_signatures_and_keys_is_enough() {
        let [[key, id, timestamp, body, signature], [other_key, .., other]] = PUBLISHED;
        let several = format!("v1a,asymmetric {other} not-one  {signature}");

        assert!(matches(&request(id, timestamp, &several), body, &[other_key, key]));
        assert!(matches(&request(id, timestamp, signature), body, &[other_key, key]));
        let far_behind = format!("{}{signature}", format!("{other} ").repeat(MOST_SIGNATURES));
        assert!(!matches(&request(id, timestamp, &far_behind), body, &[key]));
    }

    #[test]
    fn the_time_may_be_five_minutes_off_either_way() {
        let request = request("id", "1614265330", "v1,");
        let code = |offset: i64| {
            let now = Timestamp::from_millis(1_614_265_330_000 + offset);
            let signed = SignedMessage::parse(&request).expect("headers");
            signed.check_time(now).err().map(|problem| problem.code)
        };

        assert_eq!(code(0), None);
        assert_eq!((code(300_000), code(300_001)), (None, Some(Code::WebhookTooOld)));
        assert_eq!((code(-300_000), code(-300_001)), (None, Some(Code::WebhookTooNew)));
        assert_eq!(code(i64::MAX / 2), Some(Code::WebhookTooOld));
    }

    #[test]
    fn headers_that_are_missing_or_malformed_are_named() {
        let named = |request: &Request| {
            let problem = SignedMessage::parse(request).err().expect("a problem");
            assert_eq!(problem.code, Code::WebhookUnsigned);
            problem.detail
        };
        for header in [ID, TIMESTAMP, SIGNATURE] {
            let values = [(ID, "id"), (TIMESTAMP, "1614265330"), (SIGNATURE, "v1,x")];
            let others = values.into_iter().filter(|(name, _)| *name != header);
            let request = Request { headers: others.collect(), ..Request::default() };
            assert!(named(&request).starts_with(&format!("The header `{header}` ")));
        }
        for timestamp in
            ["", "now", "-1", "+1", "1.5", "99999999999999999999", "9223372036854775807"]
        {
            let detail = named(&request("id", timestamp, "v1,x"));
            assert!(detail.starts_with("The header `webhook-timestamp` "), "{timestamp}");
        }
        let long = "x".repeat(LONGEST_ID + 1);
        assert!(
            named(&request(&long, "1614265330", "v1,x")).starts_with("The header `webhook-id`")
        );
    }

    #[test]
    fn keys_that_are_none_are_refused_without_being_shown() {
        let canary = "canary7351";
        for (secret, code) in [
            (String::new(), "wrong_type"),
            ("{}".into(), "missing"),
            (format!(r#"{{"keys": "{canary}"}}"#), "wrong_type"),
            (r#"{"keys": []}"#.into(), "wrong_count"),
            (format!(r#"{{"keys": ["{canary}"]}}"#), "not_a_key"),
            (format!(r#"{{"keys": ["whsec_{canary}"]}}"#), "not_a_key"),
            (r#"{"keys": ["whsec_c2hvcnQ="]}"#.into(), "not_a_key"),
            (r#"{"keys": [7]}"#.into(), "not_a_key"),
        ] {
            let faults = Keys::parse(&secret).expect_err(&secret);
            assert_eq!(faults[0].code, code, "{secret}");
            assert!(!format!("{faults:?}").contains(canary), "{faults:?}");
        }
        let keys = keys_of(&[PUBLISHED[0][0]]);
        assert!(!format!("{keys:?}").contains("49"), "{keys:?}");
    }
}
