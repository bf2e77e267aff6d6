//! The services around a function: time, randomness, the queue, the bus and the secret. AWS provides
//! them in a function, a test provides its own.
//!
//! Longer than 300 lines, because every trait of theirs is here.

use std::{future::Future, time::Duration};

use postback_core::{clock::Timestamp, order::Order};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ledger::{Kept, Ledger, LedgerError, Receipt, ShopOrder},
    metrics::Metrics,
};

mod aws;
mod bus;
mod environment;
mod orders;
mod sdk;

pub use aws::{AwsIntake, AwsPlatform, AwsPublish, AwsServices, AwsSweep, AwsWebhook};
pub use bus::Bus;
pub use environment::{Access, Endpoints, Environment, SettingMissing, setting};
pub use orders::{ActiveNetworks, CookieSecret, FaultyOrder, IntakeServices, OrderServices};
pub use sdk::CallLimits;

/// The source of the events that Postback publishes about deliveries.
pub const PUBLISHED: &str = "postback";

/// The detail type of a completed order on the bus.
pub const ORDER_COMPLETED: &str = "order.completed";

/// The detail types of orders on the bus that concern a network's function.
pub const ORDER_TYPES: [&str; 4] =
    [ORDER_COMPLETED, "order.cancelled", "order.refunded", "order.partially_refunded"];

/// The detail type of an order that a function has put back on its own queue.
pub const ORDER_DELAYED: &str = "postback.order_delayed";

/// The detail type of a validation that the sweep found to be due.
pub const VALIDATION_DUE: &str = "postback.validation_due";

/// A validation that is due, on its network's queue.
#[derive(Debug, Serialize, Deserialize)]
pub struct DueValidation {
    /// The order's id.
    pub order_id: String,
    /// The key of the validation.
    pub delivery: String,
}

impl DueValidation {
    /// The most that one call of the queue takes.
    pub const AT_ONCE: usize = 10;
}

