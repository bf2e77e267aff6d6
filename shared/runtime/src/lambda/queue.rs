//! A batch from the queue: each order on its own, all at once, failures reported one by one. Messages
//! of one order are taken one after the other.

use std::{borrow::Cow, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, future::join_all};
use postback_core::{
    clock::Timestamp,
    delivery::Key,
    fields::Fault,
    network::Network,
    order::{self, Arrived, OrderId, depends_on_time, faulty_id, first_fault},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::event::Message;
use crate::{
    dispatch::{DeliverError, Dispatcher, Source, Trigger},
    ledger::UpdateError,
    sender,
    services::{
        DelayedOrder, DueValidation, ORDER_DELAYED, ORDER_TYPES, Services, Unavailable,
        VALIDATION_DUE,
    },
};

/// The first pause of a message that met an outage of AWS; each further one is twice as long.
const OUTAGE_PAUSE: Duration = Duration::from_secs(30);
/// The longest of these pauses.
const MAX_OUTAGE_PAUSE: Duration = Duration::from_mins(15);
/// The time that a large message needs at least. Without it the message stays on the queue.
const FOR_A_LARGE_ONE: Duration = Duration::from_secs(15);
/// The age up to which an event is fresh: intake reads it with the reader of the same deployment.
const FRESH: Duration = Duration::from_mins(15);

mod by_order;

use by_order::Batch;

/// The messages of a batch that stay on the queue.
#[derive(Debug, Serialize)]
pub(super) struct Failures {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
struct Failed {
    #[serde(rename = "itemIdentifier")]
    id: String,
}

impl Failures {
    /// The messages of these ids.
    pub(super) fn of(ids: impl Iterator<Item = String>) -> Self {
        Self { failures: ids.map(|id| Failed { id }).collect() }
    }
}

/// The reason that a message could not be taken.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the message is not an event")]
    NotAnEvent,
    #[error("the event is of another type")]
    OtherType,
    #[error("the event's detail is not an order: {0}")]
    NotAnOrder(String),
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    #[error("the order could not be put back on the queue")]
    NotPutBack(#[from] Unavailable),
    #[error("there is a fault in the function: the lines before say where")]
    Panicked,
}

impl Failure {
    const fn code(&self) -> &'static str {
        match self {
            Self::NotAnEvent => "not_an_event",
            Self::OtherType => "other_type",
            Self::NotAnOrder(_) => "invalid_order",
            Self::Deliver(DeliverError::NotWritten(UpdateError::Ledger(_))) => "ledger_unavailable",
            Self::Deliver(DeliverError::NotWritten(UpdateError::Contended)) => "contended",
            Self::Deliver(DeliverError::NotPut(_)) | Self::NotPutBack(_) => "queue_unavailable",
            Self::Panicked => "panicked",
        }
    }
}

pub(super) async fn batch<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    messages: Vec<Message>,
    deadline: Timestamp,
) -> Failures {
    let Batch { orders, large } = Batch::of(messages);
    let each = orders.into_iter().map(async |messages| {
        let mut failed = Vec::new();
        for message in &messages {
            failed.extend(take_one(dispatcher, message, deadline).await);
        }
        failed
    });
    // In boxes: a future that holds several of the SDK's is nested deeper than rustc follows.
    let taken = join_all(each.map(Box::pin)).await;
    let mut failed: Vec<_> = taken.into_iter().flatten().collect();
    for message in &large {
        let has_time = dispatcher.services().now() + FOR_A_LARGE_ONE <= deadline;
        let take = take_one(dispatcher, message, deadline);
        let left = if has_time { Box::pin(take).await } else { message.id.clone() };
        failed.extend(left);
    }
    Failures::of(failed.into_iter())
}

/// Takes one message. Returns its id if it stays on the queue.
async fn take_one<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    message: &Message,
    deadline: Timestamp,
) -> Option<String> {
    // A panic is one message's failure. It must not drop what the others have under way.
    let taken = AssertUnwindSafe(take(dispatcher, message, deadline)).catch_unwind().await;
    let failure = taken.unwrap_or(Err(Failure::Panicked)).err()?;
    let id = message.id.clone().unwrap_or_default();
    let (code, reason, network) = ("message_not_taken", failure.code(), N::NAME);
    tracing::error!(code, network, message_id = id, reason, %failure, "it was not taken");
    dispatcher.metrics().record_not_taken();
    let resolved = resolve(dispatcher, message, &failure).await;
    resolved.is_err().then_some(id)
}

/// A message that could not be taken: one that nobody can read goes to the dead letters, one that
/// met an outage of AWS waits on the queue. The error leaves it on the queue as it is.
async fn resolve<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    message: &Message,
    failure: &Failure,
) -> Result<(), Unavailable> {
    let body = message.body.as_deref().unwrap_or_default();
    match failure {
        Failure::NotAnEvent | Failure::OtherType | Failure::NotAnOrder(_) => {
            dispatcher.services().dead_letter(body, failure.code()).await
        }
        Failure::Deliver(_) => {
            let order: DelayedOrder<'_> = serde_json::from_str(body).map_err(|_| Unavailable)?;
            let factor = 2_u32.saturating_pow(order.outages.min(10));
            let pause = OUTAGE_PAUSE.saturating_mul(factor).min(MAX_OUTAGE_PAUSE);
            let until = dispatcher.services().now() + pause;
            // Of its own type: a completion may not be recorded yet.
            let waiting = DelayedOrder {
                not_before_ms: until.as_millis(),
                outages: order.outages.saturating_add(1),
                ..order
            };
            dispatcher.put_back(&waiting).await
        }
        Failure::NotPutBack(_) | Failure::Panicked => Err(Unavailable),
    }
}

