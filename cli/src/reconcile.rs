//! `reconcile`: a network's report against the ledger.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::Path,
};

use postback_core::clock::Timestamp;
use postback_reconcile::{
    bucket::Bucket,
    compare::{DISPUTES, Files, LINES, Options, Outcome, compare},
    decide::DECISIONS,
    fault::Fault,
    format::Format,
    ledger::Ledger,
    output::Table,
    page,
    shop::Shop,
    source::Source,
    understand::Report,
};
use postback_runtime::ledger::Filter;

use crate::{
    account::{Account, Network},
    args::{Reconcile, ReportFormat},
    check::Export,
    failure::Failure,
    networks,
    scan::gather_all,
    span::instant,
    view::Output,
};

#[cfg(test)]
mod tests;

/// The names of the files that `--out` writes.
pub(crate) const FILES: [&str; 3] = ["lines.csv", "disputes.csv", "decisions.csv"];

/// Shows what is understood of a report.
pub(crate) fn preview(wanted: &Reconcile, output: &mut Output<'_>) -> Result<(), Failure> {
    let source = Source::File(wanted.report.clone());
    let network = wanted.network.replace('-', "_");
    // No stack is asked, so a misspelt name would be read by the generic format.
    if wanted.format.file.is_none() && networks::find(&network).is_none() {
        let known: Vec<_> = networks::NETWORKS.iter().map(|network| network.name).collect();
        return Err(Failure::NoFormat { network, known: known.join(", ") });
    }
    let report = understand(source, &network, &wanted.report, &wanted.format)?;
    output.answer(&page::preview(&report.understood), &report.understood);
    Ok(())
}

/// Compares, and shows the totals.
pub(crate) async fn run(
    account: &Account,
    wanted: &Reconcile,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = account.network(&wanted.network)?;
    let source = Source::File(wanted.report.clone());
    let report = understand(source, &network.name, &wanted.report, &wanted.format)?;
    output.note(&page::preview(&report.understood).join("\n"));
    let shop = shop(wanted.shop.as_deref())?;
    let given = [("--from", wanted.from.as_deref()), ("--to", wanted.to.as_deref())];
    let options = options(&network.name, &report, span(&report, given, now)?, now);
    let mut files = wanted.out.as_deref().map_or_else(|| Ok(Files::default()), files)?;
    let mut ledger = load(account, &network, &report, &shop).await?;
    let outcome = compared(&report, &mut ledger, &shop, &options, &mut files, &wanted.report)?;
    let mut lines = page::totals(&outcome);
    if let Some(out) = &wanted.out {
        lines.push(format!("written: {} in {}", FILES.join(", "), out.display()));
    }
    output.answer(&lines, &outcome);
    let is_difference = |total: &postback_reconcile::compare::BucketTotal| {
        total.bucket != Bucket::Matched && total.lines + total.deliveries > 0
    };
    match outcome.buckets.iter().filter(|total| is_difference(total)).count() {
        0 => Ok(()),
        _ => Err(Failure::NeedsPerson("The report and the ledger differ.".to_owned())),
    }
}

pub(crate) fn refused(file: &Path) -> impl Fn(Fault) -> Failure {
    let file = file.display().to_string();
    move |fault| Failure::BadReport { file: file.clone(), fault }
}

/// Reads a report through, by the network's format or by the one that is given.
pub(crate) fn understand(
    source: Source,
    network: &str,
    name: &Path,
    given: &ReportFormat,
) -> Result<Report, Failure> {
    let format = match &given.file {
        None => Format::of_network(network),
        Some(path) if path == Path::new("generic") => Format::generic(),
        Some(path) => {
            let text = fs::read_to_string(path).map_err(Fault::from);
            text.and_then(|text| Format::parse(&path.display().to_string(), &text))
        }
    };
    let report = format.and_then(|format| Report::understand(source, format, &given.hints()));
    report.map_err(refused(name))
}

/// Reads the shop's export.
pub(crate) fn shop(file: Option<&Path>) -> Result<Shop, Failure> {
    let mut shop = Shop::none();
    if let Some(file) = file {
        for (line, order) in Export::open(file)? {
            let bad = |fault| Failure::BadFile {
                file: file.display().to_string(),
                fault: format!("line {line}: {fault}"),
            };
            shop.add(&order.map_err(bad)?);
        }
    }
    Ok(shop)
}

