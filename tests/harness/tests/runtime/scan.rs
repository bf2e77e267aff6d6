//! The ledger looked through by a person, and the receipts of webhooks beside the deliveries.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{collections::BTreeSet, time::Duration};

use crate::common;
use aws_sdk_dynamodb::types::{DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate};
use postback_core::{
    clock::Timestamp,
    delivery::{Facts, Key, Note, Record, Stamp, State, WAITING},
};
use postback_harness::Table;
use postback_runtime::ledger::{Filter, Ledger, LedgerError, Receipt, Segment};

/// 2026-11-21T10:15:00.250Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_250);
const MILLISECOND: Duration = Duration::from_millis(1);

async fn write(ledger: &Ledger, order_id: &str, delivery: (&str, Option<&str>), state: State) {
    write_at(ledger, order_id, delivery, state, NOW).await;
}

async fn write_at(
    ledger: &Ledger,
    order_id: &str,
    (network, line): (&str, Option<&str>),
    state: State,
    since: Timestamp,
) {
    let key = Key::known(order_id.to_owned(), network, line);
    let delivery = common::delivery(state, since);
    let record =
        Record::after(None, &key, delivery, Note::default(), Stamp { now: NOW, write_id: 1 });
    ledger.put(&record, None).await.expect("written");
}

/// Order and delivery of those that are wanted, in order.
async fn found(ledger: &Ledger, wanted: &Filter) -> Vec<String> {
    let page = ledger.scan(wanted, None).await.expect("a page");
    assert_eq!(page.next, None);
    let name = |record: &Record| format!("{} {}", record.order_id, record.delivery);
    let mut names: Vec<_> = page.records.iter().map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn finds_by_state_and_network_and_a_networks_lines_with_it() {
    let table = Table::start().await;
    let ledger = table.ledger();
    write(&ledger, "A", ("shopback", Some("1")), State::Parked).await;
    write(&ledger, "B", ("shopback", None), State::Delivered).await;
    write(&ledger, "C", ("shopback_two", None), State::Parked).await;
    let shopback = Some("shopback".to_owned());

    let all = Filter::default();
    assert_eq!(found(&ledger, &all).await, ["A shopback#1", "B shopback", "C shopback_two"]);
    let parked = Filter { state: Some(State::Parked), ..all.clone() };
    assert_eq!(found(&ledger, &parked).await, ["A shopback#1", "C shopback_two"]);
    let of_shopback = Filter { network: shopback.clone(), ..all };
    assert_eq!(found(&ledger, &of_shopback).await, ["A shopback#1", "B shopback"]);
    let both = Filter { network: shopback, ..parked };
    assert_eq!(found(&ledger, &both).await, ["A shopback#1"]);
}

#[tokio::test]
async fn finds_from_an_instant_on_and_before_an_instant_to_the_millisecond() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let before = Timestamp::from_millis(NOW.as_millis() - 1);
    write_at(&ledger, "A", ("cartstack", None), State::Delivered, before).await;
    write_at(&ledger, "B", ("cartstack", None), State::Delivered, NOW).await;
    write_at(&ledger, "C", ("cartstack", None), State::Delivered, NOW + MILLISECOND).await;

    let since = Filter { since: Some(NOW), ..Filter::default() };
    assert_eq!(found(&ledger, &since).await, ["B cartstack", "C cartstack"]);
    let until = Filter { until: Some(NOW), ..Filter::default() };
    assert_eq!(found(&ledger, &until).await, ["A cartstack"]);
    let span = Filter { until: Some(NOW + MILLISECOND), ..since };
    assert_eq!(found(&ledger, &span).await, ["B cartstack"]);
}

#[tokio::test]
async fn goes_on_where_a_page_ended_and_says_what_was_read() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let long = "9".repeat(300_000);
    for order_id in ["A", "B", "C", "D", "E"] {
        write(&ledger, order_id, ("cartstack", None), State::Delivered).await;
        let key = Key::known(order_id.to_owned(), "cartstack", None);
        let mut record = ledger.get(&key).await.expect("an answer").expect("the record");
        record.version = 2;
        record.protocol.parked_settings = Some(long.clone());
        ledger.put(&record, Some(1)).await.expect("written");
    }

    let (mut orders, mut read, mut pages, mut units, mut after) = (Vec::new(), 0, 0, 0.0, None);
    loop {
        let page = ledger.scan(&Filter::default(), after.as_ref()).await.expect("a page");
        orders.extend(page.records.into_iter().map(|record| record.order_id));
        (read, pages, units) = (read + page.read, pages + 1, units + page.units);
        after = page.next;
        if after.is_none() {
            break;
        }
    }

    orders.sort();
    assert_eq!(orders, ["A", "B", "C", "D", "E"]);
    // The embedded DynamoDB counts the item that did not fit into a page as read.
    assert!((5..5 + pages).contains(&read), "{read}");
    assert!(pages > 1, "one page held it all");
    assert!(units > 0.0);
}

