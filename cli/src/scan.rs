//! Reading through the ledger or its index of what waits, to the end or to a bound.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use postback_core::delivery::Record;
use postback_runtime::ledger::{Cursor, Filter, LedgerError, Page, Segment};

use crate::{account::Account, failure::Failure, status::Unclaimed, view::thousands};

/// The price of a read unit in USD, on demand: 0.125 a million in us-east-1, November 2026.
const DOLLARS_A_UNIT: f64 = 0.125e-6;

/// The number of shares that are read at once.
const SEGMENTS: i32 = 24;

/// The words for a list of which the ledger may hold more.
pub(crate) const PART: &str = "PART OF THE LEDGER ONLY: there may be more than this.";

/// The time between two looks at how far a reading is.
const A_SECOND: Duration = Duration::from_secs(1);

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

    /// The last lines of comma-separated values that do not hold the whole ledger.
    pub(crate) fn last_lines(&self) -> Vec<u8> {
        let part = self.next.as_ref().map(|_| PART.to_owned());
        let left_out = self.left_out().map(|text| format!("LEFT OUT: {text}"));
        part.into_iter().chain(left_out).fold(Vec::new(), |mut file, line| {
            file.extend(format!("{line}\n").into_bytes());
            file
        })
    }

    /// The part that was read so far, for a person who waits.
    pub(crate) fn so_far(&self) -> String {
        format!("{} deliveries read …", thousands(self.items))
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

/// The whole ledger or index, many shares of it read at once: the pages come in no order.
struct Shares<'a> {
    account: &'a Account,
    filter: &'a Filter,
    fetching: FuturesUnordered<BoxFuture<'a, Fetched>>,
    has_all_begun: bool,
}

/// The first share.
const FIRST: Segment = Segment { number: 0, of: SEGMENTS };

type Fetched = (Segment, Result<Page, LedgerError>);

impl<'a> Shares<'a> {
    fn new(account: &'a Account, filter: &'a Filter) -> Self {
        let fetching = FuturesUnordered::new();
        let shares = Self { account, filter, fetching, has_all_begun: false };
        // The first page of the first share comes alone: beside those of all others it would come with them.
        shares.fetch(FIRST, None);
        shares
    }

    fn fetch(&self, segment: Segment, after: Option<Cursor>) {
        let (ledger, filter) = (&self.account.ledger, self.filter);
        let page = async move {
            (segment, ledger.scan_segment(filter, Some(segment), after.as_ref()).await)
        };
        self.fetching.push(page.boxed());
    }

    /// The next page; `None` after the last.
    async fn next(&mut self) -> Result<Option<Page>, Failure> {
        let Some((segment, page)) = self.fetching.next().await else { return Ok(None) };
        let page = page.map_err(self.account.ledger_failed("Scan"))?;
        if !self.has_all_begun {
            self.has_all_begun = true;
            for number in 1..SEGMENTS {
                self.fetch(Segment { number, of: SEGMENTS }, None);
            }
        }
        if let Some(next) = page.next.clone() {
            self.fetch(segment, Some(next));
        }
        Ok(Some(page))
    }
}

/// Reads the whole ledger or index, many shares of it at once: the pages come in no order.
pub(crate) async fn side_by_side(
    account: &Account,
    filter: &Filter,
    mut each: impl FnMut(Page),
) -> Result<(), Failure> {
    let mut shares = Shares::new(account, filter);
    while let Some(page) = shares.next().await? {
        each(page);
    }
    Ok(())
}

/// Like [`side_by_side`], for whoever shows how far it is: `each` gets `None` every second.
pub(crate) async fn watched(
    account: &Account,
    filter: &Filter,
    mut each: impl AsyncFnMut(Option<Page>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut shares = Shares::new(account, filter);
    let mut seconds = tokio::time::interval(A_SECOND);
    // The first comes at once.
    seconds.tick().await;
    loop {
        let page = tokio::select! {
            page = shares.next() => page?,
            _ = seconds.tick() => {
                each(None).await?;
                continue;
            }
        };
        let Some(page) = page else { return Ok(()) };
        each(Some(page)).await?;
    }
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
    use crate::fixtures::{FakeAws, record};

    #[tokio::test]
    async fn a_share_begins_with_a_short_page_and_is_read_to_its_end() {
        let aws = FakeAws::start().await;
        for number in 0..120 {
            let record = Record { order_id: format!("A-{number}"), ..record("net", "parked", 1) };
            aws.table.ledger().put(&record, None).await.expect("a write");
        }
        let (whole, filter) = (Segment { number: 0, of: 1 }, Filter::default());
        let ledger = &aws.account.ledger;

        let first = ledger.scan_segment(&filter, Some(whole), None).await.expect("a page");
        let rest = ledger.scan_segment(&filter, Some(whole), first.next.as_ref()).await;
        let mut found = 0;
        let each = async |page: Option<Page>| {
            found += page.as_ref().map_or(0, |page| page.records.len());
            Ok(())
        };
        watched(&aws.account, &filter, each).await.expect("the ledger");

        assert_eq!((first.read, rest.expect("a page").read, found), (100, 20, 120));
    }

    #[test]
    fn a_cursor_is_read_back_from_its_token() {
        let there = Cursor { order_id: "A/1 #2".to_owned(), delivery: "net#3".to_owned() };

        assert_eq!(parse_cursor(&token(&there)), Ok(there));
        for wrong in ["", "A-1", "/A-1", "net/"] {
            assert_eq!(parse_cursor(wrong), Err(Failure::BadCursor), "{wrong}");
        }
    }
}
