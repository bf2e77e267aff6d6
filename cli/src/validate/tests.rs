//! A month over an embedded ledger.

use std::{fs, process::id};

use clap::Parser;
use postback_core::delivery::Record;
use serde_json::{Value, json};

use super::*;
use crate::{
    args::{Arguments, Command, Validate},
    fixtures::{FakeAws, record},
};

const AT: &str = "2026-10-05T10:15:00Z";
const NOW: &str = "2026-12-20T00:00:00Z";

fn conversion(order_id: &str, state: &str, more: Value) -> Record {
    let mut value = serde_json::to_value(record("net", state, 1)).expect("JSON");
    let own = json!({
        "order_id": order_id, "first_seen_at": AT, "proof": (state == "delivered").then_some("response"),
        "facts": { "amount": "100.5", "currency": "EUR" },
        "reported": {
            "amount": "100.50", "currency": "EUR", "completed_at": AT, "ids": { "order_id": order_id },
        },
    });
    for members in [own, more] {
        for (name, member) in members.as_object().into_iter().flatten() {
            value[name] = member.clone();
        }
    }
    serde_json::from_value(value).expect("a record")
}

/// Runs the command: the summary, and the failure.
async fn export(aws: &FakeAws, more: &[&str], now: &str) -> (Value, Option<Failure>) {
    let (shown, failure) = shown(aws, true, more, now).await;
    (serde_json::from_slice(&shown).unwrap_or_default(), failure)
}

async fn shown(aws: &FakeAws, json: bool, more: &[&str], now: &str) -> (Vec<u8>, Option<Failure>) {
    let line = ["postback", "validate", "export", "--network", "net", "--month", "2026-10"];
    let arguments = Arguments::try_parse_from(line.iter().chain(more)).expect("a command line");
    let Command::Validate(Validate::Export(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let now = Timestamp::parse(now).expect("an instant");
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json, out: &mut shown, err: &mut err };
    let failure = run(&aws.account, wanted, now, &mut output).await.err();
    (shown, failure)
}

#[tokio::test]
async fn a_month_is_written_once_all_of_it_is_decided() {
    let aws = FakeAws::start().await;
    let refund = json!({ "refunds": { "r1": { "amount": "40.25" } } });
    let records = [
        conversion("A-1", "delivered", json!({})),
        conversion("A-2", "delivered", refund),
        conversion("003", "delivered", json!({ "cancelled": { "at": AT } })),
        conversion("A-4", "rejected", json!({})),
        conversion("A-5", "delivered", json!({ "proof": "operator" })),
    ];
    for record in &records {
        aws.table.ledger().put(record, None).await.expect("a write");
    }
    let path = std::env::temp_dir().join(format!("postback-validate-{}.xlsx", id()));
    let file = path.display().to_string();
    let line = ["--output", file.as_str(), "--return-period-days", "30"];

    // One is a person's matter: nothing is written.
    let (view, failure) = export(&aws, &line, NOW).await;
    assert_eq!(failure.map(|it| it.exit_status()), Some(6));
    assert_eq!((&view["output"], &view["rows"]), (&Value::Null, &json!(0)));
    let way = json!([{ "order_id": "A-5", "delivery": "net", "reason": "confirmed_by_operator" }]);
    assert_eq!(view["in_the_way"], way);
    assert!(!path.exists());

    let abandoned = conversion(
        "A-5",
        "delivered",
        json!({ "proof": "operator", "delivery": "net!validation",
        "state": "abandoned", "validation": { "of_version": 1, "lock_at": AT, "standing": "confirmed" } }),
    );
    aws.table.ledger().put(&abandoned, None).await.expect("a write");
    let (view, failure) = export(&aws, &line, NOW).await;
    assert_eq!(failure, None);
    assert_eq!(
        view["statuses"],
        json!([
            { "status": "approved", "currency": "EUR", "rows": 2, "amount": "160.75" },
            { "status": "rejected", "currency": "EUR", "rows": 1, "amount": "100.50" },
        ])
    );
    assert_eq!(view["left_out"][0]["reason"], "validation_abandoned");
    assert_eq!(view["warnings"][0]["detail"], "003 read as a number is 3");
    assert_eq!(fs::read(&path).expect("a workbook")[..2], *b"PK");

    // It is not written over without a word.
    let (_, failure) = export(&aws, &line, NOW).await;
    assert_eq!(failure.map(|it| it.code()), Some("file_exists"));
    let forced = [line.as_slice(), &["--force"]].concat();
    assert_eq!(export(&aws, &forced, NOW).await.1, None);
    fs::remove_file(&path).expect("removed");
}

#[tokio::test]
async fn a_month_that_is_not_over_or_not_known_is_refused() {
    let aws = FakeAws::start().await;
    let record = conversion("A-1", "delivered", json!({}));
    aws.table.ledger().put(&record, None).await.expect("a write");

    let (_, failure) = export(&aws, &["--zone", "-01:00"], "2026-11-01T00:59:59Z").await;
    assert_eq!(failure.map(|it| it.code()), Some("usage"));
    let (view, failure) = export(&aws, &["--zone", "-01:00"], "2026-11-01T01:00:00Z").await;
    assert_eq!(failure.map(|it| it.code()), Some("needs_person"));
    assert_eq!(view["in_the_way"][0]["reason"], "return_period_unknown");
    let (view, _) = export(&aws, &["--return-period-days", "30"], "2026-11-01T00:00:00Z").await;
    assert_eq!(view["in_the_way"][0]["until"], "2026-11-04T10:15:00Z");
    let (text, _) = shown(&aws, false, &[], NOW).await;
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("net, 2026-10 in +00:00: from 2026-10-01T00:00:00Z to "), "{text}");
    assert!(
        text.contains("stands in the way (1):\norder  delivery  reason\nA-1    net       return_p")
    );
    assert!(text.ends_with("\nGive the return period with --return-period-days.\n"), "{text}");
}
