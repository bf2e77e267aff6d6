//! The command over an embedded ledger.

use std::fmt::Write;

use clap::Parser;
use postback_core::delivery::State;

use super::*;
use crate::{
    args::{Arguments, Command, Orders},
    fixtures::{FakeAws, paid},
    settle,
};

const REPORT: &str = "Order ID,Date,Status,Amount,Currency\nA-1,2026-11-21 10:20,approved,10.50,EUR\nA-2,2026-11-22 10:00,pending,9.00,EUR\n";

fn wanted(line: &[&str]) -> Box<Reconcile> {
    let line = ["postback", "reconcile", "--network", "net", "--report"].iter().chain(line);
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Reconcile(wanted) = arguments.command else { panic!("another command") };
    wanted
}

#[tokio::test]
async fn a_report_is_compared_and_the_files_are_written() {
    let aws = FakeAws::start().await;
    let orders = [("A-1", "delivered"), ("A-2", "unconfirmed"), ("A-3", "unconfirmed")];
    for (order_id, state) in orders {
        let mut record = paid("net", state, "10.5", "EUR");
        record.order_id = order_id.to_owned();
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let folder = std::env::temp_dir().join(format!("postback-reconcile-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let report = folder.join("report.csv");
    fs::write(&report, REPORT).expect("written");
    let (report, out) = (report.display().to_string(), folder.display().to_string());
    let now = Timestamp::parse("2026-11-28T00:00:00Z").expect("an instant");
    let (mut shown, mut err) = (Vec::new(), Vec::new());

    let mut output = Output { json: false, out: &mut shown, err: &mut err };
    let generic = [report.as_str(), "--format", "generic"];
    preview(&wanted(&[&generic[..], &["--preview"]].concat()), &mut output).expect("a preview");
    let of_a_span = ["--from", "2026-11-21", "--to", "2026-11-23", "--out", &out];
    let line = [&generic[..], &of_a_span].concat();
    aws.table.forget_calls();
    let found = run(&aws.account, &wanted(&line), now, &mut output).await;

    assert!(matches!(found, Err(Failure::NeedsPerson(_))), "{found:?}");
    let calls = aws.table.calls();
    let scans = calls.iter().filter(|call| call.operation == "Scan").count();
    assert!(scans > 1, "the ledger is read in shares, side by side");
    let (shown, err) =
        (String::from_utf8(shown).expect("text"), String::from_utf8(err).expect("text"));
    assert!(shown.starts_with("generic report (csv)\n") && err.starts_with("generic report"));
    assert!(shown.contains("the report: 2 lines, 19.5 EUR"), "{shown}");
    assert!(shown.contains("the ledger: 3 deliveries, 31.5 EUR"), "{shown}");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
    assert!(read("lines.csv").contains("matched,,both,2,order id,A-1,net"));
    assert!(read("disputes.csv").contains("A-2,,3,We reported another amount."));
    let decisions = read("decisions.csv");
    assert!(decisions.contains("A-2,net,1,delivered,line 3,10.5,EUR,net,"), "{decisions}");
    assert!(decisions.contains("A-3,net,1,send_again,absent,10.5,EUR,net,"), "{decisions}");
    fs::remove_dir_all(&folder).expect("removed");
}

/// Records the decisions of a file, and returns the answer.
async fn settled(aws: &FakeAws, decisions: &str, report: &str) -> serde_json::Value {
    let line = ["postback", "orders", "settle", "--from", decisions, "--report", report];
    let flags = ["--reason", "outage of 21 November", "--from-archive", "--yes"];
    let line = Arguments::try_parse_from(line.iter().chain(&flags)).expect("a command line");
    let Command::Orders(Orders::Settle(wanted)) = line.command else { panic!("no decision") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    Box::pin(settle::run(&aws.account, &wanted, &mut output)).await.expect("recorded");
    serde_json::from_slice(&out).expect("JSON")
}

#[tokio::test]
async fn three_hundred_held_are_decided_from_the_report_with_one_replay() {
    let aws = FakeAws::start().await;
    let mut text = "Order ID,Date,Status,Amount,Currency\n".to_owned();
    for number in 0..300 {
        let mut record = paid("net", "unconfirmed", "10.5", "EUR");
        record.order_id = format!("A-{number}");
        aws.table.ledger().put(&record, None).await.expect("a write");
        // The network has the even ones.
        if number % 2 == 0 {
            writeln!(text, "A-{number},2026-11-21 10:20,approved,10.50,EUR").expect("text");
        }
    }
    let folder = std::env::temp_dir().join(format!("postback-outage-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).display().to_string();
    let (report, decisions, out) =
        (path("report.csv"), path("decisions.csv"), folder.display().to_string());
    fs::write(&report, text).expect("written");
    let now = Timestamp::parse("2026-11-28T00:00:00Z").expect("an instant");
    let line = [&*report, "--format", "generic", "--from", "2026-11-21", "--to", "2026-11-23"];
    let line = [&line[..], &["--out", &out]].concat();
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut shown, err: &mut err };

    let compared = run(&aws.account, &wanted(&line), now, &mut output).await;
    let first = settled(&aws, &decisions, &report).await;
    let second = settled(&aws, &decisions, &report).await;

    assert!(matches!(compared, Err(Failure::NeedsPerson(_))), "{compared:?}");
    assert_eq!((&first["recorded"], &first["done_before"]), (&300.into(), &0.into()), "{first}");
    assert_eq!((&second["recorded"], &second["done_before"]), (&0.into(), &300.into()), "{second}");
    assert_eq!(aws.calls("StartReplay"), 1);
    for number in 0..300 {
        let held = aws.table.ledger().of_order(&format!("A-{number}")).await.expect("a read");
        let held = &held[0].protocol;
        let decided = (held.state, held.permission.is_some());
        let expected = (State::Delivered, false);
        let expected = if number % 2 == 0 { expected } else { (State::Unconfirmed, true) };
        assert_eq!(decided, expected, "A-{number}");
    }
    fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_report_that_is_none_is_refused_with_a_code() {
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut shown, err: &mut err };

    let missing = ["/nowhere/report.csv", "--format", "generic", "--preview"];
    let missing = preview(&wanted(&missing), &mut output).err();

    assert_eq!(missing.map(|failure| failure.code()), Some("unreadable_file"));
}

#[test]
fn a_report_of_a_network_without_a_format_is_refused_by_name() {
    let file = std::env::temp_dir().join(format!("postback-no-format-{}.csv", std::process::id()));
    fs::write(&file, REPORT).expect("written");
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: false, out: &mut shown, err: &mut err };

    let refused = preview(&wanted(&[&file.display().to_string(), "--preview"]), &mut output);

    let refused = refused.expect_err("a network that nobody knows");
    assert_eq!((refused.code(), refused.exit_status()), ("no_format", 3));
    assert!(refused.to_string().contains("shopback"), "{refused}");
    fs::remove_file(file).expect("removed");
}
