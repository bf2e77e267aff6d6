//! The record of a delivery: one item of the ledger. Its history is immutable.
//!
//! All attributes and every way to revise them stand here, which takes more than 300 lines.

use std::{collections::BTreeMap, fmt::Write};

use serde::{Deserialize, Serialize};

use super::{Cancellation, Decision, Delivery, Facts, RETENTION, Refunds, State, Status};
use crate::{
    clock::Timestamp,
    redaction::{Details, Reason},
};

mod attribute;
mod came_back;
mod history;
mod key;
mod open;
#[cfg(test)]
pub(super) mod tests;

pub use attribute::Attribute;
pub use came_back::{CameBack, ClaimBackReason};
pub use history::{
    AttemptRecord, CancellationRecord, CancellationWord, ConflictRecord, DecisionRecord, History,
    LookupRecord, StatusRecord,
};
pub use key::{Key, parts};
pub use open::UNCLEAR_REFUSALS;

/// A delivery as the ledger keeps it. No personal data, no secret: words, numbers, instants and
/// the network's ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The order's id.
    pub order_id: String,
    /// `network`, or `network#line`.
    pub delivery: String,
    /// The format of the item: [`FORMAT`].
    #[serde(default)]
    pub format: u32,
    /// The number of writes: the condition of the next one.
    pub version: u64,
    /// A random mark of each write: a refused write that finds its own mark was written before.
    pub write_id: String,
    /// The protocol's part.
    #[serde(flatten)]
    pub protocol: Delivery,
    /// The version at which state, reason or attempt last changed.
    pub state_version: u64,
    /// The time of that write.
    pub state_at: Timestamp,
    /// The time until which a message that waits for it is on the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_until: Option<Timestamp>,
    /// The last write that added a refund, or of a validation the cancellation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Written>,
    /// The short name of the sender of its first write, before which refunds may have come: none of its facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// True if the use of its click stands beside the record.
    #[serde(default, skip_serializing_if = "is_false")]
    pub click_noted: bool,
    /// True if its network is asked how far the conversion has come.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tracked: bool,
    /// The network's ids for the conversion.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub references: Details,
    /// The attempts, oldest first.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub attempts: History<AttemptRecord>,
    /// The lookups that changed the delivery, oldest first.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub lookups: History<LookupRecord>,
    /// The network's later statuses of the conversion, oldest first.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub statuses: History<StatusRecord>,
    /// The other contents with which the order came, oldest first.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub conflicts: History<ConflictRecord>,
    /// The shop's words about a cancellation, oldest first.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub cancellations: History<CancellationRecord>,
    /// The decisions of people, oldest first.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub decisions: History<DecisionRecord>,
    /// The time of the last write.
    pub updated_at: Timestamp,
    /// The time from which `DynamoDB` may delete the item: seconds since the Unix epoch.
    pub expires_at: i64,
    /// The attributes that this version does not know.
    #[serde(skip)]
    pub unknown: BTreeMap<String, Attribute>,
}

/// The attribute by which an item is in the index of what waits: derived from the record at each write.
pub const WAITING: &str = "waiting";

/// The format of the items that this version writes. It never writes over a later one.
pub const FORMAT: u32 = 1;

/// The time and the random mark of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time.
    pub now: Timestamp,
    /// A random number.
    pub write_id: u64,
}

/// A write that an event rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The version of the record at which it was written.
    pub version: u64,
    /// The time.
    pub at: Timestamp,
}

/// The facts that a write adds to the record besides the protocol's part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The network's ids.
    pub references: Details,
    /// The redacted details of an answer.
    pub details: Details,
    /// The result of a lookup, as a word.
    pub lookup: Option<Reason>,
    /// The attempt whose verdict is written; `None` if it is no verdict.
    pub attempt: Option<u32>,
    /// True if the use of its click stands.
    pub click_noted: bool,
    /// True if its network is asked how far the conversion has come.
    pub tracked: bool,
    /// The time until which the message that waits for it is on the queue.
    pub message_until: Option<Timestamp>,
    /// The short name of the sender. The first write of the order alone keeps it.
    pub source: Option<String>,
}

impl Record {
    /// The names of all attributes that this version knows.
    pub const ATTRIBUTES: &[&str] = &[
        "attempt",
        "attempts",
        "cancellations",
        "cancelled",
        "claim",
        "claim_expires_at",
        "click_noted",
        "conflict_version",
        "conflicts",
        "decisions",
        "decisions_taken",
        "delivery",
        "doubt",
        "expires_at",
        "facts",
        "first_seen_at",
        "format",
        "former_lines",
        "judged_plausible",
        "lines",
        "lookups",
        "message_until",
        "not_before",
        "order_id",
        "order_updated_at",
        "parked_settings",
        "permission",
        "proof",
        "reason",
        "references",
        "refunds",
        "reported",
        "returned",
        "scope",
        "source",
        "state",
        "state_at",
        "state_version",
        "statuses",
        "throttled_until",
        "tracked",
        "undecided",
        "updated_at",
        "validation",
        "version",
        WAITING,
        "waiting_version",
        "write_id",
    ];

