//! The meaning of an attempt's answer, and of a lookup's.

use std::time::Duration;

use super::{IfAbsent, Proof, State};
use crate::redaction::{Details, Reason};

/// The meaning of an attempt's answer (see the network's README for which answer means which).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The network confirmed it.
    Delivered(Proof),
    /// Success from a network that never confirms, or the best that can still be learned.
    Accepted(Option<Reason>),
    /// Nothing to report.
    Skipped(Reason),
    /// This order can never pass.
    Rejected(Reason),
    /// The network has a conversion under the same key already: [`judge`](super::judge) decides
    /// whose.
    Duplicate,
    /// Another order of ours holds the click: certain, whatever was in doubt.
    ClickUsed,
    /// May have been processed, and nothing but a person can find out.
    Held(Reason),
    /// A setting is wrong. Kept, and sent once it is fixed.
    Parked {
        /// The fault.
        reason: Reason,
        /// True if every order would fail, or only those like this one.
        scope: Scope,
        /// True if it is tried now and then although no setting has changed: the other side may
        /// have been fixed.
        probe: bool,
    },
    /// Certainly not processed: send again later.
    Retry {
        /// The reason.
        reason: Reason,
        /// The least wait that the network asked for.
        after: Option<Duration>,
        /// True if a byte of it may have reached the network.
        sent: bool,
    },
    /// Certainly not processed, and sent again once: after the same answer nobody knows what is wrong
    /// with the order.
    RetryOnce {
        /// The reason.
        reason: Reason,
        /// The least wait that the network asked for.
        after: Option<Duration>,
    },
    /// May have been processed.
    Unconfirmed {
        /// The reason.
        reason: Reason,
        /// The meaning of a clean "not there" of a lookup.
        if_absent: IfAbsent,
    },
}

impl Verdict {
    /// A refusal of the order itself.
    #[must_use]
    pub const fn rejected(reason: &'static str) -> Self {
        Self::Rejected(Reason::new(reason))
    }

    /// A setting is wrong for every order: the network is paused.
    #[must_use]
    pub const fn parked(reason: &'static str) -> Self {
        Self::Parked { reason: Reason::new(reason), scope: Scope::Network, probe: true }
    }

    /// A setting is wrong for orders like this one only; others go on.
    #[must_use]
    pub const fn parked_alone(reason: &'static str) -> Self {
        Self::Parked { reason: Reason::new(reason), scope: Scope::Delivery, probe: true }
    }

    /// Nobody knows what is wrong with this order: it is not tried again before a setting changes
    /// or a person decides.
    #[must_use]
    pub const fn parked_until_fixed(reason: &'static str) -> Self {
        Self::Parked { reason: Reason::new(reason), scope: Scope::Delivery, probe: false }
    }

    /// Answered, certainly not processed.
    #[must_use]
    pub const fn retry(reason: &'static str, after: Option<Duration>) -> Self {
        Self::Retry { reason: Reason::new(reason), after, sent: true }
    }

    /// May have been processed; if a lookup finds nothing, it was not.
    #[must_use]
    pub const fn unconfirmed(reason: &'static str) -> Self {
        Self::Unconfirmed { reason: Reason::new(reason), if_absent: IfAbsent::SendAgain }
    }

    /// The state it leads to where nothing is in doubt, and why: for logs.
    #[must_use]
    pub fn words(&self) -> (&'static str, Option<&str>) {
        let (state, reason) = match self {
            Self::Delivered(_) => (State::Delivered, None),
            Self::Accepted(reason) => (State::Accepted, reason.as_ref()),
            Self::Skipped(reason) => (State::Skipped, Some(reason)),
            Self::Rejected(reason) => (State::Rejected, Some(reason)),
            Self::Duplicate => return (State::Rejected.as_str(), Some("duplicate")),
            Self::ClickUsed => return (State::Rejected.as_str(), Some("click_used")),
            Self::Parked { reason, .. } => (State::Parked, Some(reason)),
            Self::Retry { reason, .. } | Self::RetryOnce { reason, .. } => {
                (State::Retrying, Some(reason))
            }
            Self::Unconfirmed { reason, .. } | Self::Held(reason) => {
                (State::Unconfirmed, Some(reason))
            }
        };
        (state.as_str(), reason.map(Reason::as_str))
    }

    /// Returns whether nothing more should be sent to the network for now.
    #[must_use]
    pub const fn opens_the_circuit(&self) -> bool {
        matches!(self, Self::Parked { scope: Scope::Network, .. })
    }
}

/// The reach of a wrong setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every order would fail (key, IP list, moved URL): stop sending to the network.
    Network,
    /// Only orders like this one (its offer): park it alone.
    Delivery,
}

/// The result of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is there.
    Found {
        /// The network's own ids for it.
        references: Details,
    },
    /// A clean, whole answer that does not hold it.
    Absent,
    /// The question was not answered.
    Failed {
        /// The reason.
        reason: Reason,
    },
}

impl Lookup {
    /// The result as a word: `found`, `absent`, or the reason that there was no answer.
    #[must_use]
    pub fn result(&self) -> Reason {
        match self {
            Self::Found { .. } => Reason::new("found"),
            Self::Absent => Reason::new("absent"),
            Self::Failed { reason } => reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_setting_that_is_wrong_for_every_order_opens_the_circuit() {
        assert!(Verdict::parked("wrong_key").opens_the_circuit());
        assert!(!Verdict::parked_alone("wrong_offer").opens_the_circuit());
        assert!(!Verdict::rejected("wrong_click").opens_the_circuit());
    }
}
