//! `orders settle --from`: the decisions of a file, which rest on a network's report.

use std::{collections::BTreeMap, fs, path::Path};

use futures_util::{StreamExt, TryStreamExt, stream};
use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Key, Record, Stamp},
    redaction::OperatorNote,
};
use postback_reconcile::{
    decide::{Check, DecisionRow, Decisions},
    fault::Fault,
    format::Format,
    page,
    source::Source,
};
use postback_runtime::ledger::{Change, UpdateError};

use super::send_again::span_of;
use crate::{account::Account, args::Settle, failure::Failure, view::Output};

mod resend;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use resend::Resend;
use resend::by_hand;
use view::{Refused, View};

/// The deliveries that are read or written at the same time.
const AT_ONCE: usize = 16;
/// The word of a delivery that was settled between the reading and the writing.
const SETTLED: &str = "settled_before";
/// The reasons for which the report is the wrong one, and with it the whole file.
const WRONG_REPORT: [&str; 6] = [
    "another_networks_report",
    "another_periods_report",
    "report_too_young",
    "report_covers_the_future",
    "report_covers_no_time",
    "absence_proves_nothing",
];

/// A file of decisions beside the deliveries that it is about.
pub(crate) struct Batch {
    decisions: Decisions,
    format: Format,
    /// The rows to be recorded, each with the delivery as it was read.
    pub(crate) open: Vec<(DecisionRow, Record)>,
    /// Those that are permitted, and have not come again.
    waiting: Vec<Record>,
    view: View,
}

pub(super) async fn run(
    account: &Account,
    wanted: &Settle,
    file: &Path,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let batch = Batch::load(account, wanted, file).await?;
    let mut lines = batch.lines();
    if batch.open.is_empty() || wanted.dry_run {
        let last = if wanted.dry_run { "Nothing was changed." } else { "Nothing to do." };
        lines.push(last.to_owned());
        output.answer(&lines, &batch.view);
        return if wanted.dry_run { Ok(()) } else { batch.view.is_complete() };
    }
    let resend = batch.resend(account, wanted).await?;
    if !wanted.yes {
        let count = batch.open.len();
        let instead = "See the decisions with --dry-run, then give --yes. Nothing was changed.";
        output.ask(&lines, &format!("Record these {count} decisions?"), instead)?;
        lines.clear();
    }
    let view = batch.settle(account, wanted, &resend, |_, _, _| {}).await?;
    lines.extend(view.recorded());
    output.answer(&lines, &view);
    view.is_complete()
}

impl Batch {
    async fn load(account: &Account, wanted: &Settle, file: &Path) -> Result<Self, Failure> {
        let bad = |fault| Failure::BadReport { file: file.display().to_string(), fault };
        let text = fs::read_to_string(file).map_err(|error| bad(Fault::from(error)))?;
        let decisions = Decisions::parse(&text).map_err(bad)?;
        if let Some(path) = &wanted.report {
            let digest = Source::File(path.clone()).digest().map_err(bad)?;
            if digest != decisions.report {
                let fault = "the decisions rest on another report than --report".to_owned();
                return Err(bad(Fault::BadDecisions { line: 2, fault }));
            }
        }
        Self::of(account, decisions).await
    }

    /// Decisions beside the deliveries as they are now.
    pub(crate) async fn of(account: &Account, decisions: Decisions) -> Result<Self, Failure> {
        let bad = |fault| Failure::BadReport { file: decisions.network.clone(), fault };
        let format = Format::of_network(&decisions.network).map_err(bad)?;
        let keys = decisions
            .rows
            .iter()
            .map(|row| Key { order_id: row.order_id.clone(), delivery: row.delivery.clone() });
        let keys: Vec<_> = keys.collect();
        let records = stream::iter(keys).map(|key| async move { account.delivery(&key).await });
        let records: Vec<_> = records.buffered(AT_ONCE).try_collect().await?;
        Self::sort(decisions, records, format)
    }

    /// Sorts the rows by what is to be done. A report that can't show the deliveries refuses all.
    pub(crate) fn sort(
        decisions: Decisions,
        records: Vec<Option<Record>>,
        format: Format,
    ) -> Result<Self, Failure> {
        let mut view = View {
            network: decisions.network.clone(),
            report: decisions.report.clone(),
            ..View::default()
        };
        let (mut open, mut waiting) = (Vec::new(), Vec::new());
        let mut wrong: BTreeMap<&str, usize> = BTreeMap::new();
        for (row, record) in decisions.rows.iter().zip(records) {
            let check = record.as_ref().map_or(Check::Refused("unknown_here"), |record| {
                as_written(&decisions, row, record, &format)
            });
            match (check, record) {
                (Check::Open, Some(record)) => {
                    let (amount, currency) = record.money().unwrap_or(("", "-"));
                    view.decisions.add(row.decision, Some(currency), amount.parse().ok());
                    open.push((row.clone(), record));
                }
                (Check::Refused(why), _) => {
                    if WRONG_REPORT.contains(&why) {
                        *wrong.entry(why).or_default() += 1;
                    }
                    view.refused.push(Refused::new(row, why));
                }
                (_, record) => {
                    view.done_before += 1;
                    let waits = record.filter(|record| {
                        record.protocol.permission.is_some() && !record.comes_round_parked()
                    });
                    waiting.extend(waits);
                }
            }
        }
        view.named = view.refused.len();
        if wrong.is_empty() {
            return Ok(Self { decisions, format, open, waiting, view });
        }
        let count = wrong.values().sum();
        let why: Vec<_> = wrong.keys().map(|why| why.replace('_', " ")).collect();
        Err(Failure::WrongReport { count, why: why.join(", ") })
    }

