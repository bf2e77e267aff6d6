use postback_core::{delivery::Record, redaction::Reason};

use clap::Parser;

use super::*;
use crate::{
    args::{Arguments, Command, Orders},
    fixtures::{FakeAws, paid, validation},
    list,
    watch::{Alarm, Mapping},
};

mod looking;

/// Half an hour after the fixtures' last write.
fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T10:45:00Z").expect("an instant")
}

fn status(records: Vec<Record>, now: Timestamp) -> (BTreeMap<String, Counts>, Vec<Need>) {
    let mut counted = Counted::of(["quiet".to_owned()]);
    for record in records {
        counted.add(&record, now);
    }
    let needs = needs(&counted, &[], &[], &Read::default(), now);
    (counted.networks, needs)
}

/// The screen of a stack whose ledger was read to its end.
fn lines(counts: &BTreeMap<String, Counts>, needs: &[Need], height: usize) -> Vec<String> {
    Sheet { place: "postback in eu", counts, needs, part: None, height }.lines()
}

#[test]
fn a_ledger_without_anything_open_needs_nobody() {
    let (counts, needs) = status(vec![paid("net", "delivered", "10", "EUR")], now());

    assert_eq!(needs, []);
    assert_eq!(lines(&counts, &needs, 24)[0], "postback in eu: nothing needs a person");
    let (place, counts, needs) = ("postback in eu", &counts, &needs);
    let part = Sheet { place, counts, needs, part: Some("A PART"), height: 24 }.lines();
    let words = "postback in eu: nothing in this part of the ledger needs a person";
    assert_eq!((part[0].as_str(), part[1].as_str()), (words, "A PART"));
}

#[tokio::test]
async fn a_validation_that_waits_for_a_person_is_found_among_those_that_go_on() {
    let aws = FakeAws::start().await;
    let held = |state: &str, order_id: &str| {
        let mut held = validation(state, None);
        held.order_id = order_id.to_owned();
        held.protocol.reason = Some(Reason::new("refund_unclear"));
        held
    };
    for record in [held("parked", "A-1"), held("retrying", "A-2"), held("delivered", "A-3")] {
        aws.table.ledger().put(&record, None).await.expect("a write");
    }
    let page = aws.table.ledger().scan(&Filter::needing(), None).await.expect("a page");

    let (counts, needs) = status(page.records, now());

    let needs: Vec<_> =
        needs.iter().map(|need| (need.what.as_str(), need.command.as_str())).collect();
    let command = "postback orders list --held --network net --reason refund_unclear";
    let what = "1 validation waits for a person (refund_unclear): 10.5 EUR";
    assert_eq!(needs, [(what, command)]);
    // Its delivery is counted by itself.
    assert_eq!(counts["net"].waiting.count, 0);
    let line = command.split(' ');
    let line = Arguments::try_parse_from(line).expect("a command line");
    let Command::Orders(Orders::List(list)) = line.command else { panic!("no list") };
    let wanted = list::filter(&aws.account, &list, now()).expect("a filter");
    let listed = aws.table.ledger().scan(&wanted, None).await.expect("a page").records;
    let mut found = list::Found::new(&list);
    for record in listed {
        found.add(record);
    }
    assert_eq!(found.shown.len(), 1);
    assert_eq!((&*found.shown[0].order_id, &*found.shown[0].delivery), ("A-1", "net!validation"));
}

/// A validation that was approved with 10.5 EUR, of which 4 came back at the third version.
fn to_claim_back(order_id: &str) -> Record {
    let mut approved = validation("delivered", Some(("approved", "10.5")));
    approved.order_id = order_id.to_owned();
    let came_back = serde_json::json!({ "version": 3, "at": "2026-11-21T10:20:00Z" });
    approved.returned = serde_json::from_value(came_back).expect("a write");
    let refunds = serde_json::json!({ "r-1": { "amount": "4" } });
    approved.protocol.refunds = serde_json::from_value(refunds).expect("refunds");
    approved
}

