//! The open deliveries that nothing moves on: for the sweep and for the tool.

use std::time::Duration;

use super::Record;
use crate::{
    clock::Timestamp,
    delivery::{Recovery, State},
};

/// The time after which an open delivery whose message has gone counts as unwatched.
const UNWATCHED_AFTER: Duration = Duration::from_hours(2);

impl Record {
    /// Returns whether only a person can go on.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let delivery = &self.protocol;
        let recovery = delivery.doubt.as_ref().map(|doubt| doubt.recovery);
        let never_resolves = delivery.cancelled.is_some() && recovery != Some(Recovery::LookUp);
        match delivery.state {
            State::Unconfirmed => {
                recovery.is_none_or(|recovery| recovery == Recovery::Hold) || never_resolves
            }
            State::Parked => delivery.cancelled.is_some() && never_resolves,
            _ => false,
        }
    }

    /// Returns whether it is open, waits for no person, and its message should have come two hours
    /// ago.
    #[must_use]
    pub fn is_unwatched(&self, now: Timestamp) -> bool {
        let delivery = &self.protocol;
        let due = self.message_until.unwrap_or(delivery.not_before.max(self.updated_at));
        !delivery.state.is_final() && !self.is_held() && now.since(due) > UNWATCHED_AFTER
    }

    /// The amount and the currency that the delivery is about: of a line, the line's own.
    #[must_use]
    pub fn money(&self) -> Option<(&str, &str)> {
        let facts = &self.protocol.facts;
        let amount = facts.get("line_amount").or_else(|| facts.get("amount"))?;
        Some((amount, facts.get("currency")?))
    }
}