    /// Returns the record that follows `before` when the delivery becomes `next`.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        key: &Key,
        next: Delivery,
        note: Note,
        stamp: Stamp,
    ) -> Self {
        let mut record =
            before.map_or_else(|| Self::new(key, next.clone(), stamp), |it| it.revised(stamp));
        // Refunds that came before the order did not bring it.
        if before.is_none_or(|before| before.protocol.has_refunds_alone()) {
            record.source = note.source;
        }
        let version = record.version;
        let was = before.map(|before| &before.protocol);
        if was.is_none_or(|was| was.attempt < next.attempt) && next.attempt > 0 {
            record.attempts.push(AttemptRecord::started(&next, stamp.now));
        } else if note.lookup.is_none()
            && was.is_some_and(|was| was.state == State::Sending)
            && next.state != State::Sending
            && let Some(attempt) = record.attempts.last_mut()
            // A late verdict is no end of the attempt after it.
            && note.attempt.is_none_or(|number| number == attempt.number)
        {
            attempt.end(&next, version, note.details, stamp.now);
        }
        if let Some(result) = note.lookup {
            let (state, at) = (next.state, stamp.now);
            record.lookups.push(LookupRecord { version, at, result, state });
        }
        if let Some((word, order_updated_at)) = cancellation(was, &next) {
            let at = stamp.now;
            let entry = CancellationRecord { version, at, word, order_updated_at };
            record.cancellations.push(entry);
        }
        if returned(was) != returned(Some(&next)) {
            record.returned = Some(Written { version, at: stamp.now });
        }
        // A later version that waits has a message of its own.
        if was.is_none_or(|was| was.waiting_version >= next.waiting_version) {
            record.message_until = note.message_until;
        }
        // Other content may have another click, and so may the one after content without a click.
        let is_equal = was.is_none_or(|was| was.facts == next.facts);
        record.click_noted = note.click_noted || (record.click_noted && is_equal);
        record.tracked |= note.tracked;
        record.references.extend(note.references);
        let facts =
            |delivery: &Delivery| (delivery.state, delivery.reason.clone(), delivery.attempt);
        if was.is_none_or(|was| facts(was) != facts(&next)) {
            record.state_version = version;
            record.state_at = stamp.now;
        }
        record.protocol = next;
        record
    }

    /// Returns the record with another waiting message named.
    #[must_use]
    pub fn with_message_until(&self, until: Timestamp, stamp: Stamp) -> Self {
        Self { message_until: Some(until), ..self.revised(stamp) }
    }

    /// Returns the record of which a message without a name came round: it is due anew.
    #[must_use]
    pub fn with_unnamed_message(&self, stamp: Stamp) -> Self {
        Self { message_until: None, ..self.revised(stamp) }
    }

    /// Returns the record with an arrival of the content `facts` noted as a conflict.
    #[must_use]
    pub fn with_conflict(&self, facts: &Facts, stamp: Stamp) -> Self {
        let mut next = self.revised(stamp);
        next.conflicts.arrive(facts, next.version, stamp.now);
        next
    }

    /// Returns the record with the cancellation of an earlier version noted; `None` if it is noted.
    #[must_use]
    pub fn with_superseded(&self, updated_at: Option<Timestamp>, stamp: Stamp) -> Option<Self> {
        let word = CancellationWord::Superseded;
        let mut noted = self.cancellations.entries().iter();
        if noted.any(|it| it.word == word && it.order_updated_at == updated_at) {
            return None;
        }
        let mut next = self.revised(stamp);
        let (version, at, order_updated_at) = (next.version, stamp.now, updated_at);
        next.cancellations.push(CancellationRecord { version, at, word, order_updated_at });
        Some(next)
    }

    /// Returns the record with the network's `status` noted; `None` if it is the last one noted.
    ///
    /// No id is taken over: it does not change, and without the order at hand nothing can separate
    /// one from an echo of the customer's telephone number.
    #[must_use]
    pub fn with_status(
        &self,
        status: &Details,
        validation: Option<Status>,
        stamp: Stamp,
    ) -> Option<Self> {
        if self.statuses.last().is_some_and(|last| last.status == *status) {
            return None;
        }
        let mut next = self.revised(stamp);
        let (version, at, status) = (next.version, stamp.now, status.clone());
        next.statuses.push(StatusRecord { version, at, status, validation });
        Some(next)
    }

    /// Returns the record that follows when a person's decision makes the delivery `next`.
    #[must_use]
    pub fn decided(&self, next: Delivery, decision: DecisionRecord, stamp: Stamp) -> Self {
        let mut note = Note::default();
        if decision.decision == Decision::Acknowledge {
            // It changes nothing: the message that waits stays the one that is named.
            note.message_until = self.message_until;
        }
        let mut record = Self::after(Some(self), &self.key(), next, note, stamp);
        let (version, contents_left_out) = (record.version, record.conflicts.left_out());
        let is_acknowledged = decision.decision == Decision::Acknowledge;
        let came_back = record.came_back().filter(|_| is_acknowledged);
        let claim_back = came_back.map(|back| back.amount);
        let decision = DecisionRecord { version, claim_back, contents_left_out, ..decision };
        record.decisions.push(decision);
        record
    }

    /// Returns whether this is no delivery, but the item of an order that is reported by lines: also
    /// of one that the shop cancelled, unless it came as completed after that, which a person decides.
    #[must_use]
    pub fn is_order_of_lines(&self) -> bool {
        let cancelled = self.protocol.cancelled.as_ref();
        let is_item = match self.protocol.state {
            State::Skipped => true,
            State::Withdrawn => !cancelled.is_some_and(|cancelled| cancelled.completed_after),
            _ => false,
        };
        self.protocol.lines.is_some() && is_item
    }

    /// Returns whether an attempt ended for this reason.
    #[must_use]
    pub fn has_ended_with(&self, reason: &Reason) -> bool {
        self.attempts.entries().iter().any(|attempt| attempt.reason.as_ref() == Some(reason))
    }

    /// The delivery's key.
    #[must_use]
    pub fn key(&self) -> Key {
        Key { order_id: self.order_id.clone(), delivery: self.delivery.clone() }
    }

    /// The network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        key::parts(&self.delivery).0
    }

    /// The line, where the network wants lines.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        key::parts(&self.delivery).1
    }

    /// Returns whether this is the validation of a delivery.
    #[must_use]
    pub const fn is_validation(&self) -> bool {
        self.protocol.validation.is_some()
    }

    fn new(key: &Key, protocol: Delivery, stamp: Stamp) -> Self {
        Self {
            order_id: key.order_id.clone(),
            delivery: key.delivery.clone(),
            format: FORMAT,
            version: 1,
            write_id: mark(stamp.write_id),
            expires_at: expiry(protocol.first_seen_at, stamp.now),
            protocol,
            state_version: 1,
            state_at: stamp.now,
            message_until: None,
            returned: None,
            source: None,
            click_noted: false,
            tracked: false,
            references: Details::none(),
            attempts: History::default(),
            lookups: History::default(),
            statuses: History::default(),
            conflicts: History::default(),
            cancellations: History::default(),
            decisions: History::default(),
            updated_at: stamp.now,
            unknown: BTreeMap::new(),
        }
    }

    /// The one place that bumps version, write id and expiry.
    fn revised(&self, stamp: Stamp) -> Self {
        Self {
            format: FORMAT,
            version: self.version + 1,
            write_id: mark(stamp.write_id),
            updated_at: stamp.now,
            expires_at: expiry(self.protocol.first_seen_at, stamp.now),
            ..self.clone()
        }
    }
}

