use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::{
    args::{Arguments, Command},
    fixtures::FakeAws,
};

/// Half an hour after the lines of the fixture.
fn now() -> Timestamp {
    Timestamp::from_millis(1_795_257_000_000)
}

async fn logs(aws: &FakeAws, json: bool, words: &[&str]) -> String {
    let words = ["postback", "logs"].iter().chain(words);
    let arguments = Arguments::try_parse_from(words).expect("arguments");
    let Command::Logs(wanted) = arguments.command else { panic!("another command") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json, out: &mut out, err: &mut err };
    run(&aws.account, &wanted, now(), &mut output).await.expect("lines");
    String::from_utf8(out).expect("text")
}

#[tokio::test]
async fn a_log_is_read_to_its_end_although_a_page_is_empty() {
    let aws = FakeAws::start().await;

    let found: Value =
        serde_json::from_str(&logs(&aws, true, &["net"]).await).expect("one JSON object");

    assert_eq!(aws.calls("FilterLogEvents"), 3);
    assert_eq!((&found["count"], &found["complete"]), (&json!(3), &json!(true)));
    let attempts = [1, 2, 3].map(|n| json!(n));
    let lines = found["lines"].as_array().expect("lines");
    assert!(lines.iter().map(|line| &line["content"]["attempt"]).eq(&attempts), "{lines:?}");
    assert_eq!(found["until"], now().to_string());
}

#[tokio::test]
async fn an_order_is_looked_for_in_all_logs() {
    let aws = FakeAws::start().await;

    let text = logs(&aws, false, &["A-1"]).await;

    assert!(text.starts_with("all 3 logs: 2 lines with order_id=A-1\nfrom "), "{text}");
    assert!(!text.contains("A-2"));
    assert_eq!(aws.calls("FilterLogEvents"), 3 + 2);
}

#[tokio::test]
async fn what_is_cut_and_what_is_nothing_say_so() {
    let aws = FakeAws::start().await;

    let cut = logs(&aws, false, &["net", "--limit", "1"]).await;
    let nothing = logs(&aws, false, &["nett"]).await;

    assert!(cut.starts_with("net: 3 lines\n"), "{cut}");
    assert!(cut.contains("The newest 1 are shown: show more with --limit\n"), "{cut}");
    assert!(cut.contains("attempt=3") && !cut.contains("attempt=1"), "{cut}");
    assert!(nothing.contains("no line with order_id=nett\nfrom 2026-11-20T"), "{nothing}");
    assert!(nothing.contains("the name of no log"), "{nothing}");
    assert!(nothing.ends_with("\n    api  intake  net\n"), "{nothing}");
}

#[test]
fn lines_are_chosen_by_code_and_members() {
    let line = Line::parse(
        "net",
        now(),
        r#"{"code":"status_poll","status":503,"verdict":"retrying","span":{"requestId":"r"}}"#,
    );
    let takes = |code: Option<&str>, others: &[&str]| {
        let others = others.iter().map(|text| Condition::parse(text).expect("a condition"));
        let code = code.map(str::to_owned);
        Filter { order_id: None, code, others: others.collect() }.takes(&line)
    };

    assert!(takes(Some("status_*"), &["status=5*", "verdict!=delivered", "span.requestId=r"]));
    assert!(!takes(Some("status"), &[]));
    assert!(!takes(None, &["status=50"]) && !takes(None, &["verdict!=retrying"]));
    assert!(!takes(None, &["route!=POST"]), "a line without the member");
}

#[test]
fn the_pattern_holds_no_value_that_it_could_read_otherwise() {
    let pattern = |order_id: &str, code: &str| {
        let of = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Filter { order_id: of(order_id), code: of(code), others: Vec::new() }.pattern()
    };

    assert_eq!(
        pattern("A-1", "attempt").as_deref(),
        Some(r#"{ ($.order_id = "A-1") && ($.code = "attempt") }"#)
    );
    assert_eq!(pattern(r#"A"*"#, "status_*"), None);
}

#[test]
fn a_line_fits_the_screen_and_has_all_its_members() {
    let message = json!({ "code": "attempt", "level": "INFO", "reason": "a\u{1b}[31m", "span": { "name": "n" }, "x": "y".repeat(99) });
    let shown = Line::parse("net", now(), &message.to_string()).shown(80);

    assert!(shown.iter().all(|line| line.chars().count() <= 80), "{shown:#?}");
    assert_eq!(shown[0], "2026-11-21T10:30:00Z  INFO   net       attempt");
    assert_eq!(shown[1], "    reason=a?[31m");
    assert!(shown[2].starts_with("    x=yyy") && shown[2].ends_with('…'), "{shown:#?}");
    let text = Line::parse("net", now(), "START RequestId: r\n").shown(80);
    assert_eq!(text[1], "    START RequestId: r");
}
