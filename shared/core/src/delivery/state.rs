//! The state of a delivery, and the facts the protocol keeps of it.
//!
//! More than 300 lines: every fact stands here with its meaning.

use serde::{Deserialize, Serialize};

use super::{Cancellation, Facts, IfAbsent, Proof, Recovery, Refunds, Reported, Validation};
use crate::{clock::Timestamp, redaction::Reason};

/// The state of a delivery.
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
    /// A setting is wrong: it is sent once that is fixed. Or it exceeds a bound, and waits for a person.
    Parked,
    /// Certainly not processed; it is sent again.
    Retrying,
    /// May have been processed; the network's own rule decides.
    Unconfirmed,
    /// The shop cancelled the order, and the network certainly holds nothing.
    Withdrawn,
    /// A person gave up a delivery that is in doubt, so that nobody knows, or one that exceeds a bound.
    Abandoned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Sending,
        Self::Delivered,
        Self::Accepted,
        Self::Skipped,
        Self::Rejected,
        Self::Parked,
        Self::Retrying,
        Self::Unconfirmed,
        Self::Withdrawn,
        Self::Abandoned,
    ];

    /// Returns whether nothing more will happen by itself or by an order coming again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Delivered
                | Self::Accepted
                | Self::Skipped
                | Self::Rejected
                | Self::Withdrawn
                | Self::Abandoned
        )
    }

    /// Returns whether it is open and nothing is being sent: it waits for a message or a person.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Parked | Self::Retrying | Self::Unconfirmed)
    }

    /// Returns whether the network has taken the order.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::Accepted)
    }

    /// Returns whether reaching it is published on the bus.
    #[must_use]
    pub const fn is_announced(self) -> bool {
        self.is_final() || matches!(self, Self::Parked | Self::Unconfirmed)
    }

    /// Its place among the states of an order's lines: the lowest is the whole's.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Unconfirmed => 0,
            Self::Parked => 1,
            Self::Retrying => 2,
            Self::Sending => 3,
            Self::Abandoned => 4,
            Self::Rejected => 5,
            Self::Withdrawn => 6,
            Self::Skipped => 7,
            Self::Accepted => 8,
            Self::Delivered => 9,
        }
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
            Self::Withdrawn => "withdrawn",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The reason of an order that is not sent because it exceeds a bound of the operator's.
pub(crate) const IMPLAUSIBLE: Reason = Reason::new("implausible");

/// The reason of a delivery of which the ledger holds refunds alone: they came before the order.
pub(crate) const ORDER_UNKNOWN: Reason = Reason::new("order_unknown");

/// The protocol's part of a delivery. The ledger keeps it beside the history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// The state.
    pub state: State,
    /// The reason of the state, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The proof of a delivered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The number of the last attempt that was claimed; 0 when none was.
    pub attempt: u32,
    /// The content of the version held.
    pub facts: Facts,
    /// The `updated_at` of the version held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_updated_at: Option<Timestamp>,
    /// The `updated_at` of the newest version that waits for the one held. Its message is on the queue:
    /// where the network certainly holds nothing, no earlier version is sent before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_version: Option<Timestamp>,
    /// The `updated_at` of the latest version that came as completed and was a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_version: Option<Timestamp>,
    /// The time when the order was first seen: the retries' budget counts from it.
    pub first_seen_at: Timestamp,
    /// The time by which the last attempt's sender is certainly dead, clock skew included.
    pub claim_expires_at: Timestamp,
    /// The time before which nothing is to be done.
    pub not_before: Timestamp,
    /// The end of the pause that the network asked for, as with a 429: no version is sent before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_until: Option<Timestamp>,
    /// The terms of the last claim: those of the doubt, should its answer be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// A digest of the settings that scope the network's memory, of the attempt that it confirmed:
    /// where it de-duplicates by click.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The doubt about the attempts so far: one may have been processed, and nothing has settled
    /// that yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// The version of the settings with which it was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_settings: Option<String>,
    /// The shop's cancellation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancellation>,
    /// A person's permission to send again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// True if a person permitted to send this content although it exceeds a bound of the operator's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub judged_plausible: bool,
    /// The state before the last decision of a person, for reopening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<Undecided>,
    /// The ids of the order's lines: this is the item of an order that is reported by lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<String>>,
    /// The ids of lines that an earlier version of the order had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_lines: Vec<String>,
    /// The number of decisions so far.
    #[serde(default, rename = "decisions_taken", skip_serializing_if = "is_zero")]
    pub decisions: u32,
    /// The refunds of parts of it, by the shop's ids.
    #[serde(default, skip_serializing_if = "Refunds::is_empty")]
    pub refunds: Refunds,
    /// The content of the last attempt, where the network wants it validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// The validation's own part: this is no report, but the validation of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

/// The terms under which an attempt was claimed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// The resolution of a doubt, by the network's nature.
    pub recovery: Recovery,
    /// A digest of the settings that scope the network's memory.
    pub scope: String,
}

/// A doubt: an attempt may have been processed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Doubt {
    /// The time when it began.
    pub since: Timestamp,
    /// Its resolution, as the network's nature was when it began.
    pub recovery: Recovery,
    /// A digest of the settings that scope the network's memory. Under other settings the doubt is
    /// held.
    pub scope: String,
    /// The meaning of a clean "not there" of a lookup.
    #[serde(default)]
    pub if_absent: IfAbsent,
    /// The time of the first clean "not there".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_at: Option<Timestamp>,
}

/// A person's permission to send a delivery again. It changes no state: the next arrival claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permission {
    /// The time when it lapses.
    pub until: Timestamp,
}

/// The facts that reopening brings back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Undecided {
    /// The state.
    pub state: State,
    /// Its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// The version of the settings with which it was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_settings: Option<String>,
}

impl Delivery {
    /// The ids of all lines that any version of the order had, where it is reported by lines.
    pub fn all_lines(&self) -> impl Iterator<Item = &String> {
        self.lines.iter().flatten().chain(&self.former_lines)
    }

    /// The `updated_at` of the latest version that is held or was a conflict.
    pub(super) fn latest_version(&self) -> Option<Timestamp> {
        self.order_updated_at.max(self.conflict_version)
    }

    /// Returns whether an attempt may have been processed and nothing has settled that yet.
    #[must_use]
    pub const fn in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Returns whether nothing is known of the order but refunds.
    #[must_use]
    pub fn has_refunds_alone(&self) -> bool {
        self.state == State::Skipped && self.reason == Some(ORDER_UNKNOWN)
    }

    /// Returns whether the network certainly holds nothing of it, and nothing is under way.
    #[must_use]
    pub const fn is_certainly_absent(&self) -> bool {
        self.doubt.is_none() && !self.state.is_success() && !matches!(self.state, State::Sending)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests;
