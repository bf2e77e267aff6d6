//! The signature of a shop system's message: the base64 of HMAC-SHA256 over the body.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use postback_core::{
    clock::Timestamp,
    platform::Platform,
    problem::{Code, Problem},
};
use postback_runtime::{lambda::api::Request, services::WebhookServices};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::keyring::Keyring;

/// A message that a key in force has signed.
pub(super) struct Signed<'a> {
    pub(super) topic: &'a str,
    pub(super) delivery: &'a str,
    pub(super) body: Cow<'a, [u8]>,
    /// The key's place, from 1.
    pub(super) key: usize,
}

impl<'a> Signed<'a> {
    /// Finds the key that signed a message.
    pub(super) async fn verify<P: Platform>(
        request: &'a Request,
        body: Cow<'a, [u8]>,
        keyring: &Keyring,
        services: &impl WebhookServices,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let header = |name| request.headers.get(name).map(str::trim).filter(|it| !it.is_empty());
        let given = |name| header(name).ok_or_else(|| unsigned(name));
        let signature = given(P::HEADERS.signature)?;
        let topic = given(P::HEADERS.topic)?;
        let delivery = P::HEADERS.delivery.iter().find_map(|name| header(name));
        let delivery = delivery.ok_or_else(|| unsigned(P::HEADERS.delivery[0]))?;
        let key = keyring.find(services, now, |keys| {
            keys.iter().position(|key| is_signed(signature, key, &body)).map(|place| place + 1)
        });
        let key = key.await?.ok_or_else(|| {
            let detail = format!(
                "The signature in `{}` is not one of this body with a key in force. Set the shop \
                 system's own secret with `postback secret {}`. Nothing was sent.",
                P::HEADERS.signature,
                P::NAME
            );
            Problem::new(Code::WebhookSignatureWrong, detail)
        })?;
        Ok(Self { topic, delivery, body, key })
    }
}

/// Compares in constant time, so that no signature can be guessed byte by byte.
fn is_signed(signature: &str, key: &SecretSlice<u8>, body: &[u8]) -> bool {
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok();
    let given = BASE64_STANDARD.decode(signature).ok();
    mac.zip(given).is_some_and(|(mac, given)| mac.chain_update(body).verify_slice(&given).is_ok())
}

fn unsigned(header: &str) -> Problem {
    let detail = format!("The header `{header}` is missing. Nothing was sent.");
    Problem::new(Code::WebhookUnsigned, detail)
}
