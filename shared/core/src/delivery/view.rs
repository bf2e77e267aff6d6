//! The one view of a delivery: for the API, the command-line tool and everything that shows one.
//!
//! More than 300 lines: every member of the view stands here.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    AttemptRecord, CancellationRecord, ConflictRecord, Decision, DecisionRecord, LookupRecord,
    Proof, Record, Refunds, State, Status, StatusRecord,
};
use crate::{
    clock::Timestamp,
    redaction::{Details, OperatorNote, Reason},
};

/// A delivery with its history.
#[derive(Debug, Serialize)]
pub struct DeliveryView<'a> {
    /// The order's id, where it is not said around the view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a str>,
    /// The network's name.
    pub network: &'a str,
    /// The line, where the network wants lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<&'a str>,
    /// The short name of the sender who first brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// The state.
    pub state: State,
    /// The reason of the state.
    pub reason: Option<&'a Reason>,
    /// The proof of a delivered one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The last attempt that was claimed.
    pub attempt: u32,
    /// True if an attempt may have been processed and nothing has settled that yet.
    pub in_doubt: bool,
    /// The network's ids for the conversion.
    pub references: &'a Details,
    /// The time of the next attempt or lookup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The time when the order was first seen.
    pub first_seen_at: Timestamp,
    /// The time of the last write.
    pub updated_at: Timestamp,
    /// The refunds of parts of it, by the shop's ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunds: Option<&'a Refunds>,
    /// The way from reported to paid.
    pub validation: ValidationView<'a>,
    /// The attempts, oldest first.
    pub attempts: &'a [AttemptRecord],
    /// The lookups that changed the delivery.
    #[serde(skip_serializing_if = "<[LookupRecord]>::is_empty")]
    pub lookups: &'a [LookupRecord],
    /// The network's later statuses.
    #[serde(skip_serializing_if = "<[StatusRecord]>::is_empty")]
    pub statuses: &'a [StatusRecord],
    /// The arrivals of the order with other content.
    #[serde(skip_serializing_if = "<[ConflictRecord]>::is_empty")]
    pub conflicts: &'a [ConflictRecord],
    /// The shop's words about a cancellation.
    #[serde(skip_serializing_if = "<[CancellationRecord]>::is_empty")]
    pub cancellations: &'a [CancellationRecord],
    /// The decisions of people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionView<'a>>,
    /// The number of entries that are no longer kept, by kind: those after the first two.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<&'static str, u32>,
}

/// The validation of a delivery: the network's own word, ours, or none.
#[derive(Debug, Serialize)]
pub struct ValidationView<'a> {
    /// `none`, `waiting`, `approved`, `rejected`; `held`, `refused` and `unconfirmed` wait for a
    /// person, `confirmed` and `abandoned` are a person's word.
    pub status: &'static str,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a Reason>,
    /// The amount that was validated, or would be as things are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'a str>,
    /// The end of the return period: nothing is validated before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_at: Option<Timestamp>,
    /// The amount to claim back: the part of `came_back` that no person has acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_back: Option<Decimal>,
    /// All that came back after it was approved or, where nothing is validated, reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_back: Option<Decimal>,
    /// The time when the ledger last learned of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_back_at: Option<Timestamp>,
    /// The calls, oldest first.
    #[serde(skip_serializing_if = "<[AttemptRecord]>::is_empty")]
    pub attempts: &'a [AttemptRecord],
}

impl<'a> ValidationView<'a> {
    /// The network's own word about a delivery, or the view of a validation's record.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        let back = record.came_back();
        let none = Self {
            status: "none",
            reason: None,
            amount: None,
            currency: record.money().map(|(_, currency)| currency).filter(|_| back.is_some()),
            lock_at: None,
            claim_back: record.open_claim_back(),
            came_back: back.map(|back| back.amount),
            came_back_at: back.and_then(|back| back.at),
            attempts: &[],
        };
        let Some(validation) = &record.protocol.validation else {
            // From its delivery on the network is asked for its word.
            let is_asked = record.tracked && record.protocol.state == State::Delivered;
            let status = match record.statuses.last() {
                Some(last) => last.validation.map_or("waiting", |word| word.as_str()),
                None if is_asked => "waiting",
                None => "none",
            };
            return Self { status, ..none };
        };
        let held = &record.protocol;
        let call = validation.call.as_ref().filter(|_| held.state == State::Delivered);
        let status = match (held.state, call) {
            (State::Delivered, _) if held.proof == Some(Proof::Operator) => "confirmed",
            (State::Delivered, Some(call)) => call.status.as_str(),
            (State::Rejected, _) => "refused",
            (State::Parked, _) => "held",
            (State::Unconfirmed, _) => "unconfirmed",
            (State::Abandoned, _) => "abandoned",
            (State::Skipped | State::Withdrawn, _) => "none",
            _ => "waiting",
        };
        // What a person confirmed without a call is known by what came back since.
        let amount = call.map(|call| call.amount).or(back.map(|back| back.of_amount));
        Self {
            status,
            reason: held.reason.as_ref(),
            amount: amount.or_else(|| held.amount_left()),
            currency: held.reported.as_ref().map(|reported| reported.currency.as_str()),
            lock_at: Some(validation.lock_at),
            attempts: record.attempts.entries(),
            ..none
        }
    }
}

/// The standing of the money of a conversion at its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoneyStanding {
    /// Reported, and not validated yet.
    Pending,
    /// Approved.
    Validated,
    /// Not approved.
    Rejected,
    /// A person gave its validation up.
    GivenUp,
}

