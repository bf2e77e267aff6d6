//! The comparison: the report is read twice more. First each line finds its delivery, then each line
//! and each delivery gets its bucket. Of the lines nothing is kept but the digests of those without a
//! delivery.

use std::{
    collections::{BTreeMap, HashSet},
    hash::BuildHasher,
    time::Duration,
};

use postback_core::clock::Timestamp;

use crate::{
    bucket::{self, Bucket},
    decide::DecisionCounts,
    fault::Fault,
    format::{Absence, Sign, Status},
    ledger::{Ledger, Match, Said, Way},
    line::Line,
    money::Sums,
    output::amount,
    shop::Shop,
    understand::Report,
};

mod outcome;
mod survey;
mod write;

pub use outcome::{BucketTotal, DISPUTES, Files, LINES, Options, Outcome};
use survey::{NEGATIVE, is_negative, survey};
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
    let survey = survey(report, ledger, shop)?;
    if survey.known == 0 && readable > 0 && !ledger.is_empty() {
        let (lines, network) = (understood.lines, options.network.clone());
        return Err(Fault::Foreign { lines, network });
    }
    let mut comparison = Comparison::new(report, options, from, to);
    comparison.note(&survey, ledger);
    comparison.outcome.warnings.extend(shop.faults());
    comparison.write_lines(ledger, shop, files)?;
    comparison.write_deliveries(ledger, files)?;
    Ok(comparison.outcome)
}

struct Comparison<'a> {
    report: &'a Report,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// The digests of the conversions without a delivery.
    strangers: HashSet<u64>,
    /// True if nothing follows from it that a delivery is not in the report.
    is_no_proof: bool,
    /// True if nothing is to be decided by the report.
    is_foreign: bool,
    outcome: Outcome,
}

/// A row of the file of lines.
#[derive(Default)]
struct Row<'a> {
    line: Option<&'a Line<'a>>,
    entry: Option<u32>,
    /// What is known about the money of that delivery.
    said: Said,
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
        let (strangers, is_no_proof, is_foreign) = (HashSet::new(), false, false);
        Self { report, from, to, strangers, is_no_proof, is_foreign, outcome }
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
            let found = ledger.find(&line, &report.format, shop);
            let (bucket, reason) = self.judge(&line, found, ledger, &mut row);
            self.write(bucket, reason, &row, ledger, files)
        })?;
        Ok(())
    }

    fn judge(
        &mut self,
        line: &Line<'_>,
        found: Match,
        ledger: &mut Ledger,
        row: &mut Row<'_>,
    ) -> (Bucket, &'static str) {
        if let Some(fault) = line.fault {
            return (Bucket::Unreadable, fault);
        }
        let sign = self.report.format.sign;
        match found {
            Match::One(number, way) => {
                row.entry = Some(number);
                row.way = Some(way);
                row.said = ledger.said(&ledger.entries[number as usize]);
                let entry = &mut ledger.entries[number as usize];
                let stands_for_it = sign == Sign::Ledger || entry.found.is_main(line);
                row.is_ours = stands_for_it && !entry.found.is_shown;
                entry.found.is_shown |= row.is_ours;
                match sign {
                    Sign::Lines if entry.found.is_reversed => (Bucket::Unreadable, NEGATIVE),
                    Sign::Lines if !row.is_ours => of_second(line),
                    _ => bucket::of_found(entry, &row.said, sign),
                }
            }
            Match::Several => (Bucket::Unreadable, "it fits several deliveries"),
            Match::Damaged => (Bucket::Unreadable, "its id is damaged and fits several orders"),
            Match::Lost => (Bucket::Unreadable, "its id seems damaged and fits no order"),
            Match::None if sign == Sign::Lines && is_negative(line) => {
                (Bucket::Unreadable, NEGATIVE)
            }
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
            let covers = |(from, to)| entry.first >= from && entry.at <= to;
            let is_covered = self.from.zip(self.to).is_some_and(covers);
            if !is_covered || entry.attempt == 0 {
                self.outcome.left_out += 1;
                continue;
            }
            let is_early = self.to.is_some_and(|to| entry.at + delay > to);
            let said = ledger.said(entry);
            let (bucket, mut reason) = bucket::of_missing(entry, &said, is_early);
            if bucket == Bucket::OursOnly && self.report.format.absence == Absence::Nothing {
                reason = "absence_proves_nothing";
            }
            let row = Row { entry: Some(number), said, is_ours: true, ..Row::default() };
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
            if bucket != Bucket::Unreadable {
                self.decide(ours, row, reason, ledger, files)?;
            }
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

/// The bucket of a further line of a delivery. A network may list a try that it refused, too.
fn of_second(line: &Line<'_>) -> (Bucket, &'static str) {
    if line.status == Some(Status::Rejected) {
        (Bucket::Matched, "rejected_besides")
    } else {
        (Bucket::Doubled, "second_line")
    }
}

/// A digest by which a conversion without a delivery is recognised when it comes again.
fn digest(line: &Line<'_>) -> u64 {
    // The same in every run of one process is enough.
    let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
    hasher.hash_one((line.conversion, line.order, line.place, &line.subs, line.email))
}
