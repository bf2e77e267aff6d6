//! What lies around a delivery: time, chance, the queue, the bus and the secret. AWS gives them in
//! a function, a test makes its own.

use std::{future::Future, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    clock::Timestamp,
    delivery::State,
    ledger::{LedgerError, Receipt, Record},
    metrics::Metrics,
    network::Proof,
    word::{Evidence, Reason},
};

mod aws;
mod bus;
mod calls;
mod environment;

pub use aws::{Aws, Gate};
pub use bus::Bus;
pub use environment::{Environment, SettingMissing, setting};

/// The detail type of a completed order on the bus.
pub const ORDER_COMPLETED: &str = "order.completed";

/// The detail type of an order that a function has put back on its own queue.
pub const ORDER_DUE: &str = "postback.due";

/// The source of the events that Postback puts on the bus.
pub const SOURCE: &str = "postback";

/// What surrounds a delivery.
pub trait Surroundings: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// A draw, evenly from all numbers.
    fn chance(&self) -> u64;

    /// Puts an order back on this function's queue, to come again after `delay` (15 minutes at
    /// most).
    fn requeue(
        &self,
        due: &Due<'_>,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Puts what has become of a delivery on the bus.
    fn announce(
        &self,
        announcement: &Announcement<'_>,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The same, and nobody waits for it yet: it leaves when `released`, or along with another before.
    fn announce_when(
        &self,
        announcement: &Announcement<'_>,
        released: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send {
        async {
            released.await;
            self.announce(announcement).await
        }
    }

    /// The network's secret as it is now.
    fn secret(&self) -> impl Future<Output = Result<Secret, Unavailable>> + Send;

    /// Writes down what an invocation has measured.
    fn measure(&self, network: &'static str, metrics: &Metrics);
}

/// What surrounds a network's function that follows what the network took: a second queue, which
/// holds one message for every delivery that the network has not said its last word on.
pub trait Following: Surroundings {
    /// Takes at most `most` messages and at most ten; none if there are none. They come again after
    /// some minutes, unless [`Self::later`] or [`Self::done`] says otherwise.
    fn receive(
        &self,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Followed>, Unavailable>> + Send;

    /// The message is to come again after `delay` (12 hours at most).
    fn later(
        &self,
        followed: &Followed,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The message is done with.
    fn done(&self, followed: &Followed) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Puts a copy of the message on the queue, for a queue keeps a message for 14 days only.
    fn renew(&self, followed: &Followed) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// A message of the following queue.
#[derive(Clone, Debug)]
pub struct Followed {
    /// By which it is put off or done with.
    pub handle: String,
    /// The event that said the delivery was delivered.
    pub body: String,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
}

/// Where events are put.
pub trait EventBus: Send + Sync {
    /// Puts one event; `Ok` once the bus has taken it.
    fn put(
        &self,
        detail_type: &str,
        detail: String,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// What surrounds the API's webhook, beside the bus: its keys, and what it has taken before.
pub trait Doorway: EventBus {
    /// Whether the webhook is on in this deployment.
    fn is_open(&self) -> bool;

    /// The secret with its keys as it is now.
    fn secret(&self) -> impl Future<Output = Result<Secret, Unavailable>> + Send;

    /// What was kept of the message `id`.
    fn receipt(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<Receipt>, LedgerError>> + Send;

    /// Keeps that a message was taken; an earlier receipt stands.
    fn keep(&self, receipt: &Receipt) -> impl Future<Output = Result<(), LedgerError>> + Send;
}

/// A service around did not do it. Which one is known from the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a service could not be reached")]
pub struct Unavailable;

/// A secret's text.
#[derive(Clone)]
pub struct Secret {
    /// JSON.
    pub json: secrecy::SecretString,
    /// Which version it is.
    pub version: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A message of a function to itself: this order, not before that time.
#[derive(Debug, Serialize, Deserialize)]
pub struct Due<'a> {
    /// Always [`ORDER_DUE`].
    #[serde(rename = "detail-type")]
    pub detail_type: &'a str,
    /// The order as it came.
    #[serde(borrow)]
    pub detail: &'a RawValue,
    /// Nothing is to be done before: milliseconds since the Unix epoch.
    pub not_before_ms: i64,
    /// How often it has come round while parked: the pauses grow with it.
    #[serde(default)]
    pub rounds: u32,
    /// Whether what became of it is still to be told on the bus.
    #[serde(default)]
    pub announce: bool,
    /// Since when its oldest delivery has been waiting, in milliseconds since the Unix epoch; 0 when
    /// none is.
    #[serde(default)]
    pub since_ms: i64,
}

/// What has become of a delivery, for the bus. No personal data.
#[derive(Clone, Debug, Serialize)]
pub struct Announcement<'a> {
    /// The order's id.
    pub order_id: &'a str,
    /// The network's name.
    pub network: &'a str,
    /// The line, where the network wants lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<&'a str>,
    /// The state.
    pub state: State,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a Reason>,
    /// What makes it certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The attempt it came of.
    pub attempt: u32,
    /// The network's ids for what it holds.
    #[serde(skip_serializing_if = "Evidence::is_empty")]
    pub references: &'a Evidence,
    /// What the network now says of what it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a Evidence>,
    /// How often the order has come with other content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// The same for every repetition of this announcement: events come at least once.
    pub id: String,
}

impl<'a> Announcement<'a> {
    /// What `record` says.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        let protocol = &record.protocol;
        let state = protocol.state.as_str();
        // An order is taken once, whichever attempt made it certain.
        let what = if protocol.state.is_success() {
            state.to_owned()
        } else {
            format!("{}/{state}", protocol.attempt)
        };
        Self {
            order_id: &record.order_id,
            network: record.network(),
            line: record.line(),
            state: protocol.state,
            reason: protocol.reason.as_ref(),
            proof: protocol.proof,
            attempt: protocol.attempt,
            references: &record.references,
            status: None,
            conflicts: None,
            at: record.updated_at,
            id: id(record, &what),
        }
    }

    /// That the order of `record` came with other content.
    #[must_use]
    pub fn of_conflict(record: &'a Record) -> Self {
        let id = id(record, &format!("conflict/{}", record.conflicts));
        Self { conflicts: Some(record.conflicts), id, ..Self::of(record) }
    }

    /// That the network says `record`'s last progress of it.
    #[must_use]
    pub fn of_progress(record: &'a Record) -> Self {
        let status = record.progress.last().map(|last| &last.status);
        let id = id(record, &format!("status/{}", record.version));
        Self { status, id, ..Self::of(record) }
    }

    /// The event's detail type.
    #[must_use]
    pub fn detail_type(&self) -> String {
        match self {
            Self { status: Some(_), .. } => "postback.status_changed".to_owned(),
            Self { conflicts: Some(_), .. } => "postback.conflict".to_owned(),
            Self { state, .. } => format!("postback.{}", state.as_str()),
        }
    }
}

/// What makes an announcement this one: the same however often it is repeated, and whatever else has
/// been noted on the delivery since.
fn id(record: &Record, what: &str) -> String {
    format!("{}/{}/{what}", record.order_id, record.delivery)
}
