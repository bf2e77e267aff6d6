//! `orders settle`: a person's decision about a delivery.
//!
//! To send again, the order is put on the queue first, to come a minute later, and only then the
//! decision is written: whatever fails in between, an order that is to be sent is on its way.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{
        Decision, DecisionRecord, DeliveryView, Event, Policy, Proof, Record, Recovery, Stamp,
        State, step,
    },
    redaction::OperatorNote,
};
use postback_runtime::{
    ledger::{Change, UpdateError},
    services::DelayedOrder,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    account::{Account, Network, failed},
    args::Settle,
    failure::Failure,
    invoke::{GivenOrder, deliver},
    replay,
    span::Span,
    view::{Output, story},
};

/// How long the order waits on the queue: until then the decision is written.
const HEAD_START: Duration = Duration::from_mins(1);

/// How long before the ledger first heard of an order it may have been put on the bus.
const ON_ITS_WAY: Duration = Duration::from_hours(1);

/// What came of it.
struct Settled {
    record: Record,
    words: String,
    /// What the network's function answered when it was given the order again.
    sent: Option<Value>,
    /// The replay that brings the order again.
    replay: Option<String>,
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    delivery: DeliveryView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: &'a Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: &'a Option<String>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Settle,
    screen: &mut Output<'_>,
) -> Result<(), Failure> {
    let record = find(account, wanted).await?;
    let settled = settle(account, wanted, record, screen).await?;
    let Settled { record, words, sent, replay } = &settled;
    let mut lines = story(record);
    lines.push(words.clone());
    screen.answer(&lines, &View { delivery: DeliveryView::for_operator(record), sent, replay });
    Ok(())
}

async fn settle(
    account: &Account,
    wanted: &Settle,
    record: Record,
    screen: &mut Output<'_>,
) -> Result<Settled, Failure> {
    if wanted.delivered && was_settled(&record) {
        return Ok(Settled::new(record, "It was settled before."));
    }
    let seen = seen(&record, wanted, screen)?;
    let why = OperatorNote::new(&wanted.reason).map_err(Failure::BadReason)?;
    let decision = if wanted.delivered { Decision::Confirm } else { Decision::PermitSending };
    let decider = Decider { account, seen, decision, why, by: account.identity().await? };
    decider.check(&record)?;
    if wanted.delivered {
        let record = decider.decide(record).await?;
        return Ok(Settled::new(record, "Settled: the network has it."));
    }
    // One that has been turned off can be settled as delivered only.
    let network = account.network(record.network())?;
    match &wanted.order {
        Some(path) => {
            let order = GivenOrder::read(path, &record.order_id)?;
            send_again(&decider, &network, &order, record).await
        }
        None if wanted.from_archive => send_from_archive(&decider, &network, record).await,
        None if record.protocol.state == State::Parked => {
            let record = decider.decide(record).await?;
            let words = "Settled: the order is on its queue and is sent within 15 minutes.";
            Ok(Settled::new(record, words))
        }
        None => Err(Failure::OrderNeeded),
    }
}

impl Settled {
    fn new(record: Record, words: impl Into<String>) -> Self {
        Self { record, words: words.into(), sent: None, replay: None }
    }
}

async fn find(account: &Account, wanted: &Settle) -> Result<Record, Failure> {
    let order_id = &wanted.order_id;
    let failed = account.ledger_failed("Query");
    let records = account.ledger.of_order(order_id).await.map_err(failed)?;
    if records.is_empty() {
        return Err(Failure::UnknownOrder { order_id: order_id.clone() });
    }
    let known: Vec<_> = records.iter().map(|record| record.delivery.clone()).collect();
    let (network, line) = match wanted.delivery.split_once('#') {
        Some((network, line)) => (network, Some(line)),
        None => (wanted.delivery.as_str(), None),
    };
    let network = network.replace('-', "_");
    let is_it = |record: &Record| record.network() == network && record.line() == line;
    records.into_iter().find(is_it).ok_or_else(|| Failure::UnknownDelivery {
        order_id: order_id.clone(),
        delivery: wanted.delivery.clone(),
        known: known.join(", "),
    })
}

fn was_settled(record: &Record) -> bool {
    record.protocol.state == State::Delivered && record.protocol.proof == Some(Proof::Operator)
}

/// Which attempt the person saw: the one they say, or the one they are shown now.
fn seen(record: &Record, wanted: &Settle, screen: &mut Output<'_>) -> Result<u32, Failure> {
    if let Some(seen) = wanted.attempt {
        return Ok(seen);
    }
    check_open(record)?;
    let question = if wanted.delivered {
        "Record that the network has it?"
    } else {
        "Send it again? If the network has it after all, it is told twice."
    };
    let instead = "Say with --attempt which attempt you saw; `postback orders show` has it. Nothing \
                   was changed.";
    screen.ask(&story(record), question, instead)?;
    Ok(record.protocol.attempt)
}

fn check_open(record: &Record) -> Result<(), Failure> {
    let state = record.protocol.state;
    if matches!(state, State::Unconfirmed | State::Parked) {
        return Ok(());
    }
    Err(Failure::NotOpen {
        order_id: record.order_id.clone(),
        delivery: record.delivery.clone(),
        state: state.as_str(),
    })
}

