//! The state of a delivery, and the facts the protocol keeps of it.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{IfAbsent, Proof};
use crate::{clock::Timestamp, redaction::Reason};

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

    /// Its place among the states of an order's lines: the lowest is the whole's.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Unconfirmed => 0,
            Self::Parked => 1,
            Self::Retrying => 2,
            Self::Sending => 3,
            Self::Rejected => 4,
            Self::Skipped => 5,
            Self::Accepted => 6,
            Self::Delivered => 7,
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
    pub first_seen_at: Timestamp,
    /// The instant by which the last attempt's sender is certainly dead, clock skew included.
    pub claim_expires_at: Timestamp,
    /// Before this instant nothing is to be done.
    pub not_before: Timestamp,
    /// Whether an attempt may have got as far as the network.
    pub reached_network: bool,
    /// Whether an attempt may have been processed and nothing has disproved it.
    pub in_doubt: bool,
    /// What a clean "not there" means while unconfirmed.
    #[serde(default)]
    pub if_absent: IfAbsent,
    /// With which version of the settings it was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_settings: Option<String>,
}
