//! The result of one delivery, as the caller sees it.

use postback_core::{
    clock::Timestamp,
    delivery::{Record, State},
    redaction::Reason,
};

use crate::{ledger::UpdateError, services::Unavailable};

/// The result of one delivery.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryResult {
    /// The line, where the network wants lines.
    pub line: Option<String>,
    /// All lines of the order, where this is the item of an order that is reported by lines.
    pub(super) lines: Vec<String>,
    /// The `updated_at` of the version held.
    pub(super) order_updated_at: Option<Timestamp>,
    /// The state.
    pub state: State,
    /// The reason, where there is more to say.
    pub reason: Option<Reason>,
    /// The last attempt that was claimed.
    pub attempt: u32,
    /// True if this result was reached earlier: nothing was sent and nothing changed now.
    pub replayed: bool,
    /// True if a later version is held, so that this cancellation changed nothing.
    pub(super) superseded: bool,
    /// True if anything was sent now.
    pub sent: bool,
    /// True if the order differs from the content that the ledger holds.
    pub conflict: bool,
    /// The amount and the currency that were reported, or may have been; `None` when the network
    /// certainly holds nothing.
    pub reported: Option<(String, String)>,
    /// The name of the message that waits for it.
    pub(super) message_until: Option<Timestamp>,
    /// The time to come back; `None` when nothing is left to do.
    pub wait_until: Option<Timestamp>,
    /// True if a message still has to be put on the queue for it.
    pub needs_message: bool,
    /// The time when the delivery was first seen, if it is in the ledger.
    pub first_seen_at: Option<Timestamp>,
    /// True if the state was reached now.
    pub changed: bool,
    /// True if the delivery came in doubt now, and still is.
    pub newly_in_doubt: bool,
}

/// The reason that nothing is known of a delivery. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliverError {
    /// The ledger's update failed.
    #[error(transparent)]
    NotWritten(#[from] UpdateError),
    /// A later version could not be put on its queue, so it replaced nothing.
    #[error("the order could not be put on its queue")]
    NotPut(#[from] Unavailable),
}

impl DeliveryResult {
    /// Nothing to report: nothing was written.
    pub(super) fn skipped(reason: Reason) -> Self {
        Self { changed: true, ..Self::new(State::Skipped, Some(reason)) }
    }

    /// Returns whether it may still change by itself or by an order coming again.
    pub(super) const fn is_open(&self) -> bool {
        !self.state.is_final()
    }

    /// The ledger did not answer after another line was sent: the order comes again for this one.
    pub(super) fn left_undone(line: Option<String>, now: Timestamp) -> Self {
        Self::later(line, Reason::new("ledger_unavailable"), now)
    }

    /// Nothing could be done now: the order comes again at `until`.
    pub(super) fn later(line: Option<String>, reason: Reason, until: Timestamp) -> Self {
        Self {
            line,
            wait_until: Some(until),
            needs_message: true,
            ..Self::new(State::Retrying, Some(reason))
        }
    }

    /// The delivery as `record` holds it. Without a record the claim had no time.
    pub(super) fn of(record: Option<&Record>) -> Self {
        let Some(delivery) = record.map(|record| &record.protocol) else {
            return Self::new(State::Retrying, Some(Reason::new("no_time")));
        };
        let is_reported = !delivery.is_certainly_absent();
        let money = || {
            let amount = delivery.facts.reported_amount().unwrap_or_default();
            let currency = delivery.facts.get("currency").unwrap_or_default();
            (amount.to_owned(), currency.to_owned())
        };
        Self {
            reported: is_reported.then(money),
            lines: delivery.all_lines().cloned().collect(),
            order_updated_at: delivery.order_updated_at,
            message_until: record.and_then(|record| record.message_until),
            attempt: delivery.attempt,
            first_seen_at: Some(delivery.first_seen_at),
            ..Self::new(delivery.state, delivery.reason.clone())
        }
    }

    const fn new(state: State, reason: Option<Reason>) -> Self {
        Self {
            line: None,
            lines: Vec::new(),
            order_updated_at: None,
            state,
            reason,
            attempt: 0,
            replayed: false,
            superseded: false,
            sent: false,
            conflict: false,
            reported: None,
            message_until: None,
            wait_until: None,
            needs_message: false,
            first_seen_at: None,
            changed: false,
            newly_in_doubt: false,
        }
    }
}