    /// The beginning of the report's SHA-256, for a row.
    pub(crate) fn digest(&self) -> &str {
        self.decisions.report.get(..12).unwrap_or_default()
    }

    /// What is to be recorded and what is not, in words.
    pub(crate) fn lines(&self) -> Vec<String> {
        let view = &self.view;
        let mut lines = vec![format!("{}, by the report {}", view.network, view.report)];
        lines.extend(page::decisions(&view.decisions));
        if view.done_before > 0 {
            lines.push(format!("{} were settled before", view.done_before));
        }
        if !self.waiting.is_empty() {
            let (count, span) = (self.waiting.len(), span_of(&self.waiting, Timestamp::system()));
            let command = by_hand(&view.network, span);
            lines.push(format!("{count} wait for their order. Should no replay run: {command}"));
        }
        lines.extend(view::refused(&view.refused));
        lines
    }

    /// The deliveries that are to be sent again, and wait for their order.
    fn resends(&self) -> impl Iterator<Item = &Record> {
        let resends = self.open.iter().filter(|(row, record)| {
            // A parked order is still on its queue.
            row.decision == Decision::PermitSending && !record.comes_round_parked()
        });
        resends.map(|(_, record)| record)
    }

    /// Finds the orders that are to be sent again.
    pub(crate) async fn resend(
        &self,
        account: &Account,
        wanted: &Settle,
    ) -> Result<Resend, Failure> {
        let network = account.network(&self.decisions.network)?;
        Resend::prepare(account, wanted, &network, self).await
    }

    /// Records the decisions, each of which `each` sees, and brings the orders to send again.
    pub(crate) async fn settle(
        &self,
        account: &Account,
        wanted: &Settle,
        resend: &Resend,
        each: impl Fn(&DecisionRow, &Record, Result<(), &'static str>),
    ) -> Result<View, Failure> {
        let network = account.network(&self.decisions.network)?;
        let mut view = self.view.clone();
        let why = OperatorNote::new(&wanted.reason).map_err(Failure::BadReason)?;
        let (recorded, failure) = self.record(account, &why, each, &mut view).await?;
        // What is permitted comes again, whatever became of the other rows: a second run leaves it.
        resend.start(account, &network, &recorded, &why, &mut view).await?;
        failure.map_or(Ok(view), Err)
    }

    /// Records the decisions. Returns the deliveries that were written, and the first failure; the view
    /// has what was refused meanwhile.
    async fn record(
        &self,
        account: &Account,
        why: &OperatorNote,
        each: impl Fn(&DecisionRow, &Record, Result<(), &'static str>),
        view: &mut View,
    ) -> Result<(Vec<Record>, Option<Failure>), Failure> {
        let by = account.identity().await?;
        let writes = stream::iter(0..self.open.len()).map(|at| {
            let (row, record) = &self.open[at];
            let (by, each) = (&by, &each);
            async move {
                let decide = |held: Option<&Record>| {
                    let Some(held) = held else { return Change::Keep(Err("unknown_here")) };
                    let stamp = Stamp { now: Timestamp::system(), write_id: fastrand::u64(..) };
                    match self.decisions.apply(row, held, &self.format, by, why, stamp) {
                        Ok(next) => Change::Write(Box::new(next), Ok(())),
                        Err(Check::Refused(why)) => Change::Keep(Err(why)),
                        Err(_) => Change::Keep(Err(SETTLED)),
                    }
                };
                let updated = account.ledger.update(Some(record.clone()), decide).await;
                let updated = updated.map_err(|error| match error {
                    UpdateError::Ledger(error) => account.ledger_failed("PutItem")(error),
                    UpdateError::Contended => Failure::Contended,
                })?;
                each(row, record, updated.value);
                let written = updated.after.clone().filter(|_| updated.wrote());
                Ok::<_, Failure>((row, updated.value, written))
            }
        });
        let results: Vec<_> = writes.buffered(AT_ONCE).collect().await;
        let (mut recorded, mut failure) = (Vec::new(), None);
        for result in results {
            match result {
                Ok((_, Ok(()), written)) => recorded.extend(written),
                Ok((_, Err(SETTLED), _)) => view.done_before += 1,
                Ok((row, Err(why), _)) => view.refused.push(Refused::new(row, why)),
                Err(failed) => failure = failure.or(Some(failed)),
            }
        }
        view.recorded = recorded.len();
        Ok((recorded, failure))
    }
}

/// The result of writing a decision, if nothing changes until then. One that the report allows may
/// not fit the delivery: nothing that is cancelled is sent again.
fn as_written(decisions: &Decisions, row: &DecisionRow, record: &Record, format: &Format) -> Check {
    let nobody = OperatorNote::identity("");
    let stamp = Stamp { now: Timestamp::system(), write_id: 0 };
    match decisions.apply(row, record, format, &nobody, &nobody, stamp) {
        Ok(_) => Check::Open,
        Err(check) => check,
    }
}
