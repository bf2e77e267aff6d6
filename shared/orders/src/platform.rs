//! A shop system's webhook: the signature, the mapping of its order, and the order on the bus.
//!
//! A shop system gives up on an address that refuses too often. So whatever a repetition would not
//! change is answered with success: it is ignored, or kept for a person, and both are counted. So is an
//! order that AWS does not take in time where the shop system sends nothing again.
//!
//! Longer than 300 lines, because the ways of one message are all here.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::Facts,
    fields::Fault,
    order::{id_of, readable},
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
    services::{
        AwsPlatform, FaultyOrder, IntakeServices, PlatformServices, Unavailable, WebhookServices,
    },
};
use secrecy::SecretSlice;
use serde_json::{Value, json};

use crate::{
    CheckedOrder, Sender, budget::WithinBudget, cookie::has_cookie, keyring::Keyring,
    keys::KeyKind, landing::add_clicks, measure_refusal,
};

mod kept;
mod signed;

use signed::Signed;

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
    KeyKind { secret: P::NAME, shape: KEY_SHAPE, parse: key }
}

/// The form of a key, for a person.
pub const KEY_SHAPE: &str = "must be a text of 16 to 256 printable ASCII characters";

/// Reads a key: the text that the shop system shows, whose bytes are the key. It may hold blanks, also
/// at its ends: some shop systems draw it from every printable character.
#[must_use]
pub fn key(text: &str) -> Option<SecretSlice<u8>> {
    let is_key =
        (16..=256).contains(&text.len()) && text.bytes().all(|it| matches!(it, b' '..=b'~'));
    is_key.then(|| text.as_bytes().to_vec().into())
}

/// The time for all calls of one answer: within a second, the way there included. A message that is
/// answered with an error by then comes again.
const BUDGET: Duration = Duration::from_millis(900);
/// The same where nothing comes again: giving up earlier would leave to a person what AWS takes a moment
/// later. Shop systems give up after five seconds, of which the way there and a cold start take some.
const LONG_BUDGET: Duration = Duration::from_millis(2_500);
/// The time for keeping such an order after that.
const FOR_KEEPING: Duration = Duration::from_millis(500);
/// The time for reading a receipt where nothing comes again, without which an order goes over the bus once
/// more, and for the two writes after the bus took it.
const FOR_RECORDS: Duration = Duration::from_millis(400);

