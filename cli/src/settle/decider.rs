//! The write of a person's decision.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, DecisionRecord, Event, Policy, Record, Recovery, Stamp, State, step},
    redaction::OperatorNote,
};
use postback_runtime::ledger::{Change, UpdateError};

use crate::{account::Account, failure::Failure};

/// Checks that a person may decide about the delivery.
pub(super) fn check_open(record: &Record, decision: Decision) -> Result<(), Failure> {
    let state = record.protocol.state;
    let is_open = match decision {
        Decision::Reopen => record.protocol.undecided.is_some(),
        _ => !state.is_success() && state != State::Sending,
    };
    if is_open {
        return Ok(());
    }
    Err(not_open(record))
}

fn not_open(record: &Record) -> Failure {
    Failure::NotOpen {
        order_id: record.order_id.clone(),
        delivery: record.delivery.clone(),
        state: record.protocol.state.as_str(),
    }
}

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

    /// Writes the decision, unless the delivery has moved on.
    pub(super) async fn decide(&self, record: Record) -> Result<Record, Failure> {
        // A decision uses none of a network's numbers.
        let policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);
        let decide = |held: Option<&Record>| {
            let Some(held) = held else { return Change::Keep(Err(Failure::Contended)) };
            if let Err(failure) = self.check(held) {
                return Change::Keep(Err(failure));
            }
            let (attempt, decisions) = (self.seen, held.protocol.decisions);
            let event = Event::Decide { attempt, decisions, decision: self.decision };
            let stamp = Stamp { now: Timestamp::system(), write_id: fastrand::u64(..) };
            let Some(next) = step(Some(&held.protocol), &event, &policy, stamp.now).next else {
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
