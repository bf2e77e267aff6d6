//! The events that meet a delivery, and the actions that follow.

use serde::{Deserialize, Serialize};

use super::{
    Cancellation, Delivery, Facts, Lookup, Refunds, Reported, Standing, State, Terms, Verdict,
};
use crate::{clock::Timestamp, order::Currency, redaction::Reason};

/// The facts of an attempt that a network may use for its request and for reading the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The time of the claim.
    pub at: Timestamp,
    /// True if an earlier attempt may have been processed: only then can a "duplicate" be ours.
    pub in_doubt: bool,
}

impl Attempt {
    /// The first attempt of a delivery, at `at`.
    #[must_use]
    pub const fn first(at: Timestamp) -> Self {
        Self { number: 1, at, in_doubt: false }
    }

    /// An attempt after one whose answer was lost, at `at`.
    #[must_use]
    pub const fn after_a_lost_answer(at: Timestamp) -> Self {
        Self { number: 2, at, in_doubt: true }
    }
}

/// A random number for the jitter: evenly from 0 to `u32::MAX`.
pub type Jitter = u32;

/// An order as it arrives for one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The content.
    pub facts: Facts,
    /// The time when the shop last changed the order.
    pub updated_at: Option<Timestamp>,
    /// The plan under today's settings.
    pub planned: Planned,
    /// The digest of the settings that scope what the network shows, where it can be asked without a
    /// plan.
    pub shown_scope: Option<String>,
    /// The time when this invocation is ended, by its own clock.
    pub deadline: Timestamp,
    /// The version of the settings.
    pub settings: String,
    /// The open circuit breaker: what it holds is not sent.
    pub open: Option<Open>,
    /// True if it exceeds a bound of the operator's: it waits for a person's permission.
    pub is_implausible: bool,
    /// True if it is a message that was put back on its queue: no news from the shop.
    pub is_delayed: bool,
    /// True if it is a message that the ledger once named as the one that waits.
    pub has_waited: bool,
    /// The refunds of parts of it.
    pub refunds: Refunds,
    /// The content that an attempt would report, where the network wants it validated.
    pub reported: Option<Reported>,
}

/// A delivery as its validation follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The version of its record.
    pub version: u64,
    /// The time when it was first seen.
    pub first_seen_at: Timestamp,
    /// Its content.
    pub facts: Facts,
    /// Its standing.
    pub standing: Standing,
    /// The content of its last attempt.
    pub reported: Reported,
    /// Its refunds.
    pub refunds: Refunds,
    /// Its cancellation.
    pub cancelled: Option<Cancellation>,
    /// The terms of the validations at the network.
    pub terms: Terms,
}

impl Followed {
    /// The delivery of a record; `None` where nothing of it is to be validated.
    #[must_use]
    pub fn of(delivery: &Delivery, version: u64, terms: Terms) -> Option<Self> {
        Some(Self {
            version,
            first_seen_at: delivery.first_seen_at,
            facts: delivery.facts.clone(),
            standing: Standing::of(delivery),
            reported: delivery.reported.clone().filter(|it| it.workbook_days.is_none())?,
            refunds: delivery.refunds.clone(),
            cancelled: delivery.cancelled.clone(),
            terms,
        })
    }
}

/// A validation whose time may have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The terms of the validations at the network.
    pub terms: Terms,
    /// The time when this invocation is ended, by its own clock.
    pub deadline: Timestamp,
    /// The version of the settings.
    pub settings: String,
    /// The open circuit breaker: what it holds is not sent.
    pub open: Option<Open>,
}

/// An open circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The time until which it holds.
    pub until: Timestamp,
    /// The state in which a first arrival waits.
    pub state: State,
    /// The reason.
    pub reason: Reason,
    /// True if it holds only the deliveries that met this reason: it may be about them alone.
    pub only_refused: bool,
}

impl Open {
    /// Returns whether a delivery waits for it.
    pub(super) fn holds(&self, held: &Delivery) -> bool {
        !self.only_refused || held.reason.as_ref() == Some(&self.reason)
    }
}

