//! A batch of decisions beside the deliveries that it is about.

use std::fmt::Write;

use clap::Parser;
use postback_core::delivery::State;
use postback_reconcile::format::Absence;

use super::*;
use crate::{
    args::{Arguments, Command, Orders},
    fixtures::{FakeAws, paid},
};

/// A file of decisions about orders, … at the network, which rest on a report of that day.
fn text(words: &[&str]) -> String {
    let mut text = postback_reconcile::decide::DECISIONS.join(",") + "\n";
    for (at, word) in (1..).zip(words) {
        let (report, day) = ("ab".repeat(32), "2026-11-21T00:00:00Z,2026-11-22T00:00:00Z");
        let evidence = if *word == "delivered" { "line 7" } else { "absent" };
        writeln!(text, "A-{at},net,1,{word},{evidence},10,EUR,net,{report},{day}").expect("text");
    }
    text
}

fn decisions(words: &[&str]) -> Decisions {
    Decisions::parse(&text(words)).expect("decisions")
}

fn held(order_id: &str) -> Record {
    let mut held = paid("net", "unconfirmed", "10", "EUR");
    held.order_id = order_id.to_owned();
    held
}

fn sort(decisions: Decisions, records: Vec<Option<Record>>) -> Result<Batch, Failure> {
    Batch::sort(decisions, records, Format::generic().expect("a format"))
}

#[test]
fn three_hundred_rows_are_one_question_and_a_second_run_is_none() {
    let words: Vec<_> = (0..300).map(|n| ["delivered", "send_again"][n % 2]).collect();
    let records: Vec<_> = (1..=300).map(|n| Some(held(&format!("A-{n}")))).collect();

    let batch = sort(decisions(&words), records).expect("a batch");

    let counts = &batch.view.decisions;
    assert_eq!((counts.delivered, counts.send_again, counts.all()), (150, 150, 300));
    assert_eq!((batch.open.len(), batch.resends().count()), (300, 150));
    assert_eq!(batch.lines()[1], "decide delivered       150  1500 EUR");

    let (by, why) = (OperatorNote::identity("arn"), OperatorNote::new("outage").expect("words"));
    let now = Timestamp::parse("2026-11-22T00:00:00Z").expect("an instant");
    let stamp = Stamp { now, write_id: 1 };
    let decided = batch
        .open
        .iter()
        .map(|(row, held)| batch.decisions.apply(row, held, &batch.format, &by, &why, stamp).ok());
    let again = sort(decisions(&words), decided.collect()).expect("a batch");
    assert_eq!((again.open.len(), again.view.done_before), (0, 300));
}

#[test]
fn a_report_that_can_not_show_one_of_them_refuses_all() {
    let mut later = held("A-2");
    later.protocol.first_seen_at = Timestamp::from_millis(1_796_000_000_000);
    let mut elsewhere = held("A-2");
    elsewhere.delivery = "other".to_owned();
    let generic = || Format::generic().expect("a format");
    let slow = Format { delay_minutes: 24 * 60, ..generic() };
    let partial = Format { absence: Absence::Nothing, ..generic() };
    let both = text(&["delivered", "send_again"]);
    let undated = both.replace("2026-11-21T00:00:00Z,2026-11-22T00:00:00Z", ",");
    for (text, record, format, why) in [
        (&both, &later, generic(), "another periods report"),
        (&both, &elsewhere, generic(), "another networks report"),
        (&both, &held("A-2"), slow, "report too young"),
        (&both, &held("A-2"), partial, "absence proves nothing"),
        (&undated, &held("A-2"), generic(), "report covers no time"),
    ] {
        let decisions = Decisions::parse(text).expect("decisions");
        let records = vec![Some(held("A-1")), Some(record.clone())];

        let refused = Batch::sort(decisions, records, format).err();

        let why = why.to_owned();
        assert_eq!(refused, Some(Failure::WrongReport { count: 1, why }));
    }
}

#[test]
fn a_row_that_does_not_fit_any_more_is_left_and_named() {
    let mut moved = held("A-1");
    moved.protocol.attempt = 2;
    let records = vec![Some(moved), None, Some(held("A-3"))];

    let batch = sort(decisions(&["delivered"; 3]), records).expect("a batch");

    let refused: Vec<_> = batch.view.refused.iter().map(|row| row.why).collect();
    assert_eq!(refused, ["moved_on", "unknown_here"]);
    assert_eq!(batch.open.len(), 1);
    assert!(batch.lines().iter().any(|line| line == "  line 2  A-1 at net: moved on"));
}

