//! The delivery protocol: one pure function from a delivery, an event and the time to what the
//! delivery is next and what is to be done.
//!
//! [`step`] is the only place where a delivery changes state. The [courier](crate::courier) runs
//! it, the model checker explores it, and the [ledger](crate::ledger) writes what it gives by
//! compare-and-set, so that it always decides on what is really there.

use std::{fmt::Write, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    network::{IfAbsent, Lookup, Proof, Verdict},
    word::Reason,
};

mod step;
#[cfg(test)]
mod tests;

pub use step::step;

/// What has become of a delivery.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// An attempt has been claimed and has not been settled: it may be under way.
    Sending,
    /// The network confirmed it.
    Delivered,
    /// Sent to a network that never confirms anything.
    Accepted,
    /// There was nothing to report.
    Skipped,
    /// This order can never pass.
    Rejected,
    /// A setting is wrong; the order is kept and sent once it is mended.
    Parked,
    /// Certainly not processed; it is sent again.
    Retrying,
    /// May have been processed; the network's own rule decides.
    Unconfirmed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Sending,
        Self::Delivered,
        Self::Accepted,
        Self::Skipped,
        Self::Rejected,
        Self::Parked,
        Self::Retrying,
        Self::Unconfirmed,
    ];

    /// Whether nothing more will happen by itself or by an order coming again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Accepted | Self::Skipped | Self::Rejected)
    }

    /// Whether the network has taken the order.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::Accepted)
    }

    /// Whether reaching it is told on the bus.
    #[must_use]
    pub const fn is_announced(self) -> bool {
        self.is_final() || matches!(self, Self::Parked | Self::Unconfirmed)
    }

    /// The word in the ledger, the API and the events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
            Self::Parked => "parked",
            Self::Retrying => "retrying",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// SHA-256 over what the network is told, without the attempt's own time and without settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of what is told. Two reports are the same content when they serialize alike.
    #[must_use]
    pub fn of(told: &impl Serialize) -> Self {
        let text = serde_json::to_vec(told).unwrap_or_default();
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(&text) {
            let _infallible = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the protocol knows of one delivery. The ledger keeps it, beside the history for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// Its state.
    pub state: State,
    /// Why, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What makes it certain, when delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The number of the last attempt that was claimed; 0 when none was.
    pub attempt: u32,
    /// The content that the attempts told or will tell.
    pub content: Fingerprint,
    /// When it was first heard of: where the time budget counts from.
    pub since: Timestamp,
    /// The instant by which the last attempt's sender is certainly dead, clock skew included.
    pub dead_by: Timestamp,
    /// Before this instant nothing is to be done.
    pub not_before: Timestamp,
    /// Whether an attempt may have got as far as the network.
    pub reached: bool,
    /// Whether an attempt may have been processed and nothing has disproved it.
    pub in_doubt: bool,
    /// What a clean "not there" means while unconfirmed.
    #[serde(default)]
    pub if_absent: IfAbsent,
    /// With which version of the settings it was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_with: Option<String>,
}

/// What a network may know of an attempt before it phrases it or reads its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it was claimed.
    pub at: Timestamp,
    /// Whether an earlier attempt of ours may have got as far as the network: only then can a
    /// "duplicate" be ours.
    pub reached_before: bool,
    /// Whether an earlier attempt may have been processed.
    pub in_doubt: bool,
}

impl Attempt {
    /// The first attempt of a delivery, at `at`.
    #[must_use]
    pub const fn first(at: Timestamp) -> Self {
        Self { number: 1, at, reached_before: false, in_doubt: false }
    }

    /// An attempt after one whose answer was lost, at `at`.
    #[must_use]
    pub const fn after_a_lost_answer(at: Timestamp) -> Self {
        Self { number: 2, at, reached_before: true, in_doubt: true }
    }
}

/// What is done when nobody knows whether an attempt arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// The network de-duplicates on our key: send again, its "duplicate" is the proof.
    SendAgain,
    /// Ask the network, when every sender is dead and it has had time to show it.
    LookUp,
    /// A person decides.
    Hold,
}

/// The numbers of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is done about a lost answer.
    pub resolution: Resolution,
    /// What an invocation needs from the claim on: the network's timeout and the settling write.
    pub need: Duration,
    /// How far two machines' clocks may be apart.
    pub skew: Duration,
    /// How long the network may take to show what it accepted.
    pub lag: Duration,
    /// The first pause of the backoff; each further one may be twice as long.
    pub backoff: Duration,
    /// The longest pause of the backoff.
    pub backoff_cap: Duration,
    /// How many attempts there may be before a person should look.
    pub attempts: u32,
    /// How long it may be tried before a person should look.
    pub budget: Duration,
    /// How often a parked delivery is tried although no setting has changed.
    pub park: Duration,
}

impl Policy {
    /// The shipped numbers for a network with this resolution, request timeout and lag.
    #[must_use]
    pub const fn new(resolution: Resolution, timeout: Duration, lag: Duration) -> Self {
        Self {
            resolution,
            need: timeout.saturating_add(Duration::from_secs(5)),
            skew: Duration::from_secs(30),
            lag,
            backoff: Duration::from_secs(30),
            backoff_cap: Duration::from_hours(6),
            attempts: 20,
            budget: Duration::from_hours(4 * 24),
            park: Duration::from_hours(1),
        }
    }
}

/// A draw for the jitter: evenly from 0 to `u32::MAX`.
pub type Chance = u32;

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
        chance: Chance,
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
        chance: Chance,
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
