//! `POST /webhooks/orders`: the same order, from a sender that signs by Standard Webhooks.

use postback_core::{
    clock::Timestamp,
    fields::Fault,
    problem::{Code, Problem},
};
use postback_orders::{
    CheckedOrder, Sender,
    keyring::Keyring,
    keys::{KeyKind, Keys, standard_key},
    measure_refusal,
};
use postback_runtime::{
    lambda::api::{self, Posted, Request, Response},
    ledger::Receipt,
    metrics::webhook_message,
    services::WebhookServices,
};
use serde_json::Value;

mod signature;

use signature::SignedMessage;

/// The keys that senders share with the webhook.
const KEYS: KeyKind = KeyKind {
    secret: "webhook",
    shape: "must be `whsec_` and 24 to 64 bytes in base64",
    parse: standard_key,
};

/// Accepts signed orders.
#[derive(Debug)]
pub struct Webhook<S> {
    services: S,
    keyring: Keyring,
}

impl<S: WebhookServices> Webhook<S> {
    /// A webhook over `services`. Its keys are read with the first message.
    pub fn new(services: S) -> Self {
        Self { services, keyring: Keyring::new(KEYS) }
    }

    /// Answers one message.
    pub async fn answer(&self, request: &Request, now: Timestamp) -> Response {
        let signed = authenticate(request, &self.services, &self.keyring, now).await;
        self.services.measure(&webhook_message(signed.is_ok(), self.services.stack(), now));
        let (id, key) = match signed {
            Ok(signed) => signed,
            // Anybody can send this, so it counts as no order of the shop.
            Err(problem) => return api::problem(&problem),
        };
        let sender = Sender::webhook(key);
        sender.log(request);
        let answer = accept(request, id, &sender, &self.services, now).await;
        answer.unwrap_or_else(|problem| {
            measure_refusal(&problem, &self.services, now);
            api::problem(&problem)
        })
    }
}

/// The faults of the webhook's secret. They hold nothing of it.
#[must_use]
pub fn faults_of_secret(json: &str) -> Vec<Fault> {
    Keys::parse(json, &KEYS).1
}

/// Finds the key that signed a message, by its place from 1. Returns the message's id, too.
async fn authenticate<'a>(
    request: &'a Request,
    services: &impl WebhookServices,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<(&'a str, usize), Problem> {
    let signed = SignedMessage::parse(request)?;
    signed.check_time(now)?;
    let body = Posted::by(request).bytes()?;
    let key = keyring.find(services, now, |keys| signed.key_of(&body, keys)).await?;
    let key = key.ok_or_else(|| Problem::new(Code::WebhookSignatureWrong, SIGNATURE_WRONG))?;
    Ok((signed.id, key))
}

/// Accepts one message of a sender that is known.
///
/// A sender that got no answer sends the message again, under the same id with a new time and
/// signature. So a repeated id gets the same answer and puts nothing on the bus. The receipt is
/// written after the bus has accepted the order: if that write fails, a repetition goes over the bus
/// again, and the order is still reported once.
async fn accept(
    request: &Request,
    id: &str,
    sender: &Sender,
    services: &impl WebhookServices,
    now: Timestamp,
) -> Result<Response, Problem> {
    let (order, place) = order_of(Posted::by(request).json()?);
    let order = CheckedOrder::check(order, services, now).await;
    let order = order.map_err(|problem| problem.under(place))?;
    let refused = |code, detail| Problem::new(code, detail).of_order(order.order_id().clone());
    let before = services.receipt(id).await.map_err(|_| {
        let detail =
            "The ledger could not be reached, so nothing was sent. Send the message again.";
        refused(Code::LedgerUnavailable, detail)
    })?;
    match before {
        None => order.take(sender, services, now).await?,
        Some(receipt) if receipt.facts == order.facts => {
            return Ok(order.accepted(services, receipt.accepted_at));
        }
        Some(_) => {
            let detail = "Another order was accepted under this `webhook-id` before. Nothing was \
                          sent. Give every message an id of its own.";
            return Err(refused(Code::WebhookIdReused, detail));
        }
    }
    if services.put_receipt(&Receipt::new(id, order.facts.clone(), now)).await.is_err() {
        let code = "webhook_receipt_not_kept";
        tracing::warn!(code, "the receipt was not written: a repetition goes over the bus again");
    }
    Ok(order.accepted(services, now))
}

const SIGNATURE_WRONG: &str = "No signature in `webhook-signature` matches this id, timestamp and body. Sign the exact bytes \
     of the body with the shared key, and write `v1,` before the signature. Nothing was sent.";

/// The order of a message and its place: the body itself, or `data` of the envelope
/// `{type, timestamp, data}` that Standard Webhooks recommends.
fn order_of(mut body: Value) -> (Value, &'static str) {
    let is_envelope = body.get("type").is_some_and(Value::is_string)
        && body.get("data").is_some_and(Value::is_object)
        && body.get("order_id").is_none();
    if is_envelope { (body["data"].take(), "/data") } else { (body, "") }
}
