//! The calls of `postback doctor`, settings as they are now and a harmless question to the network, and
//! of `postback orders check`: what the settings make of an order.

use std::time::Duration;

use cartstack::CartStack;
use cpa_moe::CpaMoe;
use postback_harness::{Function, TestBed};
use postback_integration::{minimal, with};
use postback_runtime::{
    lambda::{CHECK, Checked, PLAN, PlanAnswer, RawValue, handle, handle_and_poll_status},
    ledger::Filter,
};
use postback_sandbox::Network;
use serde_json::{Value, json};

fn call() -> Box<RawValue> {
    let event = json!({ "detail-type": CHECK });
    serde_json::value::to_raw_value(&event).expect("JSON")
}

async fn asked(bed: &TestBed, function: &Function<CpaMoe>) -> Checked {
    let deadline = bed.now() + Duration::from_mins(1);
    let answer = handle_and_poll_status(&function.dispatcher, &call(), deadline).await;
    serde_json::from_str(answer.expect("an answer").get()).expect("what was checked")
}

#[tokio::test]
async fn a_network_that_shows_its_leads_is_asked_for_one_that_does_not_exist() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;

    let checked = asked(&bed, &function).await;

    assert_eq!((checked.settings, checked.asked, checked.refused), (None, true, None));
    assert_eq!(checked.version, env!("CARGO_PKG_VERSION"));
    let paths: Vec<_> =
        bed.sandbox.received(Network::CpaMoe).iter().map(|it| it.path.clone()).collect();
    assert_eq!(paths.len(), 1);
    assert!(paths[0].ends_with("list.json"), "{paths:?}");
    assert_eq!(bed.sandbox.violations(), []);
}

#[tokio::test]
async fn a_key_that_the_network_refuses_is_seen_although_the_settings_in_force_are_others() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CpaMoe>().await;
    function.services.rotate(r#"{"user": "4711", "key": "of-somebody-else"}"#);

    let checked = asked(&bed, &function).await;

    assert_eq!(checked.settings, None);
    assert_eq!(checked.refused.as_deref(), Some("lookup_refused"));
}

#[tokio::test]
async fn settings_are_read_anew_and_their_faults_named_without_a_value() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CartStack>().await;
    let deadline = bed.now() + Duration::from_mins(1);
    let check = async || {
        let answer = handle(&function.dispatcher, &call(), deadline).await.expect("an answer");
        serde_json::from_str::<Checked>(answer.get()).expect("what was checked")
    };

    let well = check().await;
    function.services.rotate(r#"{"key": "hunter2"}"#);
    let faulty = check().await.settings.expect("faults");

    assert_eq!((well.settings, well.asked), (None, false));
    assert!(faulty.contains("/siteid") && !faulty.contains("hunter2"), "{faulty}");
    // Nothing was reported, asked or written.
    assert!(bed.sandbox.received(Network::CartStack).is_empty());
}

#[tokio::test]
async fn an_order_that_the_settings_leave_out_is_named_and_nothing_is_sent_or_kept() {
    let bed = TestBed::new(1).await;
    let function = bed.function::<CartStack>().await;
    let deadline = bed.now() + Duration::from_mins(1);
    let ask = async |order: &Value| {
        let event = json!({ "detail-type": PLAN, "detail": order });
        let event = serde_json::value::to_raw_value(&event).expect("JSON");
        let answer = handle(&function.dispatcher, &event, deadline).await.expect("an answer");
        serde_json::from_str::<PlanAnswer>(answer.get()).expect("what was planned").left_out
    };

    let left_out = ask(&with(minimal("A-1"), "/customer", json!({}))).await;

    assert_eq!(left_out.as_deref(), Some("no_email"));
    for other in [minimal("A-2"), json!({ "order_id": "A-3" })] {
        assert_eq!(ask(&other).await, None);
    }
    assert!(bed.sandbox.received(Network::CartStack).is_empty());
    let ledger = bed.table.ledger();
    assert_eq!(ledger.scan(&Filter::default(), None).await.expect("a page").records, []);
    assert_eq!(function.services.metrics(), Vec::<Value>::new());
}