fn waiting() -> Filter {
    Filter { waiting: true, ..Filter::default() }
}

#[tokio::test]
async fn the_index_holds_what_waits_as_long_as_it_does() {
    let table = Table::start().await;
    let ledger = table.ledger();
    for state in State::ALL {
        write(&ledger, state.as_str(), ("cartstack", None), state).await;
    }
    let names = ["parked cartstack", "retrying cartstack", "unconfirmed cartstack"];
    assert_eq!(found(&ledger, &waiting()).await, names);

    let key = Key::known("parked".to_owned(), "cartstack", None);
    let parked = ledger.get(&key).await.expect("an answer").expect("the record");
    let delivery = common::delivery(State::Delivered, NOW);
    let stamp = Stamp { now: NOW, write_id: 2 };
    let settled = Record::after(Some(&parked), &key, delivery, Note::default(), stamp);
    ledger.put(&settled, Some(parked.version)).await.expect("written");

    assert_eq!(found(&ledger, &waiting()).await, names[1..]);
}

#[tokio::test]
async fn the_index_is_read_on_from_among_the_lines_of_one_order() {
    let table = Table::start().await;
    let ledger = table.ledger();
    for line in 0..120 {
        let line = format!("{line:03}");
        write(&ledger, "A", ("shopback", Some(&line)), State::Parked).await;
    }
    let whole = Some(Segment { number: 0, of: 1 });

    let first = ledger.scan_segment(&waiting(), whole, None).await.expect("a page");
    let rest = ledger.scan_segment(&waiting(), whole, first.next.as_ref()).await.expect("a page");

    assert_eq!((first.records.len(), rest.records.len(), rest.next), (100, 20, None));
    let lines = first.records.iter().chain(&rest.records).map(|record| record.delivery.clone());
    assert_eq!(lines.collect::<BTreeSet<_>>().len(), 120);
}

#[tokio::test]
async fn a_ledger_without_an_index_of_what_waits_is_named() {
    let table = Table::start().await;
    let delete = DeleteGlobalSecondaryIndexAction::builder().index_name(WAITING).build();
    let delete = delete.expect("an action");
    let update = table.client().update_table().table_name(table.name());
    let update = update.global_secondary_index_updates(
        GlobalSecondaryIndexUpdate::builder().delete(delete).build(),
    );
    update.send().await.expect("an index less");
    let ledger = table.ledger();

    assert_eq!(ledger.scan(&waiting(), None).await, Err(LedgerError::NoIndex));
    assert!(ledger.scan(&Filter::default(), None).await.is_ok());
}

#[tokio::test]
async fn an_item_of_somebody_elses_is_not_taken_for_a_delivery() {
    let table = Table::start().await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = table.client().put_item().table_name(table.name());
    let put = put.item("order_id", text("A")).item("delivery", text("shopback"));
    put.item("content", text("junk")).item("version", text("junk")).send().await.expect("written");

    let page = table.ledger().scan(&Filter::default(), None).await;

    assert!(page.is_err() || page.is_ok_and(|page| page.records.is_empty()));
}

#[tokio::test]
async fn the_first_receipt_of_a_message_stands_and_is_no_delivery() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let first = Receipt::new("msg_1", Facts::none().digest("order", "A-1"), NOW);
    let second = Receipt::new("msg_1", Facts::none().digest("order", "A-2"), NOW + MILLISECOND);

    assert_eq!(ledger.receipt("msg_1").await, Ok(None));
    assert_eq!(ledger.put_receipt(&first).await, Ok(()));
    assert_eq!(ledger.put_receipt(&second).await, Ok(()));

    assert_eq!(ledger.receipt("msg_1").await, Ok(Some(first)));
    assert_eq!(ledger.receipt("msg_2").await, Ok(None));
    assert_eq!(found(&ledger, &Filter::default()).await, [""; 0]);
}

#[tokio::test]
async fn a_receipt_is_kept_for_thirty_days() {
    let table = Table::start().await;
    let receipt = Receipt::new("msg_1", Facts::none().digest("order", "A-1"), NOW);
    table.ledger().put_receipt(&receipt).await.expect("kept");

    let items = table.client().scan().table_name(table.name()).send().await.expect("a scan");

    let expires_at = items.items()[0]["expires_at"].as_n().expect("a number").parse::<i64>();
    assert_eq!(expires_at, Ok(NOW.as_secs() + 30 * 24 * 60 * 60));
}

#[tokio::test]
async fn a_ledger_that_fails_takes_no_receipt_and_shows_nothing() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let receipt = Receipt::new("msg_1", Facts::none().digest("order", "A-1"), NOW);

    table.always(postback_harness::Strike::Fail);

    let unreachable = postback_runtime::ledger::LedgerError::Unavailable;
    assert_eq!(ledger.put_receipt(&receipt).await, Err(unreachable));
    assert_eq!(ledger.receipt("msg_1").await, Err(unreachable));
    assert_eq!(ledger.scan(&Filter::default(), None).await, Err(unreachable));
}
