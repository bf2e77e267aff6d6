//! The comparison: the report is read twice more. First each line finds its delivery, then each line
//! and each delivery gets its bucket. Of the lines nothing is kept but the digests of those without a
//! delivery.

use std::{
    collections::{BTreeMap, HashSet},
    hash::BuildHasher,
    time::Duration,
};

use postback_core::clock::Timestamp;
use rust_decimal::Decimal;

use crate::{
    bucket::{self, Bucket},
    decide::DecisionCounts,
    fault::Fault,
    format::{Absence, Sign},
    ledger::{Ledger, Match, Way},
    line::Line,
    money::{Sums, UNNAMED},
    output::amount,
    shop::Shop,
    understand::Report,
};

mod outcome;
mod write;

pub use outcome::{BucketTotal, DISPUTES, Files, LINES, Options, Outcome};
use write::{claim_back, write_line};

/// Compares a report with the deliveries of its network, and writes what it finds.
pub fn compare(
    report: &Report,
    ledger: &mut Ledger,
    shop: &Shop,
    options: &Options,
    files: &mut Files<'_>,
) -> Result<Outcome, Fault> {
    let understood = &report.understood;
    let from = options.from.or(understood.from);
    let to = options.to.or(understood.to);
    let outside = |from: Timestamp, to: Timestamp| {
        understood.from.is_some_and(|first| first > to)
            || understood.to.is_some_and(|last| last < from)
    };
    if from.zip(to).is_some_and(|(from, to)| outside(from, to)) {
        return Err(Fault::OtherPeriod);
    }
    let readable = understood.lines - understood.unreadable;
    let (found, unplaced) = find_all(report, ledger, shop)?;
    if found == 0 && readable > 0 && !ledger.is_empty() {
        let (lines, network) = (understood.lines, options.network.clone());
        return Err(Fault::Foreign { lines, network });
    }
    let mut comparison = Comparison::new(report, options, from, to);
    comparison.note_unplaced(unplaced);
    comparison.write_lines(ledger, shop, files)?;
    comparison.write_deliveries(ledger, files)?;
    Ok(comparison.outcome)
}

/// Finds the delivery of each line. Returns the number of lines that have one, and of those that can't
/// be read or fit several: each could be any delivery that seems to be missing.
fn find_all(report: &Report, ledger: &mut Ledger, shop: &Shop) -> Result<(u64, u64), Fault> {
    let (mut count, mut unplaced) = (0, 0);
    report.each(|line| {
        let found = ledger.find(&line, &report.format, shop);
        let number = match found {
            Match::One(number, _) if line.fault.is_some() => {
                ledger.entries[number as usize].found.is_named = true;
                return Ok(());
            }
            Match::One(number, _) => number,
            Match::None if line.fault.is_none() => return Ok(()),
            Match::None | Match::Several | Match::Damaged => {
                unplaced += 1;
                return Ok(());
            }
        };
        count += 1;
        let ours = ledger.currency(&ledger.entries[number as usize]);
        let other = line.currency.is_some_and(|theirs| ours != UNNAMED && ours != theirs);
        let found = &mut ledger.entries[number as usize].found;
        found.lines += 1;
        // A second line of one order is a double, and none of its amount is the order's.
        if report.format.sign == Sign::Lines && found.lines > 1 {
            return Ok(());
        }
        found.other_currency |= other;
        found.status = line.status.or(found.status);
        if let Some(amount) = line.amount {
            found.has_amount = true;
            found.net = found.net.saturating_add(amount);
            found.positive += u32::from(amount > Decimal::ZERO);
        }
        Ok(())
    })?;
    Ok((count, unplaced))
}

struct Comparison<'a> {
    report: &'a Report,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// The digests of the conversions without a delivery.
    strangers: HashSet<u64>,
    /// The number of lines that could be any delivery.
    unplaced: u64,
    outcome: Outcome,
}

/// A row of the file of lines.
#[derive(Default)]
struct Row<'a> {
    line: Option<&'a Line<'a>>,
    entry: Option<u32>,
    /// True if this row stands for the delivery, too.
    is_ours: bool,
    way: Option<Way>,
}