/// A decision that is being written.
struct Decider<'a> {
    account: &'a Account,
    seen: u32,
    decision: Decision,
    why: OperatorNote,
    by: OperatorNote,
}

impl Decider<'_> {
    /// Whether it would count for the delivery as it is now.
    fn check(&self, record: &Record) -> Result<(), Failure> {
        check_open(record)?;
        let found = record.protocol.attempt;
        if found == self.seen {
            return Ok(());
        }
        Err(Failure::MovedOn {
            order_id: record.order_id.clone(),
            delivery: record.delivery.clone(),
            found,
            seen: self.seen,
        })
    }

    /// Writes it, unless the delivery has moved on.
    async fn decide(&self, record: Record) -> Result<Record, Failure> {
        // A decision asks for none of a network's numbers.
        let policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);
        let decide = |held: Option<&Record>| {
            let Some(held) = held else { return Change::Keep(Err(Failure::Contended)) };
            if let Err(failure) = self.check(held) {
                return Change::Keep(Err(failure));
            }
            let (attempt, decisions) = (self.seen, held.protocol.decisions);
            let event = Event::Decide { attempt, decisions, decision: self.decision };
            let stamp = Stamp { now: Timestamp::system(), write_id: fastrand::u64(..) };
            let Some(next) = step(Some(&held.protocol), &event, &policy, stamp.now).next else {
                return Change::Keep(Err(Failure::Contended));
            };
            let decision = DecisionRecord {
                version: 0,
                at: stamp.now,
                attempt: self.seen,
                decision: self.decision,
                by: self.by.clone(),
                why: self.why.clone(),
            };
            Change::Write(Box::new(held.decided(next, decision, stamp)), Ok(()))
        };
        let updated = self.account.ledger.update(Some(record), decide).await;
        let updated = updated.map_err(|error| match error {
            UpdateError::Ledger(error) => self.account.ledger_failed("PutItem")(error),
            UpdateError::Contended => Failure::Contended,
        })?;
        updated.value?;
        updated.after.ok_or(Failure::Contended)
    }
}

async fn send_again(
    decider: &Decider<'_>,
    network: &Network,
    order: &GivenOrder,
    record: Record,
) -> Result<Settled, Failure> {
    let account = decider.account;
    // While nothing is decided this sends nothing that would not be sent anyway; it says whether the
    // order is the one that was told.
    deliver(account, network, order).await?;
    let queued = Timestamp::system();
    put_on_queue(account, network, order, HEAD_START).await?;
    let record = decider.decide(record).await?;
    if queued + HEAD_START / 2 < Timestamp::system() {
        put_on_queue(account, network, order, Duration::ZERO).await.map_err(|why| {
            let what_to_do = format!(
                "Post {} to /orders/{}, or replay it from the archive.",
                order.file(),
                network.name
            );
            Failure::NotOnItsWay { why: why.to_string(), what_to_do }
        })?;
    }
    let sent = deliver(account, network, order).await.ok();
    let words = match &sent {
        Some(answer) => format!("Sent again: {}.", in_words(answer)),
        None => "Settled: the order is on its queue and is sent within two minutes.".to_owned(),
    };
    let now = account.ledger.of_order(&record.order_id).await.unwrap_or_default();
    let record = now.into_iter().find(|now| now.delivery == record.delivery).unwrap_or(record);
    Ok(Settled { sent, ..Settled::new(record, words) })
}

fn in_words(answer: &Value) -> String {
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let (state, reason) = (text("state"), text("reason"));
    if reason.is_empty() { state.to_owned() } else { format!("{state}, {reason}") }
}

async fn put_on_queue(
    account: &Account,
    network: &Network,
    order: &GivenOrder,
    delay: Duration,
) -> Result<(), Failure> {
    let due = DelayedOrder::new(&order.text, Timestamp::EPOCH);
    let send = account
        .queues
        .send_message()
        .queue_url(account.queue_url(network)?)
        .message_body(serde_json::to_string(&due).unwrap_or_default())
        .delay_seconds(i32::try_from(delay.as_secs()).unwrap_or_default());
    send.send().await.map(|_| ()).map_err(|error| failed("SQS", "SendMessage", &error))
}

async fn send_from_archive(
    decider: &Decider<'_>,
    network: &Network,
    record: Record,
) -> Result<Settled, Failure> {
    let account = decider.account;
    let heard_of = record.protocol.first_seen_at;
    let span = Span { from: heard_of - ON_ITS_WAY, to: heard_of + Duration::from_mins(1) };
    let way = replay::ReplayTarget::find(account, None, std::slice::from_ref(network)).await?;
    let record = decider.decide(record).await?;
    let started = way.start(account, span).await.map_err(|why| {
        let what_to_do = format!(
            "Give `postback orders replay --from {} --to {} --network {}`.",
            span.from, span.to, network.name
        );
        Failure::NotOnItsWay { why: why.to_string(), what_to_do }
    })?;
    let words = format!(
        "Settled: the archive is being replayed from {} to {} for this network (replay {started}). If \
         the order was not put on the bus then, it is not in it: post it to /orders/{} instead.",
        span.from, span.to, network.name
    );
    Ok(Settled { replay: Some(started), ..Settled::new(record, words) })
}