#[tokio::test]
async fn money_to_claim_back_needs_a_person_until_it_is_acknowledged() {
    let aws = FakeAws::start().await;
    let acknowledged = |sum: &str, order_id: &str| {
        let mut record = to_claim_back(order_id);
        record.decisions = serde_json::from_value(serde_json::json!({ "entries": [{
            "version": 4, "at": "2026-11-21T10:30:00Z", "attempt": 1,
            "decision": "acknowledge", "by": "arn", "why": "claimed", "claim_back": sum,
        }]}))
        .expect("decisions");
        record
    };
    let mut kept = validation("delivered", Some(("approved", "10.5")));
    kept.order_id = "A-4".to_owned();
    // Of the second, more came back after the acknowledgement.
    let records =
        [to_claim_back("A-1"), acknowledged("1.5", "A-2"), acknowledged("4", "A-3"), kept];
    for record in &records {
        aws.table.ledger().put(record, None).await.expect("a write");
    }
    let page = aws.table.ledger().scan(&Filter::needing(), None).await.expect("a page");

    let (_, needs) = status(page.records, now());

    let needs: Vec<_> = needs.iter().map(|it| (it.what.as_str(), it.command.as_str())).collect();
    let what = "2 conversions have come back: claim them back: 6.5 EUR";
    assert_eq!(needs, [(what, "postback validate claim-back --network net")]);
}

#[test]
fn what_waits_for_a_person_is_named_with_its_money_and_a_command() {
    let records = ["10.50", "20"].map(|amount| paid("net", "unconfirmed", amount, "EUR")).to_vec();

    let (counts, needs) = status(records, now());

    assert_eq!(needs.len(), 1, "{needs:?}");
    assert_eq!(needs[0].code, "held");
    assert_eq!(needs[0].what, "2 wait for a person: 30.5 EUR");
    assert_eq!(needs[0].command, "postback orders list --held --network net");
    let lines = lines(&counts, &needs, 24);
    assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
}

#[test]
fn what_needs_a_person_is_grouped_by_its_reason() {
    let because = |n: u8, state, reason| {
        let mut record = paid(&format!("net#{n}"), state, "10", "EUR");
        record.protocol.reason = Some(Reason::new(reason));
        record
    };
    let mut decided = because(6, "rejected", "unknown_refusal");
    decided.decisions = serde_json::from_value(serde_json::json!({ "entries": [{
        "version": 2, "at": "2026-11-21T10:20:00Z", "attempt": 1, "decision": "permit_sending",
        "by": "arn", "why": "asked them",
    }]}))
    .expect("decisions");
    let records = vec![
        because(1, "parked", "wrong_key"),
        because(2, "parked", "wrong_key"),
        because(3, "parked", "paused"),
        because(6, "parked", "implausible"),
        because(4, "rejected", "duplicate_elsewhere"),
        because(5, "rejected", "total_too_small"),
        decided,
    ];

    let (_, needs) = status(records, now());

    let shown: Vec<_> = needs.iter().map(|need| need.what.as_str()).collect();
    assert_eq!(
        shown,
        [
            "1 waits for a person (implausible): 10 EUR",
            "1 is parked (paused): 10 EUR",
            "2 are parked (wrong_key): 20 EUR",
            "1 was refused unclearly (duplicate_elsewhere): 10 EUR",
        ]
    );
    assert!(needs[0].command.ends_with("--held --network net --reason implausible"));
    assert!(needs[2].command.ends_with("--state parked --network net --reason wrong_key"));
}

