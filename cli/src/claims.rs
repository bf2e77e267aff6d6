//! `claims answer`: a network's list of missing cashback against the ledger.

use std::{fs, io::Write, path::Path};

use futures_util::{StreamExt, TryStreamExt, stream};
use postback_core::{clock::Timestamp, delivery::Record};
use postback_reconcile::{
    claims::{self, ANSWERS, Answer, Claim, Known, answer, counts, load_by},
    fault::Fault,
    format::Format,
    output::Table,
    source::Source,
};
use serde::Serialize;

use crate::{
    account::Account,
    args,
    failure::Failure,
    receipt::sign,
    reconcile::refused,
    screen,
    view::{Output, fitted},
};

#[cfg(test)]
mod tests;

/// The orders that are looked up at the same time.
const AT_ONCE: usize = 32;
/// The answers that are shown; all of them are in the file.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct View<'a> {
    network: &'a str,
    claims: usize,
    verdicts: std::collections::BTreeMap<postback_reconcile::claims::Verdict, u64>,
    receipts: usize,
    answers: &'a [Answer],
}

pub(crate) async fn run(
    account: &Account,
    wanted: &args::Answer,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = account.network(&wanted.network)?;
    let bad = refused(&wanted.file);
    let source = Source::File(wanted.file.clone());
    let format = format(wanted.format.file.as_deref())?;
    let claims = load_by(source, format, &wanted.format.hints()).map_err(bad)?;
    let known = stream::iter(&claims).map(|claim| known(account, claim)).buffered(AT_ONCE);
    let known: Vec<_> = known.try_collect().await?;
    let pairs = claims.iter().zip(&known);
    let answers: Vec<_> =
        pairs.map(|(claim, known)| answer(claim, &network.name, known, now)).collect();
    if let Some(path) = &wanted.out {
        write(path, &answers)?;
    }
    let mut receipts = 0;
    if let Some(path) = &wanted.receipts {
        receipts = write_receipts(account, path, &network.name, &known, now).await?;
    }
    let verdicts = counts(&answers);
    let mut lines = table(&answers);
    lines.extend(
        verdicts.iter().map(|(verdict, count)| format!("{:<18}{count:>7}", verdict.as_str())),
    );
    if receipts > 0 {
        lines.push(format!("{receipts} signed receipts are written"));
    }
    let (claims, network) = (answers.len(), network.name.as_str());
    output.answer(&lines, &View { network, claims, verdicts, receipts, answers: &answers });
    Ok(())
}

/// The format of the list: the one that is given, else that of claims.
fn format(given: Option<&Path>) -> Result<Format, Failure> {
    let format = match given {
        None => claims::format(),
        Some(path) if path == Path::new("generic") => Format::generic(),
        Some(path) => {
            let text = fs::read_to_string(path).map_err(Fault::from);
            text.and_then(|text| Format::parse(&path.display().to_string(), &text))
        }
    };
    format.map_err(refused(given.unwrap_or(Path::new("claims"))))
}

/// What the ledger holds of the order of a claim.
async fn known(account: &Account, claim: &Claim) -> Result<Known, Failure> {
    if claim.fault.is_some() {
        return Ok(Known::default());
    }
    let records = account.of_order(&claim.order_id).await?;
    let unclaimed = if records.is_empty() {
        let unclaimed = account.ledger.unclaimed(&claim.order_id).await;
        unclaimed.map_err(account.ledger_failed("Query"))?
    } else {
        None
    };
    let unclaimed = unclaimed.map(|order| (order.accepted_at, order.clicks));
    Ok(Known { records, unclaimed })
}

fn table(answers: &[Answer]) -> Vec<String> {
    let row = |answer: &Answer| {
        let Answer { line, order_id, verdict, evidence, .. } = answer;
        vec![line.to_string(), order_id.clone(), verdict.as_str().to_owned(), evidence.clone()]
    };
    let rows: Vec<_> = answers.iter().take(SHOWN).map(row).collect();
    let mut lines = fitted(&["line", "order", "verdict", "evidence"], &rows, screen::width());
    if answers.len() > SHOWN {
        lines.push(format!("{SHOWN} of {} are shown: write all with --out", answers.len()));
    }
    lines
}

fn write(path: &Path, answers: &[Answer]) -> Result<(), Failure> {
    let file = fs::File::create(path).map_err(|error| Failure::BadFile {
        file: path.display().to_string(),
        fault: error.kind().to_string(),
    })?;
    let bad = refused(path);
    let mut table = Table::new(Box::new(std::io::BufWriter::new(file)), &ANSWERS).map_err(&bad)?;
    for answer in answers {
        let cells = answer.cells();
        table.row(&cells.each_ref().map(String::as_str)).map_err(&bad)?;
    }
    table.finish().map_err(&bad)
}

/// Writes a signed receipt for each delivery to the network.
async fn write_receipts(
    account: &Account,
    path: &Path,
    network: &str,
    known: &[Known],
    now: Timestamp,
) -> Result<usize, Failure> {
    let client = aws_sdk_kms::Client::new(&account.place.config);
    let own = |record: &&Record| {
        record.network() == network && !record.is_order_of_lines() && !record.is_validation()
    };
    let records = known.iter().flat_map(|known| known.records.iter().filter(own));
    let signed = stream::iter(records).map(|record| sign(account, &client, record, now));
    let signed: Vec<_> = signed.buffered(AT_ONCE).try_collect().await?;
    let mut text = Vec::new();
    for signed in &signed {
        let line = serde_json::to_string(signed).unwrap_or_default();
        let _infallible = writeln!(text, "{line}");
    }
    fs::write(path, text).map_err(|error| Failure::BadFile {
        file: path.display().to_string(),
        fault: error.kind().to_string(),
    })?;
    Ok(signed.len())
}
