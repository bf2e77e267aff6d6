//! The entries of a record's history. An entry that was written is never changed, but for an
//! attempt, which is written when it starts and once more when it ends, and for the count of a
//! conflict's arrivals.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    delivery::{Decision, Delivery, Facts, State, Status},
    redaction::{Details, OperatorNote, Reason},
};

/// The number of the oldest entries that are kept.
const FIRST: usize = 2;
/// The number of the latest entries that are kept.
const LAST: usize = 8;

/// The number of differing contents that are kept.
const CONTENTS: usize = 8;

/// Entries of one kind, oldest first: the first two and the last eight, and the number of those
/// left out between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History<T> {
    entries: Vec<T>,
    #[serde(default, skip_serializing_if = "is_zero")]
    left_out: u32,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), left_out: 0 }
    }
}

impl<T> History<T> {
    /// Adds an entry; one from the middle may have to go.
    pub fn push(&mut self, entry: T) {
        self.entries.push(entry);
        if self.entries.len() > FIRST + LAST {
            self.entries.remove(FIRST);
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// The entries that are kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// The number of entries left out after the first two.
    #[must_use]
    pub const fn left_out(&self) -> u32 {
        self.left_out
    }

    /// The number of entries there have been.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX).saturating_add(self.left_out)
    }

    /// The latest entry.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.entries.last()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.entries.last_mut()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Its number, from 1.
    pub number: u32,
    /// The time of the claim.
    pub started_at: Timestamp,
    /// The amount that it reported, if it was sent: of a line the line's own, of a validating call the call's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The version of the record at which it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The time of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The state it led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The reason of that state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The redacted details of the answer.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

impl AttemptRecord {
    /// The attempt that was claimed by the write of `next`.
    pub(super) fn started(next: &Delivery, started_at: Timestamp) -> Self {
        let call = next.validation.as_ref().and_then(|validation| validation.call.as_ref());
        let of_order = || next.facts.reported_amount().map(str::to_owned);
        Self {
            number: next.attempt,
            started_at,
            amount: call.map(|call| call.amount.to_string()).or_else(of_order),
            version: None,
            ended_at: None,
            state: None,
            reason: None,
            details: Details::none(),
        }
    }

    pub(super) fn end(&mut self, next: &Delivery, version: u64, details: Details, now: Timestamp) {
        self.version = Some(version);
        self.ended_at = Some(now);
        self.state = Some(next.state);
        self.reason.clone_from(&next.reason);
        self.details = details;
    }
}

/// A lookup at the network that changed the delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupRecord {
    /// The version of the record at which it was written.
    pub version: u64,
    /// The time of the answer.
    pub at: Timestamp,
    /// `found`, `absent`, or the reason that there was no answer.
    pub result: Reason,
    /// The state it led to.
    pub state: State,
}

/// A later status of the conversion at the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRecord {
    /// The version of the record at which it was written.
    pub version: u64,
    /// The time when it was first seen.
    pub at: Timestamp,
    /// The network's own words, redacted.
    pub status: Details,
    /// The network's last word on the money, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Status>,
}

/// Other content with which the order came: one entry for each content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRecord {
    /// The version of the record at which it was first written.
    pub version: u64,
    /// The time of the first arrival.
    pub at: Timestamp,
    /// The time of the latest arrival.
    pub last_at: Timestamp,
    /// The number of arrivals.
    pub count: u32,
    /// The content.
    pub facts: Facts,
}

impl History<ConflictRecord> {
    /// Notes an arrival with the content `facts`. The first [`CONTENTS`] contents are kept; an
    /// arrival with a further one is counted as left out.
    pub(super) fn arrive(&mut self, facts: &Facts, version: u64, at: Timestamp) {
        let known = self.entries.iter_mut().find(|entry| entry.facts.agree(facts));
        if let Some(known) = known {
            known.last_at = at;
            known.count = known.count.saturating_add(1);
        } else if self.entries.len() < CONTENTS {
            let facts = facts.clone();
            self.entries.push(ConflictRecord { version, at, last_at: at, count: 1, facts });
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Returns whether an arrival with the content `facts` is noted.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> bool {
        self.entries.iter().any(|entry| entry.facts.agree(facts))
    }

    /// The number of arrivals with other content.
    #[must_use]
    pub fn arrivals(&self) -> u32 {
        self.entries.iter().map(|entry| entry.count).fold(self.left_out, u32::saturating_add)
    }
}

/// A word of the shop about a cancellation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationRecord {
    /// The version of the record at which it was written.
    pub version: u64,
    /// The time of the arrival.
    pub at: Timestamp,
    /// The shop's word.
    pub word: CancellationWord,
    /// The `updated_at` of that version of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_updated_at: Option<Timestamp>,
}

/// The shop's word about a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancellationWord {
    /// The order is cancelled or refunded whole.
    Cancelled,
    /// The order came as completed after its cancellation, with no later version: the cancellation
    /// holds.
    CompletedAfter,
    /// A later version is completed: the cancellation is void.
    Revoked,
    /// The cancellation of an earlier version than the one held: it changed nothing.
    Superseded,
}

/// A person's decision, for the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The version of the record at which it was written.
    pub version: u64,
    /// The time of the decision.
    pub at: Timestamp,
    /// The last attempt as the person saw it.
    pub attempt: u32,
    /// The decision.
    pub decision: Decision,
    /// The ARN of the identity that wrote it.
    pub by: OperatorNote,
    /// The person's own words.
    pub why: OperatorNote,
    /// The SHA-256 of the network's report that the decision rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The sum to claim back that an acknowledgement is about: all that came back since the
    /// validation until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_back: Option<Decimal>,
    /// The arrivals with further contents until then: their number alone is kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contents_left_out: u32,
}
