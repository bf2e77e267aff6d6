//! A shop system's webhook: the signature, the mapping of its order, and the order on the bus.
//!
//! A shop system gives up on an address that refuses too often. So whatever a repetition would not
//! change is answered with success: it is ignored, or kept for a person, and both are counted.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use postback_core::{
    clock::Timestamp,
    delivery::Facts,
    fields::Fault,
    order::readable,
    platform::{Mapped, Message, Platform},
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::{
        api::{self, Posted, Request, Response},
        messages::{ApiAndQueueHandler, serve_api_and_queue},
    },
    ledger::Receipt,
    metrics::{platform_message, platform_refusal},
    services::{AwsPlatform, FaultyOrder, PlatformServices, Unavailable},
};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    CheckedOrder, Sender, cookie::has_cookie, keyring::Keyring, keys::KeyKind, landing::add_clicks,
};

/// The function of a shop system.
#[derive(Debug)]
pub struct PlatformWebhook<P, S> {
    platform: P,
    services: S,
    keyring: Keyring,
}

/// Serves a shop system's function, with the settings of its environment.
pub async fn serve<P: Platform>() -> Result<(), lambda_runtime::Error> {
    postback_runtime::lambda::log_as_json();
    let settings = |name: &str| std::env::var(name).ok();
    let webhook = PlatformWebhook::new(P::configure(&settings), AwsPlatform::of_lambda()?);
    serve_api_and_queue(&webhook).await
}

/// The keys of the shop system `P`.
#[must_use]
pub const fn keys_of<P: Platform>() -> KeyKind {
    KeyKind { secret: P::NAME, shape: KEY_SHAPE, read: key }
}

/// The form of a key, for a person.
pub const KEY_SHAPE: &str = "must be a text of 16 to 256 characters without blanks";

/// Reads a key: the text that the shop system shows, whose bytes are the key.
#[must_use]
pub fn key(text: &str) -> Option<SecretSlice<u8>> {
    let is_key = (16..=256).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
    is_key.then(|| text.as_bytes().to_vec().into())
}

/// The result of a message, beside an order that was taken.
enum Taken {
    Order(Response),
    Ignored(&'static str),
}

impl<P: Platform, S: PlatformServices> ApiAndQueueHandler for PlatformWebhook<P, S> {
    async fn answer(&self, request: Request, now: Timestamp) -> Response {
        let answer = self.accept(&request, now).await;
        answer.unwrap_or_else(|problem| {
            if problem.code.status() == 401 {
                self.services.measure(&platform_refusal(self.services.stack(), P::NAME, now));
            }
            api::problem(&problem)
        })
    }

    /// Takes an event that the shop system put on a bus itself: only AWS passes such a source on, so
    /// it needs no signature.
    async fn take(&self, event: &str, now: Timestamp) -> Result<(), Unavailable> {
        let value: Value = serde_json::from_str(&readable(event)).unwrap_or_default();
        let Some(message) = P::event(&value["detail"]) else {
            let reason = "not_an_event";
            let fault = FaultyOrder { reason, order_id: None, faults: String::new() };
            self.measure(reason, now);
            return self.services.put_faulty(event, &fault).await;
        };
        match self.handle(&message, &Sender::bus(P::NAME), now).await {
            Ok(_) => Ok(()),
            Err(problem) => {
                tracing::warn!(code = "platform_event_waits", reason = problem.code.as_str());
                Err(Unavailable)
            }
        }
    }
}

impl<P: Platform, S: PlatformServices> PlatformWebhook<P, S> {
    /// A function over `services`. Its keys are read with the first message.
    pub const fn new(platform: P, services: S) -> Self {
        Self { platform, services, keyring: Keyring::new(keys_of::<P>()) }
    }

    fn measure(&self, result: &'static str, now: Timestamp) {
        let document = platform_message(self.services.stack(), P::NAME, result, now);
        self.services.measure(&document);
    }

    async fn accept(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        // A shop system writes much more into an order than is taken of it.
        let body = Posted::by(request).bytes_of_any_size()?;
        if P::is_ping(&body) {
            self.measure("ping", now);
            return Ok(api::answer(200, &json!({ "ignored": "ping" })));
        }
        let header = |name| request.headers.get(name).map(str::trim).filter(|it| !it.is_empty());
        let given = |name| header(name).ok_or_else(|| unsigned(name));
        let signature = given(P::HEADERS.signature)?;
        let topic = given(P::HEADERS.topic)?;
        let delivery = P::HEADERS.delivery.iter().find_map(|name| header(name));
        let delivery = delivery.ok_or_else(|| unsigned(P::HEADERS.delivery[0]))?;
        let key = self.keyring.find(&self.services, now, |keys| {
            keys.iter().position(|key| is_signed(signature, key, &body)).map(|place| place + 1)
        });
        let key = key.await?.ok_or_else(|| {
            let detail = format!(
                "The signature in `{}` is not one of this body with a key in force. Set the shop \
                 system's own secret with `make secret NETWORK={}`. Nothing was sent.",
                P::HEADERS.signature,
                P::NAME
            );
            Problem::new(Code::WebhookSignatureWrong, detail)
        })?;
        let text = str::from_utf8(&body).map(readable).unwrap_or_default();
        let Ok(payload) = serde_json::from_str::<Value>(&text) else {
            let problem = Problem::new(Code::NotJson, "The body is signed, but no JSON.");
            self.keep(&json!({}), None, &problem, now).await?;
            return Ok(api::answer(200, &json!({ "ignored": "faulty" })));
        };
        let message = Message { topic, delivery, payload: &payload };
        Ok(match self.handle(&message, &Sender::platform(P::NAME, key), now).await? {
            Taken::Order(response) => response,
            Taken::Ignored(reason) => api::answer(200, &json!({ "ignored": reason })),
        })
    }