/// The goods that came back: refunds, and the cancellation that a validation knows.
fn returned(delivery: Option<&Delivery>) -> (Option<&Refunds>, Option<&Cancellation>) {
    let delivery = delivery.filter(|delivery| !delivery.has_refunds_alone());
    let refunds = delivery.map(|delivery| &delivery.refunds).filter(|all| !all.is_empty());
    let validation = delivery.and_then(|delivery| delivery.validation.as_ref());
    (refunds, validation.and_then(|validation| validation.cancelled.as_ref()))
}

/// The shop's word about a cancellation between two deliveries.
fn cancellation(
    was: Option<&Delivery>,
    next: &Delivery,
) -> Option<(CancellationWord, Option<Timestamp>)> {
    let before = was.and_then(|was| was.cancelled.as_ref());
    match (before, &next.cancelled) {
        (before, after) if before == after.as_ref() => None,
        (_, Some(after)) if after.completed_after => Some((CancellationWord::CompletedAfter, None)),
        (_, Some(after)) => Some((CancellationWord::Cancelled, after.updated_at)),
        (_, None) => Some((CancellationWord::Revoked, next.order_updated_at)),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

fn mark(write_id: u64) -> String {
    let mut mark = String::with_capacity(16);
    let _infallible = write!(mark, "{write_id:016x}");
    mark
}

fn expiry(first_seen_at: Timestamp, now: Timestamp) -> i64 {
    (first_seen_at.max(now) + RETENTION).as_secs()
}
