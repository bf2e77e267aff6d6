//! The open deliveries that nothing moves on: for the sweep and for the tool.

use std::time::Duration;

use super::{ConflictRecord, DecisionRecord, Record};
use crate::{
    clock::Timestamp,
    delivery::{Decision, IMPLAUSIBLE, Recovery, Standing, State},
};

/// The time after which an open delivery whose message has gone counts as unwatched.
const UNWATCHED_AFTER: Duration = Duration::from_hours(2);

/// The reasons of a refusal that a person should see: the network holds a conversion that is not
/// ours, or its answer is unknown.
pub const UNCLEAR_REFUSALS: [&str; 2] = ["duplicate_elsewhere", "unknown_refusal"];

/// The time after the end of the return period at which a validation is overdue.
const OVERDUE_AFTER: Duration = Duration::from_hours(24);

/// The states in which a validation waits for a person.
const VALIDATIONS_FOR_A_PERSON: [State; 3] = [State::Parked, State::Unconfirmed, State::Rejected];

impl Record {
    /// Returns whether the network refused it for one of [`UNCLEAR_REFUSALS`].
    #[must_use]
    pub fn is_unclear_refusal(&self) -> bool {
        let reason = self.protocol.reason.as_ref();
        self.protocol.state == State::Rejected
            && reason.is_some_and(|reason| UNCLEAR_REFUSALS.contains(&reason.as_str()))
    }

    /// Returns whether it is an unclear refusal, and no decision has answered it.
    #[must_use]
    pub fn is_open_refusal(&self) -> bool {
        let is_answered = |by: &DecisionRecord| by.version > self.state_version;
        self.is_unclear_refusal() && !self.standing_decision().is_some_and(is_answered)
    }

    /// Returns whether the order came with other content, and no decision has answered it since that
    /// content first came.
    #[must_use]
    pub fn has_open_conflict(&self) -> bool {
        if self.conflicts.is_empty() {
            return false;
        }
        let answer = self.standing_decision();
        let (version, left_out) =
            answer.map_or((0, 0), |answer| (answer.version, answer.contents_left_out));
        let is_new = |conflict: &ConflictRecord| conflict.version > version;
        self.conflicts.entries().iter().any(is_new) || self.conflicts.left_out() > left_out
    }

    /// The last decision that did more than acknowledge.
    #[must_use]
    pub fn last_decision(&self) -> Option<&DecisionRecord> {
        self.decisions.entries().iter().rev().find(|taken| taken.decision != Decision::Acknowledge)
    }

    /// The last decision that was not taken back.
    fn standing_decision(&self) -> Option<&DecisionRecord> {
        let mut standing = Vec::new();
        for taken in self.decisions.entries() {
            if taken.decision != Decision::Reopen {
                standing.push(taken);
                continue;
            }
            let can_be = |before: &&DecisionRecord| before.decision != Decision::Acknowledge;
            if let Some(at) = standing.iter().rposition(can_be) {
                standing.remove(at);
            }
        }
        standing.pop()
    }

    /// Returns whether only a person can go on.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_implausible() || self.is_held_in_doubt()
    }

    /// Returns whether it is not sent because it exceeds a bound of the operator's.
    #[must_use]
    pub fn is_implausible(&self) -> bool {
        self.protocol.state == State::Parked && self.protocol.reason == Some(IMPLAUSIBLE)
    }

    /// Returns whether it is in the index of what waits: all that may need a person, and what is open and
    /// not being sent. An order that meets no trouble never is, because the index costs a write each time;
    /// so what is being sent is not, nor is a validation that waits for its date.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let is_open = if self.is_validation() {
            self.is_validation_for_a_person()
        } else {
            self.protocol.state.is_waiting()
        };
        is_open
            || self.protocol.permission.is_some()
            || self.is_open_refusal()
            || self.has_open_conflict()
            || self.open_claim_back().is_some()
    }

    /// Returns whether it is parked and its message comes round: one of a doubt that only a person can settle
    /// is gone.
    #[must_use]
    pub fn comes_round_parked(&self) -> bool {
        self.protocol.state == State::Parked && !self.is_held_in_doubt()
    }

    /// Returns whether it is in doubt, and only a person can settle that.
    #[must_use]
    pub fn is_held_in_doubt(&self) -> bool {
        let delivery = &self.protocol;
        let recovery = delivery.doubt.as_ref().map(|doubt| doubt.recovery);
        let never_resolves = delivery.cancelled.is_some() && recovery != Some(Recovery::LookUp);
        match delivery.state {
            State::Unconfirmed => {
                recovery.is_none_or(|recovery| recovery == Recovery::Hold) || never_resolves
            }
            State::Parked => recovery == Some(Recovery::Hold) || never_resolves,
            _ => false,
        }
    }

    /// Returns whether it is open, waits for no person, and its message should have come two hours
    /// ago.
    #[must_use]
    pub fn is_unwatched(&self, now: Timestamp) -> bool {
        let is_open = !self.protocol.state.is_final();
        is_open && !self.is_held() && now.since(self.due_at()) > UNWATCHED_AFTER
    }

    /// The time at which its message should come: the one named, or else the delivery's own.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.message_until.unwrap_or(self.protocol.not_before.max(self.updated_at))
    }

    /// Returns whether the network took it, so that a validation has to follow it: none does where a
    /// workbook validates it.
    #[must_use]
    pub fn wants_validation(&self) -> bool {
        let held = &self.protocol;
        let is_called = held.reported.as_ref().is_some_and(|it| it.workbook_days.is_none());
        held.state.is_success() && is_called && !self.is_validation()
    }

    /// Returns whether a validation may be called, or decided anew: the sweep brings it.
    #[must_use]
    pub fn is_validation_due(&self, now: Timestamp) -> bool {
        let held = &self.protocol;
        let permitted = held.permission.as_ref().is_some_and(|given| now < given.until);
        let is_open = match held.state {
            State::Retrying => true,
            State::Parked | State::Unconfirmed | State::Rejected if permitted => true,
            State::Parked => !held.in_doubt(),
            _ => false,
        };
        // One whose settings made it wait longer is looked at once an hour, too: they may be fixed.
        let is_time = held.not_before <= now || held.parked_settings.is_some() || permitted;
        self.is_validation() && is_open && is_time
    }

    /// Returns whether a validation waits for a person, or has been due for more than a day.
    #[must_use]
    pub fn is_validation_held(&self, now: Timestamp) -> bool {
        let held = &self.protocol;
        let Some(validation) = &held.validation else { return false };
        match held.state {
            State::Retrying | State::Sending => now.since(validation.lock_at) > OVERDUE_AFTER,
            _ => self.is_validation_for_a_person(),
        }
    }

    /// Returns whether a validation goes on by a person's decision alone.
    #[must_use]
    pub fn is_validation_for_a_person(&self) -> bool {
        self.is_validation() && VALIDATIONS_FOR_A_PERSON.contains(&self.protocol.state)
    }

    /// The standing of the delivery for its validation: a person's confirmation that rests on a report
    /// counts as the network's own word.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let has_evidence = self.last_decision().is_some_and(|last| last.evidence.is_some());
        match Standing::of(&self.protocol) {
            Standing::Confirmed if has_evidence => Standing::Reported,
            standing => standing,
        }
    }

    /// The amount and the currency that the delivery is about: of a line, the line's own.
    #[must_use]
    pub fn money(&self) -> Option<(&str, &str)> {
        let facts = &self.protocol.facts;
        let amount = facts.reported_amount()?;
        Some((amount, facts.get("currency")?))
    }
}

#[cfg(test)]
mod tests;