impl Record {
    /// The standing of its money at the network, with the amount and the currency; `None` where nothing
    /// is validated.
    #[must_use]
    pub fn validated_money(&self) -> Option<(MoneyStanding, Decimal, &str)> {
        let view = ValidationView::of(self);
        let call =
            self.protocol.validation.as_ref().and_then(|validation| validation.call.as_ref());
        let standing = match (view.status, call.map(|call| call.status)) {
            ("none", _) => return None,
            ("rejected", _) | ("confirmed", Some(Status::Rejected)) => MoneyStanding::Rejected,
            ("approved" | "confirmed", _) => MoneyStanding::Validated,
            ("abandoned", _) => MoneyStanding::GivenUp,
            _ => MoneyStanding::Pending,
        };
        match (view.amount, view.currency, self.money()) {
            (Some(amount), Some(currency), _) => Some((standing, amount, currency)),
            (.., Some((amount, currency))) => Some((standing, amount.parse().ok()?, currency)),
            _ => None,
        }
    }
}

/// The views of an order's records: each validation is part of its delivery's.
pub fn views<'a>(
    records: &'a [Record],
    view: impl Fn(&'a Record) -> DeliveryView<'a>,
) -> Vec<DeliveryView<'a>> {
    let has_line = |whole: &Record| {
        let mut own = records.iter().filter(|other| other.network() == whole.network());
        own.any(|other| other.line().is_some())
    };
    // An order that was cancelled before any of its lines was tried is shown as a whole.
    let is_item = |record: &Record| {
        record.is_order_of_lines() && (record.protocol.state == State::Skipped || has_line(record))
    };
    let is_delivery = |record: &&Record| !record.is_validation() && !is_item(record);
    let deliveries = records.iter().filter(is_delivery);
    let deliveries = deliveries.map(|record| {
        let key = record.key().validation();
        let own = records.iter().find(|other| other.key() == key);
        let validation = own.map_or_else(|| ValidationView::of(record), ValidationView::of);
        DeliveryView { validation, ..view(record) }
    });
    deliveries.collect()
}

/// A delivery that this version can't read, because a later one wrote it: the parts that it can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartialView {
    /// The order's id: it is said around the view.
    #[serde(skip)]
    pub order_id: String,
    /// The network's name.
    pub network: String,
    /// The line, where the network wants lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The format of the item; 0 where it names none.
    pub format: u32,
    /// The word for its state, which this version may not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The reason of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The last attempt that was claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The network's ids for the conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Details>,
    /// The time when the order was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_at: Option<Timestamp>,
    /// The time of the last write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// The attempts, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<AttemptRecord>>,
}

/// A person's decision.
#[derive(Debug, Serialize)]
pub struct DecisionView<'a> {
    /// The time.
    pub at: Timestamp,
    /// The last attempt as the person saw it.
    pub attempt: u32,
    /// The decision.
    pub decision: Decision,
    /// The SHA-256 of the network's report that the decision rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<&'a str>,
    /// The sum to claim back that was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_back: Option<Decimal>,
    /// The ARN of the person's identity: for the account's own people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'a OperatorNote>,
    /// The person's words: for the account's own people only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a OperatorNote>,
}

impl<'a> DeliveryView<'a> {
    /// The view for the API: without who decided, and why.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        let Record {
            protocol,
            attempts,
            lookups,
            statuses,
            conflicts,
            cancellations,
            decisions,
            ..
        } = record;
        let waits = matches!(protocol.state, State::Retrying | State::Parked);
        Self {
            order_id: None,
            network: record.network(),
            line: record.line(),
            source: record.source.as_deref(),
            state: protocol.state,
            reason: protocol.reason.as_ref(),
            proof: protocol.proof,
            attempt: protocol.attempt,
            in_doubt: protocol.in_doubt(),
            references: &record.references,
            next_at: waits.then_some(protocol.not_before),
            first_seen_at: protocol.first_seen_at,
            updated_at: record.updated_at,
            refunds: Some(&protocol.refunds).filter(|refunds| !refunds.is_empty()),
            validation: ValidationView::of(record),
            attempts: attempts.entries(),
            lookups: lookups.entries(),
            statuses: statuses.entries(),
            conflicts: conflicts.entries(),
            cancellations: cancellations.entries(),
            decisions: decisions.entries().iter().map(decision).collect(),
            left_out: left_out([
                ("attempts", attempts.left_out()),
                ("lookups", lookups.left_out()),
                ("statuses", statuses.left_out()),
                ("conflicts", conflicts.left_out()),
                ("cancellations", cancellations.left_out()),
                ("decisions", decisions.left_out()),
            ]),
        }
    }

    /// The view for the account's own people: with the order's id, and who decided and why.
    #[must_use]
    pub fn for_operator(record: &'a Record) -> Self {
        let decisions = record.decisions.entries().iter();
        let decisions = decisions.map(|record| DecisionView {
            by: Some(&record.by),
            why: Some(&record.why),
            ..decision(record)
        });
        Self {
            order_id: Some(&record.order_id),
            decisions: decisions.collect(),
            ..Self::of(record)
        }
    }
}

fn decision(record: &DecisionRecord) -> DecisionView<'_> {
    let DecisionRecord { at, attempt, decision, evidence, claim_back, .. } = record;
    DecisionView {
        at: *at,
        attempt: *attempt,
        decision: *decision,
        evidence: evidence.as_deref(),
        claim_back: *claim_back,
        by: None,
        why: None,
    }
}

fn left_out(counts: [(&'static str, u32); 6]) -> BTreeMap<&'static str, u32> {
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests;
