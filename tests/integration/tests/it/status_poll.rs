//! Polling the status of leads at cpa.moe until it is final.

use std::time::Duration;

use cpa_moe::CpaMoe;
use postback_core::{
    clock::Timestamp,
    delivery::{Record, ValidationView},
};
use postback_harness::{FakeSweep, Function, TestBed};
use postback_runtime::lambda::ScheduleHandler;
use postback_sandbox::{Fault, Network, Rule, cpa_moe::LeadUpdate};
use serde_json::{Value, json};
use sweep::Sweep;

fn order(id: &str) -> Value {
    json!({
        "order_id": id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
        "customer": { "phone": "+91 98765 43210", "ip": "203.0.113.9" },
        "clicks": { "cpa_moe": { "offer": 217 } },
    })
}

/// Posts orders, and has the publisher track the delivered ones.
async fn deliver(bed: &TestBed, function: &Function<CpaMoe>, count: usize) {
    for n in 1..=count {
        function.post(&order(&format!("A-{n}"))).await;
    }
    bed.track(function).await;
    assert_eq!(function.services.tracked().len(), count);
}

async fn round(bed: &TestBed, function: &Function<CpaMoe>) -> Result<(), String> {
    let deadline = bed.now() + Duration::from_mins(1);
    let event = json!({ "detail-type": postback_runtime::lambda::POLL_STATUS });
    let payload = serde_json::value::to_raw_value(&event).map_err(|error| error.to_string())?;
    let handled =
        postback_runtime::lambda::handle_and_poll_status(&function.dispatcher, &payload, deadline)
            .await;
    handled.map(|_| ()).map_err(|error| error.to_string())
}

fn lists(bed: &TestBed) -> usize {
    let received = bed.sandbox.received(Network::CpaMoe);
    received.iter().filter(|request| request.path.ends_with("list.json")).count()
}

fn stages(record: &Record) -> Vec<(&str, Timestamp)> {
    let seen = record.statuses.entries().iter();
    seen.filter_map(|seen| Some((seen.status.get("stage")?, seen.at))).collect()
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
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 120).await;

    round(&bed, &function).await.expect("a round");

    assert_eq!(lists(&bed), 3);
    assert_eq!(bed.sandbox.violations(), []);

    round(&bed, &function).await.expect("a round");
    assert_eq!(lists(&bed), 3, "nothing is due yet");

    bed.advance(Duration::from_mins(15));
    round(&bed, &function).await.expect("a round");
    assert_eq!(lists(&bed), 6);
}

#[tokio::test]
async fn fifty_one_open_leads_are_two_requests_and_none_is_none() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;

    round(&bed, &function).await.expect("a round");
    assert_eq!(lists(&bed), 0);

    deliver(&bed, &function, 51).await;
    round(&bed, &function).await.expect("a round");
    assert_eq!(lists(&bed), 2);
    assert_eq!(bed.sandbox.violations(), []);
}

#[tokio::test]
async fn a_queue_that_hands_over_few_at_once_costs_no_request_more() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    function.services.hand_over_at_once(7);
    deliver(&bed, &function, 100).await;

    round(&bed, &function).await.expect("a round");

    assert_eq!(lists(&bed), 2);
}

#[tokio::test]
async fn stages_arrive_in_the_ledger_and_on_the_bus_until_the_final_one() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 2).await;

    round(&bed, &function).await.expect("a round");
    assert_eq!(bed.sandbox.update_leads(&update("A-1", "approve", 10)), 1);
    bed.advance(Duration::from_mins(15));
    round(&bed, &function).await.expect("a round");

    let record = function.record("A-1").await.expect("a record");
    let seen: Vec<_> = stages(&record).into_iter().map(|(stage, _)| stage).collect();
    assert_eq!(seen, ["wait", "approve"]);
    assert_eq!(function.services.tracked().len(), 1, "one of two has a final status");
    let published = bed.published().await.into_iter();
    let statuses: Vec<_> = published
        .filter(|(kind, detail)| kind == "postback.status_changed" && detail["order_id"] == "A-1")
        .map(|(_, detail)| detail["status"]["stage"].clone())
        .collect();
    assert_eq!(statuses, ["wait", "approve"]);
}

#[tokio::test]
async fn a_paused_network_is_not_polled_and_its_leads_wait_for_the_round_after_it() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 1).await;
    bed.pause("cpa_moe", true).await;
    bed.advance(Duration::from_mins(15));

    round(&bed, &function).await.expect("a round");
    assert_eq!((lists(&bed), function.services.tracked().len()), (0, 1));

    bed.pause("cpa_moe", false).await;
    bed.advance(Duration::from_secs(5));
    round(&bed, &function).await.expect("a round");
    assert_eq!(lists(&bed), 1);
}