/// The time that a report covers, from two options; a day is one of the report's zone.
fn span(
    report: &Report,
    given: [(&'static str, Option<&str>); 2],
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    let [from, to] = given.map(|(option, text)| {
        let at = |text| report.understood.day(text).map_or_else(|| instant(option, text, now), Ok);
        text.map(at).transpose()
    });
    Ok((from?, to?))
}

/// The terms of a comparison. No report covers what is still to come.
fn options(
    network: &str,
    report: &Report,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    now: Timestamp,
) -> Options {
    let to = to.or(report.understood.to).map(|to| to.min(now));
    Options { network: network.to_owned(), from, to }
}

/// Reads the network's deliveries from the ledger, and keeps what a comparison needs of each.
pub(crate) async fn load(
    account: &Account,
    network: &Network,
    report: &Report,
    shop: &Shop,
) -> Result<Ledger, Failure> {
    let name = Some(network.name.clone());
    let filter = Filter { network: name, validations: true, ..Filter::default() };
    let mut ledger = Ledger::new();
    let add = |record| ledger.add(&record, report.format(), shop);
    let read = gather_all(account, &filter, add).await?;
    // Each would look like one that the ledger does not have.
    read.all_read()?;
    ledger.finish();
    Ok(ledger)
}

/// The result of a comparison, and the files that `--out` writes, by their names.
pub(crate) type Compared = (Outcome, Vec<(&'static str, Vec<u8>)>);

/// Compares a report that was uploaded.
pub(crate) async fn uploaded(
    account: &Account,
    network: &Network,
    (name, source): (&Path, Source),
    given: [(&'static str, Option<&str>); 2],
    now: Timestamp,
) -> Result<Compared, Failure> {
    let report = understand(source, &network.name, name, &ReportFormat::default())?;
    let options = options(&network.name, &report, span(&report, given, now)?, now);
    let shop = Shop::none();
    let mut ledger = load(account, network, &report, &shop).await?;
    let mut written = [(); 3].map(|()| Vec::new());
    let [lines, disputes, decisions] = &mut written;
    let table = |to, headings: &[&str]| Table::new(Box::new(to), headings).map_err(refused(name));
    let mut files = Files {
        lines: Some(table(lines, &LINES)?),
        disputes: Some(table(disputes, &DISPUTES)?),
        decisions: Some(table(decisions, &DECISIONS)?),
    };
    let outcome = compared(&report, &mut ledger, &shop, &options, &mut files, name)?;
    drop(files);
    Ok((outcome, FILES.into_iter().zip(written).collect()))
}

fn files<'a>(folder: &Path) -> Result<Files<'a>, Failure> {
    let failed = |error: std::io::Error| Failure::BadFile {
        file: folder.display().to_string(),
        fault: error.kind().to_string(),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let table = |name: &str, headings: &[&str]| {
        let file = File::create(folder.join(name)).map_err(failed)?;
        Table::new(Box::new(BufWriter::new(file)), headings).map_err(refused(folder))
    };
    let [lines, disputes, decisions] = FILES;
    Ok(Files {
        lines: Some(table(lines, &LINES)?),
        disputes: Some(table(disputes, &DISPUTES)?),
        decisions: Some(table(decisions, &DECISIONS)?),
    })
}

/// Compares, and finishes the files.
fn compared(
    report: &Report,
    ledger: &mut Ledger,
    shop: &Shop,
    options: &Options,
    files: &mut Files<'_>,
    name: &Path,
) -> Result<Outcome, Failure> {
    let outcome = compare(report, ledger, shop, options, files).map_err(refused(name))?;
    for table in [files.lines.take(), files.disputes.take(), files.decisions.take()] {
        table.map_or(Ok(()), Table::finish).map_err(refused(name))?;
    }
    Ok(outcome)
}

#[cfg(test)]
mod end_tests {
    use super::*;

    #[test]
    fn no_report_covers_what_is_still_to_come() {
        let text: &[u8] = b"Order ID,Date,Status\nA-1,2026-11-21,pending\nA-2,2026-12-24,pending\n";
        let format = Format::generic().expect("a format");
        let hints = ReportFormat::default().hints();
        let report = Report::understand(Source::Bytes(text.into()), format, &hints);
        let report = report.expect("a report");
        let at = |day: &str| Timestamp::parse(&format!("{day}T00:00:00Z")).expect("an instant");
        let now = at("2026-11-28");

        for (given, wanted) in [
            (None, "2026-11-28"),
            (Some("2027-01-01"), "2026-11-28"),
            (Some("2026-11-23"), "2026-11-23"),
        ] {
            let options = options("net", &report, (None, given.map(at)), now);
            assert_eq!(options.to, Some(at(wanted)), "{given:?}");
        }
    }
}
