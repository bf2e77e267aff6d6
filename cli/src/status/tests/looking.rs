//! What is looked at: the index of what waits, the queues, and what is shown where one of them fails.

use super::*;
use crate::fixtures::unclaimed;

#[tokio::test]
async fn the_faulty_orders_of_the_bus_are_looked_at() {
    let aws = crate::fixtures::FakeAws::start().await;
    let mut counted = Counted::default();

    let watched = crate::watch::Watched::look(&aws.account).await.expect("a look");
    watched.count(&aws.account, &mut counted);

    assert_eq!((counted.faulty_orders, counted.networks["net"].dead_letters), (8, 0));
    assert_eq!(counted.networks["net"].status_letters, 1);
    let needs = needs(&counted, &[], &[], &Read::default(), now());
    let shown = needs.iter().find(|need| need.code == "status_letters").expect("a need");
    assert_eq!(shown.command, "postback orders redrive --network net --status --dry-run");
    assert_eq!(counted.bus_letters, 2);
}

#[tokio::test]
async fn what_waits_is_read_and_not_the_rest_of_the_ledger() {
    let aws = FakeAws::start().await;
    let ledger = aws.table.ledger();
    for (order_id, state) in [("A-1", "delivered"), ("A-2", "sending"), ("A-3", "parked")] {
        let record = Record { order_id: order_id.to_owned(), ..paid("net", state, "10", "EUR") };
        ledger.put(&record, None).await.expect("a write");
    }
    for (order_id, clicks) in [("U-1", &["net.transactionid"][..]), ("U-2", &[])] {
        ledger.put_unclaimed(&unclaimed(order_id, clicks)).await.expect("a write");
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output { json: true, out: &mut out, err: &mut err };

    let ended = run(&aws.account, &Status { all: true }, now(), &mut output).await;

    assert!(matches!(ended, Err(Failure::NeedsPerson(_))), "{ended:?}");
    let shown: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!((&shown["read"], &shown["complete"]), (&2.into(), &true.into()));
    assert_eq!(shown["networks"]["net"]["waiting"]["count"], 1);
    let found = shown["needs"].as_array().expect("needs").iter();
    let codes: Vec<_> = found.filter_map(|need| need["code"].as_str()).collect();
    assert!(codes.contains(&"parked") && codes.contains(&"unclaimed"), "{codes:?}");
}

#[tokio::test]
async fn what_else_needs_a_person_is_shown_while_the_ledger_does_not_answer() {
    let aws = FakeAws::start().await;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for (failing, json) in [("Scan", false), ("Query", false), ("Scan", true)] {
        aws.table.fail_all(Some(failing));
        let mut output = Output { json, out: &mut out, err: &mut err };
        let wanted = Status { all: true };
        let ended = run(&aws.account, &wanted, now(), &mut output).await;
        assert!(matches!(ended, Err(Failure::Ledger { .. })), "{ended:?}");
    }

    let shown = String::from_utf8_lossy(&out);
    assert_eq!(shown.matches("THE LEDGER WAS NOT READ TO ITS END").count(), 1, "{shown}");
    assert_eq!(shown.matches("NOT ALL COULD BE READ").count(), 1, "{shown}");
    assert_eq!(shown.matches("bus: 8 faulty orders").count(), 2, "{shown}");
    assert!(shown.contains(r#""complete": false"#), "{shown}");
}
