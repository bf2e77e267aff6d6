//! The events of the bus, derived from two versions of a record.
//!
//! The ledger is the outbox: its stream shows each write, and [`events`] turns it into the events
//! that the write stands for. The same record gives the same events with the same ids, however
//! often it is read.
//!
//! More than 300 lines: every kind of event stands here.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    clock::Timestamp,
    delivery::{
        Call, CancellationRecord, CancellationWord, Decision, Proof, Record, State, Written,
    },
    digest::sha256,
    redaction::{Details, Reason},
};

/// The kind of an event: the part of its detail type behind `postback.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The delivery reached a state that is announced.
    State(State),
    /// The order came with other content.
    Conflict,
    /// The network has a new status for the conversion.
    StatusChanged,
    /// The shop cancelled the order.
    Cancelled,
    /// The shop cancelled an order that the network has.
    CancelledAfterDelivery,
    /// The order came as completed after its cancellation: a person may send it.
    CompletedAfterWithdrawal,
    /// The shop paid a part of the order back.
    Refunded,
    /// The validation of a delivery came to this end.
    Validation(&'static str),
    /// What was approved has come back since: the amount is to be claimed back.
    ClaimBack,
    /// A person decided.
    Decided,
    /// The ledger's memory of a delivery ended while it was open.
    Expired,
}

impl Kind {
    /// The detail type on the bus.
    #[must_use]
    pub fn detail_type(self) -> String {
        let word = match self {
            Self::State(state) => state.as_str(),
            Self::Conflict => "conflict",
            Self::StatusChanged => "status_changed",
            Self::Cancelled => "cancelled",
            Self::CancelledAfterDelivery => "cancelled_after_delivery",
            Self::CompletedAfterWithdrawal => "completed_after_withdrawal",
            Self::Refunded => "refunded",
            Self::Validation(word) => return format!("postback.validation_{word}"),
            Self::ClaimBack => "claim_back",
            Self::Decided => "decided",
            Self::Expired => "expired",
        };
        format!("postback.{word}")
    }
}

/// An event about a delivery. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryEvent {
    /// The kind.
    #[serde(skip)]
    pub kind: Kind,
    /// The same for every repetition of this event: events come at least once.
    pub id: String,
    /// The order's id.
    pub order_id: String,
    /// The network's name.
    pub network: String,
    /// The line, where the network wants lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The short name of the sender who first brought the order to this network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The version of the record: it orders the events of one delivery.
    pub version: u64,
    /// The time.
    pub at: Timestamp,
    /// The state.
    pub state: State,
    /// The reason of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The proof of a delivered one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The last attempt at that time.
    pub attempt: u32,
    /// The network's ids for the conversion.
    #[serde(skip_serializing_if = "Details::is_empty")]
    pub references: Details,
    /// The network's status of the conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Details>,
    /// The number of differing contents so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<u32>,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The amount: paid back so far, validated, or to be claimed back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// True if it is about the validation of the delivery.
    #[serde(skip_serializing_if = "is_false")]
    pub validation: bool,
}

impl DeliveryEvent {
    /// The detail type on the bus.
    #[must_use]
    pub fn detail_type(&self) -> String {
        self.kind.detail_type()
    }

    /// Returns whether the network took the order at the first attempt, and nothing else happened:
    /// the record's first write was the claim, its second is this success.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        matches!(self.kind, Kind::State(state) if state.is_success()) && self.version == 2
    }
}

/// Returns the events of everything that was written to `after` at a version above `since`, by
/// version. With `since` 0 they are all events that the record still holds.
#[must_use]
pub fn events(since: u64, after: &Record) -> Vec<DeliveryEvent> {
    if after.protocol.has_refunds_alone() {
        // They are published with the order, should it come.
        return Vec::new();
    }
    let mut events = settled(after);
    events.extend(looked_up(after));
    let state = after.protocol.state;
    // The lines are the deliveries of an order that is reported by lines.
    let is_delivery = after.protocol.lines.is_none();
    if is_delivery
        && state.is_announced()
        && events.iter().all(|event| event.version != after.state_version)
    {
        events.push(current(after));
    }
    events.extend(noted(after));
    events.extend(cancelled(after));
    events.extend(returned(after));
    if let Some(validation) = &after.protocol.validation {
        for event in &mut events {
            of_validation(event, validation.call.as_ref());
        }
    }
    events.retain(|event| event.version > since);
    events.sort_by_key(|event| event.version);
    events
}

/// Returns the event of an item that expired while its delivery was open: nothing reports it any more.
#[must_use]
pub fn expired(last: &Record) -> Option<DeliveryEvent> {
    let state = last.protocol.state;
    if state.is_final() {
        return None;
    }
    let at = Timestamp::from_millis(last.expires_at.saturating_mul(1_000));
    let event = event(last, Kind::Expired, last.version.saturating_add(1), at, state);
    let (reason, validation) = (last.protocol.reason.clone(), last.is_validation());
    Some(DeliveryEvent { reason, validation, ..event })
}

/// Attempts that ended in a state that is announced.
fn settled(record: &Record) -> Vec<DeliveryEvent> {
    let attempts = record.attempts.entries().iter();
    let ended = attempts.filter_map(|attempt| {
        let state = attempt.state.filter(|state| state.is_announced())?;
        let (version, at) = (attempt.version?, attempt.ended_at?);
        let event = event(record, Kind::State(state), version, at, state);
        let reason = attempt.reason.clone();
        Some(DeliveryEvent { reason, attempt: attempt.number, ..event })
    });
    ended.collect()
}

