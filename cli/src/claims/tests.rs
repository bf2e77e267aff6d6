//! A list of claims over an embedded ledger.

use clap::Parser;

use super::*;
use crate::{
    args::{Arguments, Claims, Command},
    fixtures::{FakeAws, paid},
};

#[tokio::test]
async fn each_claim_is_answered_from_the_ledger() {
    let aws = FakeAws::start().await;
    for (order_id, state) in [("A-1", "delivered"), ("A-2", "unconfirmed")] {
        let mut record = paid("net", state, "10.5", "EUR");
        record.order_id = order_id.to_owned();
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let folder = std::env::temp_dir();
    let list = folder.join(format!("postback-claims-{}", std::process::id()));
    let answers = folder.join(format!("postback-answers-{}", std::process::id()));
    let text = "Order ID,Date,Amount,Currency\nA-1,2026-11-21,10.50,EUR\nA-2,2026-11-21,10.50,EUR\n=A,2026-11-21,1.00,EUR\n";
    fs::write(&list, text).expect("written");
    let (list_path, out) = (list.display().to_string(), answers.display().to_string());
    let line = ["postback", "claims", "answer", &list_path, "--network", "net", "--out", &out];
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Claims(Claims::Answer(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let now = Timestamp::parse("2026-11-28T00:00:00Z").expect("an instant");
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut shown, err: &mut err };

    run(&aws.account, wanted, now, &mut output).await.expect("an answer");

    let view: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
    assert_eq!(view["verdicts"], serde_json::json!({ "reported": 1, "held": 1, "unknown": 1 }));
    let written = fs::read_to_string(&answers).expect("answers");
    assert!(written.contains("2,A-1,reported,") && written.contains("3,A-2,held,"), "{written}");
    assert!(written.contains("4,'=A,unknown,The ledger holds no such order."), "{written}");
    // A stack without a key signs nothing, and says which output is missing.
    let line = ["postback", "claims", "answer", &list_path, "--network", "net", "--receipts", &out];
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Claims(Claims::Answer(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let mut output = Output { json: true, out: &mut shown, err: &mut err };
    let refused = run(&aws.account, wanted, now, &mut output).await.err();
    assert!(matches!(refused, Some(Failure::NoOutput { .. })), "{refused:?}");
    for path in [list, answers] {
        fs::remove_file(path).expect("removed");
    }
}

#[tokio::test]
async fn a_list_is_read_by_the_format_that_is_given() {
    let aws = FakeAws::start().await;
    let mut record = paid("net", "delivered", "10.5", "EUR");
    record.order_id = "A-1".to_owned();
    aws.table.ledger().put(&record, None).await.expect("a write");
    let path = |name: &str| {
        let name = format!("postback-{name}-{}", std::process::id());
        std::env::temp_dir().join(name).display().to_string()
    };
    let [list, own] = ["own-list", "own-format"].map(path);
    fs::write(&list, "Bestellung,Betrag\nA-1,10.50\n").expect("written");
    let text = "title = \"own\"\n[columns]\norder = [\"bestellung\"]\namount = [\"betrag\"]\n";
    fs::write(&own, text).expect("written");
    let answered = async |more: &[&str]| {
        let line = ["postback", "claims", "answer", &list, "--network", "net"];
        let arguments = Arguments::try_parse_from(line.iter().chain(more)).expect("a command line");
        let Command::Claims(Claims::Answer(wanted)) = &arguments.command else {
            panic!("another command");
        };
        let now = Timestamp::parse("2026-11-28T00:00:00Z").expect("an instant");
        let (mut shown, mut err) = (Vec::new(), Vec::new());
        let mut output = Output { json: true, out: &mut shown, err: &mut err };
        run(&aws.account, wanted, now, &mut output).await.map_err(|failure| failure.code())?;
        let view: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
        Ok::<_, &'static str>(view["verdicts"].clone())
    };

    assert_eq!(answered(&["--format", &own]).await, Ok(serde_json::json!({ "reported": 1 })));
    assert_eq!(answered(&[]).await, Err("no_header"));
    assert_eq!(answered(&["--format", "generic"]).await, Err("no_header"));
    assert_eq!(answered(&["--format", "no-such-file"]).await, Err("unreadable_file"));
    for path in [list, own] {
        fs::remove_file(path).expect("removed");
    }
}

#[tokio::test]
async fn a_thousand_claims_are_answered_with_one_query_each() {
    a_thousand_claims("queried").await;
}

/// Measures, so it runs alone: `make million`.
#[tokio::test]
#[ignore = "it measures time: make million"]
#[expect(clippy::print_stdout, reason = "its figure is its purpose")]
async fn a_thousand_claims_are_answered_in_two_seconds() {
    let took = a_thousand_claims("measured").await;

    println!("1000 claims answered after {:.2} s", took.as_secs_f64());
    assert!(took <= std::time::Duration::from_secs(2), "{took:?}");
}

/// Answers a thousand claims, and returns the time that it took.
#[expect(clippy::disallowed_methods, reason = "what is measured is printed, or dropped")]
async fn a_thousand_claims(name: &str) -> std::time::Duration {
    let aws = FakeAws::start().await;
    // On a busy machine a write may take long.
    let ledger = aws.table.ledger_within(std::time::Duration::from_secs(20));
    let records = (0..1_000).map(|number| {
        let mut record = paid("net", "delivered", "10.5", "EUR");
        record.order_id = format!("A-{number}");
        record
    });
    let writes = stream::iter(records).map(|record| {
        let ledger = &ledger;
        async move { ledger.put(&record, None).await }
    });
    let _written: Vec<_> = writes.buffered(AT_ONCE).try_collect().await.expect("written");
    aws.table.forget_calls();
    let list = std::env::temp_dir().join(format!("postback-{name}-{}", std::process::id()));
    let rows = (0..1_000).map(|number| format!("A-{number},2026-11-21,10.50,EUR\n"));
    fs::write(
        &list,
        rows.fold("Order ID,Date,Amount,Currency\n".to_owned(), |all, row| all + &row),
    )
    .expect("written");
    let line = ["postback", "claims", "answer", &list.display().to_string(), "--network", "net"];
    let arguments = Arguments::try_parse_from(line).expect("a command line");
    let Command::Claims(Claims::Answer(wanted)) = &arguments.command else {
        panic!("another command");
    };
    let now = Timestamp::parse("2026-11-28T00:00:00Z").expect("an instant");
    let (mut shown, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut shown, err: &mut err };

    let started = std::time::Instant::now();
    run(&aws.account, wanted, now, &mut output).await.expect("an answer");
    let took = started.elapsed();

    let view: serde_json::Value = serde_json::from_slice(&shown).expect("JSON");
    assert_eq!(view["verdicts"], serde_json::json!({ "reported": 1_000 }));
    let calls = aws.table.calls();
    assert_eq!(calls.len(), 1_000);
    assert!(calls.iter().all(|call| call.operation == "Query"));
    fs::remove_file(list).expect("removed");
    took
}
