//! The orders of a file over an embedded ledger, and what is sent of them.

use std::{env, fs, process};

use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::{
    args::{Arguments, Command, Orders},
    fixtures::{FakeAws, paid},
};

/// 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
/// The capture cookie with a click of the network.
const COOKIE: &str =
    "v1.eyJzaG9wYmFjayI6IHsidHJhbnNhY3Rpb25faWQiOiAiMDEyMzQ1Njc4OWFiY2RlZmdoaWowMTIzNDU2Nzg5In19";
/// Its signature by the key of the account.
const SIGNATURE: &str = "q19YnTlbGvSRJUufHvo23iTm6zLWm8bmmQ6EFBRWdzA";
const NETWORK: &str = "shopback";

/// The account of a stack that has the network, too.
async fn aws() -> FakeAws {
    let mut aws = FakeAws::start().await;
    for output in ["ShopbackQueueUrl", "ShopbackDeadLetterQueueUrl"] {
        aws.account.place.outputs.insert(output.to_owned(), format!("http://127.0.0.1/{output}"));
    }
    aws
}

fn order(members: &Value) -> Value {
    let mut order = json!({
        "order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "EUR", "total": "10.50",
    });
    for (name, value) in members.as_object().into_iter().flatten() {
        order[name] = value.clone();
    }
    order
}

/// Sends what was never seen of an order, and returns the counts of the network and the rows.
async fn send(aws: &FakeAws, name: &str, order: &Value) -> (Value, Value) {
    let (result, view) = check(aws, name, order, &["--send", "--yes"]).await;
    assert_eq!(result, Ok(()), "{view}");
    (view["networks"][NETWORK].clone(), view["rows"].clone())
}

/// Checks a file with one order.
async fn check(
    aws: &FakeAws,
    name: &str,
    order: &Value,
    options: &[&str],
) -> (Result<(), Failure>, Value) {
    let file = env::temp_dir().join(format!("postback-check-{}-{name}.jsonl", process::id()));
    fs::write(&file, order.to_string()).expect("a file");
    let path = file.display().to_string();
    let line = [&["postback", "orders", "check", &path][..], options].concat();
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Orders(Orders::Check(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    let result = online(&aws.account, wanted, NOW, &mut output).await;
    fs::remove_file(file).expect("removed");
    (result, serde_json::from_slice(&out).unwrap_or_default())
}

#[tokio::test]
async fn an_order_is_sent_with_the_clicks_of_its_cookie_once() {
    let aws = aws().await;
    let order = order(&json!({ "click_cookie": COOKIE }));

    let (first, _) = send(&aws, "cookie", &order).await;

    assert_eq!(first["sent"]["count"], 1, "{first}");
    let [sent] = aws.invoked().try_into().expect("one order");
    assert_eq!(sent["clicks"][NETWORK]["transaction_id"], "0123456789abcdefghij0123456789");
    assert_eq!((&sent["total"], sent.get("click_cookie")), (&json!("10.5"), None));
    let mut record = paid(NETWORK, "delivered", "10.5", "EUR");
    "A-1".clone_into(&mut record.order_id);
    aws.table.ledger().put(&record, None).await.expect("a write");
    let (second, _) = send(&aws, "cookie", &order).await;
    assert_eq!(second["alike"]["count"], 1, "{second}");
    assert_eq!(aws.invoked().len(), 1);
}

#[tokio::test]
async fn where_cookies_are_signed_a_forged_one_sends_nothing_and_is_named() {
    let aws = aws().await.with_signed_cookies();
    let signed = order(&json!({ "click_cookie": format!("{COOKIE}.{SIGNATURE}") }));
    // Not signed, and with the signature of another one.
    for forged in [COOKIE.to_owned(), format!("{COOKIE}AA.{SIGNATURE}")] {
        let order = order(&json!({ "click_cookie": forged }));

        let (counts, rows) = send(&aws, "forged", &order).await;

        assert_eq!(counts["skipped"]["count"], 1, "{counts}");
        assert_eq!((aws.invoked(), rows), (Vec::<Value>::new(), json!([])));
        let out = env::temp_dir().join(format!("postback-check-{}-forged.csv", process::id()));
        let path = out.display().to_string();
        let (_, _) = check(&aws, "forged", &order, &["--out", &path]).await;
        let all = fs::read_to_string(&out).expect("a list");
        fs::remove_file(out).expect("removed");
        assert!(all.contains("its click_cookie is ignored"), "{all}");
    }

    let (counts, _) = send(&aws, "signed", &signed).await;

    assert_eq!(counts["sent"]["count"], 1, "{counts}");
    assert_eq!(
        aws.invoked()[0]["clicks"][NETWORK]["transaction_id"],
        "0123456789abcdefghij0123456789"
    );
}

#[tokio::test]
async fn the_keys_of_cookies_are_asked_for_only_where_an_order_has_one() {
    let aws = aws().await.with_signed_cookies();
    let clicked = json!({ "clicks": { "shopback": { "transaction_id": "a" } } });

    let (counts, _) = send(&aws, "no-cookie", &order(&clicked)).await;

    assert_eq!((&counts["sent"]["count"], aws.calls("GetSecretValue")), (&json!(1), 0));
}

#[tokio::test]
async fn an_order_that_the_networks_settings_leave_out_is_shown_with_the_reason_and_never_sent() {
    let aws = aws().await;
    let order = order(&json!({ "clicks": { "shopback": { "transaction_id": "skip" } } }));

    // However often: nothing is sent, and nobody is asked to send it.
    for options in [&["--send", "--yes"][..], &["--send", "--yes"], &["--send"], &[]] {
        let (result, view) = check(&aws, "left-out", &order, options).await;

        assert_eq!(result, Ok(()));
        let counts = &view["networks"][NETWORK];
        assert_eq!(*counts, json!({ "left_out": counts["left_out"] }));
        assert_eq!(counts["left_out"]["count"], 1, "{counts}");
        let row = &view["rows"][0];
        assert_eq!((&row["result"], &row["why"]), (&json!("left_out"), &json!("no_lines")));
        assert_eq!(aws.invoked(), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn an_order_whose_settings_can_not_be_asked_is_never_seen_and_not_sent() {
    let aws = aws().await;
    let order = order(&json!({ "clicks": { "shopback": { "transaction_id": "broken" } } }));

    let (looked, view) = check(&aws, "not-asked", &order, &[]).await;
    let (sent, _) = check(&aws, "not-asked", &order, &["--send", "--yes"]).await;

    assert!(matches!(looked, Err(Failure::NeedsPerson(_))), "{looked:?}");
    let row = &view["rows"][0];
    assert_eq!(row["result"], "never_seen");
    let why = row["why"].as_str().unwrap_or_default();
    assert!(why.starts_with("the settings were not asked: "), "{row}");
    assert!(matches!(sent, Err(Failure::FunctionFailed { .. })), "{sent:?}");
    assert_eq!(aws.invoked(), Vec::<Value>::new());
}