fn cancelled(order_id: &str) -> Record {
    let mut cancelled = held(order_id);
    let at = serde_json::json!({ "at": "2026-11-21T11:00:00Z" });
    cancelled.protocol.cancelled = serde_json::from_value(at).expect("a cancellation");
    cancelled
}

#[test]
fn what_is_cancelled_is_not_sent_again_and_the_preview_says_so() {
    let records = ["A-1", "A-2"].map(|order_id| Some(cancelled(order_id))).into();

    let batch = sort(decisions(&["send_again", "delivered"]), records).expect("a batch");

    let refused: Vec<_> = batch.view.refused.iter().map(|row| row.why).collect();
    assert_eq!((refused, batch.open.len()), (vec!["does_not_fit"], 1));
    assert_eq!((batch.view.decisions.send_again, batch.view.decisions.delivered), (0, 1));
}

/// The command line with these flags.
fn wanted(flags: &[&str]) -> Settle {
    let line = ["postback", "orders", "settle", "--reason", "outage", "--from"];
    let arguments = Arguments::try_parse_from(line.iter().chain(flags)).expect("a command line");
    let Command::Orders(Orders::Settle(wanted)) = arguments.command else {
        panic!("another command");
    };
    wanted
}

#[tokio::test]
async fn what_changes_after_the_preview_is_refused_by_name() {
    let aws = FakeAws::start().await;
    for order_id in ["A-1", "A-2", "A-3"] {
        aws.table.ledger().put(&held(order_id), None).await.expect("a write");
    }
    let batch = Batch::of(&aws.account, decisions(&["send_again"; 3])).await.expect("a batch");
    let wanted = wanted(&["-", "--from-archive"]);
    let resend = batch.resend(&aws.account, &wanted).await.expect("a replay");
    assert_eq!((batch.open.len(), batch.view.refused.len()), (3, 0));
    // The shop cancels one, and the network has another.
    let mut delivered = held("A-3");
    delivered.protocol.state = State::Delivered;
    for record in [cancelled("A-2"), delivered] {
        let next = Record { version: 2, ..record };
        aws.table.ledger().put(&next, Some(1)).await.expect("a write");
    }

    let view = batch.settle(&aws.account, &wanted, &resend, |_, _, _| {}).await.expect("a view");

    assert_eq!((view.recorded, view.done_before, view.refused.len()), (1, 1, 1));
    let said = view.recorded();
    let refused =
        ["1 do not fit any more and are left as they are:", "  line 3  A-2 at net: does not fit"];
    assert_eq!((said[0].as_str(), &said[1..3]), ("Recorded: 1.", &refused.map(str::to_owned)[..]));
    let failure = view.is_complete().expect_err("one is left");
    assert_eq!((failure.code(), failure.exit_status()), ("needs_person", 6));
}

