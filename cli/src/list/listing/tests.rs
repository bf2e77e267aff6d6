//! Lists of an embedded ledger, for people and for programs.

use clap::Parser;
use postback_core::delivery::State;
use serde_json::Value;

use super::*;
use crate::{
    args::{Arguments, Command, Orders},
    fixtures::{FakeAws, record},
    list::run,
};

fn wanted(options: &[&str]) -> (List, bool) {
    let line = ["postback", "orders", "list"].iter().chain(options);
    let arguments = Arguments::try_parse_from(line).expect("arguments");
    let json = arguments.is_json();
    let Command::Orders(Orders::List(list)) = arguments.command else { panic!("no list") };
    (list, json)
}

fn parked(count: usize) -> Vec<Record> {
    let of = |n: usize| Record { order_id: format!("A-{n}"), ..record("net", "parked", 1) };
    (0..count).map(of).collect()
}

/// The answer to a list of 150 deliveries, and the remarks beside it.
async fn listed(options: &[&str]) -> (String, String) {
    let aws = FakeAws::start().await;
    for record in parked(150) {
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let ((list, json), mut out, mut err) = (wanted(options), Vec::new(), Vec::new());
    let mut output = Output { json, out: &mut out, err: &mut err };
    run(&aws.account, &list, Timestamp::EPOCH, &mut output).await.expect("a list");
    (String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
}

#[tokio::test]
async fn programs_get_all_rows_unless_they_ask_for_fewer() {
    let json = async |options: &[&str]| -> Value {
        serde_json::from_str(&listed(options).await.0).expect("JSON")
    };
    let all = json(&["--format", "json"]).await;
    assert_eq!(all["deliveries"].as_array().map(Vec::len), Some(150));
    assert_eq!((&all["shown_all"], &all["complete"]), (&true.into(), &true.into()));
    let some = json(&["--json", "--limit", "2", "--sort", "age"]).await;
    assert_eq!(some["deliveries"].as_array().map(Vec::len), Some(2));
    assert_eq!((&some["shown_all"], &some["totals"]["count"]), (&false.into(), &150.into()));

    let (all, _) = listed(&["--format", "csv"]).await;
    assert_eq!((all.lines().count(), all.contains("CUT")), (151, false));
    for more in [[].as_slice(), &["--sort", "age"]] {
        let (cut, _) = listed(&[&["--format", "csv", "--limit", "2"], more].concat()).await;
        let lines: Vec<_> = cut.lines().collect();
        assert_eq!((lines.len(), lines[3]), (4, "CUT: 2 of 150 rows"), "{cut}");
    }
}

#[tokio::test]
async fn a_table_counts_all_and_shows_the_first() {
    for options in [[].as_slice(), &["--sort", "age"]] {
        let (table, remarks) = listed(options).await;
        let lines: Vec<_> = table.lines().collect();
        assert_eq!((lines.len(), lines[101]), (103, ""), "{table}");
        assert_eq!(lines[102].trim_end(), "parked          150");
        assert!(remarks.contains("100 of 150 are shown: show more with --limit"), "{remarks}");
    }
    let (_, remarks) = listed(&["--limit", "2", "--read-units", "1000000"]).await;
    assert!(remarks.contains("continue with --after 'net/A-"), "{remarks}");
    assert!(listed(&["--state", "sending"]).await.0.starts_with("Nothing found."));
}

#[tokio::test]
async fn what_waits_is_read_from_the_index_alone() {
    let aws = FakeAws::start().await;
    for (number, state) in State::ALL.into_iter().enumerate() {
        let record = record("net", state.as_str(), 1);
        let record = Record { order_id: format!("A-{number}"), ..record };
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let listed = async |options: &[&str]| -> Value {
        let ((list, _), mut out, mut err) = (wanted(options), Vec::new(), Vec::new());
        let mut output = Output { json: true, out: &mut out, err: &mut err };
        run(&aws.account, &list, Timestamp::EPOCH, &mut output).await.expect("a list");
        serde_json::from_slice(&out).expect("JSON")
    };

    for (options, found) in [
        (&["--open"][..], 3),
        (&["--held"], 1),
        (&["--claim-back"], 0),
        (&["--conflicts"], 0),
        (&["--state", "parked", "--state", "retrying"], 2),
    ] {
        let list = listed(options).await;
        assert_eq!(
            (&list["read"], &list["totals"]["count"]),
            (&3.into(), &found.into()),
            "{options:?}"
        );
    }
    for options in [&[][..], &["--state", "sending"], &["--state", "parked", "--state", "rejected"]]
    {
        assert_eq!(listed(options).await["read"], 10, "{options:?}");
    }
}

#[tokio::test]
async fn nothing_found_in_a_part_of_the_ledger_is_not_nothing_found() {
    let aws = FakeAws::start().await;
    let ended = async |next: Option<&str>, options: &[&str]| {
        let ((list, json), mut out, mut err) = (wanted(options), Vec::new(), Vec::new());
        let mut listing = Listing::new(&aws.account, &list, Timestamp::EPOCH, json);
        let read = Read { next: next.map(str::to_owned), ..Read::default() };
        let mut output = Output { json, out: &mut out, err: &mut err };
        listing.end(&read, &mut output).await.expect("an end");
        String::from_utf8(out).expect("text")
    };

    assert_eq!(ended(None, &[]).await, "Nothing found. The whole ledger was read.\n");
    assert_eq!(ended(None, &["--open"]).await, "Nothing found. All that waits was read.\n");
    let part =
        "PART OF THE LEDGER ONLY: there may be more than this.\nNothing found in this part.\n";
    assert_eq!(ended(Some("net/A-1"), &[]).await, part);
    let file = ended(Some("net/A-1"), &["--format", "csv"]).await;
    assert_eq!(file.lines().nth(1), part.lines().next(), "{file}");
    assert_eq!(ended(None, &["--format", "csv"]).await.lines().count(), 1);
    let json: Value =
        serde_json::from_str(&ended(Some("net/A-1"), &["--json"]).await).expect("JSON");
    assert_eq!((&json["complete"], &json["next"]), (&false.into(), &"net/A-1".into()));
}

#[tokio::test]
async fn a_list_that_stops_says_one_place_to_go_on_from() {
    let aws = FakeAws::start().await;
    let stopped = async |options: &[&str]| {
        let options = [&["--read-units", "1"][..], options].concat();
        let ((list, json), mut out, mut err) = (wanted(&options), Vec::new(), Vec::new());
        let mut output = Output { json, out: &mut out, err: &mut err };
        let mut listing = Listing::new(&aws.account, &list, Timestamp::EPOCH, json);
        for record in parked(3) {
            listing.found.add(record);
        }
        listing.is_in_order = true;
        let read = Read { next: Some("net/A-9".to_owned()), ..Read::default() };
        let next = listing.end(&read, &mut output).await.expect("an end");
        (next, String::from_utf8(err).expect("text"))
    };

    let (next, remark) = stopped(&["--limit", "1"]).await;
    assert_eq!(next.as_deref(), Some("net/A-0"));
    assert!(remark.contains("continue with --after 'net/A-0'"), "{remark}");
    assert_eq!(stopped(&[]).await.0.as_deref(), Some("net/A-9"));
    // --after does not go with --sort.
    let (next, _) = stopped(&["--sort", "age"]).await;
    let words = Failure::Stopped { next }.to_string();
    assert!(!words.contains("--after") && words.ends_with("Leave --read-units out."), "{words}");
}

#[tokio::test]
async fn the_first_rows_are_shown_while_the_rest_is_read() {
    let aws = FakeAws::start().await;
    let (list, _) = wanted(&[]);
    let mut listing = Listing::new(&aws.account, &list, Timestamp::EPOCH, false);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut rows = async |records: Vec<Record>, a_second_later: bool| {
        let mut output = Output { json: false, out: &mut out, err: &mut err };
        listing.add(records, &mut output).await.expect("rows");
        if a_second_later {
            listing.show_progress(&Read::default(), &mut output).await.expect("rows");
        }
        String::from_utf8_lossy(&out).lines().count()
    };

    assert_eq!(rows(parked(3), false).await, 0);
    assert_eq!(rows(Vec::new(), true).await, 4);
    // The rest comes at the end, or once no more are to be shown.
    assert_eq!(rows(parked(3), true).await, 4);
    assert_eq!(rows(parked(200), false).await, 4 + 98);
    assert_eq!(rows(parked(200), true).await, 4 + 98);
}
