//! The proof of a delivery, and the consequence of its absence at the network.

use serde::{Deserialize, Serialize};

/// The proof of a delivered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The network's own answer to the attempt.
    Response,
    /// Its "duplicate" of our own earlier attempt.
    Duplicate,
    /// A lookup found it.
    Lookup,
    /// A person's decision.
    Operator,
}

impl Proof {
    /// The word in the ledger, the API, the events and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Duplicate => "duplicate",
            Self::Lookup => "lookup",
            Self::Operator => "operator",
        }
    }
}

/// The consequence of a clean "not there" for an unconfirmed delivery.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum IfAbsent {
    /// It never arrived: send again.
    #[default]
    SendAgain,
    /// The network holds somebody else's: rejected as `duplicate_elsewhere`.
    Reject,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_has_one_word_wherever_it_is_written() {
        for proof in [Proof::Response, Proof::Duplicate, Proof::Lookup, Proof::Operator] {
            assert_eq!(serde_json::to_value(proof).expect("a word"), proof.as_str());
        }
    }
}