#[tokio::test]
async fn a_run_that_leaves_a_row_does_not_end_as_done() {
    let aws = FakeAws::start().await;
    for record in [held("A-1"), cancelled("A-2")] {
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let file = std::env::temp_dir().join(format!("postback-left-{}", std::process::id()));
    fs::write(&file, text(&["send_again", "send_again"])).expect("written");
    let path = file.display().to_string();

    let dry = settle(&aws, &[&path, "--dry-run"]).await.expect("an answer");
    assert_eq!((&dry["refused"][0]["order_id"], &dry["recorded"]), (&"A-2".into(), &0.into()));
    for _ in 0..2 {
        let left =
            settle(&aws, &[&path, "--yes", "--from-archive"]).await.expect_err("one is left");
        assert_eq!(left.exit_status(), 6);
    }

    assert_eq!(aws.calls("StartReplay"), 1);
    fs::remove_file(&file).expect("removed");
}

/// Runs the command with these flags. Returns its answer.
async fn settle(aws: &FakeAws, flags: &[&str]) -> Result<serde_json::Value, Failure> {
    let wanted = wanted(flags);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    let file = wanted.from.as_deref().expect("a file");
    run(&aws.account, &wanted, file, &mut output).await?;
    Ok(serde_json::from_slice(&out).expect("JSON"))
}

#[tokio::test]
async fn three_hundred_are_recorded_with_one_replay_and_a_second_run_changes_nothing() {
    let aws = FakeAws::start().await;
    let words: Vec<_> = (0..300).map(|n| ["delivered", "send_again"][n % 2]).collect();
    let records: Vec<_> = (1..=300).map(|n| held(&format!("A-{n}"))).collect();
    for record in &records {
        aws.table.ledger().put(record, None).await.expect("a write");
    }
    let file = std::env::temp_dir().join(format!("postback-decisions-{}", std::process::id()));
    fs::write(&file, text(&words)).expect("written");
    let path = file.display().to_string();

    let dry = settle(&aws, &[&path, "--dry-run"]).await.expect("an answer");
    assert_eq!(
        (dry["decisions"]["delivered"].as_u64(), dry["recorded"].as_u64()),
        (Some(150), Some(0))
    );
    assert_eq!(settle(&aws, &[&path, "--yes"]).await, Err(Failure::OrderNeeded));
    let first = settle(&aws, &[&path, "--yes", "--from-archive"]).await.expect("an answer");
    assert_eq!(first["recorded"], 300);
    assert_eq!(aws.calls("StartReplay"), 1);

    let second = settle(&aws, &[&path, "--yes", "--from-archive"]).await.expect("an answer");
    assert_eq!((second["recorded"].as_u64(), second["done_before"].as_u64()), (Some(0), Some(300)));
    assert_eq!(aws.calls("StartReplay"), 1);
    for order_id in ["A-1", "A-2"] {
        let record = aws.table.ledger().of_order(order_id).await.expect("a read").remove(0);
        let last = record.decisions.last().expect("a decision");
        assert_eq!(last.evidence.as_deref(), Some("ab".repeat(32).as_str()));
        assert_eq!((last.why.as_str(), record.decisions.count()), ("outage", 1));
    }
    fs::remove_file(&file).expect("removed");
}

#[tokio::test]
async fn a_write_that_fails_does_not_keep_the_others_from_their_replay() {
    let aws = FakeAws::start().await;
    for number in 1..=40 {
        aws.table.ledger().put(&held(&format!("A-{number}")), None).await.expect("a write");
    }
    let wanted = wanted(&["-", "--from-archive"]);
    let read = || Batch::of(&aws.account, decisions(&["send_again"; 40]));
    let batch = read().await.expect("a batch");
    let resend = batch.resend(&aws.account, &wanted).await.expect("a replay");
    // Those that are not under way by the first one's end.
    let fail = |_: &DecisionRow, _: &Record, _| aws.table.fail_all(Some("PutItem"));

    let failed = batch.settle(&aws.account, &wanted, &resend, fail).await.expect_err("a failure");

    assert_eq!((failed.code(), aws.calls("StartReplay")), ("ledger_unavailable", 1));
    aws.table.fail_all(None);
    let batch = read().await.expect("a batch");
    let recorded = 40 - batch.open.len();
    assert!((1..40).contains(&recorded), "{recorded}");
    let lines = batch.lines();
    let waits = format!(
        "{recorded} wait for their order. Should no replay run: `postback orders replay --from \
         2026-11-21T09:15:00Z --to 2026-11-21T10:16:00Z --network net --why TEXT`"
    );
    assert!(lines.contains(&waits), "{lines:?}");
    let view = batch.settle(&aws.account, &wanted, &resend, |_, _, _| {}).await.expect("a view");
    assert_eq!((view.recorded + recorded, aws.calls("StartReplay")), (40, 2));
}

#[tokio::test]
async fn each_order_to_send_again_is_one_message() {
    let aws = FakeAws::start().await;
    for number in 1..=3 {
        let record = held(&format!("A-{number}"));
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let folder = std::env::temp_dir();
    let file = folder.join(format!("postback-resends-{}", std::process::id()));
    let orders = folder.join(format!("postback-resent-{}", std::process::id()));
    fs::write(&file, text(&["send_again", "delivered", "send_again"])).expect("written");
    fs::write(&orders, "{\"order_id\":\"A-1\"}\n{\"order_id\":\"A-3\"}\n").expect("written");
    let (path, orders_path) = (file.display().to_string(), orders.display().to_string());

    let sent = settle(&aws, &[&path, "--yes", "--order", &orders_path]).await.expect("an answer");

    assert_eq!((sent["recorded"].as_u64(), sent["messages"].as_u64()), (Some(3), Some(2)));
    assert_eq!((aws.calls("SendMessage"), aws.calls("StartReplay")), (2, 0));
    for path in [file, orders] {
        fs::remove_file(path).expect("removed");
    }
}