/// The result of a message, beside an order that was taken.
enum Taken {
    Order(Response),
    Ignored(&'static str),
    /// Nothing is wrong with the order: AWS did not take it.
    Kept(&'static str),
}

impl<P: Platform, S: PlatformServices> ApiAndQueueHandler for PlatformWebhook<P, S> {
    async fn answer(&self, request: Request, now: Timestamp) -> Response {
        // A shop system writes much more into an order than is taken of it.
        let body = match Posted::by(&request).bytes_of_any_size() {
            Ok(body) if P::is_ping(&body) => {
                self.measure("ping", now);
                return api::answer(200, &json!({ "ignored": "ping" }));
            }
            body => body,
        };
        let budget = if P::SENDS_AGAIN { BUDGET } else { LONG_BUDGET };
        let services = &WithinBudget::new(&self.services, budget);
        let signed = match body {
            Ok(body) => Signed::verify::<P>(&request, body, &self.keyring, services, now).await,
            Err(problem) => Err(problem),
        };
        let signed = match signed {
            Ok(signed) => signed,
            Err(problem) => {
                self.services.measure(&platform_refusal(self.services.stack(), P::NAME, now));
                return api::problem(&problem);
            }
        };
        let sender = Sender::platform(P::NAME, signed.key);
        sender.log(&request);
        // In a box: the calls of all services are in it, and whoever waits for it holds it.
        let answer = Box::pin(self.accept(&signed, &sender, services, now)).await;
        answer.unwrap_or_else(|problem| api::problem(&problem))
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
        // In a box, as in `answer`.
        match Box::pin(self.handle(&message, &Sender::bus(P::NAME), &self.services, now)).await {
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

    /// Accepts a message whose sender is known.
    async fn accept(
        &self,
        signed: &Signed<'_>,
        sender: &Sender,
        services: &(impl WebhookServices + IntakeServices),
        now: Timestamp,
    ) -> Result<Response, Problem> {
        let Signed { topic, delivery, body, .. } = signed;
        let text = str::from_utf8(body).map(readable).unwrap_or_default();
        let Ok(payload) = serde_json::from_str::<Value>(&text) else {
            let problem = Problem::new(Code::NotJson, "The body is signed, but no JSON.");
            self.keep(&json!({}), None, &problem, services, now).await?;
            return Ok(api::answer(200, &json!({ "ignored": "faulty" })));
        };
        let message = Message { topic, delivery, payload: &payload };
        let taken = match self.handle(&message, sender, services, now).await {
            Err(problem) if !P::SENDS_AGAIN && is_of_aws(&problem) => {
                self.keep_untaken(&message, &problem, now).await
            }
            taken => taken,
        };
        Ok(match taken? {
            Taken::Order(response) => response,
            Taken::Ignored(reason) => api::answer(200, &json!({ "ignored": reason })),
            Taken::Kept(reason) => api::answer(202, &json!({ "kept": reason })),
        })
    }

    /// Keeps an order that AWS did not take and that does not come again.
    async fn keep_untaken(
        &self,
        message: &Message<'_>,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<Taken, Problem> {
        let services = WithinBudget::new(&self.services, FOR_KEEPING);
        match self.platform.order(message.topic, message.payload) {
            Mapped::Order { order, landing } => {
                self.keep(&order, landing.as_deref(), problem, &services, now).await
            }
            Mapped::Refund(_) => Err(problem.clone()),
            Mapped::Ignored(reason) => Ok(self.ignored(reason, now)),
        }
    }

    /// Takes a message whose sender is known. The error is one that a repetition may fix.
    async fn handle(
        &self,
        message: &Message<'_>,
        sender: &Sender,
        services: &(impl WebhookServices + IntakeServices),
        now: Timestamp,
    ) -> Result<Taken, Problem> {
        let id = format!("{}/{}/{}", P::NAME, message.topic, message.delivery);
        let mapped = self.platform.order(message.topic, message.payload);
        let is_ignored = matches!(mapped, Mapped::Ignored(_));
        let receipt =
            async { if is_ignored { Ok(None) } else { receipt::<P>(&id, services).await } };
        let mapped = kept::complete(&self.platform, mapped, message, services, now);
        let (before, mapped) = tokio::join!(receipt, mapped);
        let (order, landing) = match mapped.map_err(|_| ledger_unavailable())? {
            Ok(order) => order,
            Err(reason) => return Ok(self.ignored(reason, now)),
        };
        let landing = landing.as_deref();
        let checked = match check(order.clone(), landing, services, now).await {
            Ok(checked) => checked,
            Err(problem) if is_too_old(&problem) => return Ok(self.ignored("too_old", now)),
            Err(problem) if is_of_aws(&problem) => return Err(problem),
            Err(problem) => return self.keep(&order, landing, &problem, services, now).await,
        };
        let facts = facts(&checked.facts, &order);
        let before = before.map_err(|problem| problem.of_order(checked.order_id().clone()))?;
        if let Some(receipt) = before.filter(|receipt| receipt.facts == facts) {
            self.measure("repeated", now);
            return Ok(Taken::Order(checked.accepted(&self.services, receipt.accepted_at)));
        }
        checked.put(sender, services).await?;
        // The order is on the bus: nothing here makes the answer an error.
        let for_records = if P::SENDS_AGAIN { LONG_BUDGET } else { FOR_RECORDS };
        let services = &WithinBudget::new(services, for_records);
        let receipt = Receipt::new(&id, facts, now);
        let recorded = checked.record(sender, services, now);
        let ((), receipt) = tokio::join!(recorded, services.put_receipt(&receipt));
        if receipt.is_err() {
            let code = "webhook_receipt_not_kept";
            tracing::warn!(
                code,
                "the receipt was not written: a repetition goes over the bus again"
            );
        }
        self.measure("taken", now);
        Ok(Taken::Order(checked.accepted(&self.services, now)))
    }

    fn ignored(&self, reason: &'static str, now: Timestamp) -> Taken {
        let (code, platform) = ("platform_message_ignored", P::NAME);
        tracing::info!(code, platform, reason, "nothing to report");
        self.measure(reason, now);
        Taken::Ignored(reason)
    }

    /// Keeps an order for a person, as an event that can be put on the bus: one with faults once it is
    /// corrected, one that AWS did not take as it is. Of one that is too large only what names it.
    async fn keep(
        &self,
        order: &Value,
        landing: Option<&str>,
        problem: &Problem,
        services: &impl IntakeServices,
        now: Timestamp,
    ) -> Result<Taken, Problem> {
        let detail_type = format!("order.{}", order["status"].as_str().unwrap_or_default());
        let detail = match problem.code {
            Code::TooLarge => json!({ "order_id": order["order_id"], "status": order["status"] }),
            _ => with_landing(order, landing),
        };
        let event = json!({ "source": P::NAME, "detail-type": detail_type, "detail": detail });
        let faults = Fault::list(&problem.errors);
        // An id that is a fault may hold what the queue takes in no attribute.
        let order_id = id_of(order).map(|id| id.to_string());
        let (platform, reason) = (P::NAME, problem.code.as_str());
        let (counted, kept) = if is_of_aws(problem) {
            let code = "platform_order_kept";
            tracing::warn!(code, platform, reason, order_id, "AWS did not take an order");
            ("kept", Taken::Kept(reason))
        } else {
            let code = "platform_order_faulty";
            tracing::warn!(code, platform, reason, order_id, faults, "an order was kept");
            ("faulty", Taken::Ignored("faulty"))
        };
        let fault = FaultyOrder { reason, order_id, faults };
        services.put_faulty(&event.to_string(), &fault).await.map_err(|_| {
            let detail = "The queue of faulty orders could not be reached. Nothing was sent.";
            Problem::new(Code::QueueUnavailable, detail)
        })?;
        self.measure(counted, now);
        measure_refusal(problem, services, now);
        Ok(kept)
    }
}

/// The receipt of an earlier delivery of a message.
async fn receipt<P: Platform>(
    id: &str,
    services: &(impl WebhookServices + IntakeServices),
) -> Result<Option<Receipt>, Problem> {
    if !P::SENDS_AGAIN {
        let receipt = WithinBudget::new(services, FOR_RECORDS).receipt(id).await;
        return Ok(receipt.unwrap_or_default());
    }
    services.receipt(id).await.map_err(|_| ledger_unavailable())
}

fn ledger_unavailable() -> Problem {
    let detail = "The ledger could not be reached, so nothing was sent.";
    Problem::new(Code::LedgerUnavailable, detail)
}

/// Returns whether nothing is wrong with the order: AWS did not take it.
const fn is_of_aws(problem: &Problem) -> bool {
    matches!(problem.code, Code::BusUnavailable | Code::LedgerUnavailable)
}

/// Checks an order with the clicks of its cookie, and of its landing page where those name none.
async fn check(
    order: Value,
    landing: Option<&str>,
    services: &impl WebhookServices,
    now: Timestamp,
) -> Result<CheckedOrder, Problem> {
    CheckedOrder::check_with(order, services, now, |order| {
        if let Some(landing) = landing {
            add_clicks(order, landing);
        }
    })
    .await
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

/// Returns whether it is the order's age alone: an order of long ago was changed in the shop.
fn is_too_old(problem: &Problem) -> bool {
    !problem.errors.is_empty() && problem.errors.iter().all(|fault| fault.code == "too_old")
}

/// The facts by which a repetition is recognised: another version, or another refund, is none.
fn facts(order: &Facts, sent: &Value) -> Facts {
    let refunds = sent["refunds"].as_array().into_iter().flatten();
    let refunds: Vec<_> = refunds.map(|refund| refund["id"].to_string()).collect();
    let version = format!("{}\n{}", sent["updated_at"], refunds.join("\n"));
    order.clone().digest("version", &version)
}