#[tokio::test]
async fn the_stages_are_the_networks_word_in_the_view_of_the_validation() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 3).await;
    let status = async |id: &str| {
        let record = function.record(id).await.expect("a record");
        ValidationView::of(&record).status
    };
    assert_eq!(status("A-1").await, "waiting");
    round(&bed, &function).await.expect("a round");
    assert_eq!(status("A-1").await, "waiting");

    for (id, stage) in [("A-1", "approve"), ("A-2", "cancel"), ("A-3", "trash")] {
        assert_eq!(bed.sandbox.update_leads(&update(id, stage, 10)), 1);
    }
    bed.advance(Duration::from_mins(15));
    round(&bed, &function).await.expect("a round");

    assert_eq!(status("A-1").await, "approved");
    assert_eq!((status("A-2").await, status("A-3").await), ("rejected", "rejected"));
}

#[tokio::test]
async fn the_money_is_measured_by_the_networks_word_also_months_later() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 4).await;
    for (id, stage) in [("A-1", "approve"), ("A-2", "cancel"), ("A-3", "approve")] {
        assert_eq!(bed.sandbox.update_leads(&update(id, stage, 10)), 1);
    }
    round(&bed, &function).await.expect("a round");
    for id in ["A-2", "A-3"] {
        function.post(&json!({ "order_id": id, "status": "cancelled" })).await;
    }
    bed.advance(Duration::from_hours(60 * 24));
    let sweep = Sweep::new(FakeSweep::new(&bed));

    sweep.handle(bed.now() + Duration::from_hours(1)).await.expect("a sweep");

    let documents = sweep.into_services().measured();
    let sum = |name: &str| {
        let mut own = documents.iter().filter(|it| it["Network"] == "cpa_moe");
        own.find_map(|it| it.get(name)).and_then(Value::as_f64)
    };
    assert_eq!(sum("MoneyPending"), Some(1499.0), "{documents:#?}");
    assert_eq!(sum("MoneyValidated"), Some(2998.0));
    assert_eq!(sum("MoneyRejected"), Some(1499.0));
    // What it rejected itself need not be claimed back.
    assert_eq!(sum("MoneyToClaimBack"), Some(1499.0));
    // Nothing is called there, so no alarm needs a 0.
    assert_eq!((sum("HeldValidations"), sum("OpenClaimBacks")), (None, None));
}

#[tokio::test]
async fn a_status_that_does_not_change_is_written_and_published_once() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 1).await;

    for _ in 0..3 {
        round(&bed, &function).await.expect("a round");
        bed.advance(Duration::from_mins(15));
    }

    let record = function.record("A-1").await.expect("a record");
    assert_eq!(stages(&record).len(), 1);
    assert_eq!(bed.published().await.len(), 2, "delivered, and one status");
}

#[tokio::test]
async fn an_unknown_stage_is_kept_and_polled_on() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 1).await;
    assert_eq!(bed.sandbox.update_leads(&update("A-1", "frozen", 99)), 1);

    round(&bed, &function).await.expect("a round");

    let record = function.record("A-1").await.expect("a record");
    assert_eq!(record.statuses.entries()[0].status.get("stage"), Some("frozen"));
    assert_eq!(record.statuses.entries()[0].status.get("status"), Some("99"));
    assert_eq!(function.services.tracked().len(), 1);
}

#[tokio::test]
async fn a_round_that_is_not_answered_loses_nothing() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 3).await;
    let rule = Rule::on(Network::CpaMoe, Fault::status(500)).call("list");
    bed.sandbox.script(rule).expect("a rule");

    let first = round(&bed, &function).await;
    bed.advance(Duration::from_mins(5));
    let second = round(&bed, &function).await;

    assert!(first.is_err());
    assert_eq!(second, Ok(()));
    assert_eq!(function.services.tracked().len(), 3);
    assert_eq!(lists(&bed), 2);
}

#[tokio::test]
async fn a_lead_is_polled_for_months_and_less_often() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    deliver(&bed, &function, 1).await;

    let end = bed.now() + Duration::from_hours(60 * 24);
    while bed.now() < end {
        round(&bed, &function).await.expect("a round");
        let next = function.services.tracked().into_iter().min().expect("it is still tracked");
        bed.advance_to(next);
    }
    let asked = lists(&bed);
    assert_eq!(bed.sandbox.update_leads(&update("A-1", "cancel", 5)), 1);
    round(&bed, &function).await.expect("a round");

    assert!((150..300).contains(&asked), "{asked} requests in 60 days");
    assert_eq!(function.services.tracked().len(), 0);
}
