//! The tests of a ledger that takes long to read.

use std::{net::TcpListener, time::Duration};

use axum::http::header;
use postback_harness::Strike;
use tokio::time::timeout;

use super::bed::{Bed, delivery};

#[tokio::test]
async fn the_first_rows_are_shown_before_the_ledger_is_read_to_its_end() {
    let mut bed = Bed::open(false).await;
    bed.put((0..40).map(|n| delivery(&format!("A-{n}"), "unconfirmed"))).await;
    // Of the 24 shares one is not answered.
    bed.table.script([Strike::Pass; 23].into_iter().chain([Strike::Hang]));

    let page = bed.get("/orders?which=held").await.text;

    assert!(page.contains(">A-"), "{page}");
    assert!(page.contains("Still reading the ledger: the counts are too low."), "{page}");
    assert!(page.contains("data-refresh"), "{page}");
    assert!(!page.contains("Nothing matches."), "{page}");
}

#[tokio::test]
async fn the_ledger_is_read_again_when_a_person_says_so() {
    let mut bed = Bed::open(false).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    let page = bed.get("/orders?which=held").await.text;
    assert!(page.contains("href=\"/orders?which=held&amp;anew=1\""), "{page}");
    bed.put([delivery("A-2", "unconfirmed")]).await;
    assert!(!bed.get("/orders?which=held").await.text.contains(">A-2</"));

    let again = bed.get("/orders?which=held&anew=1").await;

    assert_eq!(&again.headers[header::LOCATION], "/orders?which=held");
    assert!(bed.get("/orders?which=held").await.text.contains(">A-2</"));
    assert_eq!(&bed.get("/money?anew=1").await.headers[header::LOCATION], "/money");
}

#[tokio::test]
async fn what_needs_a_person_is_shown_while_aws_does_not_answer() {
    // Nobody takes a connection to it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let mut bed = Bed::open_at(&endpoint, false).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;

    let page = timeout(Duration::from_secs(10), bed.get("/")).await.expect("a page in time").text;

    assert!(page.contains("net: 1 waits for a person"), "{page}");
    assert!(page.contains("Alarms, queues and dead letters are not shown"), "{page}");
}

#[tokio::test]
async fn a_reading_begun_before_something_was_written_is_shown_no_more() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    bed.table.script([Strike::Pass; 23].into_iter().chain([Strike::Hang]));
    let page = bed.get("/money").await.text;
    assert!(page.contains("Still reading the ledger"), "{page}");

    bed.put([delivery("A-2", "unconfirmed")]).await;
    bed.submit("/letters/run", "network=net").await;
    let page = bed.get("/money").await.text;

    assert!(page.contains("21 (2)") && !page.contains("Still reading"), "{page}");
}
