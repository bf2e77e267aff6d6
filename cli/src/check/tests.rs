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
    let file = env::temp_dir().join(format!("postback-check-{}-{name}.jsonl", process::id()));
    fs::write(&file, order.to_string()).expect("a file");
    let path = file.display().to_string();
    let line = ["postback", "orders", "check", &path, "--send", "--yes"];
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Orders(Orders::Check(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };
    online(&aws.account, wanted, NOW, &mut output).await.expect("nothing needs a person");
    fs::remove_file(file).expect("removed");
    let view: Value = serde_json::from_slice(&out).expect("JSON");
    (view["networks"][NETWORK].clone(), view["rows"].clone())
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
async fn an_order_that_the_networks_settings_leave_out_is_shown_with_the_reason() {
    let aws = aws().await;
    let click = json!({ "shopback": { "transaction_id": "skip" } });

    for run in 1..=2 {
        let (counts, rows) = send(&aws, "left-out", &order(&json!({ "clicks": click }))).await;

        assert_eq!(counts["left_out"]["count"], 1, "{counts}");
        assert_eq!(rows[0]["result"], "left_out");
        let why = "skipped: no_offer; nothing is kept of it, so the next run asks again";
        assert_eq!(rows[0]["why"], why);
        assert_eq!(aws.invoked().len(), run);
    }
}
