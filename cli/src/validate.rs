//! `validate export`: a month's conversions as a workbook, for a network that validates by mail.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
    time::Duration,
};

use postback_core::{clock::Timestamp, delivery::Status};
use postback_reconcile::{
    format::Format,
    month::{Conversion, Decided, Month, Period, Remark},
    workbook::workbook,
};
use postback_runtime::ledger::Filter;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    account::Account,
    args::Export,
    failure::Failure,
    scan::gather,
    screen,
    view::{Output, fitted},
};

pub(crate) mod claim_back;
#[cfg(test)]
mod tests;

/// The remarks of a kind that are shown to people; JSON has them all.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct View<'a> {
    network: &'a str,
    month: &'a str,
    zone: String,
    from: Timestamp,
    to: Timestamp,
    /// The workbook, if it is written.
    output: Option<String>,
    rows: usize,
    statuses: Vec<Sum>,
    in_the_way: &'a [Remark],
    left_out: &'a [Remark],
    warnings: &'a [Remark],
}

/// The rows of a status in a currency.
#[derive(Serialize)]
struct Sum {
    status: Status,
    currency: String,
    rows: usize,
    amount: String,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &Export,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = account.network(&wanted.network)?;
    let bad = |fault: postback_reconcile::fault::Fault| Failure::Usage(format!("{fault}."));
    let period = Period::month(&wanted.month, wanted.zone.as_deref()).map_err(bad)?;
    if now < period.to {
        let text = "The month is not over: more conversions may be reported in it.";
        return Err(Failure::Usage(text.to_owned()));
    }
    let path = wanted.output.clone();
    let path = path.unwrap_or_else(|| format!("{}-{}.xlsx", network.name, wanted.month).into());
    if !wanted.force && path.exists() {
        return Err(Failure::FileExists { file: path.display().to_string() });
    }
    let month = load(account, &network.name, period).await?;
    let format = Format::of_network(&network.name).map_err(bad)?;
    let given = wanted.return_period_days.map(|days| Duration::from_hours(24 * u64::from(days)));
    let decided = month.decide(&format, given, now);
    let Decided { conversions, in_the_way, left_out, warnings } = &decided;
    let is_decided = in_the_way.is_empty();
    if is_decided {
        let bytes = workbook(conversions, &period, now)
            .map_err(|fault| Failure::BadReport { file: path.display().to_string(), fault })?;
        write(&path, &bytes, wanted.force)?;
    }
    let view = View {
        network: &network.name,
        month: &wanted.month,
        zone: period.zone(),
        from: period.from,
        to: period.to,
        output: is_decided.then(|| path.display().to_string()),
        rows: if is_decided { conversions.len() } else { 0 },
        statuses: sums(conversions),
        in_the_way,
        left_out,
        warnings,
    };
    output.answer(&lines(&view), &view);
    if is_decided {
        return Ok(());
    }
    Err(Failure::NeedsPerson(format!(
        "{} of the month's conversions are not decided. Nothing was written.",
        in_the_way.len()
    )))
}

/// Reads the network's deliveries and validations. One that can't be read may be of the month.
async fn load(account: &Account, network: &str, period: Period) -> Result<Month, Failure> {
    let filter = Filter {
        network: Some(network.to_owned()),
        until: Some(period.to),
        validations: true,
        ..Filter::default()
    };
    let mut month = Month::new(period);
    let read = gather(account, &filter, None, None, |record| month.add(record)).await?;
    read.all_read()?;
    Ok(month)
}

fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(!force).create(force).truncate(force);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::FileExists { file: path.display().to_string() },
        kind => Failure::BadReport {
            file: path.display().to_string(),
            fault: postback_reconcile::fault::Fault::Unwritable(kind.to_string()),
        },
    })
}

fn sums(conversions: &[Conversion]) -> Vec<Sum> {
    let mut sums: BTreeMap<_, (usize, Decimal)> = BTreeMap::new();
    for Conversion { status, currency, amount, .. } in conversions {
        let (rows, sum) = sums.entry((*status, currency)).or_default();
        *rows += 1;
        *sum = sum.saturating_add(*amount);
    }
    let sum = |((status, currency), (rows, amount)): ((Status, &String), (usize, Decimal))| Sum {
        status,
        currency: currency.clone(),
        rows,
        amount: amount.to_string(),
    };
    sums.into_iter().map(sum).collect()
}

fn lines(view: &View<'_>) -> Vec<String> {
    let View { network, month, zone, from, to, .. } = view;
    let mut lines = vec![format!("{network}, {month} in {zone}: from {from} to {to}")];
    for Sum { status, currency, rows, amount } in &view.statuses {
        lines.push(format!("{:<10}{rows:>7}  {amount} {currency}", status.as_str()));
    }
    let kinds = [
        ("stands in the way", view.in_the_way),
        ("left out: settled by a person", view.left_out),
        ("warnings", view.warnings),
    ];
    for (kind, remarks) in kinds {
        if !remarks.is_empty() {
            lines.push(String::new());
            lines.push(format!("{kind} ({}):", remarks.len()));
            lines.extend(table(remarks));
        }
    }
    if view.in_the_way.iter().any(|remark| remark.reason == "return_period_unknown") {
        lines.push("Give the return period with --return-period-days.".to_owned());
    }
    if let Some(path) = &view.output {
        lines.push(format!("written: {} rows in {path}", view.rows));
    }
    lines
}

fn table(remarks: &[Remark]) -> Vec<String> {
    let row = |remark: &Remark| {
        let Remark { order_id, delivery, reason, until, detail } = remark;
        let until = until.map(|until| format!("until {until}"));
        let more = until.or_else(|| detail.clone()).unwrap_or_default();
        vec![order_id.clone(), delivery.clone(), reason.clone(), more]
    };
    let rows: Vec<_> = remarks.iter().take(SHOWN).map(row).collect();
    let mut lines = fitted(&["order", "delivery", "reason", ""], &rows, screen::width());
    if remarks.len() > SHOWN {
        lines.push(format!("{SHOWN} of {} are shown: --json has all", remarks.len()));
    }
    lines
}
