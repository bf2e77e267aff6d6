//! The ledger by itself: what a write, a read and a reading of a whole order say.

use crate::common;
use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Key, Note, Record, Stamp, State},
};
use postback_harness::{Strike, Table};
use postback_runtime::ledger::{LedgerError, Put};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

fn key(order_id: &str, line: Option<&str>) -> Key {
    Key::known(order_id.to_owned(), "shopback", line)
}

fn claimed(key: &Key, write_id: u64) -> Record {
    let sending = common::delivery(State::Sending, NOW);
    Record::after(None, key, sending, Note::default(), Stamp { now: NOW, write_id })
}

fn settled(before: &Record, key: &Key, write_id: u64) -> Record {
    let delivered = Delivery { state: State::Delivered, ..before.protocol.clone() };
    Record::after(Some(before), key, delivered, Note::default(), Stamp { now: NOW, write_id })
}

fn refused_by(held: &Record) -> Put {
    Put::Stale(Some(Box::new(held.clone())))
}

#[tokio::test]
async fn the_first_claim_stands_and_a_second_is_shown_it() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let key = key("A-1", None);
    let (first, second) = (claimed(&key, 1), claimed(&key, 2));

    assert_eq!(ledger.put(&first, None).await, Ok(Put::Written));
    assert_eq!(ledger.put(&second, None).await, Ok(refused_by(&first)));
    assert_eq!(ledger.get(&key).await, Ok(Some(first)));
}

#[tokio::test]
async fn a_write_stands_only_on_the_version_it_was_decided_on() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let key = key("A-1", None);
    let claim = claimed(&key, 1);
    let (settlement, late) = (settled(&claim, &key, 2), settled(&claim, &key, 3));

    assert_eq!(ledger.put(&settlement, Some(1)).await, Ok(Put::Stale(None)));
    assert_eq!(ledger.put(&claim, None).await, Ok(Put::Written));
    assert_eq!(ledger.put(&settlement, Some(1)).await, Ok(Put::Written));
    assert_eq!(ledger.put(&late, Some(1)).await, Ok(refused_by(&settlement)));
    assert_eq!(ledger.get(&key).await, Ok(Some(settlement)));
}

/// The SDK asks again when an answer is lost; by then the write may stand.
#[tokio::test]
async fn a_refused_write_that_finds_itself_has_been_written() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let key = key("A-1", None);
    let (claim, other) = (claimed(&key, 1), claimed(&key, 2));

    table.script([Strike::LoseAnswer]);
    assert_eq!(ledger.put(&claim, None).await, Ok(Put::Written));
    assert_eq!(ledger.put(&claim, None).await, Ok(Put::Written));
    assert_eq!(ledger.put(&other, None).await, Ok(refused_by(&claim)), "another writer's mark");
    let later = Record { version: 2, ..claim.clone() };
    assert_eq!(ledger.put(&later, None).await, Ok(refused_by(&claim)), "another version");
}

#[tokio::test]
async fn what_is_not_there_is_nothing() {
    let table = Table::start().await;
    let ledger = table.ledger();

    assert_eq!(ledger.get(&key("A-1", None)).await, Ok(None));
    assert_eq!(ledger.of_order("A-1").await, Ok(Vec::new()));
}

#[tokio::test]
async fn an_order_is_read_with_all_its_deliveries_and_no_others() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let keys = [key("A-1", None), key("A-1", Some("1")), key("A-1", Some("2"))];
    for key in keys.iter().chain([&key("A-10", None)]) {
        ledger.put(&claimed(key, 1), None).await.expect("written");
    }

    let records = ledger.of_order("A-1").await.expect("the order");

    assert_eq!(records, keys.map(|key| claimed(&key, 1)));
}

#[tokio::test]
async fn an_order_of_more_than_one_page_is_read_whole() {
    let table = Table::start().await;
    let ledger = table.ledger();
    // A page of DynamoDB is a megabyte.
    let long = "9".repeat(300_000);
    for line in ["1", "2", "3", "4", "5"] {
        let mut record = claimed(&key("A-1", Some(line)), 1);
        record.protocol.parked_settings = Some(long.clone());
        ledger.put(&record, None).await.expect("written");
    }
    table.forget_calls();

    let records = ledger.of_order("A-1").await.expect("the order");

    assert_eq!(
        records.iter().filter_map(Record::line).collect::<Vec<_>>(),
        ["1", "2", "3", "4", "5"]
    );
    assert!(table.calls().len() > 1, "one page held it all");
}

#[tokio::test]
async fn an_item_of_somebody_elses_is_not_taken_for_a_delivery() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let put = table.client().put_item().table_name(table.name());
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = put.item("order_id", text("A-1")).item("delivery", text("shopback"));
    let put = put.item("version", text("junk"));
    put.send().await.expect("written");
    let key = key("A-1", None);

    assert_eq!(ledger.get(&key).await, Err(LedgerError::Unreadable));
    assert_eq!(ledger.of_order("A-1").await, Err(LedgerError::Unreadable));
    assert_eq!(ledger.put(&claimed(&key, 1), None).await, Err(LedgerError::Unreadable));
}

#[tokio::test]
async fn shows_the_tables_name_and_nothing_of_the_client() {
    let shown = format!("{:?}", Table::start().await.ledger());

    assert_eq!(shown, "Ledger { table: \"ledger\", .. }");
}

#[test]
fn a_delivery_is_remembered_for_400_days() {
    let record = claimed(&key("A-1", None), 1);

    assert_eq!(record.expires_at, NOW.as_secs() + 400 * 24 * 60 * 60);
}

#[tokio::test]
async fn sixteen_orders_of_a_click_are_kept_by_their_ids_and_then_that_there_are_more() {
    let table = Table::start().await;
    let ledger = table.ledger();
    let ids: Vec<_> = (1..=17).map(|number| format!("A-{number}")).collect();
    for order_id in &ids[..16] {
        ledger.add_click_use("shopback", "a-click", order_id, NOW).await.expect("a use");
    }
    ledger.add_click_use("shopback", "a-click", "A-3", NOW).await.expect("the same use");
    let sixteen = ledger.click_uses("shopback", "a-click").await.expect("the uses");
    ledger.add_click_use("shopback", "a-click", &ids[16], NOW).await.expect("one too many");
    ledger.add_click_use("shopback", "a-click", "A-3", NOW).await.expect("one that is known");
    let more = ledger.click_uses("shopback", "a-click").await.expect("the uses");

    assert_eq!((sixteen.order_ids.len(), sixteen.many), (16, false));
    assert_eq!((more.order_ids.len(), more.many), (16, true));
    assert!(!more.order_ids.contains(&ids[16]), "{more:?}");
    let elsewhere = ledger.click_uses("other", "a-click").await.expect("the uses");
    assert_eq!((elsewhere.order_ids.len(), elsewhere.many), (0, false));
}
