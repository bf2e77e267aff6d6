//! The first reading of the lines: each finds its delivery, and what speaks against the report as a
//! whole is counted.

use rust_decimal::Decimal;

use super::{Absence, Comparison, Fault, Ledger, Line, Match, Report, Shop, Sign, Status};
use crate::{
    ledger::{Entry, Standing},
    money::UNNAMED,
    understand::BROKEN,
};

/// The reason of a line that can't stand alone.
pub(super) const NEGATIVE: &str = "a negative amount: give --sign ledger";

/// The reason of a line that is longer or shorter than the header.
const WIDTH: &str = "another number of cells than the header";

/// The counts of the lines.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The lines whose ids are known here.
    pub(super) known: u64,
    /// The lines that could be any delivery: they can't be read, or fit several.
    unplaced: u64,
    /// The lines with a negative amount, where lines do not add up.
    negative: u64,
}

/// Finds the delivery of each line.
pub(super) fn survey(report: &Report, ledger: &mut Ledger, shop: &Shop) -> Result<Survey, Fault> {
    let sign = report.format.sign;
    let mut survey = Survey { unplaced: u64::from(report.hides_lines), ..Survey::default() };
    report.each(|line| {
        let found = ledger.find(&line, &report.format, shop);
        // Others may be hidden in it, whatever it is.
        let hides_others = matches!(line.fault, Some(BROKEN | WIDTH));
        let is_placed = match found {
            Match::One(..) => true,
            Match::None => line.fault.is_none(),
            Match::Several | Match::Damaged | Match::Lost => false,
        };
        survey.unplaced += u64::from(!is_placed || hides_others);
        if line.fault.is_some() {
            if let Match::One(number, _) = found {
                ledger.entries[number as usize].found.is_named = true;
            }
            return Ok(());
        }
        survey.known += u64::from(!matches!(found, Match::None | Match::Lost));
        survey.negative += u64::from(sign == Sign::Lines && is_negative(&line));
        if let Match::One(number, _) = found {
            let ours = ledger.currency(&ledger.entries[number as usize]);
            let other = line.currency.is_some_and(|theirs| ours != UNNAMED && ours != theirs);
            ledger.entries[number as usize].found.add(&line, sign, other);
        }
        Ok(())
    })?;
    Ok(survey)
}

pub(super) fn is_negative(line: &Line<'_>) -> bool {
    line.amount.is_some_and(|amount| amount < Decimal::ZERO)
}

impl Comparison<'_> {
    /// Notes what speaks against the report as a whole.
    pub(super) fn note(&mut self, survey: &Survey, ledger: &Ledger) {
        let understood = &self.report.understood;
        let readable = understood.lines - understood.unreadable;
        let warnings = &mut self.outcome.warnings;
        if survey.unplaced > 0 {
            self.is_no_proof = true;
            warnings.push(format!(
                "{} lines can't be read or fit several deliveries: what is missing could be \
                 among them, so nothing is to be sent again by this report. Correct them first.",
                survey.unplaced
            ));
        }
        // An invoice has no pending lines: what it lacks may be pending.
        let has_pending = understood.statuses.contains_key(Status::Pending.as_str());
        let is_held = |entry: &Entry| entry.standing == Standing::Held && entry.found.lines == 0;
        let is_proof = self.report.format.absence == Absence::Proof && !self.is_no_proof;
        if !has_pending && is_proof && ledger.entries.iter().any(is_held) {
            let warning = "The report has no pending line. If it lists approved ones only, as an \
                           invoice does, what it lacks may be pending: then send nothing again by it.";
            warnings.push(warning.to_owned());
        }
        if survey.known.saturating_mul(2) < readable {
            self.is_foreign = true;
            warnings.push(format!(
                "{} of {readable} lines are of orders that are known here: it may be another \
                 shop's report, so nothing is decided by it.",
                survey.known
            ));
        }
        if survey.negative > 0 {
            warnings.push(format!(
                "{} lines have a negative amount: if lines add up, give --sign ledger.",
                survey.negative
            ));
        }
    }
}
