//! The numbers of the protocol.

use std::time::Duration;

/// The least time a delivery is remembered: `DynamoDB` may delete the item after it.
pub const RETENTION: Duration = Duration::from_hours(400 * 24);

/// The resolution of a doubt, by the network's nature.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// The network de-duplicates on our key: send again, its "duplicate" is the proof.
    SendAgain,
    /// Nothing de-duplicates, but the merchant consents to one more attempt.
    SendOnceMore,
    /// Ask the network, when every sender is dead and it has had time to show it.
    LookUp,
    /// A person decides.
    Hold,
}

impl Recovery {
    /// The time that a connection to the network may stay unused. Networks close theirs after some
    /// time, and a request written on a connection that the other side has just closed is a lost
    /// answer: a few seconds where that is held or may count twice, longer where it resolves itself.
    #[must_use]
    pub const fn idle(self) -> Duration {
        match self {
            Self::SendAgain | Self::LookUp => Duration::from_secs(45),
            Self::SendOnceMore | Self::Hold => Duration::from_secs(3),
        }
    }
}

/// The numbers of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The resolution of a doubt that begins now.
    pub recovery: Recovery,
    /// The time an invocation needs from the claim on: the network's timeout and the settling
    /// write.
    pub need: Duration,
    /// Two machines' clocks are less than this apart: with exactly this, a claim could end by the one in
    /// the very instant in which, by the other, the sender's last byte leaves.
    pub skew: Duration,
    /// The time the network may take to show what it accepted.
    pub lag: Duration,
    /// The time between the two answers of "not there" that are needed.
    pub absence: Duration,
    /// The first pause of the backoff; each further one may be twice as long.
    pub backoff: Duration,
    /// The longest pause of the backoff.
    pub backoff_cap: Duration,
    /// The number of attempts that certainly failed before a person should look.
    pub attempts: u32,
    /// The time it may be tried without a doubt before a person should look.
    pub budget: Duration,
    /// The pause after which a parked delivery is tried although no setting has changed.
    pub park: Duration,
    /// The time for which a permission to send again holds.
    pub permission: Duration,
}

impl Policy {
    /// The shipped numbers for a network with this recovery, request timeout and lag.
    #[must_use]
    pub const fn new(recovery: Recovery, timeout: Duration, lag: Duration) -> Self {
        Self {
            recovery,
            need: timeout.saturating_add(Duration::from_secs(5)),
            skew: Duration::from_secs(30),
            lag,
            absence: Duration::from_mins(5),
            backoff: Duration::from_secs(30),
            backoff_cap: Duration::from_hours(6),
            attempts: 20,
            budget: Duration::from_hours(4 * 24),
            park: Duration::from_hours(1),
            permission: Duration::from_hours(7 * 24),
        }
    }
}
