//! Reading through the ledger, to its end or to a bound.

use futures_util::{StreamExt, stream::FuturesUnordered};
use postback_core::delivery::Record;
use postback_runtime::ledger::{Cursor, Filter, Page, Segment};

use crate::{account::Account, failure::Failure, status::Unclaimed};

/// The price of a read unit in USD, on demand: 0.125 a million in us-east-1, November 2026.
const DOLLARS_A_UNIT: f64 = 0.125e-6;

/// The number of shares of the ledger that are read at once.
const SEGMENTS: i32 = 24;

/// The counts of what was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) items: usize,
    pub(crate) units: f64,
    /// The items that this version can't read.
    pub(crate) unreadable: usize,
    /// The orders that concern no network, if they were wanted.
    pub(crate) unclaimed: Unclaimed,
    /// The place to go on; `None` at the ledger's end.
    pub(crate) next: Option<String>,
}

impl Read {
    /// Counts a page.
    pub(crate) fn add(&mut self, page: &Page) {
        self.items += page.read;
        self.units += page.units;
        self.unreadable += page.unreadable.len();
        page.unclaimed.iter().for_each(|order| self.unclaimed.add(order));
    }

    /// Refuses what was read if this version could not read all of it.
    pub(crate) fn all_read(&self) -> Result<(), Failure> {
        self.left_out().map_or(Ok(()), |text| Err(Failure::NeedsPerson(text)))
    }

    /// A sentence about the items that this version can't read, if there are any.
    pub(crate) fn left_out(&self) -> Option<String> {
        let count = self.unreadable;
        let verb = if count == 1 { "delivery is" } else { "deliveries are" };
        (count > 0)
            .then(|| format!("{count} {verb} of a later version and left out: update the tool."))
    }

    /// The cost in words.
    pub(crate) fn cost(&self, found: usize) -> String {
        cost(found, self.items, self.units)
    }
}

/// Reads the ledger from `after` to its end, or until `read_units` are spent.
pub(crate) async fn gather(
    account: &Account,
    filter: &Filter,
    mut after: Option<Cursor>,
    read_units: Option<u32>,
    mut each: impl FnMut(Record),
) -> Result<Read, Failure> {
    let mut read = Read::default();
    loop {
        let page = account.ledger.scan(filter, after.as_ref()).await;
        let page = page.map_err(account.ledger_failed("Scan"))?;
        read.add(&page);
        page.records.into_iter().for_each(&mut each);
        let spent = read_units.is_some_and(|most| read.units >= f64::from(most));
        if page.next.is_none() || spent {
            read.next = page.next.as_ref().map(token);
            return Ok(read);
        }
        after = page.next;
    }
}

/// Reads the whole ledger, many shares of it at once: the pages come in no order.
pub(crate) async fn side_by_side(
    account: &Account,
    filter: &Filter,
    mut each: impl FnMut(Page),
) -> Result<(), Failure> {
    let fetch = async |segment: Segment, after: Option<Cursor>| {
        let page = account.ledger.scan_segment(filter, Some(segment), after.as_ref()).await;
        (segment, page)
    };
    let segments = (0..SEGMENTS).map(|number| Segment { number, of: SEGMENTS });
    let mut fetching: FuturesUnordered<_> = segments.map(|segment| fetch(segment, None)).collect();
    while let Some((segment, page)) = fetching.next().await {
        let page = page.map_err(account.ledger_failed("Scan"))?;
        if let Some(next) = page.next.clone() {
            fetching.push(fetch(segment, Some(next)));
        }
        each(page);
    }
    Ok(())
}

/// Like [`side_by_side`], by delivery.
pub(crate) async fn gather_all(
    account: &Account,
    filter: &Filter,
    mut each: impl FnMut(Record),
) -> Result<Read, Failure> {
    let mut read = Read::default();
    let add = |page: Page| {
        read.add(&page);
        page.records.into_iter().for_each(&mut each);
    };
    side_by_side(account, filter, add).await?;
    Ok(read)
}

/// Reads the ledger from its beginning, and keeps everything that matches.
pub(crate) async fn all(
    account: &Account,
    filter: &Filter,
    read_units: u32,
) -> Result<Page, Failure> {
    let mut records = Vec::new();
    let read =
        gather(account, filter, None, Some(read_units), |record| records.push(record)).await?;
    let next = read.next.as_deref().map(parse_cursor).transpose()?;
    Ok(Page { records, read: read.items, units: read.units, next, ..Page::default() })
}

pub(crate) fn cursor(record: &Record) -> Cursor {
    Cursor { order_id: record.order_id.clone(), delivery: record.delivery.clone() }
}

/// The cost of reading, in words.
pub(crate) fn cost(found: usize, read: usize, units: f64) -> String {
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
