//! `validate claim-back`: the orders that networks took, and the shop took back since.

use std::{fs::File, io::BufWriter, path::Path};

use postback_reconcile::{
    claim_back::{Back, CLAIM_BACK},
    money::Sums,
    output::Table,
};
use postback_runtime::ledger::Filter;
use serde::Serialize;

use crate::{
    account::Account,
    args::ClaimBack,
    failure::Failure,
    reconcile::refused,
    scan::gather_all,
    screen,
    view::{Output, fitted},
};

/// The rows that are shown to people; JSON and the file have them all.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct View<'a> {
    count: usize,
    sums: &'a Sums,
    claim_back: &'a [Back],
    /// The number of deliveries that a later version wrote.
    unreadable: usize,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &ClaimBack,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let network = wanted.network.as_deref().map(|name| account.network(name)).transpose()?;
    let network = network.map(|network| network.name);
    let filter = Filter { network, ..Filter::needing() };
    let mut all = Vec::new();
    let read = gather_all(account, &filter, |record| all.extend(Back::of(&record))).await?;
    all.sort();
    let mut sums = Sums::default();
    for back in &all {
        sums.add(Some(&back.currency), Some(back.claim_back));
    }
    if let Some(path) = &wanted.out {
        write(path, &all)?;
    }
    let (count, unreadable) = (all.len(), read.unreadable);
    let view = View { count, sums: &sums, claim_back: &all, unreadable };
    output.answer(&lines(&view), &view);
    output.note(&read.cost(count));
    if unreadable > 0 {
        return Err(Failure::NeedsPerson(format!(
            "{unreadable} deliveries are of a later version and not among these: update the tool."
        )));
    }
    match count {
        0 => Ok(()),
        count => Err(Failure::NeedsPerson(format!(
            "{count} to claim back: ask the network, or leave it; nothing here does it."
        ))),
    }
}

fn write(path: &Path, all: &[Back]) -> Result<(), Failure> {
    let file = File::create(path).map_err(|error| Failure::BadFile {
        file: path.display().to_string(),
        fault: error.kind().to_string(),
    })?;
    let bad = refused(path);
    let mut table = Table::new(Box::new(BufWriter::new(file)), &CLAIM_BACK).map_err(&bad)?;
    for back in all {
        table.row(&back.cells().each_ref().map(String::as_str)).map_err(&bad)?;
    }
    table.finish().map_err(&bad)
}

fn lines(view: &View<'_>) -> Vec<String> {
    let View { claim_back: all, sums, unreadable, .. } = view;
    if all.is_empty() {
        let of = if *unreadable > 0 { " of what this version can read" } else { "" };
        return vec![format!("Nothing{of} is to be claimed back.")];
    }
    let row = |back: &Back| {
        let [order_id, delivery, why, amount, _, currency, _, _, _, came_back_at] = back.cells();
        vec![order_id, delivery, why, format!("{amount} {currency}"), came_back_at]
    };
    let rows: Vec<_> = all.iter().take(SHOWN).map(row).collect();
    let headings = ["order", "delivery", "why", "claim back", "came back"];
    let mut lines = fitted(&headings, &rows, screen::width());
    if all.len() > SHOWN {
        lines.push(format!("{SHOWN} of {} are shown: write all with --out", all.len()));
    }
    lines.push(format!("to claim back: {}", sums.in_words()));
    lines
}

#[cfg(test)]
mod tests;
