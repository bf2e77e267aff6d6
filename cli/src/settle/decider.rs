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
use rust_decimal::Decimal;

use crate::{account::Account, failure::Failure};

/// Checks that a person may decide about the delivery.
pub(crate) fn check_open(record: &Record, decision: Decision) -> Result<(), Failure> {
    let state = record.protocol.state;
    let is_open = match decision {
        Decision::Acknowledge if needs_answer(record) => true,
        Decision::Acknowledge => {
            return Err(Failure::NothingToAcknowledge {
                order_id: record.order_id.clone(),
                delivery: record.delivery.clone(),
            });
        }
        // A permission that waits is taken back, too.
        Decision::Reopen => {
            let held = &record.protocol;
            held.undecided.is_some() || held.permission.is_some() || was_reopened(record)
        }
        _ => !state.is_success() && state != State::Sending,
    };
    if is_open {
        return Ok(());
    }
    Err(not_open(record))
}

/// Returns whether other content, an unclear refusal or money to claim back waits for an answer.
fn needs_answer(record: &Record) -> bool {
    record.has_open_conflict() || record.is_open_refusal() || record.open_claim_back().is_some()
}

/// Returns whether the last decision was to reopen it, and it still is: its order may be missing.
fn was_reopened(record: &Record) -> bool {
    let last = record.last_decision().map(|last| last.decision);
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

/// Returns whether it is reopened already, so that to reopen it writes nothing.
pub(super) fn is_reopened(record: &Record, decision: Decision) -> bool {
    decision == Decision::Reopen && record.protocol.undecided.is_none() && was_reopened(record)
}

/// Returns whether it is permitted to send it again already: to permit it again writes nothing, and brings its
/// order.
fn is_permitted(record: &Record, decision: Decision) -> bool {
    let permission = record.protocol.permission.as_ref();
    decision == Decision::PermitSending
        && permission.is_some_and(|given| Timestamp::system() < given.until)
}

/// A decision uses none of a network's numbers.
const POLICY: Policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);

/// A delivery as a person saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The last attempt.
    pub(crate) attempt: u32,
    /// The number of other contents.
    pub(crate) conflicts: u32,
    /// The whole sum that came back since the network took it.
    pub(crate) came_back: Option<Decimal>,
    /// The number of decisions; `None` where only the attempt was named.
    pub(crate) decisions: Option<u32>,
}

impl Seen {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            attempt: record.protocol.attempt,
            conflicts: record.conflicts.count(),
            came_back: record.came_back().map(|back| back.amount),
            decisions: Some(record.protocol.decisions),
        }
    }
}

fn came_back(sum: Option<Decimal>) -> String {
    format!("{} that came back", sum.unwrap_or_default())
}

/// A decision to be written.
pub(super) struct Decider<'a> {
    pub(super) account: &'a Account,
    pub(super) seen: Seen,
    pub(super) decision: Decision,
    pub(super) why: OperatorNote,
    pub(super) by: OperatorNote,
}

impl Decider<'_> {
    /// Checks that the decision applies to the delivery as it is now.
    pub(super) fn check(&self, record: &Record) -> Result<(), Failure> {
        check_open(record, self.decision)?;
        let (now, seen) = (Seen::of(record), self.seen);
        let is_acknowledged = self.decision == Decision::Acknowledge;
        let (found, seen) = if now.attempt != seen.attempt {
            (format!("attempt {}", now.attempt), format!("attempt {}", seen.attempt))
        } else if is_acknowledged && now.conflicts != seen.conflicts {
            (format!("{} other contents", now.conflicts), seen.conflicts.to_string())
        } else if is_acknowledged && now.came_back != seen.came_back {
            (came_back(now.came_back), came_back(seen.came_back))
        } else if seen.decisions.is_some() && now.decisions != seen.decisions {
            let number = |it: Option<u32>| format!("decision {}", it.unwrap_or_default());
            (number(now.decisions), number(seen.decisions))
        } else {
            return Ok(());
        };
        let (order_id, delivery) = (record.order_id.clone(), record.delivery.clone());
        Err(Failure::MovedOn { order_id, delivery, found, seen })
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
    /// repetition, and so is to permit what is permitted.
    pub(super) async fn decide(&self, record: Record) -> Result<Record, Failure> {
        if is_reopened(&record, self.decision) || is_permitted(&record, self.decision) {
            return Ok(record);
        }
        let decide = |held: Option<&Record>| {
            let Some(held) = held else { return Change::Keep(Err(Failure::Contended)) };
            if let Err(failure) = self.check(held) {
                return Change::Keep(Err(failure));
            }
            let (attempt, decisions) = (self.seen.attempt, held.protocol.decisions);
            let event = Event::Decide { attempt, decisions, decision: self.decision };
            let stamp = Stamp { now: Timestamp::system(), write_id: fastrand::u64(..) };
            let Some(next) = step(Some(&held.protocol), &event, &POLICY, stamp.now).next else {
                return Change::Keep(Err(not_open(held)));
            };
            let decision = DecisionRecord {
                version: 0,
                at: stamp.now,
                attempt: self.seen.attempt,
                decision: self.decision,
                by: self.by.clone(),
                why: self.why.clone(),
                evidence: None,
                claim_back: None,
                contents_left_out: 0,
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
