//! The numbers of the protocol.

use std::time::Duration;

/// The least time a delivery is remembered: `DynamoDB` may delete the item after it.
pub const RETENTION: Duration = Duration::from_hours(400 * 24);

/// What is done when nobody knows whether an attempt arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recovery {
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
    pub recovery: Recovery,
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
    /// The shipped numbers for a network with this recovery, request timeout and lag.
    #[must_use]
    pub const fn new(recovery: Recovery, timeout: Duration, lag: Duration) -> Self {
        Self {
            recovery,
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