/// The services around a network's function.
pub trait Services: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// A random number, evenly from all.
    fn random(&self) -> u64;

    /// Puts an order back on this function's queue, to come again after `delay` (15 minutes at
    /// most).
    fn requeue(
        &self,
        order: &DelayedOrder<'_>,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Puts a message that nobody can read among the dead letters of this function's queue.
    fn dead_letter(
        &self,
        body: &str,
        reason: &'static str,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The network's secret in its current version.
    fn secret(&self) -> impl Future<Output = Result<Secret, Unavailable>> + Send;

    /// Writes the metrics of an invocation.
    fn measure(&self, network: &'static str, metrics: &Metrics);

    /// Returns whether the order is within the operator's bounds: one beyond them waits for a person.
    fn is_plausible(&self, _order: &Order) -> bool {
        true
    }
}

/// The services around a function that polls the later status of what its network took: a second
/// queue, which holds one message for each conversion without a final status.
pub trait StatusServices: Services {
    /// Receives at most `most` messages and at most ten; none if there are none. They come again
    /// after some minutes, unless [`Self::defer`] or [`Self::delete`] is called.
    fn receive(
        &self,
        most: usize,
    ) -> impl Future<Output = Result<Vec<TrackedLead>, Unavailable>> + Send;

    /// Lets the message come again after `delay` (12 hours at most).
    fn defer(
        &self,
        lead: &TrackedLead,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Deletes the message.
    fn delete(&self, lead: &TrackedLead) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Puts a message that nobody can read among the status queue's dead letters.
    fn dead_letter_tracked(
        &self,
        lead: &TrackedLead,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Counts the messages of the status queue, those that wait included; about so many.
    fn count_tracked(&self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Puts a copy of the message on the queue, because a queue keeps a message for 14 days only.
    fn renew(&self, lead: &TrackedLead) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// A message of the status queue.
#[derive(Clone, Debug)]
pub struct TrackedLead {
    /// The receipt handle, by which the message is deferred or deleted.
    pub handle: String,
    /// The event of the delivery.
    pub body: String,
    /// The time when it was put on the queue.
    pub sent_at: Timestamp,
}

/// An event for the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusEvent {
    /// The source: [`PUBLISHED`], or the short name of an order's sender.
    pub source: String,
    /// The detail type.
    pub detail_type: String,
    /// The detail, as JSON.
    pub detail: String,
}

/// The event bus.
pub trait EventBus: Send + Sync {
    /// Puts events in their order. The error holds those that the bus did not take.
    fn put_all(
        &self,
        events: &[BusEvent],
    ) -> impl Future<Output = Result<(), Vec<BusEvent>>> + Send;

    /// Puts one event.
    fn put(
        &self,
        source: &str,
        detail_type: &str,
        detail: String,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send {
        async move {
            let (source, detail_type) = (source.to_owned(), detail_type.to_owned());
            let event = BusEvent { source, detail_type, detail };
            self.put_all(&[event]).await.map_err(|_| Unavailable)
        }
    }
}

/// The services around `publish`: the bus, and the status queues of the networks that have one.
pub trait PublishServices: EventBus {
    /// Returns whether orders that their networks took at the first attempt are left out.
    fn publishes_only_problems(&self) -> bool {
        false
    }

    /// Puts a delivery's event on its network's status queue; does nothing where there is none.
    fn track(
        &self,
        network: &str,
        event: String,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The services around `sweep`: the ledger, the time and the metrics.
pub trait SweepServices: Send + Sync {
    /// The ledger.
    fn ledger(&self) -> &Ledger;

    /// The time.
    fn now(&self) -> Timestamp;

    /// A random number, evenly from all.
    fn random(&self) -> u64;

    /// The name of the stack.
    fn stack(&self) -> String;

    /// The networks that are measured although nothing of theirs is open.
    fn networks(&self) -> Vec<String>;

    /// The networks whose validations are measured although there are none: a 0 ends their alarms.
    fn validating(&self) -> Vec<String>;

    /// Writes a document of metrics.
    fn measure(&self, document: &serde_json::Value);

    /// Puts validations that are due, [`DueValidation::AT_ONCE`] at most, on their network's queue by
    /// one call; does nothing where there is none. Returns the number that the queue took.
    fn put_validations(
        &self,
        network: &str,
        due: &[DueValidation],
    ) -> impl Future<Output = Result<usize, Unavailable>> + Send;
}

/// The services around the webhook: the bus, its keys and the receipts of its messages.
pub trait WebhookServices: OrderServices {
    /// The secret with the keys in its current version.
    fn secret(&self) -> impl Future<Output = Result<Secret, Unavailable>> + Send;

    /// The receipt of the message `id`.
    fn receipt(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<Receipt>, LedgerError>> + Send;

    /// Records that a message was taken; an earlier receipt stands.
    fn put_receipt(
        &self,
        receipt: &Receipt,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Keeps what a message adds about the shop system's order `id`. Returns all that is kept of it.
    fn keep_of_shop_order(
        &self,
        id: &str,
        kept: Kept<'_>,
        now: Timestamp,
    ) -> impl Future<Output = Result<ShopOrder, LedgerError>> + Send;
}

/// The services around a shop system's webhook: those of a webhook, and a place for faulty orders.
pub trait PlatformServices: WebhookServices + IntakeServices + 'static {}

impl<S: WebhookServices + IntakeServices + 'static> PlatformServices for S {}

/// An AWS call failed; the caller knows which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a service could not be reached")]
pub struct Unavailable;

/// A secret's text.
#[derive(Clone)]
pub struct Secret {
    /// JSON.
    pub json: secrecy::SecretString,
    /// The id of its version.
    pub version: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A message on a network's queue: an event of the bus, or an order that the function has put back.
#[derive(Debug, Serialize, Deserialize)]
pub struct DelayedOrder<'a> {
    /// One of [`ORDER_TYPES`], or [`ORDER_DELAYED`].
    #[serde(rename = "detail-type")]
    pub detail_type: std::borrow::Cow<'a, str>,
    /// The order as it came.
    #[serde(borrow)]
    pub detail: &'a RawValue,
    /// The time before which nothing is to be done: milliseconds since the Unix epoch.
    #[serde(default)]
    pub not_before_ms: i64,
    /// The number of times it has come round while parked: the pauses grow with it.
    #[serde(default)]
    pub parked_rounds: u32,
    /// The time since when its oldest delivery has been waiting, in milliseconds since the Unix
    /// epoch; 0 when none is.
    #[serde(default)]
    pub first_seen_ms: i64,
    /// The name by which the ledger knows it as the message that waits: milliseconds since the Unix
    /// epoch; 0 when it has none.
    #[serde(default)]
    pub message_until_ms: i64,
    /// The number of times in a row that a service of AWS was missing for it.
    #[serde(default)]
    pub outages: u32,
    /// The source of its event on the bus: it names the sender.
    #[serde(default)]
    pub source: std::borrow::Cow<'a, str>,
}

impl<'a> DelayedOrder<'a> {
    /// An order that waits until `not_before`.
    #[must_use]
    pub fn new(detail: &'a RawValue, not_before: Timestamp) -> Self {
        Self {
            detail_type: ORDER_DELAYED.into(),
            detail,
            not_before_ms: not_before.as_millis(),
            parked_rounds: 0,
            first_seen_ms: 0,
            message_until_ms: 0,
            outages: 0,
            source: "".into(),
        }
    }
}
