//! The tests of decisions by an uploaded report.

use std::fmt::Write;

use axum::http::{StatusCode, header};
use postback_core::delivery::{Decision, State};
use postback_reconcile::source::Source;

use super::bed::{Bed, delivery};

/// The key of this console's forms.
fn key() -> String {
    "03".repeat(32)
}

const FIELDS: [(&str, &str); 4] = [
    ("network", "net"),
    ("from", "2026-11-21"),
    ("to", "2026-11-23"),
    ("why", "their report of November"),
];

/// A report with these orders.
fn report(orders: impl Iterator<Item = u32>) -> String {
    let mut text = "Order ID,Date,Status,Amount,Currency\n".to_owned();
    for order in orders {
        writeln!(text, "A-{order},2026-11-21 10:20,approved,10.50,EUR").expect("text");
    }
    text
}

/// The number of the plan of a preview.
fn plan(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("name=\"id\" value=\"")?;
    rest.split('"').next().map(str::to_owned)
}

async fn decided(bed: &mut Bed, id: &str) -> String {
    let started = bed.submit("/decide/run", &format!("id={id}")).await;
    assert_eq!(&started.headers[header::LOCATION], &format!("/work?id={id}"));
    loop {
        let work = bed.get(&format!("/work?id={id}")).await.text;
        if !work.contains("Deciding:") {
            return work;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn three_hundred_held_are_settled_by_an_uploaded_report() {
    let mut bed = Bed::open(true).await;
    bed.put((0..300).map(|n| delivery(&format!("A-{n}"), "unconfirmed"))).await;
    assert!(bed.get("/decide").await.text.contains("type=\"file\""));
    let text = report(0..300);
    let digest = Source::Bytes(text.as_bytes().into()).digest().expect("a digest");

    let preview = bed.upload(&key(), &FIELDS, &text).await.text;

    assert!(preview.contains("Confirm: record 300 decisions"), "{preview}");
    assert!(preview.contains("decide delivered       300  3150 EUR"), "{preview}");
    assert!(preview.contains(&digest) && preview.contains("line 2, report"), "{preview}");
    assert_eq!(bed.record("A-7").await.protocol.state, State::Unconfirmed);
    let id = plan(&preview).expect("a plan");
    let lines = bed.get(&format!("/decide/report/file?id={id}&name=lines.csv")).await;
    assert!(lines.text.contains("A-299,net"), "{}", lines.text);
    // It moves on between the preview and the confirmation.
    let mut moved = bed.record("A-7").await;
    moved.version += 1;
    moved.protocol.attempt += 1;
    bed.table.ledger().put(&moved, Some(1)).await.expect("a write");

    let work = decided(&mut bed, &id).await;

    assert!(work.contains("299 deliveries decided, 1 refused"), "{work}");
    assert!(work.contains("moved on") && work.contains(&digest), "{work}");
    assert_eq!(bed.record("A-7").await.protocol.state, State::Unconfirmed);
    let record = bed.record("A-299").await;
    let last = record.decisions.last().expect("a decision");
    assert_eq!(record.protocol.state, State::Delivered);
    assert_eq!(
        (last.decision, last.evidence.as_deref(), last.why.as_str()),
        (Decision::Confirm, Some(digest.as_str()), "their report of November")
    );
    // Again, it decides what has moved on alone.
    let again = bed.upload(&key(), &FIELDS, &text).await.text;
    assert!(again.contains("Confirm: record 1 decision"), "{again}");
}

#[tokio::test]
async fn a_report_with_nothing_to_decide_or_another_shape_changes_nothing() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "delivered"), delivery("A-2", "unconfirmed")]).await;

    let settled = bed.upload(&key(), &FIELDS[..1], &report(1..2)).await;
    assert_eq!(settled.status, StatusCode::BAD_REQUEST);
    let text = report(1..2);
    let fields = [("network", "net"), ("from", "2026-11-20"), ("to", "2026-11-20T12:00:00Z")];
    let other = bed.upload(&key(), &[&fields[..], &[FIELDS[3]]].concat(), &text).await.text;
    assert!(other.contains("other_period") || other.contains("decides nothing"), "{other}");
    let absent = bed.upload(&key(), &FIELDS, &text).await.text;
    assert!(absent.contains("Send again from the archive"), "{absent}");
    let web_page = bed.upload(&key(), &FIELDS, "<html>").await;
    assert!(web_page.text.contains("it is a web page"), "{}", web_page.text);
    let none = bed.upload(&key(), &FIELDS, "").await;
    assert!(none.text.contains("Choose a report."), "{}", none.text);
    let large = bed.upload(&key(), &FIELDS, &"x".repeat(9 * 1024 * 1024)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);

    assert_eq!(bed.record("A-2").await.version, 1);
}

#[tokio::test]
async fn a_file_of_decisions_is_taken_as_the_tool_takes_it() {
    let mut bed = Bed::open(true).await;
    bed.put([delivery("A-1", "unconfirmed")]).await;
    let digest = "ab".repeat(32);
    let text = format!(
        "{}\nA-1,net,1,delivered,line 9,10.5,EUR,net,{digest},2026-11-21T00:00:00Z,2026-11-23T00:00:00Z\n",
        postback_reconcile::decide::DECISIONS.join(",")
    );

    let preview = bed.upload(&key(), &FIELDS, &text).await.text;
    assert!(preview.contains("line 9, report abababababab"), "{preview}");
    let work = decided(&mut bed, &plan(&preview).expect("a plan")).await;

    assert!(work.contains("1 delivery decided, 0 refused"), "{work}");
    let record = bed.record("A-1").await;
    assert_eq!(record.protocol.state, State::Delivered);
    assert_eq!(record.decisions.last().and_then(|it| it.evidence.clone()), Some(digest));
}

#[tokio::test]
async fn a_report_is_compared_without_write_and_decides_nothing() {
    let mut bed = Bed::open(false).await;
    bed.put([delivery("A-1", "delivered"), delivery("A-2", "unconfirmed")]).await;
    assert!(bed.get("/money").await.text.contains("type=\"file\""));

    let preview = bed.upload(&key(), &FIELDS[..3], &report(1..4)).await.text;

    assert!(preview.contains("the report: 3 lines, 31.5 EUR"), "{preview}");
    assert!(preview.contains("name=lines%2Ecsv"), "{preview}");
    assert!(preview.contains("Start it with --write") && plan(&preview).is_none(), "{preview}");
    // The page of money shows what the network pays, and its files can be kept.
    let money = bed.get("/money").await.text;
    assert!(money.contains("3 lines 31.5 EUR") && money.contains("2 lines 21 EUR"), "{money}");
    let file = bed.get("/decide/report/file?id=1&name=lines.csv").await.text;
    assert!(file.contains("A-1,net"), "{file}");
    assert_eq!(bed.submit("/decide/run", "id=1").await.status, StatusCode::FORBIDDEN);
    assert_eq!(bed.record("A-2").await.version, 1);
}

#[tokio::test]
async fn a_report_without_the_key_is_refused() {
    for writes in [true, false] {
        let mut bed = Bed::open(writes).await;
        bed.put([delivery("A-1", "unconfirmed")]).await;

        let refused = bed.upload(&"00".repeat(32), &FIELDS, &report(1..2)).await;

        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert!(!refused.text.contains("A-1"), "{}", refused.text);
    }
}