#[test]
fn other_content_needs_a_person_until_a_decision_answers_it() {
    let at = "2026-11-21T10:20:00Z";
    let mut record = paid("net", "delivered", "10", "EUR");
    // The content came again after the decision about it.
    record.conflicts = serde_json::from_value(serde_json::json!({ "entries": [{
        "version": 2, "at": at, "last_at": "2026-11-21T10:40:00Z", "count": 2,
        "facts": { "amount": "11" },
    }]}))
    .expect("conflicts");
    let mut answered = record.clone();
    answered.decisions = serde_json::from_value(serde_json::json!({ "entries": [{
        "version": 3, "at": "2026-11-21T10:30:00Z", "attempt": 1, "decision": "acknowledge",
        "by": "arn", "why": "the first is right",
    }]}))
    .expect("decisions");

    let (_, needs) = status(vec![record], now());

    assert_eq!(needs[0].what, "1 came with other content: 10 EUR");
    assert_eq!(status(vec![answered], now()).1, []);
}

#[test]
fn what_has_lost_its_message_needs_a_person_after_two_hours() {
    let retrying = || vec![paid("net", "retrying", "10", "EUR")];

    assert_eq!(status(retrying(), now()).1, []);
    let (_, needs) = status(retrying(), now() + Duration::from_hours(2));
    assert_eq!(needs.iter().map(|need| need.code).collect::<Vec<_>>(), ["unwatched"]);
    // This network is turned off.
    assert_eq!(needs[0].command, "postback orders list --open --network net");
}

#[test]
fn faulty_orders_of_the_bus_are_counted_with_the_command_that_shows_them() {
    let mut counted = Counted::default();
    (counted.faulty_orders, counted.bus_letters) = (8, 2);

    let needs = needs(&counted, &[], &[], &Read::default(), now());

    let shown = |need: &Need| (need.subject.clone(), need.what.clone(), need.command.clone());
    let expected = ["8 faulty orders", "2 dead letters"].map(|what| {
        ("bus".to_owned(), what.to_owned(), "postback orders redrive --bus --dry-run".to_owned())
    });
    assert_eq!(needs.iter().map(shown).collect::<Vec<_>>(), expected);
}

#[test]
fn alarms_that_are_on_and_stopped_mappings_are_named() {
    let alarm = |is_on| Alarm { logical: "NetPausedAlarm".to_owned(), is_on, ..Alarm::default() };
    let stopped = Mapping { logical: "PublishFunctionLedger".to_owned(), state: None };

    let alarms = [alarm(true), alarm(false)];
    let needs = needs(&Counted::default(), &alarms, &[stopped], &Read::default(), now());

    let codes: Vec<_> = needs.iter().map(|need| need.code).collect();
    assert_eq!(codes, ["events_stopped", "alarm"]);
}

#[test]
fn one_screen_shows_as_much_as_it_holds_and_counts_the_rest() {
    let refused = |n: u8| {
        let mut record = paid(&format!("cashmycell#{n}"), "rejected", "10", "EUR");
        record.protocol.reason = Some(Reason::new("duplicate_elsewhere"));
        record
    };
    let (counts, one) = status(vec![refused(1)], now());
    let many = vec![one[0].clone(); 30];

    let screen = lines(&counts, &many, 24);

    assert!(screen.len() + BELOW <= 24, "{screen:#?}");
    assert!(screen.iter().all(|line| line.chars().count() <= WIDTH), "{screen:#?}");
    let shown = screen.iter().filter(|line| line.starts_with("cashmycell: ")).count();
    assert!(shown > 1, "{screen:#?}");
    assert_eq!(screen.last(), Some(&format!("and {} more: postback status --all", 30 - shown)));
    assert!(screen.iter().any(|line| line.ends_with(" \\")), "{screen:#?}");
    // The last one takes the place of the line that would name it.
    let fits = lines(&counts, &many[..3], usize::MAX);
    assert_eq!(lines(&counts, &many[..3], fits.len() + BELOW), fits);
    let all = lines(&counts, &many, usize::MAX);
    assert_eq!(all.iter().filter(|line| line.starts_with("cashmycell: ")).count(), 30);
    assert!(lines(&counts, &one, 1).iter().any(|line| line.starts_with("cashmycell: ")));
}
