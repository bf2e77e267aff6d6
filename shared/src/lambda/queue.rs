//! A batch from the queue: each message on its own, all at once, failures reported one by one.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use futures_util::{
    FutureExt,
    stream::{FuturesOrdered, StreamExt},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::Message;
use crate::{
    clock::Timestamp,
    courier::{Call, Courier, Trouble, Way},
    fields::{Fault, Unknown},
    network::Network,
    order::Order,
    surroundings::{Due, ORDER_COMPLETED, ORDER_DUE, Surroundings, Unavailable},
};

/// An event of the bus, or a message of the function to itself.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "detail-type")]
    detail_type: String,
    #[serde(borrow)]
    detail: &'a RawValue,
    #[serde(default)]
    not_before_ms: i64,
    #[serde(default)]
    rounds: u32,
    #[serde(default)]
    announce: bool,
    #[serde(default)]
    since_ms: i64,
}

/// Why a message stays on the queue: it comes again, and after some times goes to the dead letters.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the message is not an event")]
    NotAnEvent,
    #[error("the event is of another type")]
    OtherType,
    #[error("the event's detail is not an order: {0}")]
    NotAnOrder(String),
    #[error(transparent)]
    Trouble(#[from] Trouble),
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
            Self::Trouble(Trouble::Ledger(_)) => "ledger_unavailable",
            Self::Trouble(Trouble::Contended) => "contended",
            Self::NotPutBack(_) => "queue_unavailable",
            Self::Panicked => "panicked",
        }
    }
}

/// A fault for the log. Only the first part of its place: deeper ones may be names of the sender's.
fn safe(fault: &Fault) -> String {
    let member = fault.pointer.split('/').nth(1).unwrap_or_default();
    format!("{} at /{member}", fault.code)
}

pub(super) async fn batch<N: Network, S: Surroundings>(
    courier: &Courier<N, S>,
    messages: Vec<Message>,
    deadline: Timestamp,
) -> SqsBatchResponse {
    let each = messages.into_iter().map(async |message| {
        let id = message.id.clone().unwrap_or_default();
        // A panic is one message's failure. It must not drop what the others have under way.
        let taken = AssertUnwindSafe(take(courier, &message, deadline)).catch_unwind().await;
        match taken.unwrap_or(Err(Failure::Panicked)) {
            Ok(()) => None,
            Err(failure) => {
                let (code, reason) = ("message_not_taken", failure.code());
                let network = N::NAME;
                tracing::error!(code, network, message_id = id, reason, %failure, "it comes again");
                courier.metrics().not_taken();
                Some(id)
            }
        }
    });
    let taken = in_turn(each).await;
    let mut response = SqsBatchResponse::default();
    for id in taken.into_iter().flatten() {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    response
}

/// All at once, but one at a time has the processor: what it sends leaves before the next has it.
async fn in_turn<F: Future>(each: impl Iterator<Item = F>) -> Vec<F::Output> {
    let taken = &AtomicBool::new(false);
    let each = each.map(|one| {
        let mut one = Box::pin(one);
        poll_fn(move |cx| {
            if taken.swap(true, Ordering::Relaxed) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            one.as_mut().poll(cx)
        })
    });
    let mut all = pin!(each.collect::<FuturesOrdered<_>>().collect());
    poll_fn(|cx| {
        taken.store(false, Ordering::Relaxed);
        all.as_mut().poll(cx)
    })
    .await
}

async fn take<N: Network, S: Surroundings>(
    courier: &Courier<N, S>,
    message: &Message,
    deadline: Timestamp,
) -> Result<(), Failure> {
    let body = message.body.as_deref().unwrap_or_default();
    let envelope: Envelope<'_> = serde_json::from_str(body).map_err(|_| Failure::NotAnEvent)?;
    let due = envelope.detail_type == ORDER_DUE;
    if !due && envelope.detail_type != ORDER_COMPLETED {
        return Err(Failure::OtherType);
    }
    let not_before = Timestamp::from_millis(envelope.not_before_ms);
    let detail = envelope.detail;
    if courier.surroundings().now() < not_before {
        let Envelope { not_before_ms, rounds, announce, since_ms, .. } = envelope;
        let due = Due { detail_type: ORDER_DUE, detail, not_before_ms, rounds, announce, since_ms };
        return Ok(courier.put_back(&due).await?);
    }
    let not_json = |_| Failure::NotAnOrder("not_json".to_owned());
    let order = serde_json::from_str(detail.get()).map_err(not_json)?;
    let order = Order::read(&order, Unknown::Ignored).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(safe).collect();
        Failure::NotAnOrder(faults.join(", "))
    })?;
    let redelivered = message.is_redelivered();
    let call = Call {
        body: detail.get(),
        way: Way::Queue,
        known: due || redelivered,
        deadline,
        rounds: envelope.rounds,
        // Whoever took it before may have died between the ledger and the bus.
        announce: redelivered || envelope.announce,
        noted: envelope.announce,
    };
    let outcomes = courier.deliver(&order, &call).await?;
    courier.follow_up(&call, &outcomes).await?;
    Ok(())
}
