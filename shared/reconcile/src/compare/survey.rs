//! The first reading of the lines: each finds its delivery, and what speaks against the report as a
//! whole is counted.

use std::collections::BTreeMap;

use postback_core::clock::Timestamp;
use rust_decimal::Decimal;
use time::UtcOffset;

use super::{Absence, Comparison, Fault, Ledger, Line, Match, Report, Shop, Sign, Status};
use crate::{
    ledger::{Entry, Standing},
    money::UNNAMED,
    understand::{BROKEN, zone_text},
};

/// The reason of a line that can't stand alone.
pub(super) const NEGATIVE: &str = "a negative amount: give --sign ledger";

/// The reason of a line that is longer or shorter than the header.
const WIDTH: &str = "another number of cells than the header";

/// The shortest time between two zones, in seconds.
const QUARTER: i64 = 15 * 60;
/// The time that a network's clock may be from ours, in seconds.
const SKEW: i64 = 2 * 60;
/// The most quarters of an hour between a zone and UTC.
const FARTHEST: i64 = 14 * 4;
/// The fewest lines that show the zone.
const FEW: u64 = 3;

/// The counts of the lines.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The lines whose ids are known here.
    pub(super) known: u64,
    /// The lines that could be any delivery: they can't be read, or fit several.
    unplaced: u64,
    /// The lines with a negative amount, where lines do not add up.
    negative: u64,
    /// The lines with a time of day whose delivery is known.
    dated: u64,
    /// The number of those by the quarters of an hour that their date is from our report.
    apart: BTreeMap<i64, u64>,
}

impl Survey {
    /// Notes the date of a line whose delivery was reported at this time.
    fn add_date(&mut self, date: Timestamp, reported: Timestamp) {
        self.dated += 1;
        let apart = date.as_secs() - reported.as_secs();
        let quarters = (apart + QUARTER / 2).div_euclid(QUARTER);
        if quarters.abs() <= FARTHEST && (apart - quarters * QUARTER).abs() <= SKEW {
            *self.apart.entry(quarters).or_default() += 1;
        }
    }

    /// The difference of the zones, in seconds, and the number of lines that show it: dates that are all
    /// as far from our reports.
    fn other_zone(&self) -> Option<(i64, u64)> {
        let most = self.apart.iter().max_by_key(|(_, lines)| **lines)?;
        let (quarters, lines) = (*most.0, *most.1);
        let is_other = quarters != 0 && lines >= FEW && lines * 2 > self.dated;
        is_other.then_some((quarters * QUARTER, lines))
    }
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
            let entry = &ledger.entries[number as usize];
            if let Some(date) = line.date.filter(|date| has_time(*date, report.columns.zone)) {
                survey.add_date(date, entry.at);
            }
            let ours = ledger.currency(entry);
            let other = line.currency.is_some_and(|theirs| ours != UNNAMED && ours != theirs);
            ledger.entries[number as usize].found.add(&line, sign, other);
        }
        Ok(())
    })?;
    Ok(survey)
}

/// Returns whether a date has a time of day: midnight may be a day alone, which is of no zone.
fn has_time(date: Timestamp, zone: UtcOffset) -> bool {
    (date.as_secs() + i64::from(zone.whole_seconds())).rem_euclid(86_400) != 0
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
        if let Some((seconds, lines)) = survey.other_zone() {
            self.is_no_proof = true;
            let read = self.report.columns.zone.whole_seconds();
            let own = i32::try_from(seconds).ok().and_then(|seconds| read.checked_add(seconds));
            let own = own.and_then(|own| UtcOffset::from_whole_seconds(own).ok());
            let zone = own.map(|own| format!(" {}", zone_text(own))).unwrap_or_default();
            warnings.push(format!(
                "The dates of {lines} lines are off from our reports by one and the same time: the report \
                 seems to be of another zone. Give --zone{zone}. Until then nothing is to be sent again by it."
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