    /// Takes a message whose sender is known. The error is one that a repetition may fix.
    async fn handle(
        &self,
        message: &Message<'_>,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Taken, Problem> {
        let (order, landing) = match self.platform.order(message.topic, message.payload) {
            Mapped::Order { order, landing } => (order, landing),
            Mapped::Ignored(reason) => return Ok(self.ignored(reason, now)),
        };
        let checked = match self.check(order.clone(), landing.as_deref(), now).await {
            Ok(checked) => checked,
            Err(problem) if is_too_old(&problem) => return Ok(self.ignored("too_old", now)),
            Err(problem) => return self.keep(&order, landing.as_deref(), &problem, now).await,
        };
        let id = format!("{}/{}/{}", P::NAME, message.topic, message.delivery);
        let facts = facts(&checked.facts, &order);
        let before = self.services.receipt(&id).await.map_err(|_| {
            let detail = "The ledger could not be reached, so nothing was sent.";
            Problem::new(Code::LedgerUnavailable, detail)
        })?;
        if let Some(receipt) = before.filter(|receipt| receipt.facts == facts) {
            self.measure("repeated", now);
            return Ok(Taken::Order(checked.accepted(&self.services, receipt.accepted_at)));
        }
        checked.take(sender, &self.services, now).await?;
        if self.services.put_receipt(&Receipt::new(&id, facts, now)).await.is_err() {
            let code = "webhook_receipt_not_kept";
            tracing::warn!(
                code,
                "the receipt was not written: a repetition goes over the bus again"
            );
        }
        self.measure("taken", now);
        Ok(Taken::Order(checked.accepted(&self.services, now)))
    }

    /// Checks an order with the clicks of its cookie, and of its landing page where those name none.
    async fn check(
        &self,
        order: Value,
        landing: Option<&str>,
        now: Timestamp,
    ) -> Result<CheckedOrder, Problem> {
        CheckedOrder::read_with(order, &self.services, now, |order| {
            if let Some(landing) = landing {
                add_clicks(order, landing);
            }
        })
        .await
    }

    fn ignored(&self, reason: &'static str, now: Timestamp) -> Taken {
        let (code, platform) = ("platform_message_ignored", P::NAME);
        tracing::info!(code, platform, reason, "nothing to report");
        self.measure(reason, now);
        Taken::Ignored(reason)
    }

    /// Keeps an order with faults for a person, as an event that can be put on the bus once it is
    /// corrected. Of one that is too large only what names it.
    async fn keep(
        &self,
        order: &Value,
        landing: Option<&str>,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<Taken, Problem> {
        let detail_type = format!("order.{}", order["status"].as_str().unwrap_or_default());
        let detail = match problem.code {
            Code::TooLarge => json!({ "order_id": order["order_id"], "status": order["status"] }),
            _ => with_landing(order, landing),
        };
        let event = json!({ "source": P::NAME, "detail-type": detail_type, "detail": detail });
        let faults: Vec<_> = problem.errors.iter().map(Fault::redacted).collect();
        let order_id = order["order_id"].as_str().map(str::to_owned);
        let (code, platform) = ("platform_order_faulty", P::NAME);
        let (reason, faults) = (problem.code.as_str(), faults.join(", "));
        tracing::warn!(code, platform, reason, order_id, faults, "an order was kept");
        let fault = FaultyOrder { reason, order_id, faults };
        self.services.put_faulty(&event.to_string(), &fault).await.map_err(|_| {
            let detail = "The queue of faulty orders could not be reached. Nothing was sent.";
            Problem::new(Code::QueueUnavailable, detail)
        })?;
        self.measure("faulty", now);
        Ok(Taken::Ignored("faulty"))
    }
}

/// The order with the clicks of its landing page. Those of its capture cookie are read once it is on
/// the bus, and come first.
fn with_landing(order: &Value, landing: Option<&str>) -> Value {
    let mut order = order.clone();
    if let Some(landing) = landing
        && !has_cookie(&order)
    {
        add_clicks(&mut order, landing);
    }
    order
}

/// Compares in constant time, so that no signature can be guessed byte by byte.
fn is_signed(signature: &str, key: &SecretSlice<u8>, body: &[u8]) -> bool {
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok();
    let given = BASE64_STANDARD.decode(signature).ok();
    mac.zip(given).is_some_and(|(mac, given)| mac.chain_update(body).verify_slice(&given).is_ok())
}

/// Returns whether it is the order's age alone: an order of long ago was changed in the shop.
fn is_too_old(problem: &Problem) -> bool {
    !problem.errors.is_empty() && problem.errors.iter().all(|fault| fault.code == "too_old")
}

fn unsigned(header: &str) -> Problem {
    let detail = format!("The header `{header}` is missing. Nothing was sent.");
    Problem::new(Code::WebhookUnsigned, detail)
}

/// The facts by which a repetition is recognised: another version, or another refund, is none.
fn facts(order: &Facts, sent: &Value) -> Facts {
    let refunds = sent["refunds"].as_array().into_iter().flatten();
    let refunds: Vec<_> = refunds.map(|refund| refund["id"].to_string()).collect();
    let version = format!("{}\n{}", sent["updated_at"], refunds.join("\n"));
    order.clone().digest("version", &version)
}