async fn take<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    message: &Message,
    deadline: Timestamp,
) -> Result<(), Failure> {
    let body = message.body.as_deref().unwrap_or_default();
    let message_order: DelayedOrder<'_> =
        serde_json::from_str(body).map_err(|_| Failure::NotAnEvent)?;
    if message_order.detail_type == VALIDATION_DUE {
        validate(dispatcher, message_order.detail.get(), deadline).await;
        return Ok(());
    }
    let is_delayed = message_order.detail_type == ORDER_DELAYED;
    if !is_delayed && !ORDER_TYPES.contains(&message_order.detail_type.as_ref()) {
        return Err(Failure::OtherType);
    }
    let not_before = Timestamp::from_millis(message_order.not_before_ms);
    if dispatcher.services().now() < not_before {
        return Ok(dispatcher.put_back(&message_order).await?);
    }
    let body = message_order.detail.get();
    let now = dispatcher.services().now();
    let (order, _) = match order::read_event(body, now) {
        Ok(read) => read,
        Err(faults) => return faulty::<N>(message, &message_order, &faults, now),
    };
    let sender = sender::of_source(&message_order.source);
    let trigger = Trigger {
        body,
        sender: sender.as_deref(),
        source: Source::Queue,
        is_delayed,
        expect_existing: is_delayed || message_order.outages > 0 || message.is_redelivered(),
        deadline,
        parked_rounds: message_order.parked_rounds,
        message_until: Some(message_order.message_until_ms)
            .filter(|named| *named > 0)
            .map(Timestamp::from_millis),
    };
    let results = match &order {
        Arrived::Order(order) => dispatcher.deliver(order, &trigger).await?,
        Arrived::Cancelled(cancelled) => dispatcher.cancel(cancelled, &trigger).await?,
        Arrived::PartlyRefunded(partial) => dispatcher.refund(partial, &trigger).await?,
    };
    dispatcher.requeue(&trigger, &results).await?;
    Ok(())
}

/// Members of an event on the bus that an order put back does without.
#[derive(Deserialize)]
struct Sent<'a> {
    /// The time when it was put on the bus.
    time: Cow<'a, str>,
    /// An event that the archive replays has one.
    #[serde(rename = "replay-name")]
    replay_name: Option<IgnoredAny>,
}

/// Ends a message whose order is faulty. A fresh event that a sender put on the bus is consumed: intake
/// looks at each of those with the same reader, and keeps one letter of it for all networks and counts
/// it by its reason. What intake does not see, or may have read or will read otherwise, is a dead
/// letter.
fn faulty<N: Network>(
    message: &Message,
    event: &DelayedOrder<'_>,
    faults: &[Fault],
    now: Timestamp,
) -> Result<(), Failure> {
    let redacted = Fault::list(faults);
    let is_left = sender::is_looked_at(&event.source)
        && event.not_before_ms == 0
        && is_fresh(message, now)
        && !faults.iter().any(depends_on_time);
    if !is_left {
        return Err(Failure::NotAnOrder(redacted));
    }
    let order_id = faulty_id(event.detail.get(), faults);
    let order_id = order_id.as_ref().map(OrderId::as_str);
    let (code, network, faults, reason) =
        ("faulty_order_left", N::NAME, redacted, first_fault(faults));
    tracing::warn!(code, network, order_id, reason, faults, "intake keeps it for a person");
    Ok(())
}

/// Returns whether this is the first delivery of an event that was put on the bus just now.
fn is_fresh(message: &Message, now: Timestamp) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let Ok(sent) = serde_json::from_str::<Sent<'_>>(body) else { return false };
    let is_recent = |at| now.since(at) <= FRESH && now.until(at) <= FRESH;
    !message.is_redelivered()
        && sent.replay_name.is_none()
        && Timestamp::parse(&sent.time).is_some_and(is_recent)
}

/// Validates what the sweep found to be due. Should it fail, the next sweep finds it again.
async fn validate<N: Network, S: Services>(
    dispatcher: &Dispatcher<N, S>,
    due: &str,
    deadline: Timestamp,
) {
    let Ok(due) = serde_json::from_str::<DueValidation>(due) else { return };
    let key = Key { order_id: due.order_id, delivery: due.delivery };
    if let Err(error) = dispatcher.validate(&key, deadline).await {
        let (code, order_id) = ("validation_not_taken", &key.order_id);
        tracing::error!(code, network = N::NAME, order_id, %error, "the next sweep brings it again");
        dispatcher.metrics().record_not_taken();
    }
}
