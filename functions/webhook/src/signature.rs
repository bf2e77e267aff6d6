//! The [Standard Webhooks] scheme: HMAC-SHA256 over `id.timestamp.body`. Pure: the time is passed
//! in.
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac, digest::CtOutput};
use postback_core::{
    clock::Timestamp,
    problem::{Code, Problem},
};
use postback_orders::keys::Keys;
use postback_runtime::lambda::api::Request;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// The largest difference between a message's time and ours, either way.
pub(crate) const TOLERANCE: Duration = Duration::from_mins(5);

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// The start of the headers' names, and the one that the libraries of Svix write instead.
const PREFIX: &str = "webhook-";
const SVIX_PREFIX: &str = "svix-";

const LONGEST_ID: usize = 256;
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
        // All three are of one kind: none is taken from a sender's other headers.
        let is_svix = header(request, ID).is_none();
        let header = |request: &'a Request, name: &str| match name.strip_prefix(PREFIX) {
            Some(rest) if is_svix => header(request, &format!("{SVIX_PREFIX}{rest}")),
            _ => header(request, name),
        };
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

    /// Returns the place of the key with which one of the signatures is made over `body`, from 1.
    pub(crate) fn key_of(&self, body: &[u8], keys: &Keys) -> Option<usize> {
        let versioned = self.signatures.split_ascii_whitespace().take(MOST_SIGNATURES);
        let signatures = versioned.filter_map(|signature| {
            let bytes = BASE64_STANDARD.decode(signature.strip_prefix("v1,")?).ok()?;
            Some(CtOutput::new(<[u8; 32]>::try_from(bytes).ok()?.into()))
        });
        place(&signatures.collect::<Vec<_>>(), keys.iter().map(|key| self.mac(key, body)))
    }

    fn mac(&self, key: &SecretSlice<u8>, body: &[u8]) -> Option<CtOutput<HmacSha256>> {
        let mac = HmacSha256::new_from_slice(key.expose_secret()).ok()?;
        let mac = mac.chain_update(self.id).chain_update(".").chain_update(self.timestamp);
        Some(mac.chain_update(".").chain_update(body).finalize())
    }
}

type HmacSha256 = Hmac<Sha256>;

/// The place of the first of `macs` that is one of `signatures`, from 1. Each is made once, because a
/// stranger chooses the number of signatures. They are compared in constant time, so that none can
/// be guessed byte by byte.
fn place(
    signatures: &[CtOutput<HmacSha256>],
    mut macs: impl Iterator<Item = Option<CtOutput<HmacSha256>>>,
) -> Option<usize> {
    if signatures.is_empty() {
        return None;
    }
    macs.position(|mac| mac.is_some_and(|mac| signatures.contains(&mac))).map(|index| index + 1)
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

#[cfg(test)]
mod tests {
    use super::{super::KEYS, *};

    /// The keys of a secret without faults.
    fn keys_of(keys: &[&str]) -> Keys {
        let (keys, faults) = Keys::parse(&serde_json::json!({ "keys": keys }).to_string(), &KEYS);
        assert_eq!(faults, []);
        keys
    }

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

    fn key_of(request: &Request, body: &str, keys: &[&str]) -> Option<usize> {
        SignedMessage::parse(request).expect("headers").key_of(body.as_bytes(), &keys_of(keys))
    }

    fn matches(request: &Request, body: &str, keys: &[&str]) -> bool {
        key_of(request, body, keys).is_some()
    }

    #[test]
    fn the_published_vectors_match() {
        for [key, id, timestamp, body, signature] in PUBLISHED {
            assert!(matches(&request(id, timestamp, signature), body, &[key]), "{id}");
        }
    }

    #[test]
    fn the_headers_may_be_named_as_the_libraries_of_svix_name_them() {
        let [[key, id, timestamp, body, signature], ..] = PUBLISHED;
        let headers = |names: [&str; 3]| {
            let headers = names.into_iter().zip([id, timestamp, signature]);
            Request { headers: headers.collect(), ..Request::default() }
        };

        let svix = headers(["svix-id", "svix-timestamp", "svix-signature"]);
        assert!(matches(&svix, body, &[key]));
        let mixed = headers([ID, TIMESTAMP, "svix-signature"]);
        assert!(SignedMessage::parse(&mixed).is_err());
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
        let signed = request(id, timestamp, signature);
        assert_eq!(key_of(&signed, body, &[other_key, key]), Some(2));
        assert_eq!(key_of(&signed, body, &[key, other_key]), Some(1));
        let far_behind = format!("{}{signature}", format!("{other} ").repeat(MOST_SIGNATURES));
        assert!(!matches(&request(id, timestamp, &far_behind), body, &[key]));
    }

    #[test]
    fn a_message_costs_one_mac_for_each_key_however_many_signatures_it_has() {
        let signature = |byte: u8| CtOutput::<HmacSha256>::new([byte; 32].into());
        let forged: Vec<_> = (0..16).map(signature).collect();
        let mut macs = 0;

        let found = place(&forged, (100..104).map(signature).inspect(|_| macs += 1).map(Some));

        assert_eq!((found, macs), (None, 4));
        let mut macs = (0..4).map(signature).inspect(|_| panic!("for no signature")).map(Some);
        assert_eq!(place(&[], &mut macs), None);
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
}
