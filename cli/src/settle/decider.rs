//! The write of a person's decision.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{
        Decision, DecisionRecord, Event, Policy, Record, Recovery, Stamp, State, Then, step,
    },
    redaction::OperatorNote,
};
use postback_runtime::ledger::{Change, UpdateError};

use crate::{account::Account, failure::Failure};

/// Checks that a person may decide about the delivery.
pub(super) fn check_open(record: &Record, decision: Decision) -> Result<(), Failure> {
    let state = record.protocol.state;
    let is_open = match decision {
        Decision::Reopen => record.protocol.undecided.is_some() || was_reopened(record),
        _ => !state.is_success() && state != State::Sending,
    };
    if is_open {
        return Ok(());
    }
    Err(not_open(record))
}

/// Returns whether the last decision was to reopen it, and it still is: its order may be missing.
fn was_reopened(record: &Record) -> bool {
    let last = record.decisions.last().map(|last| last.decision);
    let state = record.protocol.state;
    last == Some(Decision::Reopen) && !state.is_final() && state != State::Sending
}

fn not_open(record: &Record) -> Failure {
    Failure::NotOpen {
        order_id: record.order_id.clone(),
        delivery: record.delivery.clone(),
        state: record.protocol.state.as_str(),
    }
}

fn is_reopened(record: &Record, decision: Decision) -> bool {
    decision == Decision::Reopen && record.protocol.undecided.is_none() && was_reopened(record)
}

/// A decision uses none of a network's numbers.
const POLICY: Policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);

/// A decision to be written.
pub(super) struct Decider<'a> {
    pub(super) account: &'a Account,
    /// The last attempt as the person saw it.
    pub(super) seen: u32,
    pub(super) decision: Decision,
    pub(super) why: OperatorNote,
    pub(super) by: OperatorNote,
}

impl Decider<'_> {
    /// Checks that the decision applies to the delivery as it is now.
    pub(super) fn check(&self, record: &Record) -> Result<(), Failure> {
        check_open(record, self.decision)?;
        let found = record.protocol.attempt;
        if found == self.seen {
            return Ok(());
        }
        Err(Failure::MovedOn {
            order_id: record.order_id.clone(),
            delivery: record.delivery.clone(),
            found,
            seen: self.seen,
        })
    }

    /// Returns whether the delivery can go on by itself after the decision, for which its order has to
    /// come.
    pub(super) fn needs_order(&self, record: &Record) -> bool {
        let held = &record.protocol;
        if is_reopened(record, self.decision) {
            let recovery = held.doubt.as_ref().map(|doubt| doubt.recovery);
            return recovery != Some(Recovery::Hold) && !held.state.is_final();
        }
        let event = Event::Decide {
            attempt: held.attempt,
            decisions: held.decisions,
            decision: self.decision,
        };
        let step = step(Some(held), &event, &POLICY, Timestamp::system());
        matches!(step.then, Then::Wait(_))
    }

    /// Writes the decision, unless the delivery has moved on. To reopen what is reopened is a
    /// repetition.
    pub(super) async fn decide(&self, record: Record) -> Result<Record, Failure> {
        if is_reopened(&record, self.decision) {
            return Ok(record);
        }
        let decide = |held: Option<&Record>| {
            let Some(held) = held else { return Change::Keep(Err(Failure::Contended)) };
            if let Err(failure) = self.check(held) {
                return Change::Keep(Err(failure));
            }
            let (attempt, decisions) = (self.seen, held.protocol.decisions);
            let event = Event::Decide { attempt, decisions, decision: self.decision };
            let stamp = Stamp { now: Timestamp::system(), write_id: fastrand::u64(..) };
            let Some(next) = step(Some(&held.protocol), &event, &POLICY, stamp.now).next else {
                return Change::Keep(Err(not_open(held)));
            };
            let decision = DecisionRecord {
                version: 0,
                at: stamp.now,
                attempt: self.seen,
                decision: self.decision,
                by: self.by.clone(),
                why: self.why.clone(),
            };
            Change::Write(Box::new(held.decided(next, decision, stamp)), Ok(()))
        };
        let updated = self.account.ledger.update(Some(record), decide).await;
        let updated = updated.map_err(|error| match error {
            UpdateError::Ledger(error) => self.account.ledger_failed("PutItem")(error),
            UpdateError::Contended => Failure::Contended,
        })?;
        updated.value?;
        updated.after.ok_or(Failure::Contended)
    }
}