/// Lookups that ended in a state that is announced.
fn looked_up(record: &Record) -> Vec<DeliveryEvent> {
    let lookups = record.lookups.entries().iter();
    // One that settled nothing left the state as it was.
    let announced = lookups.filter(|lookup| lookup.state.is_final());
    let events = announced.map(|lookup| {
        let (state, version) = (lookup.state, lookup.version);
        let event = event(record, Kind::State(state), version, lookup.at, state);
        let is_last = version == record.state_version;
        let reason = record.protocol.reason.clone().filter(|_| is_last);
        DeliveryEvent { reason, ..event }
    });
    events.collect()
}

/// The state that neither an attempt nor a lookup explains: a refusal of our own, an expired claim,
/// a decision.
fn current(record: &Record) -> DeliveryEvent {
    let state = record.protocol.state;
    let version = record.state_version;
    let event = event(record, Kind::State(state), version, record.state_at, state);
    DeliveryEvent { reason: record.protocol.reason.clone(), ..event }
}

/// Conflicts, statuses and decisions.
fn noted(record: &Record) -> Vec<DeliveryEvent> {
    let state = record.protocol.state;
    let mut events = Vec::new();
    for (number, conflict) in (1..).zip(record.conflicts.entries()) {
        let event = event(record, Kind::Conflict, conflict.version, conflict.at, state);
        events.push(DeliveryEvent { conflicts: Some(number), ..event });
    }
    for noted in record.statuses.entries() {
        let event = event(record, Kind::StatusChanged, noted.version, noted.at, state);
        events.push(DeliveryEvent { status: Some(noted.status.clone()), ..event });
    }
    for noted in record.decisions.entries() {
        let event = event(record, Kind::Decided, noted.version, noted.at, state);
        let decision = Some(noted.decision);
        events.push(DeliveryEvent { decision, attempt: noted.attempt, ..event });
    }
    events
}

/// The shop's words about a cancellation. One that meets or is met by a success has an event of its
/// own: the conversion has to be taken back at the network.
fn cancelled(record: &Record) -> Vec<DeliveryEvent> {
    let state = record.protocol.state;
    let mut events = Vec::new();
    for noted in record.cancellations.entries() {
        let kind = match noted.word {
            CancellationWord::Cancelled => Kind::Cancelled,
            CancellationWord::CompletedAfter => Kind::CompletedAfterWithdrawal,
            CancellationWord::Revoked | CancellationWord::Superseded => continue,
        };
        events.push(event(record, kind, noted.version, noted.at, state));
    }
    let cancelled = |noted: &&CancellationRecord| noted.word == CancellationWord::Cancelled;
    let last = record.cancellations.entries().iter().rev().find(cancelled);
    // One that came as completed after it is cancelled all the same.
    let holds = record.protocol.cancelled.is_some() && state.is_success();
    if let Some(last) = last.filter(|_| holds) {
        let latest = (last.version, last.at).max((record.state_version, record.state_at));
        let (version, at) = latest;
        events.push(event(record, Kind::CancelledAfterDelivery, version, at, state));
    }
    events
}

/// Goods that came back: refunds, and what is to be claimed back after the validation.
fn returned(record: &Record) -> Option<DeliveryEvent> {
    let state = record.protocol.state;
    let Written { version, at } = record.returned?;
    if !record.is_validation() {
        let event = event(record, Kind::Refunded, version, at, state);
        return Some(DeliveryEvent { amount: record.protocol.refunds.sum(), ..event });
    }
    let amount = Some(record.came_back()?.amount);
    let (version, at) = (version, at).max((record.state_version, record.state_at));
    let event = event(record, Kind::ClaimBack, version, at, state);
    Some(DeliveryEvent { amount, ..event })
}

/// Turns the event of a state into one of the validation.
fn of_validation(event: &mut DeliveryEvent, call: Option<&Call>) {
    event.validation = true;
    let Kind::State(state) = event.kind else { return };
    let word = match (state, call) {
        (State::Delivered, Some(call)) => call.status.as_str(),
        (State::Delivered, None) => "confirmed",
        (State::Rejected, _) => "refused",
        (state, _) => state.as_str(),
    };
    if state == State::Delivered {
        event.amount = call.map(|call| call.amount);
    }
    event.kind = Kind::Validation(word);
}

fn event(record: &Record, kind: Kind, version: u64, at: Timestamp, state: State) -> DeliveryEvent {
    DeliveryEvent {
        kind,
        id: id(record, kind, version),
        order_id: record.order_id.clone(),
        network: record.network().to_owned(),
        line: record.line().map(str::to_owned),
        source: record.source.clone(),
        version,
        at,
        state,
        reason: None,
        proof: record.protocol.proof.filter(|_| state == State::Delivered),
        attempt: record.protocol.attempt,
        references: record.references.clone(),
        status: None,
        conflicts: None,
        decision: None,
        amount: None,
        validation: false,
    }
}

/// The same for every repetition, another one for an item that was erased and written anew.
fn id(record: &Record, kind: Kind, version: u64) -> String {
    let first_seen = record.protocol.first_seen_at.as_millis();
    let Record { order_id, delivery, .. } = record;
    let kind = kind.detail_type();
    let text = format!("{order_id}\n{delivery}\n{first_seen}\n{version}\n{kind}");
    sha256(&text, 16)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests;
