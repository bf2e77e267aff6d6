//! One order, a hundred times at once.

use std::sync::Arc;

use futures_util::future::join_all;
use postback_core::network::Network;
use postback_faults::{KillPlan, Lifecycle, NetworkCase, Redelivery, order};
use postback_harness::{FakeServices, INVISIBLE, api_event, order_event};
use postback_runtime::{
    lambda::api::Request,
    services::{BusEvent, EventBus, OrderServices},
};
use serde_json::Value;

/// The bus with the network's rule behind it.
struct Bus(FakeServices);

impl EventBus for Bus {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        for BusEvent { detail_type, detail, .. } in events {
            let detail: Value = serde_json::from_str(detail).expect("JSON");
            let mut event = order_event(&detail);
            event["detail-type"] = detail_type.as_str().into();
            self.0.enqueue(event.to_string());
        }
        Ok(())
    }
}

impl OrderServices for Bus {}

/// 34 calls of `POST /orders/{network}`, 33 of `POST /orders`, 33 events of a pipeline, in ten
/// running instances on two threads.
async fn a_hundred_at_once<N: Network>(case: NetworkCase<N>) {
    let lifecycle = Lifecycle::new(case).await;
    let order = order("A1", 0);
    let bus = Bus(lifecycle.services.clone());
    let event = api_event("POST", "/orders", &order.to_string());
    let request: Request = serde_json::from_value(event).expect("a request");
    for _ in 0..33 {
        let answer = intake::answer(&request, &bus, lifecycle.bed.now()).await;
        assert_eq!(answer.status_code, 202);
        lifecycle.services.enqueue(order_event(&order).to_string());
    }
    let instances: Vec<_> = join_all((0..10).map(|_| lifecycle.instance())).await;
    let instances: Vec<_> = instances.into_iter().map(Arc::new).collect();

    let mut tasks = Vec::new();
    for number in 0..34 {
        let (function, order) = (Arc::clone(&instances[number % 10]), order.clone());
        tasks.push(tokio::spawn(async move {
            let answer = function.post(&order).await;
            assert!(matches!(answer.status, 200 | 202), "{answer:?}");
        }));
        if number % 5 == 0 {
            let messages = lifecycle.services.receive(10, INVISIBLE);
            let function = Arc::clone(&instances[number / 5]);
            tasks.push(tokio::spawn(async move {
                assert_eq!(function.take(&messages).await, Vec::<String>::new());
            }));
        }
    }
    for task in join_all(tasks).await {
        task.expect("an answer");
    }
    // The connections that they keep end with them.
    drop(instances);
    assert!(lifecycle.work_off("A1", Redelivery::AfterTimeout, &KillPlan::default()).await);

    assert_eq!(lifecycle.requests("A1"), lifecycle.case.lines().len(), "{}: requests", N::NAME);
    for (effects, record) in lifecycle.deliveries("A1").await {
        let record = record.expect("a record");
        assert_eq!((effects, record.protocol.attempt), (1, 1), "{}", N::NAME);
        assert!(record.protocol.state.is_final(), "{record:?}");
        assert_eq!(
            record.conflicts.count(),
            0,
            "{}: it is the same content from every source",
            N::NAME
        );
    }
    assert!(lifecycle.services.dead_letters().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_by_api_queue_and_bus_have_one_effect() {
    a_hundred_at_once(NetworkCase::shopback()).await;
    a_hundred_at_once(NetworkCase::shopback_lines()).await;
    a_hundred_at_once(NetworkCase::cpa_moe()).await;
    a_hundred_at_once(NetworkCase::cashmycell()).await;
    a_hundred_at_once(NetworkCase::cartstack()).await;
    a_hundred_at_once(NetworkCase::cartstack_resend()).await;
}
