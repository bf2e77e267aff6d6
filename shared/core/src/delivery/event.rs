//! The events that meet a delivery, and the actions that follow.

use serde::{Deserialize, Serialize};

use super::{Delivery, Fingerprint, Lookup, Verdict};
use crate::{clock::Timestamp, redaction::Reason};

/// What a network may know of an attempt before it phrases it or reads its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it was claimed.
    pub at: Timestamp,
    /// Whether an earlier attempt of ours may have got as far as the network: only then can a
    /// "duplicate" be ours.
    pub reached_network_before: bool,
    /// Whether an earlier attempt may have been processed.
    pub in_doubt: bool,
}

impl Attempt {
    /// The first attempt of a delivery, at `at`.
    #[must_use]
    pub const fn first(at: Timestamp) -> Self {
        Self { number: 1, at, reached_network_before: false, in_doubt: false }
    }

    /// An attempt after one whose answer was lost, at `at`.
    #[must_use]
    pub const fn after_a_lost_answer(at: Timestamp) -> Self {
        Self { number: 2, at, reached_network_before: true, in_doubt: true }
    }
}

/// A draw for the jitter: evenly from 0 to `u32::MAX`.
pub type Jitter = u32;

/// What happens to a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order asks for it: by API, from the queue, again or for the first time.
    Arrive {
        /// What would be told.
        content: Fingerprint,
        /// When this invocation is ended, by its own clock.
        deadline: Timestamp,
        /// The version of the settings it would be sent with.
        settings: String,
        /// Until when the network is paused, and why: nothing is sent, the order is kept.
        paused: Option<(Timestamp, Reason)>,
    },
    /// An order asks for it that this network can never take.
    Refuse {
        /// What the order says, whole.
        content: Fingerprint,
        /// Why it can't be phrased.
        reason: Reason,
    },
    /// The sender of `attempt` has a verdict.
    Settle {
        /// Which attempt.
        attempt: u32,
        /// What came of it.
        verdict: Verdict,
        /// The version of the settings it was sent with.
        settings: String,
        /// For the jitter.
        jitter: Jitter,
    },
    /// The network was asked.
    LookedUp {
        /// When the question was sent.
        asked: Timestamp,
        /// What it answered.
        lookup: Lookup,
        /// When this invocation is ended, by its own clock.
        deadline: Timestamp,
        /// For the jitter.
        jitter: Jitter,
    },
    /// A person decided.
    Decide {
        /// The number of the last attempt as the person saw it: a delivery that has been tried
        /// again since is not what the decision is about.
        attempt: u32,
        /// What the person decided.
        decision: Decision,
    },
}

/// A person's decision about a delivery that is unconfirmed or parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The network has it.
    Delivered,
    /// The network does not have it: send it when the order comes again.
    SendAgain,
}

/// What [`step`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the delivery is next, to be written before anything else; `None` when unchanged.
    pub next: Option<Delivery>,
    /// What is to be done once it is written.
    pub then: Then,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Send this attempt, once.
    Send(Attempt),
    /// Ask the network what it holds.
    LookUp,
    /// Come back at this instant, not before.
    Wait(Timestamp),
    /// Nothing: it is final, or a person decides.
    Rest,
    /// The order has other content than the one told. Nothing is sent.
    Conflict,
}
