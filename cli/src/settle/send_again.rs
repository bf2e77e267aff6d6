//! An order that a person brings again: from a file, or from the bus's archive.

use std::{slice, time::Duration};

use postback_core::{
    clock::Timestamp,
    delivery::{CancellationWord, Decision, Record},
};
use postback_runtime::services::DelayedOrder;
use serde_json::Value;

use super::{Settled, decider::Decider};
use crate::{
    account::{Account, Network, failed},
    failure::Failure,
    invoke::{GivenOrder, deliver},
    replay::ReplayTarget,
    span::Span,
};

/// The longest time between the shop, the bus and the ledger that is looked for in the archive.
const ON_ITS_WAY: Duration = Duration::from_hours(1);
/// The time by which clocks may differ.
const MINUTE: Duration = Duration::from_mins(1);

/// Takes the decision, and puts the order from a file on its queue.
pub(super) async fn from_file(
    decider: &Decider<'_>,
    network: &Network,
    order: &GivenOrder,
    record: Record,
) -> Result<Settled, Failure> {
    let account = decider.account;
    let record = decider.decide(record).await?;
    put_on_queue(account, network, order).await.map_err(|why| {
        let what_to_do = format!(
            "Run the same command again, or send {} with POST /orders/{}.",
            order.file(),
            network.name
        );
        Failure::NotOnItsWay { why: why.to_string(), what_to_do }
    })?;
    let sent = match deliver(account, network, order).await {
        // The order on the queue is refused like this one. The permission holds.
        Err(refused @ Failure::OrderRefused { .. }) => return Err(refused),
        sent => sent.ok(),
    };
    let message = match &sent {
        Some(answer) => format!("{}: {}.", done(decider.decision), in_words(answer)),
        None => format!("{}: the order is on its queue.", done(decider.decision)),
    };
    let (now, _) = account.readable_of_order(&record.order_id).await.unwrap_or_default();
    let record = now.into_iter().find(|now| now.delivery == record.delivery).unwrap_or(record);
    Ok(Settled { sent, ..Settled::new(record, message) })
}

/// The time in which the archive holds the versions that these deliveries hold: an earlier one is
/// superseded.
pub(super) fn span_of<'a>(records: impl IntoIterator<Item = &'a Record>, now: Timestamp) -> Span {
    let (mut from, mut to) = (now - MINUTE, Timestamp::EPOCH);
    for record in records {
        let (begin, end) = on_bus(record);
        (from, to) = (from.min(begin), to.max(end));
    }
    Span { from, to: to.min(now) }
}

/// The time in which the bus took the version that a delivery holds: a later one after the shop had changed
/// the order; the first one, and a completion after a cancellation, before the ledger noted it.
fn on_bus(record: &Record) -> (Timestamp, Timestamp) {
    let noted = record.cancellations.entries().iter();
    let completed = noted.rev().find(|noted| noted.word == CancellationWord::CompletedAfter);
    let noted_at = completed.map_or(record.protocol.first_seen_at, |completed| completed.at);
    match record.protocol.order_updated_at.filter(|updated_at| *updated_at > noted_at) {
        Some(updated_at) => (updated_at - MINUTE, updated_at + ON_ITS_WAY),
        None => (noted_at - ON_ITS_WAY, noted_at + MINUTE),
    }
}

const fn done(decision: Decision) -> &'static str {
    match decision {
        Decision::Reopen => "Reopened",
        _ => "Permitted to send again",
    }
}

fn in_words(answer: &Value) -> String {
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let (state, reason) = (text("state"), text("reason"));
    if reason.is_empty() { state.to_owned() } else { format!("{state}, {reason}") }
}

pub(super) async fn put_on_queue(
    account: &Account,
    network: &Network,
    order: &GivenOrder,
) -> Result<(), Failure> {
    let delayed = DelayedOrder::new(&order.text, Timestamp::EPOCH);
    let send = account
        .queues
        .send_message()
        .queue_url(account.queue_url(network)?)
        .message_body(serde_json::to_string(&delayed).unwrap_or_default());
    send.send().await.map(|_| ()).map_err(|error| failed("SQS", "SendMessage", &error))
}

/// Takes the decision, and brings the order from the bus's archive.
pub(super) async fn from_archive(
    decider: &Decider<'_>,
    network: &Network,
    record: Record,
) -> Result<Settled, Failure> {
    let account = decider.account;
    let span = span_of([&record], Timestamp::system());
    let target = ReplayTarget::find(account, None, slice::from_ref(network)).await?;
    let record = decider.decide(record).await?;
    let started = target.start(account, span, &decider.why).await.map_err(|why| {
        let what_to_do = format!(
            "Run `postback orders replay --from {} --to {} --network {} --why TEXT`.",
            span.from, span.to, network.name
        );
        Failure::NotOnItsWay { why: why.to_string(), what_to_do }
    })?;
    let message = format!(
        "{}: the archive is being replayed from {} to {} for this network (replay {started}). If \
         the order was not put on the bus then, the archive does not hold it: send it with POST \
         /orders/{} instead.",
        done(decider.decision),
        span.from,
        span.to,
        network.name
    );
    Ok(Settled { replay: Some(started), ..Settled::new(record, message) })
}
