//! A message that can't be read, a lead that can't be asked about, a service that fails and the end
//! of the time: each is that message's alone.

use std::time::Duration;

use cpa_moe::CpaMoe;
use postback_core::clock::Timestamp;
use postback_harness::{Function, Strike, TestBed};
use postback_sandbox::{Answer, Fault, Network, Rule};
use serde_json::{Value, json};

fn order(id: &str) -> Value {
    json!({
        "order_id": id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
        "customer": { "phone": "+91 98765 43210", "ip": "203.0.113.9" },
        "clicks": { "cpa_moe": { "offer": 217 } },
    })
}

async fn delivered(count: usize) -> (TestBed, Function<CpaMoe>) {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    for n in 1..=count {
        function.post(&order(&format!("A-{n}"))).await;
    }
    bed.track(&function).await;
    (bed, function)
}

async fn round(function: &Function<CpaMoe>, deadline: Timestamp) -> Result<(), String> {
    let event = json!({ "detail-type": postback_runtime::lambda::POLL_STATUS });
    let payload = serde_json::value::to_raw_value(&event).map_err(|error| error.to_string())?;
    let handled =
        postback_runtime::lambda::handle_and_poll_status(&function.dispatcher, &payload, deadline);
    handled.await.map(|_| ()).map_err(|error| error.to_string())
}

fn minute(bed: &TestBed) -> Timestamp {
    bed.now() + Duration::from_mins(1)
}

/// The leads whose status the ledger has.
async fn known(function: &Function<CpaMoe>, count: usize) -> usize {
    let mut known = 0;
    for n in 1..=count {
        let record = function.record(&format!("A-{n}")).await.expect("a record");
        known += usize::from(!record.statuses.is_empty());
    }
    known
}

/// A message that is due at once.
fn is_due(bed: &TestBed, function: &Function<CpaMoe>) -> usize {
    function.services.tracked().into_iter().filter(|at| *at <= bed.now()).count()
}

#[tokio::test]
async fn a_message_that_nobody_can_read_is_moved_to_the_dead_letters_of_its_queue() {
    let (bed, function) = delivered(2).await;
    let foreign =
        json!({ "order_id": "B-1", "network": "other", "references": {}, "at": bed.now() });
    for unreadable in ["{", "", "{}", &foreign.to_string()] {
        function.services.track(unreadable);
    }

    round(&function, minute(&bed)).await.expect("a round");

    assert_eq!(function.services.status_dead_letters().len(), 4);
    assert_eq!((function.services.tracked().len(), known(&function, 2).await), (2, 2));
}

#[tokio::test]
async fn a_lead_whose_answer_can_t_be_read_does_not_hold_up_the_others() {
    let (bed, function) = delivered(9).await;
    // Whatever is asked about with A-5 in it.
    let unreadable = Fault::answer(Answer::of("application/json", "["));
    let rule = Rule::on(Network::CpaMoe, unreadable).call("list").order("A-5").times(99);
    bed.sandbox.script(rule).expect("a rule");

    round(&function, minute(&bed)).await.expect("a round");

    assert_eq!(known(&function, 9).await, 8);
    let later = function.services.tracked().into_iter().max().expect("a lead");
    assert_eq!(later, bed.now() + Duration::from_hours(1), "it is asked about again");
}

#[tokio::test]
async fn a_network_that_refuses_every_question_is_asked_a_few_times_a_round() {
    let (bed, function) = delivered(120).await;
    let refusal =
        Fault::answer(Answer::of("application/json", r#"{"status":"error","error":"key"}"#));
    let rule = Rule::on(Network::CpaMoe, refusal).call("list").times(999);
    bed.sandbox.script(rule).expect("a rule");
    let before = bed.sandbox.requests();

    let ended = round(&function, minute(&bed)).await;

    assert!(ended.is_err());
    assert!(bed.sandbox.requests() - before <= 10, "{}", bed.sandbox.requests() - before);
    assert_eq!(function.services.tracked().len(), 120);
}

#[tokio::test]
async fn a_status_that_can_t_be_written_is_that_leads_alone() {
    let (bed, function) = delivered(5).await;
    // The first lead's record is read three times in vain.
    bed.table.script([Strike::Fail; 3]);

    round(&function, minute(&bed)).await.expect("a round");
    let first = known(&function, 5).await;
    bed.advance(Duration::from_mins(5));
    let due = is_due(&bed, &function);
    round(&function, minute(&bed)).await.expect("a round");

    assert_eq!((first, due, known(&function, 5).await), (4, 1, 5));
}

#[tokio::test]
async fn a_round_without_time_takes_no_message_in_hand() {
    let (bed, function) = delivered(3).await;
    let before = bed.sandbox.requests();

    round(&function, bed.now() + Duration::from_secs(15)).await.expect("a round");

    assert_eq!((bed.sandbox.requests(), is_due(&bed, &function)), (before, 3));
}

#[tokio::test]
async fn a_lead_that_the_ledger_has_forgotten_is_polled_no_more() {
    let (bed, function) = delivered(1).await;
    bed.advance(Duration::from_hours(401 * 24));

    round(&function, minute(&bed)).await.expect("a round");

    assert_eq!(function.services.tracked().len(), 0);
}

#[tokio::test]
async fn a_round_measures_how_many_leads_it_carries() {
    let (bed, function) = delivered(3).await;

    round(&function, minute(&bed)).await.expect("a round");

    let metrics = function.services.metrics();
    let last = metrics.iter().rev().find_map(|document| document["TrackedLeads"].as_u64());
    assert_eq!(last, Some(3));
}

/// Statuses are asked for seldom: what was corrected meanwhile is not left to the next round.
#[tokio::test]
async fn a_round_goes_by_settings_that_are_seconds_old() {
    let (bed, function) = delivered(1).await;
    let before = bed.sandbox.requests();

    function.services.rotate("{}");
    bed.advance(Duration::from_secs(10));
    round(&function, minute(&bed)).await.expect("a round");

    assert_eq!(bed.sandbox.requests(), before);
    assert_eq!(known(&function, 1).await, 0);
}
