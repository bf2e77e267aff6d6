//! `orders list`: deliveries found by a scan of the ledger, all of them counted and the first shown.

use postback_core::{clock::Timestamp, delivery::DeliveryView};
use postback_runtime::ledger::Filter;
use serde::Serialize;

use crate::{
    account::Account,
    args::{Format, List},
    failure::Failure,
    scan::{gather, parse_cursor},
    span,
    view::Output,
};

mod found;
mod rows;
mod totals;

use found::Found;
pub(crate) use rows::{harmless, width};
pub(crate) use totals::{Sum, Totals};

#[derive(Serialize)]
struct View<'a> {
    deliveries: Vec<DeliveryView<'a>>,
    totals: &'a Totals,
    read: usize,
    read_units: f64,
    /// True if the ledger was read to its end.
    complete: bool,
    next: Option<String>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &List,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let instant = |option, text: &Option<String>| {
        text.as_deref().map(|text| span::instant(option, text, now)).transpose()
    };
    let network = wanted.network.as_deref().map(|name| account.network(name)).transpose()?;
    let filter = Filter {
        // The ledger leaves out what is of another state; of several states the tool does.
        state: wanted.state.first().copied().filter(|_| wanted.state.len() == 1),
        network: network.map(|network| network.name),
        since: instant("--since", &wanted.since)?,
        until: instant("--until", &wanted.until)?,
        open: wanted.open || wanted.held,
    };
    let after = wanted.after.as_deref().map(parse_cursor).transpose()?;
    let mut found = Found::new(wanted);
    let read = gather(account, &filter, after, wanted.read_units, |record| found.add(record)).await;
    let read = read?;
    found.finish();
    show(&found, wanted.format, &read, now, output);
    output.note(&read.cost(found.totals.count));
    match &read.next {
        None => Ok(()),
        Some(next) => Err(Failure::Stopped { next: next.clone() }),
    }
}

fn show(
    found: &Found,
    format: Format,
    read: &crate::scan::Read,
    now: Timestamp,
    output: &mut Output<'_>,
) {
    let view = View {
        deliveries: found.shown.iter().map(DeliveryView::for_operator).collect(),
        totals: &found.totals,
        read: read.items,
        read_units: read.units,
        complete: read.next.is_none(),
        next: found.next().or_else(|| read.next.clone()),
    };
    if format == Format::Csv && !output.json {
        output.raw(&rows::csv(&found.shown, now));
    } else {
        output.answer(&rows::table(found, now, read.next.is_none(), rows::width()), &view);
    }
    if found.totals.count > found.shown.len() {
        let (all, shown) = (found.totals.count, found.shown.len());
        output.note(&match found.next() {
            Some(next) => format!("{shown} of {all} are shown: continue with --after '{next}'"),
            None => format!("{shown} of {all} are shown: show more with --limit"),
        });
    }
}
