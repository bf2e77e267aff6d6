//! Following what cpa.moe took, until it has said its last word.

use std::time::Duration;

use cpa_moe::CpaMoe;
use postback_core::{clock::Timestamp, delivery::Record};
use postback_harness::{Function, TestBed};
use postback_sandbox::{Fault, Network, Rule, cpa_moe::LeadUpdate};
use serde_json::{Value, json};

fn order(id: &str) -> Value {
    json!({
        "order_id": id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
        "customer": { "phone": "+91 98765 43210", "ip": "203.0.113.9" },
        "clicks": { "cpa_moe": { "offer": 217 } },
    })
}

/// Posts orders, and has the rule on the bus pass on what was delivered.
async fn deliver(function: &Function<CpaMoe>, count: usize) {
    for n in 1..=count {
        function.post(&order(&format!("A-{n}"))).await;
    }
    for (detail_type, detail) in function.world.bus() {
        assert_eq!(detail_type, "postback.delivered");
        function.world.follow(&json!({ "detail-type": detail_type, "detail": detail }));
    }
}

async fn round(stage: &TestBed, function: &Function<CpaMoe>) -> Result<(), String> {
    let deadline = stage.now() + Duration::from_mins(1);
    let event = json!({ "detail-type": postback_runtime::lambda::FOLLOW });
    let payload = serde_json::value::to_raw_value(&event).map_err(|error| error.to_string())?;
    let handled =
        postback_runtime::lambda::handle_and_poll_status(&function.dispatcher, &payload, deadline)
            .await;
    handled.map(|_| ()).map_err(|error| error.to_string())
}

fn lists(stage: &TestBed) -> usize {
    let received = stage.sandbox.received(Network::CpaMoe);
    received.iter().filter(|request| request.path.ends_with("list.json")).count()
}

fn stages(record: &Record) -> Vec<(&str, Timestamp)> {
    let seen = record.progress.iter();
    seen.filter_map(|seen| Some((seen.status.get("stage")?, seen.seen_at))).collect()
}

fn update(id: &str, stage: &str, status: u32) -> LeadUpdate {
    LeadUpdate {
        id: Some(id.to_owned()),
        stage: Some(stage.to_owned()),
        status: Some(status),
        ..LeadUpdate::default()
    }
}

#[tokio::test]
async fn a_hundred_and_twenty_open_leads_are_three_requests_a_round() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    deliver(&function, 120).await;

    round(&stage, &function).await.expect("a round");

    assert_eq!(lists(&stage), 3);
    assert_eq!(stage.sandbox.violations(), []);

    round(&stage, &function).await.expect("a round");
    assert_eq!(lists(&stage), 3, "nothing is due yet");

    stage.advance(Duration::from_mins(15));
    round(&stage, &function).await.expect("a round");
    assert_eq!(lists(&stage), 6);
}

#[tokio::test]
async fn fifty_one_open_leads_are_two_requests_and_none_is_none() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;

    round(&stage, &function).await.expect("a round");
    assert_eq!(lists(&stage), 0);

    deliver(&function, 51).await;
    round(&stage, &function).await.expect("a round");
    assert_eq!(lists(&stage), 2);
    assert_eq!(stage.sandbox.violations(), []);
}

#[tokio::test]
async fn a_queue_that_hands_over_few_at_once_costs_no_request_more() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    function.world.hand_over(7);
    deliver(&function, 100).await;

    round(&stage, &function).await.expect("a round");

    assert_eq!(lists(&stage), 2);
}

#[tokio::test]
async fn stages_arrive_in_the_ledger_and_on_the_bus_until_the_last_word() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    deliver(&function, 2).await;

    round(&stage, &function).await.expect("a round");
    assert_eq!(stage.sandbox.update_leads(&update("A-1", "approve", 10)), 1);
    stage.advance(Duration::from_mins(15));
    round(&stage, &function).await.expect("a round");

    let record = function.record("A-1").await.expect("a record");
    let seen: Vec<_> = stages(&record).into_iter().map(|(stage, _)| stage).collect();
    assert_eq!(seen, ["wait", "approve"]);
    assert_eq!(function.world.followed().len(), 1, "the last word has been said on one of two");
    let told: Vec<_> = function
        .world
        .bus()
        .into_iter()
        .filter(|(kind, detail)| kind == "postback.status_changed" && detail["order_id"] == "A-1")
        .map(|(_, detail)| detail["status"]["stage"].clone())
        .collect();
    assert_eq!(told, ["wait", "approve"]);
}

#[tokio::test]
async fn what_does_not_change_is_written_and_told_once() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    deliver(&function, 1).await;

    for _ in 0..3 {
        round(&stage, &function).await.expect("a round");
        stage.advance(Duration::from_mins(15));
    }

    let record = function.record("A-1").await.expect("a record");
    assert_eq!(stages(&record).len(), 1);
    assert_eq!(function.world.bus().len(), 2, "delivered, and one status");
}

#[tokio::test]
async fn an_unknown_stage_is_kept_and_followed_on() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    deliver(&function, 1).await;
    assert_eq!(stage.sandbox.update_leads(&update("A-1", "frozen", 99)), 1);

    round(&stage, &function).await.expect("a round");

    let record = function.record("A-1").await.expect("a record");
    assert_eq!(record.progress[0].status.get("stage"), Some("frozen"));
    assert_eq!(record.progress[0].status.get("status"), Some("99"));
    assert_eq!(function.world.followed().len(), 1);
}

#[tokio::test]
async fn a_round_that_is_not_answered_loses_nothing() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    deliver(&function, 3).await;
    let rule = Rule::on(Network::CpaMoe, Fault::status(500)).call("list");
    stage.sandbox.script(rule).expect("a rule");

    let first = round(&stage, &function).await;
    stage.advance(Duration::from_mins(5));
    let second = round(&stage, &function).await;

    assert!(first.is_err());
    assert_eq!(second, Ok(()));
    assert_eq!(function.world.followed().len(), 3);
    assert_eq!(lists(&stage), 2);
}

#[tokio::test]
async fn a_lead_is_followed_for_months_and_less_often() {
    let stage = TestBed::new(1).await;
    let function = stage.function::<CpaMoe>().await;
    deliver(&function, 1).await;

    let end = stage.now() + Duration::from_hours(60 * 24);
    while stage.now() < end {
        round(&stage, &function).await.expect("a round");
        let next = function.world.followed().into_iter().min().expect("it is still followed");
        stage.advance_to(next);
    }
    let asked = lists(&stage);
    assert_eq!(stage.sandbox.update_leads(&update("A-1", "cancel", 5)), 1);
    round(&stage, &function).await.expect("a round");

    assert!((150..300).contains(&asked), "{asked} requests in 60 days");
    assert_eq!(function.world.followed().len(), 0);
}