/// The plan for a delivery under today's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The request can be built. The text is a digest of the settings that scope the network's
    /// memory.
    Send(String),
    /// There is nothing to report.
    Skip(Reason),
    /// This network can never take the order.
    Reject(Reason),
}

/// An event that meets a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A completed order arrives: by API, from the queue, again or for the first time.
    Arrive(Arrival),
    /// The shop cancelled or refunded the whole order.
    Cancel {
        /// The content of the order, as far as the cancellation has it.
        facts: Facts,
        /// The time when the shop last changed the order.
        updated_at: Option<Timestamp>,
        /// True if it is the refunds that reach the amount: they decide its validation.
        by_refunds: bool,
    },
    /// Parts of the order were refunded: the refunds alone.
    Refund {
        /// The refunds.
        refunds: Refunds,
        /// The currency of their amounts.
        currency: Currency,
    },
    /// The sender of `attempt` has a verdict.
    Settle {
        /// The attempt's number.
        attempt: u32,
        /// The verdict.
        verdict: Verdict,
        /// The version of the settings with which it was sent.
        settings: String,
        /// The jitter.
        jitter: Jitter,
    },
    /// The network was asked.
    LookedUp {
        /// The time of the question.
        asked: Timestamp,
        /// The answer.
        lookup: Lookup,
        /// True if today's settings can build the report: what is not there is sent again at once.
        is_plannable: bool,
        /// The time when this invocation is ended, by its own clock.
        deadline: Timestamp,
        /// The jitter.
        jitter: Jitter,
    },
    /// The order came again, and this delivery of it can't be built: its line is gone, or the order
    /// is reported in another mode today.
    Unplanned {
        /// The version of the settings.
        settings: String,
    },
    /// The delivery that a validation is of, as the ledger holds it.
    Follow(Box<Followed>),
    /// A validation may be due.
    Validate(Due),
    /// A claim may have expired: the sweep looks.
    Expire,
    /// A person permitted to send the whole order again, of which this is a line.
    Permit {
        /// The time when the permission lapses.
        until: Timestamp,
    },
    /// The whole order, of which this is a line, came as completed, and that version is a conflict.
    Complete {
        /// The time when the shop last changed the order.
        updated_at: Option<Timestamp>,
    },
    /// A person decided.
    Decide {
        /// The number of the last attempt as the person saw it.
        attempt: u32,
        /// The number of decisions as the person saw it.
        decisions: u32,
        /// The decision.
        decision: Decision,
    },
}

/// A person's decision about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The network has it.
    Confirm,
    /// The next arrival of the order may send it again.
    PermitSending,
    /// Nobody will find out; it is given up.
    Abandon,
    /// The last decision was wrong: back to the state before it. A pending permission ends.
    Reopen,
    /// Other content, or an unclear refusal, was looked at and dealt with. It changes nothing, so
    /// there is nothing to take back.
    Acknowledge,
}

/// A decision of [`step`](super::step).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The next delivery, to be written before anything else; `None` when unchanged.
    pub next: Option<Delivery>,
    /// The action, once it is written.
    pub then: Then,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Send this attempt, once.
    Send(Attempt),
    /// Ask the network for the delivery.
    LookUp,
    /// Come back at this time, not before.
    Wait(Timestamp),
    /// Nothing: it is final, or a person decides.
    Rest,
    /// A later version of the order is held: this arrival or cancellation is superseded.
    Superseded,
    /// The order was reported by lines, and now comes as a whole. Nothing is sent.
    ModeChanged,
    /// The order has other content than the version held. Nothing is sent.
    Conflict,
}

impl Step {
    pub(super) const fn rest() -> Self {
        Self { next: None, then: Then::Rest }
    }

    pub(super) const fn wait(until: Timestamp) -> Self {
        Self { next: None, then: Then::Wait(until) }
    }

    pub(super) const fn write(next: Delivery, then: Then) -> Self {
        Self { next: Some(next), then }
    }
}
