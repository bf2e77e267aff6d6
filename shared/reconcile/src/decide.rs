//! Decisions about held deliveries that rest on a report: written as a file, read back, and checked
//! against the ledger before any is recorded.

use std::{collections::HashSet, time::Duration};

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, DecisionRecord, Event, Policy, Record, Recovery, Stamp, State, step},
    redaction::OperatorNote,
};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    fault::Fault,
    format::{Absence, Format},
    id, ledger,
    money::Sums,
};

mod row;
mod suggest;

use row::row;
pub(crate) use suggest::{of_delivery, of_validation};

/// A decision uses none of a network's numbers.
const POLICY: Policy = Policy::new(Recovery::Hold, Duration::ZERO, Duration::ZERO);

/// The headings of the file of decisions.
pub const DECISIONS: [&str; 11] = [
    "order_id",
    "delivery",
    "attempt",
    "decision",
    "evidence",
    "amount",
    "currency",
    "network",
    "report",
    "covers_from",
    "covers_to",
];

/// The counts of decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecisionCounts {
    /// The network has it.
    pub delivered: u64,
    /// The money of those.
    pub delivered_sums: Sums,
    /// The network does not have it: it may be sent again.
    pub send_again: u64,
    /// The money of those.
    pub send_again_sums: Sums,
    /// It is given up.
    pub abandon: u64,
    /// The money of those.
    pub abandon_sums: Sums,
}

impl DecisionCounts {
    /// Counts a decision.
    pub fn add(&mut self, decision: Decision, currency: Option<&str>, amount: Option<Decimal>) {
        let (count, sums) = match decision {
            Decision::Confirm => (&mut self.delivered, &mut self.delivered_sums),
            Decision::PermitSending => (&mut self.send_again, &mut self.send_again_sums),
            Decision::Abandon | Decision::Reopen | Decision::Acknowledge => {
                (&mut self.abandon, &mut self.abandon_sums)
            }
        };
        *count += 1;
        sums.add(currency, amount);
    }

    /// The number of all.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.delivered + self.send_again + self.abandon
    }
}

/// The word of a decision, which is the flag of `orders settle`.
#[must_use]
pub const fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Confirm => "delivered",
        Decision::PermitSending => "send_again",
        Decision::Abandon => "abandon",
        Decision::Reopen => "reopen",
        Decision::Acknowledge => "acknowledge",
    }
}

/// A row of a file of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// The line of the file.
    pub line: u64,
    /// The order's id.
    pub order_id: String,
    /// `network`, or `network#line`.
    pub delivery: String,
    /// The last attempt that the reconciliation saw.
    pub attempt: u32,
    /// The decision.
    pub decision: Decision,
    /// True if the order is not in the report.
    pub is_absent: bool,
    /// The line of the report, or `absent`.
    pub evidence: String,
}

/// A file of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decisions {
    /// The network's name.
    pub network: String,
    /// The SHA-256 of the report that they rest on.
    pub report: String,
    /// The beginning of the time that the report covers.
    pub from: Option<Timestamp>,
    /// The end of that time.
    pub to: Option<Timestamp>,
    /// The decisions.
    pub rows: Vec<DecisionRow>,
}

/// The result of checking a decision against the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is to be recorded.
    Open,
    /// It was recorded before, or the delivery was settled by itself.
    Done,
    /// It is refused, with a word for the reason.
    Refused(&'static str),
}

