//! `orders list`: deliveries by state, found by a scan of the ledger.

use postback_core::{
    clock::Timestamp,
    delivery::{DeliveryView, Record},
};
use postback_runtime::ledger::{Cursor, Filter, Page};
use serde::Serialize;

use crate::{
    account::Account,
    args::List,
    failure::Failure,
    span,
    view::{HEADINGS, Output, row, table},
};

/// The price of a read unit in USD, on demand: 0.125 a million in us-east-1, November 2026.
pub(crate) const DOLLARS_A_UNIT: f64 = 0.125e-6;

#[derive(Serialize)]
struct View<'a> {
    deliveries: Vec<DeliveryView<'a>>,
    read: usize,
    read_units: f64,
    next: Option<String>,
}

pub(crate) async fn run(
    account: &Account,
    wanted: &List,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let since = wanted.since.as_deref();
    let filter = Filter {
        state: wanted.state,
        network: wanted
            .network
            .as_deref()
            .map(|name| account.network(name))
            .transpose()?
            .map(|n| n.name),
        since: since.map(|text| span::instant("--since", text, now)).transpose()?,
        ..Filter::default()
    };
    let after = wanted.after.as_deref().map(parse_cursor).transpose()?;
    let bounds = Bounds { limit: wanted.limit, read_units: wanted.read_units };
    let page = scan(account, &filter, after, &bounds).await?;
    let next = page.next.as_ref().map(token);
    let rows: Vec<_> = page.records.iter().map(row).collect();
    output.answer(
        &table(&HEADINGS, &rows),
        &View {
            deliveries: page.records.iter().map(DeliveryView::for_operator).collect(),
            read: page.read,
            read_units: page.units,
            next: next.clone(),
        },
    );
    output.note(&cost(&page));
    if let Some(next) = next {
        output.note(&format!("There is more: continue with --after '{next}'"));
    }
    Ok(())
}

/// The bounds of a scan.
pub(crate) struct Bounds {
    pub(crate) limit: usize,
    pub(crate) read_units: u32,
}

/// Scans the ledger until its end or a bound.
pub(crate) async fn scan(
    account: &Account,
    wanted: &Filter,
    mut after: Option<Cursor>,
    bounds: &Bounds,
) -> Result<Page, Failure> {
    let mut all = Page::default();
    loop {
        let page = account.ledger.scan(wanted, after.as_ref()).await;
        let page = page.map_err(account.ledger_failed("Scan"))?;
        all.read += page.read;
        all.units += page.units;
        all.records.extend(page.records);
        all.next = page.next;
        if all.records.len() > bounds.limit {
            all.records.truncate(bounds.limit);
            all.next = all.records.last().map(cursor);
        }
        let spent = all.units >= f64::from(bounds.read_units);
        if all.next.is_none() || all.records.len() >= bounds.limit || spent {
            return Ok(all);
        }
        after.clone_from(&all.next);
    }
}

pub(crate) fn cursor(record: &Record) -> Cursor {
    Cursor { order_id: record.order_id.clone(), delivery: record.delivery.clone() }
}

/// The cost of a scan, in words.
pub(crate) fn cost(page: &Page) -> String {
    let (found, read, units) = (page.records.len(), page.read, page.units);
    let dollars = units * DOLLARS_A_UNIT;
    format!(
        "{found} found among {read} deliveries; {units} read units, about {dollars:.6} USD on demand"
    )
}

/// A cursor as one word. An order's id may hold anything, a delivery no slash.
pub(crate) fn token(cursor: &Cursor) -> String {
    format!("{}/{}", cursor.delivery, cursor.order_id)
}

pub(crate) fn parse_cursor(token: &str) -> Result<Cursor, Failure> {
    let (delivery, order_id) = token.split_once('/').ok_or(Failure::BadCursor)?;
    if delivery.is_empty() || order_id.is_empty() {
        return Err(Failure::BadCursor);
    }
    Ok(Cursor { order_id: order_id.to_owned(), delivery: delivery.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_from_its_token() {
        let there = Cursor { order_id: "A/1 #2".to_owned(), delivery: "net#3".to_owned() };

        assert_eq!(parse_cursor(&token(&there)), Ok(there));
        for wrong in ["", "A-1", "/A-1", "net/"] {
            assert_eq!(parse_cursor(wrong), Err(Failure::BadCursor), "{wrong}");
        }
    }
}