impl<'a> Comparison<'a> {
    fn new(
        report: &'a Report,
        options: &Options,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Self {
        let total = |bucket: Bucket| BucketTotal {
            bucket,
            lines: 0,
            deliveries: 0,
            theirs: Sums::default(),
            ours: Sums::default(),
            reasons: BTreeMap::new(),
            what_to_do: bucket.what_to_do(),
        };
        let mut warnings = report.understood.warnings.clone();
        if from.is_none() || to.is_none() {
            let warning = "The report has no dates: give --from and --to to see what it lacks.";
            warnings.push(warning.to_owned());
        }
        let outcome = Outcome {
            network: options.network.clone(),
            report: report.understood.clone(),
            from,
            to,
            buckets: Bucket::ALL.map(total).to_vec(),
            ours: Sums::default(),
            deliveries: 0,
            left_out: 0,
            matched_by: BTreeMap::new(),
            disputes: 0,
            claim_back: Sums::default(),
            decisions: DecisionCounts::default(),
            warnings,
        };
        Self { report, from, to, strangers: HashSet::new(), unplaced: 0, outcome }
    }

    fn note_unplaced(&mut self, unplaced: u64) {
        self.unplaced = unplaced;
        if unplaced > 0 {
            self.outcome.warnings.push(format!(
                "{unplaced} lines can't be read or fit several deliveries: what is missing could be \
                 among them, so nothing is to be sent again by this report. Correct them first."
            ));
        }
    }

    fn write_lines(
        &mut self,
        ledger: &mut Ledger,
        shop: &Shop,
        files: &mut Files<'_>,
    ) -> Result<(), Fault> {
        let report = self.report;
        report.each(|line| {
            let mut row = Row { line: Some(&line), ..Row::default() };
            let (bucket, reason) = self.judge(&line, ledger, shop, &mut row);
            self.write(bucket, reason, &row, ledger, files)
        })?;
        Ok(())
    }

    fn judge(
        &mut self,
        line: &Line<'_>,
        ledger: &mut Ledger,
        shop: &Shop,
        row: &mut Row<'_>,
    ) -> (Bucket, &'static str) {
        if let Some(fault) = line.fault {
            return (Bucket::Unreadable, fault);
        }
        let sign = self.report.format.sign;
        match ledger.find(line, &self.report.format, shop) {
            Match::One(number, way) => {
                row.entry = Some(number);
                row.way = Some(way);
                let entry = &mut ledger.entries[number as usize];
                row.is_ours = !entry.found.is_shown;
                entry.found.is_shown = true;
                if !row.is_ours && sign == Sign::Lines {
                    return (Bucket::Doubled, "second_line");
                }
                bucket::of_found(entry, sign)
            }
            Match::Several => (Bucket::Unreadable, "it fits several deliveries"),
            Match::Damaged => (Bucket::Unreadable, "its id is damaged and fits several orders"),
            Match::None => {
                let is_new = self.strangers.insert(digest(line));
                if is_new || sign == Sign::Ledger {
                    (Bucket::TheirsOnly, "unknown_here")
                } else {
                    (Bucket::Doubled, "unknown_here_and_second_line")
                }
            }
        }
    }

    /// Writes the deliveries that no line belongs to.
    fn write_deliveries(&mut self, ledger: &Ledger, files: &mut Files<'_>) -> Result<(), Fault> {
        let delay = Duration::from_secs(60 * u64::from(self.report.format.delay_minutes));
        for (number, entry) in (0..).zip(&ledger.entries) {
            if entry.found.lines > 0 {
                continue;
            }
            let is_covered =
                self.from.zip(self.to).is_some_and(|(from, to)| entry.at >= from && entry.at <= to);
            if !is_covered || entry.attempt == 0 {
                self.outcome.left_out += 1;
                continue;
            }
            let is_early = self.to.is_some_and(|to| entry.at + delay > to);
            let (bucket, mut reason) = bucket::of_missing(entry, is_early);
            if bucket == Bucket::OursOnly && self.report.format.absence == Absence::Nothing {
                reason = "absence_proves_nothing";
            }
            let row = Row { entry: Some(number), is_ours: true, ..Row::default() };
            self.write(bucket, reason, &row, ledger, files)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        bucket: Bucket,
        reason: &'static str,
        row: &Row<'_>,
        ledger: &Ledger,
        files: &mut Files<'_>,
    ) -> Result<(), Fault> {
        let entry = row.entry.map(|number| &ledger.entries[number as usize]);
        let ours = entry.filter(|_| row.is_ours);
        if let Some(total) = self.outcome.buckets.iter_mut().find(|total| total.bucket == bucket) {
            *total.reasons.entry(reason).or_default() += 1;
            if let Some(line) = row.line {
                total.lines += 1;
                total.theirs.add(line.currency, line.amount);
            }
            if let Some(ours) = ours {
                total.deliveries += 1;
                total.ours.add(Some(ledger.currency(ours)), ours.amount);
            }
        }
        if let Some(ours) = ours {
            self.outcome.deliveries += 1;
            self.outcome.ours.add(Some(ledger.currency(ours)), ours.amount);
            self.decide(ours, row.line, reason, ledger, files)?;
        }
        if let (Some(back), Some(ours)) = (claim_back(bucket, row, ledger), ours) {
            self.outcome.claim_back.add(Some(ledger.currency(ours)), Some(back));
        }
        if let Some(way) = row.way {
            *self.outcome.matched_by.entry(way.as_str()).or_default() += 1;
        }
        write_line(bucket, reason, row, ledger, files)?;
        self.write_dispute(bucket, reason, row, ledger, files)
    }
}

/// A digest by which a conversion without a delivery is recognised when it comes again.
fn digest(line: &Line<'_>) -> u64 {
    // The same in every run of one process is enough.
    let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
    let id = if line.conversion.is_empty() { line.order } else { line.conversion };
    hasher.hash_one((id, &line.subs, if id.is_empty() { line.email } else { "" }))
}
