//! Orders of one sender that are made to cost: more faults, more members or more lines than anybody has.

use postback_core::fields::MOST_FAULTS;
use postback_integration::{Bundle, PATHS, minimal, with};
use serde_json::{Map, Value, json};

use crate::hostile_shopper::order;

/// So many members that no object of an order has.
fn unknown(count: usize) -> Map<String, Value> {
    (0..count).map(|number| (format!("m{number}"), json!(0))).collect()
}

#[tokio::test]
async fn twenty_thousand_misspelt_members_are_answered_with_the_first_thousand() {
    let bundle = Bundle::new(1).await;
    let mut order = minimal("A-1");
    order.as_object_mut().expect("an object").extend(unknown(20_000));

    for path in PATHS {
        let reply = bundle.post(path, &order).await;

        assert_eq!(reply.problem(), (422, "invalid_order".to_owned()), "{path}");
        assert_eq!(reply.faults().len(), MOST_FAULTS, "{path}");
    }
    bundle.assert_untouched("an order with more faults than anybody makes");
}

#[tokio::test]
async fn an_event_with_a_megabyte_of_faults_is_kept_once_with_the_first_of_them() {
    let bundle = Bundle::new(2).await;
    let order = with(order("A1"), "/clicks/cashmycell", json!(unknown(90_000)));

    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;

    let [(_, fault)] = &bundle.intake_services.faulty()[..] else { panic!("one letter") };
    assert_eq!((fault.reason, fault.order_id.as_deref()), ("unknown_click", Some("A1")));
    // An attribute of its message: SQS takes a megabyte of both together.
    assert!(fault.faults.ends_with(", 984 more") && fault.faults.len() < 1_000, "{}", fault.faults);
    // The networks whose clicks are right have it.
    let states = bundle.states("A1").await;
    assert_eq!(states.iter().filter(|(_, state, _)| state == "delivered").count(), 3, "{states:?}");
}

#[tokio::test]
async fn an_event_with_a_hundred_thousand_lines_is_reported_as_any_other() {
    let bundle = Bundle::new(3).await;
    let order = with(order("A1"), "/items", json!(vec![0; 100_000]));

    bundle.put_on_bus("order.completed", &order).await;
    bundle.work().await;

    let states = bundle.states("A1").await;
    let reported = |state: &str| matches!(state, "delivered" | "accepted");
    assert!(states.len() == 4 && states.iter().all(|(_, it, _)| reported(it)), "{states:?}");
}
