//! `orders list`: deliveries found in the ledger or its index, all of them counted and the first shown.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use postback_core::{
    clock::Timestamp,
    delivery::{Key, PartialView, Record, ValidationView},
};
use postback_runtime::ledger::{Filter, Page};

use crate::{
    account::Account,
    args::List,
    failure::Failure,
    scan::{Read, gather, parse_cursor, watched},
    span,
    view::Output,
};

mod found;
mod listing;
mod rows;
mod totals;

use listing::Listing;

pub(crate) use found::Found;
pub(crate) use rows::{csv, harmless};
pub(crate) use totals::{Sum, Totals, at_stake};

/// The validations that are read at once.
const AT_ONCE: usize = 16;

pub(crate) async fn run(
    account: &Account,
    wanted: &List,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let filter = filter(account, wanted, now)?;
    let after = wanted.after.as_deref().map(parse_cursor).transpose()?;
    let mut listing = Listing::new(account, wanted, now, output.json);
    let mut read = Read::default();
    if after.is_none() && wanted.read_units.is_none() {
        let each = async |page: Option<Page>| match page {
            Some(page) => {
                read.add(&page);
                listing.add(page.records, output).await
            }
            None => listing.show_progress(&read, output).await,
        };
        watched(account, &filter, each).await?;
    } else {
        // In the ledger's order, which has a place to go on from.
        let add = |record| listing.found.add(record);
        read = gather(account, &filter, after, wanted.read_units, add).await?;
        listing.is_in_order = true;
    }
    let next = listing.end(&read, output).await?;
    output.note(&read.cost(listing.found.totals.count));
    if read.next.is_some() { Err(Failure::Stopped { next }) } else { read.all_read() }
}

/// The deliveries that the ledger has to show for a list.
pub(crate) fn filter(account: &Account, wanted: &List, now: Timestamp) -> Result<Filter, Failure> {
    let instant = |option, text: &Option<String>| {
        text.as_deref().map(|text| span::instant(option, text, now)).transpose()
    };
    let network = wanted.network.as_deref().map(|name| account.name_of(name)).transpose()?;
    Ok(Filter {
        waiting: wanted.is_waiting(),
        // The ledger leaves out what is of another state; of several states the tool does.
        state: wanted.state.first().copied().filter(|_| wanted.state.len() == 1),
        network,
        since: instant("--since", &wanted.since)?,
        until: instant("--until", &wanted.until)?,
        validations: wanted.held || wanted.claim_back,
        ..Filter::default()
    })
}

/// The validations of deliveries, by their keys.
pub(crate) type Validations = HashMap<Key, Record>;

/// Reads the validations of these deliveries: the ledger has each beside its delivery. Beside them are
/// the items of the same orders that this version can't read.
pub(crate) async fn validations(
    account: &Account,
    shown: &[Record],
) -> Result<(Validations, Vec<PartialView>), Failure> {
    // A delivery whose content is kept is validated.
    let validated = shown.iter().filter(|record| record.protocol.reported.is_some());
    let orders: BTreeSet<_> = validated.map(|record| record.order_id.clone()).collect();
    // A query, because who may only look has no right to get an item.
    let found =
        stream::iter(orders).map(|order| async move { account.readable_of_order(&order).await });
    let found: Vec<_> = found.buffered(AT_ONCE).try_collect().await?;
    let (records, partial): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let validations = records.into_iter().flatten().map(|record| (record.key(), record)).collect();
    Ok((validations, partial.into_iter().flatten().collect()))
}

/// The validation of a delivery: of its own record, or the network's word.
fn validation<'a>(record: &'a Record, validations: &'a Validations) -> ValidationView<'a> {
    ValidationView::of(validations.get(&record.key().validation()).unwrap_or(record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixtures::{FakeAws, paid, validation},
        view::left_out,
    };

    #[tokio::test]
    async fn the_validations_of_what_is_shown_are_read_by_queries_alone() {
        let aws = FakeAws::start().await;
        let own = validation("delivered", Some(("approved", "9.5")));
        let mut delivered = paid("net", "delivered", "10.5", "EUR");
        delivered.protocol.reported = own.protocol.reported.clone();
        for record in [&delivered, &own] {
            aws.table.ledger().put(record, None).await.expect("a write");
        }
        aws.table.fail_all(Some("GetItem"));

        let shown = [delivered, paid("other", "delivered", "1", "EUR")];
        let (found, _) = validations(&aws.account, &shown).await.expect("validations");

        assert_eq!(validation_status(&shown[0], &found), "approved");
        assert_eq!(validation_status(&shown[1], &found), "none");
    }

    #[tokio::test]
    async fn a_validation_of_a_later_version_is_named() {
        let aws = FakeAws::start().await;
        let mut delivered = paid("net", "delivered", "10.5", "EUR");
        delivered.protocol.reported = validation("delivered", None).protocol.reported;
        aws.table.ledger().put(&delivered, None).await.expect("a write");
        aws.put_later("A-1", "net!validation").await;

        let (found, partial) = validations(&aws.account, &[delivered]).await.expect("validations");

        assert_eq!(found.len(), 1);
        let [partial] = partial.as_slice() else { panic!("{partial:?}") };
        assert!(left_out(partial).starts_with("Left out: A-1 at net (format 9)"));
    }

    fn validation_status(record: &Record, validations: &Validations) -> &'static str {
        super::validation(record, validations).status
    }
}
