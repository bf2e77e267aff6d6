//! `orders list`: deliveries by state, found by looking through the ledger.

use postback_core::delivery::DeliveryView;
use postback_core::{clock::Timestamp, delivery::Record};
use postback_runtime::ledger::{Cursor, Filter, Page};
use serde::Serialize;

use crate::{
    account::Account,
    args::List,
    failure::Failure,
    span,
    view::{HEADINGS, Output, row, table},
};

/// Dollars for a read unit of a table that is paid for by request: 0.125 for a million, us-east-1, November 2026.
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
    screen: &mut Output<'_>,
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
        until: None,
    };
    let after = wanted.after.as_deref().map(place).transpose()?;
    let bounds = Bounds { limit: wanted.limit, read_units: wanted.read_units };
    let page = look(account, &filter, after, &bounds).await?;
    let next = page.next.as_ref().map(token);
    let rows: Vec<_> = page.records.iter().map(row).collect();
    screen.answer(
        &table(&HEADINGS, &rows),
        &View {
            deliveries: page.records.iter().map(DeliveryView::for_operator).collect(),
            read: page.read,
            read_units: page.units,
            next: next.clone(),
        },
    );
    screen.note(&cost(&page));
    if let Some(next) = next {
        screen.note(&format!("There is more: go on with --after '{next}'"));
    }
    Ok(())
}

/// How far to look.
pub(crate) struct Bounds {
    pub(crate) limit: usize,
    pub(crate) read_units: u32,
}

/// Looks through the ledger until its end or a bound.
pub(crate) async fn look(
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
            all.next = all.records.last().map(key);
        }
        let spent = all.units >= f64::from(bounds.read_units);
        if all.next.is_none() || all.records.len() >= bounds.limit || spent {
            return Ok(all);
        }
        after.clone_from(&all.next);
    }
}

fn key(record: &Record) -> Cursor {
    Cursor { order_id: record.order_id.clone(), delivery: record.delivery.clone() }
}

/// What looking has cost.
pub(crate) fn cost(page: &Page) -> String {
    let (found, read, units) = (page.records.len(), page.read, page.units);
    let dollars = units * DOLLARS_A_UNIT;
    format!(
        "{found} found among {read} deliveries; {units} read units, about {dollars:.6} USD on demand"
    )
}

/// A place as one word. An order's id may hold anything, a delivery no slash.
fn token(place: &Cursor) -> String {
    format!("{}/{}", place.delivery, place.order_id)
}

fn place(token: &str) -> Result<Cursor, Failure> {
    let (delivery, order_id) = token.split_once('/').ok_or(Failure::BadPlace)?;
    if delivery.is_empty() || order_id.is_empty() {
        return Err(Failure::BadPlace);
    }
    Ok(Cursor { order_id: order_id.to_owned(), delivery: delivery.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_token() {
        let there = Cursor { order_id: "A/1 #2".to_owned(), delivery: "net#3".to_owned() };

        assert_eq!(place(&token(&there)), Ok(there));
        for wrong in ["", "A-1", "/A-1", "net/"] {
            assert_eq!(place(wrong), Err(Failure::BadPlace), "{wrong}");
        }
    }
}