impl Decisions {
    /// Reads a file of decisions. A row that is none refuses the whole file.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        if reader.headers()?.iter().ne(DECISIONS) {
            let headings = DECISIONS.join(",");
            return Err(Fault::BadDecisions {
                line: 1,
                fault: format!("its header is not {headings}"),
            });
        }
        let mut decisions: Option<Self> = None;
        let mut seen = HashSet::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let bad = |fault: &str| Fault::BadDecisions { line, fault: fault.to_owned() };
            let cell = |at: usize| id::clean(record.get(at).unwrap_or_default());
            let row = row(line, &cell).map_err(bad)?;
            if !seen.insert((row.order_id.clone(), row.delivery.clone())) {
                return Err(bad("an earlier row decides about the same delivery"));
            }
            let is_digest = cell(8).len() == 64 && cell(8).bytes().all(|b| b.is_ascii_hexdigit());
            if !is_digest {
                return Err(bad("it names no report"));
            }
            let one = decisions.get_or_insert_with(|| Self {
                network: cell(7).to_owned(),
                report: cell(8).to_owned(),
                from: Timestamp::parse(cell(9)),
                to: Timestamp::parse(cell(10)),
                rows: Vec::new(),
            });
            if one.network != cell(7) || one.report != cell(8) {
                return Err(bad("it rests on another report than the first row"));
            }
            if [one.from, one.to] != [9, 10].map(|at| Timestamp::parse(cell(at))) {
                return Err(bad("its report covers another time than the first row's"));
            }
            one.rows.push(row);
        }
        decisions.ok_or(Fault::Empty)
    }

    /// Checks a decision against the delivery as it is now.
    #[must_use]
    pub fn check(&self, row: &DecisionRow, record: &Record, format: &Format) -> Check {
        if record.network() != self.network {
            return Check::Refused("another_networks_report");
        }
        if self.was_recorded(row, record) {
            return Check::Done;
        }
        let held = &record.protocol;
        if held.attempt != row.attempt {
            return Check::Refused("moved_on");
        }
        if held.state.is_success() {
            return Check::Done;
        }
        if !record.is_held_in_doubt() && held.state != State::Abandoned {
            return Check::Refused("not_held");
        }
        if row.is_absent && row.decision != Decision::Confirm {
            return self.check_absence(record, format);
        }
        Check::Open
    }

    /// Returns the record with the decision in it, and the report as its evidence.
    pub fn apply(
        &self,
        row: &DecisionRow,
        held: &Record,
        format: &Format,
        by: &OperatorNote,
        why: &OperatorNote,
        stamp: Stamp,
    ) -> Result<Record, Check> {
        match self.check(row, held, format) {
            Check::Open => {}
            check => return Err(check),
        }
        // A report can't cover what is still to come.
        if row.is_absent && self.to.is_some_and(|to| to > stamp.now) {
            return Err(Check::Refused("report_covers_the_future"));
        }
        let (attempt, decision) = (row.attempt, row.decision);
        let event = Event::Decide { attempt, decisions: held.protocol.decisions, decision };
        let next = step(Some(&held.protocol), &event, &POLICY, stamp.now).next;
        let next = next.ok_or(Check::Refused("does_not_fit"))?;
        let decision = DecisionRecord {
            version: 0,
            at: stamp.now,
            attempt,
            decision,
            by: by.clone(),
            why: why.clone(),
            evidence: Some(self.report.clone()),
            claim_back: None,
            contents_left_out: 0,
        };
        Ok(held.decided(next, decision, stamp))
    }

    /// Checks that the report could have shown each attempt that may have been processed.
    fn check_absence(&self, record: &Record, format: &Format) -> Check {
        if format.absence == Absence::Nothing {
            return Check::Refused("absence_proves_nothing");
        }
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return Check::Refused("report_covers_no_time");
        };
        let (first, last) = ledger::span(record);
        let delay = Duration::from_secs(60 * u64::from(format.delay_minutes));
        if first < from || last > to {
            return Check::Refused("another_periods_report");
        }
        if last + delay > to { Check::Refused("report_too_young") } else { Check::Open }
    }

    /// Returns whether the decision is in the delivery's history, with this report as its evidence.
    fn was_recorded(&self, row: &DecisionRow, record: &Record) -> bool {
        record.decisions.entries().iter().any(|known| {
            known.attempt == row.attempt
                && known.decision == row.decision
                && known.evidence.as_deref() == Some(&self.report)
        })
    }
}
