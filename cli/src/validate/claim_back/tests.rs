//! The tests of the list of what is to be claimed back.

use std::fs;

use clap::Parser;
use postback_core::{
    clock::Timestamp,
    delivery::{Note, Proof, Record, Stamp},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    args::{Arguments, Command, Orders, Validate},
    fixtures::{FakeAws, paid, validation},
    list,
    scan::Read,
    settle,
    status::{Counted, needs},
};

const AT: &str = "2026-12-24T10:15:00Z";

async fn claim_back(aws: &FakeAws, flags: &[&str]) -> (Value, Option<Failure>) {
    let line = ["postback", "validate", "claim-back"];
    let arguments = Arguments::try_parse_from(line.iter().chain(flags)).expect("arguments");
    let Command::Validate(Validate::ClaimBack(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    let failure = run(&aws.account, wanted, &mut output).await.err();
    (serde_json::from_slice(&out).expect("JSON"), failure)
}

/// An approved validation of which this sum has come back, 4 of it acknowledged by a person.
fn claimed(approved: &Record, came_back: &str) -> Record {
    let mut claimed = approved.clone();
    let refunds = json!({ "r-1": { "amount": came_back } });
    claimed.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
    claimed.decisions = serde_json::from_value(json!({ "entries": [{
        "version": 2, "at": AT, "attempt": 1, "decision": "acknowledge", "by": "arn",
        "why": "claimed", "claim_back": "4",
    }]}))
    .expect("decisions");
    claimed
}

#[tokio::test]
async fn what_came_back_after_the_network_took_it_is_listed_with_its_date() {
    let aws = FakeAws::start().await;
    assert_eq!(claim_back(&aws, &[]).await.1, None);
    let refunds = serde_json::from_value(json!({ "r-1": { "amount": "4" } })).expect("refunds");
    let cancelled = serde_json::from_value(json!({ "at": AT })).expect("a cancellation");
    // Approved, and a part came back. The delivery beside it is not counted again.
    let mut approved = validation("delivered", Some(("approved", "10.5")));
    approved.protocol.refunds = refunds;
    approved.returned = serde_json::from_value(json!({ "version": 3, "at": AT })).ok();
    let mut delivered = paid("net", "delivered", "10.5", "EUR");
    delivered.protocol.reported = approved.protocol.reported.clone();
    delivered.protocol.refunds = approved.protocol.refunds.clone();
    // Where nothing is validated.
    let mut whole = paid("net", "accepted", "7", "EUR");
    whole.protocol.cancelled = cancelled;
    // One of which a part was claimed before, and one of which all was.
    let (part, all) = (claimed(&approved, "5"), claimed(&approved, "4"));
    // Not to be claimed back: never there, or not validated yet.
    let mut gone = whole.clone();
    gone.protocol.state = postback_core::delivery::State::Withdrawn;
    let mut waiting = validation("retrying", None);
    waiting.protocol.refunds = approved.protocol.refunds.clone();
    let records = [
        ("A-1", approved),
        ("A-1", delivered),
        ("=A-2", whole),
        ("A-3", gone),
        ("A-4", waiting),
        ("A-5", part),
        ("A-6", all),
    ];
    for (order_id, mut record) in records {
        order_id.clone_into(&mut record.order_id);
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let path = std::env::temp_dir().join(format!("postback-claim-back-{}", std::process::id()));

    let (view, failure) = claim_back(&aws, &["--out", &path.display().to_string()]).await;

    assert_eq!(failure.map(|it| it.exit_status()), Some(6));
    assert_eq!((&view["count"], &view["sums"]), (&json!(3), &json!({ "EUR": "12" })));
    let written = fs::read_to_string(&path).expect("a file");
    let rows: Vec<_> = written.lines().skip(1).collect();
    let expected = [
        format!("'=A-2,net,cancelled_after_delivery,7,0,EUR,7,,,{AT}"),
        format!("A-1,net,came_back_after_validation,4,0,EUR,10.5,,,{AT}"),
        format!("A-5,net,came_back_after_validation,1,4,EUR,10.5,,,{AT}"),
    ];
    assert_eq!(rows, expected);
    let (of_another, _) = claim_back(&aws, &["--network", "net"]).await;
    assert_eq!(of_another["count"], 3);
    fs::remove_file(&path).expect("removed");
}

#[tokio::test]
async fn what_came_back_after_a_person_validated_it_is_listed_without_a_call() {
    let aws = FakeAws::start().await;
    let mut part = validation("delivered", None);
    part.protocol.proof = Some(Proof::Operator);
    part.protocol.refunds = serde_json::from_value(json!({
        "r-1": { "amount": "4", "at": AT },
        "r-2": { "amount": "0.5", "at": "2026-11-01T00:00:00Z" },
    }))
    .expect("refunds");
    let returned =
        |version: u64| serde_json::from_value(json!({ "version": version, "at": AT })).ok();
    part.returned = returned(3);
    // One of which nothing came back since, and one whose refund came to the ledger late.
    let known = Record { returned: returned(1), ..part.clone() };
    let mut late = part.clone();
    late.protocol.refunds =
        serde_json::from_value(json!({ "r-2": { "amount": "0.5", "at": "2026-11-01T00:00:00Z" } }))
            .expect("refunds");
    let mut whole = part.clone();
    let cancelled = serde_json::from_value(json!({ "at": AT })).expect("a cancellation");
    whole.protocol.validation.as_mut().expect("a validation").cancelled = Some(cancelled);
    for (order_id, mut record) in
        [("PART", part), ("KNOWN", known), ("LATE", late), ("WHOLE", whole)]
    {
        order_id.clone_into(&mut record.order_id);
        aws.table.ledger().put(&record, None).await.expect("a write");
    }

    let (view, _) = claim_back(&aws, &[]).await;

    let rows = view["claim_back"].as_array().expect("rows").iter();
    let row = |row: &Value| {
        assert_eq!(row["why"], "came_back_after_confirmation");
        assert_eq!(row["validated_at"], "2026-11-21T10:15:00Z");
        [&row["order_id"], &row["claim_back"], &row["of_amount"]].map(Clone::clone)
    };
    let rows: Vec<_> = rows.map(row).collect();
    let expected = [["LATE", "0.5", "10.5"], ["PART", "4", "10"], ["WHOLE", "10", "10"]];
    assert_eq!(rows, expected.map(|row| row.map(Value::from)));
}

/// One of each kind, with the sum that came back.
fn kinds() -> [(&'static str, Record, &'static str); 4] {
    let came_back = |mut record: Record| {
        let refunds = json!({ "r-1": { "amount": "4" } });
        record.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
        record.returned = serde_json::from_value(json!({ "version": 3, "at": AT })).ok();
        Record { version: 3, ..record }
    };
    let mut confirmed = validation("delivered", None);
    confirmed.protocol.proof = Some(Proof::Operator);
    let mut cancelled = paid("net", "accepted", "10.5", "EUR");
    cancelled.protocol.cancelled = serde_json::from_value(json!({ "at": AT })).ok();
    let approved = validation("delivered", Some(("approved", "10.5")));
    [
        ("came_back_after_validation", came_back(approved), "4"),
        ("came_back_after_confirmation", came_back(confirmed), "4"),
        ("cancelled_after_delivery", cancelled, "10.5"),
        ("refunded_after_delivery", came_back(paid("net", "delivered", "10.5", "EUR")), "4"),
    ]
}

/// The rows of the list, as reason and sum, the sums of `orders list --claim-back`, and the needs of
/// `status`.
async fn open(aws: &FakeAws) -> (Vec<[Value; 2]>, String, Vec<String>) {
    let (view, _) = claim_back(aws, &[]).await;
    let rows = view["claim_back"].as_array().expect("rows").iter();
    let rows = rows.map(|row| [row["why"].clone(), row["claim_back"].clone()]).collect();
    let now = Timestamp::parse(AT).expect("an instant");
    let line = ["postback", "orders", "list", "--claim-back"];
    let line = Arguments::try_parse_from(line).expect("arguments");
    let Command::Orders(Orders::List(wanted)) = line.command else { panic!("no list") };
    let filter = list::filter(&aws.account, &wanted, now).expect("a filter");
    let mut found = list::Found::new(&wanted);
    let mut counted = Counted::of([]);
    for record in aws.table.ledger().scan(&filter, None).await.expect("a page").records {
        found.add(record);
    }
    let page = aws.table.ledger().scan(&Filter::needing(), None).await.expect("a page");
    page.records.iter().for_each(|record| counted.add(record, now));
    let needs = needs(&counted, &[], &[], &Read::default(), now).into_iter();
    (rows, found.totals.money(), needs.map(|need| need.what).collect())
}

async fn acknowledge(aws: &FakeAws, record: &Record, came_back: &str) {
    let (order_id, delivery) = (record.order_id.as_str(), record.delivery.as_str());
    let line = ["postback", "orders", "settle", order_id, delivery];
    let more = ["--acknowledge", "--attempt", "1", "--came-back", came_back, "--reason", "r"];
    let line = Arguments::try_parse_from(line.into_iter().chain(more)).expect("arguments");
    let Command::Orders(Orders::Settle(wanted)) = &line.command else { panic!("no decision") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    Box::pin(settle::run(&aws.account, wanted, &mut output)).await.expect("acknowledged");
}

#[tokio::test]
async fn each_kind_is_shown_until_it_is_acknowledged_and_then_what_comes_later_alone() {
    for (why, record, sum) in kinds() {
        let aws = FakeAws::start().await;
        let ledger = aws.table.ledger();
        ledger.put(&record, None).await.expect("a write");
        let shown = |sum: &str| {
            let what = format!("1 conversion has come back: claim it back: {sum} EUR");
            (vec![[json!(why), json!(sum)]], format!("{sum} EUR"), vec![what])
        };
        assert_eq!(open(&aws).await, shown(sum), "{why}");

        acknowledge(&aws, &record, sum).await;

        assert_eq!(open(&aws).await, (Vec::new(), String::new(), Vec::new()), "{why}");
        if why == "cancelled_after_delivery" {
            continue;
        }
        let held = ledger.of_order("A-1").await.expect("a read").remove(0);
        let refunds = json!({ "r-1": { "amount": "4" }, "r-2": { "amount": "1.5" } });
        let mut next = held.protocol.clone();
        next.refunds = serde_json::from_value(refunds).expect("refunds");
        let stamp = Stamp { now: held.updated_at, write_id: 1 };
        let more = Record::after(Some(&held), &held.key(), next, Note::default(), stamp);
        ledger.put(&more, Some(held.version)).await.expect("a write");
        assert_eq!(open(&aws).await, shown("1.5"), "{why}");
        acknowledge(&aws, &record, "5.5").await;
        assert_eq!(open(&aws).await.2, Vec::<String>::new(), "{why}");
    }
}

#[tokio::test]
async fn what_a_later_version_wrote_is_counted() {
    let aws = FakeAws::start().await;
    aws.put_later("A-1", "net").await;

    let (view, failure) = claim_back(&aws, &[]).await;

    assert_eq!((&view["count"], &view["unreadable"]), (&json!(0), &json!(1)));
    let said = failure.map(|failure| (failure.exit_status(), failure.to_string()));
    let words = "1 deliveries are of a later version and not among these: update the tool.";
    assert_eq!(said, Some((6, words.to_owned())));
}
