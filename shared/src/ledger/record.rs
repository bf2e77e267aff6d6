//! One item of the ledger.

use serde::{Deserialize, Serialize};

use super::{DecisionRecord, GUARD};
use crate::{
    clock::Timestamp,
    delivery::{Delivery, State},
    network::Progress,
    order::OrderId,
    word::{Evidence, Reason},
};

/// The most attempts whose story is kept: the first and the latest ones.
pub(super) const STORIES: usize = 10;

/// Which delivery: an order and a network, or a line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The order's id: the partition key.
    pub order_id: String,
    /// `network`, or `network#line`: the sort key.
    pub delivery: String,
}

impl Key {
    /// The delivery of `order_id` to `network`, or of one line of it.
    #[must_use]
    pub fn new(order_id: &OrderId, network: &str, line: Option<&str>) -> Self {
        Self::known(order_id.as_str().to_owned(), network, line)
    }

    /// The same of an order that the ledger has named itself.
    #[must_use]
    pub fn known(order_id: String, network: &str, line: Option<&str>) -> Self {
        let delivery = match line {
            None => network.to_owned(),
            Some(line) => format!("{network}#{line}"),
        };
        Self { order_id, delivery }
    }

    /// The line, where the network wants lines.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.delivery.split_once('#').map(|(_, line)| line)
    }
}

/// What the ledger keeps of a delivery. No personal data, no secret: words, numbers, instants and
/// the network's ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The order's id.
    pub order_id: String,
    /// `network`, or `network#line`.
    pub delivery: String,
    /// Counts the writes: what every write is conditional on.
    pub version: u64,
    /// Drawn for each write: a refused write that finds its own mark has been written before.
    pub write_id: String,
    /// The protocol's part.
    #[serde(flatten)]
    pub protocol: Delivery,
    /// The network's ids for what it holds.
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub references: Evidence,
    /// The story of the attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptRecord>,
    /// What the network has said since of what it took, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub progress: Vec<ProgressRecord>,
    /// What people have decided about it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionRecord>,
    /// How often the order came with other content.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conflicts: u32,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// When `DynamoDB` may delete it: seconds since the Unix epoch.
    pub expires_at: i64,
}

/// The story of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Its number, from 1.
    pub number: u32,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When its answer, or the lack of one, was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The state it led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What may be kept of the answer.
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
}

/// What a write adds to the story besides the protocol's part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The network's ids.
    pub references: Evidence,
    /// What may be kept of the answer.
    pub evidence: Evidence,
}

impl Record {
    /// The record that follows `before` when the delivery becomes `next` at `now`.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        key: &Key,
        next: Delivery,
        note: Note,
        now: Timestamp,
        write_id: u64,
    ) -> Self {
        let mut attempts = before.map(|record| record.attempts.clone()).unwrap_or_default();
        let claimed_before = before.map_or(0, |record| record.protocol.attempt);
        if next.attempt > claimed_before {
            attempts.push(AttemptRecord::started(next.attempt, now));
        } else if let Some(last) = attempts.last_mut()
            && last.number == next.attempt
            && next.state != State::Sending
        {
            last.ended_at.get_or_insert(now);
            last.state = Some(next.state);
            last.reason.clone_from(&next.reason);
            last.evidence.extend(note.evidence);
        }
        if attempts.len() > STORIES {
            attempts.remove(1);
        }
        let mut references = before.map(|record| record.references.clone()).unwrap_or_default();
        references.extend(note.references);
        let first_expiry = (next.since + GUARD).as_secs();
        Self {
            order_id: key.order_id.clone(),
            delivery: key.delivery.clone(),
            version: before.map_or(1, |record| record.version + 1),
            write_id: format!("{write_id:016x}"),
            protocol: next,
            references,
            attempts,
            progress: before.map(|record| record.progress.clone()).unwrap_or_default(),
            decisions: before.map(|record| record.decisions.clone()).unwrap_or_default(),
            conflicts: before.map_or(0, |record| record.conflicts),
            updated_at: now,
            expires_at: first_expiry.max((now + GUARD).as_secs()),
        }
    }

    /// The same record with one more conflict noted.
    #[must_use]
    pub fn with_conflict(&self, now: Timestamp, write_id: u64) -> Self {
        Self {
            version: self.version + 1,
            write_id: format!("{write_id:016x}"),
            conflicts: self.conflicts.saturating_add(1),
            updated_at: now,
            ..self.clone()
        }
    }

    /// The same record with what the network now says of it; `None` if it has said so before.
    #[must_use]
    pub fn with_progress(
        &self,
        progress: &Progress,
        now: Timestamp,
        write_id: u64,
    ) -> Option<Self> {
        if self.progress.last().is_some_and(|last| last.status == progress.status) {
            return None;
        }
        // No id is taken over: it does not change, and without the order at hand nobody can tell one
        // from an echo of the customer's telephone number.
        let mut next = Self {
            version: self.version + 1,
            write_id: format!("{write_id:016x}"),
            updated_at: now,
            ..self.clone()
        };
        next.progress.push(ProgressRecord { seen_at: now, status: progress.status.clone() });
        if next.progress.len() > STORIES {
            next.progress.remove(1);
        }
        Some(next)
    }

    /// The network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        self.delivery.split_once('#').map_or(&self.delivery, |(network, _)| network)
    }

    /// The line, where the network wants lines.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.delivery.split_once('#').map(|(_, line)| line)
    }
}

/// What the network said of a delivery that it had taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressRecord {
    /// When it was first seen.
    pub seen_at: Timestamp,
    /// The network's own words.
    pub status: Evidence,
}

impl AttemptRecord {
    const fn started(number: u32, at: Timestamp) -> Self {
        let evidence = Evidence::none();
        Self { number, started_at: at, ended_at: None, state: None, reason: None, evidence }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests;
