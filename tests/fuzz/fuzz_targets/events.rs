//! Any event to a network's function: a batch of its queue, a request by way of API Gateway, or
//! something else. The ledger never answers, so nothing is sent and no order may be
//! deleted.

#![no_main]

use std::{
    future::{Future, ready},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig};
use cashmycell::CashMyCell;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_conformance::NOW;
use postback_core::{
    clock::Timestamp,
    fields::UnknownFields,
    network::{Network, Plan},
    order::Order,
};
use postback_fuzz::{mutate, networks, seeds};
use postback_runtime::{
    client::Sender,
    dispatch::Dispatcher,
    lambda::handle,
    ledger::Ledger,
    metrics::Metrics,
    sender::is_looked_at,
    services::{
        BusEvent, DelayedOrder, EventBus, FaultyOrder, IntakeServices, ORDER_COMPLETED,
        ORDER_DELAYED, OrderServices, Secret, Services, Unavailable,
    },
};
use serde_json::{Value, json, value::RawValue};
use tokio::runtime::{Builder, Runtime};

/// The most that a queue can make a message wait.
const LONGEST_DELAY: Duration = Duration::from_mins(15);

struct Bench {
    runtime: Runtime,
    dispatcher: Dispatcher<CashMyCell, FakeServices>,
    network: CashMyCell,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    // Without a client for HTTP every call of it fails at once.
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .retry_config(RetryConfig::disabled())
        .build();
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::from_conf(config), "ledger".to_owned());
    let nowhere = "http://127.0.0.1:9".parse().unwrap_or_else(|error| panic!("{error}"));
    let sender = Sender::new(nowhere, Duration::from_secs(1), Duration::from_secs(3));
    let dispatcher = runtime.block_on(Dispatcher::start(ledger, sender, FakeServices::default()));
    let dispatcher = dispatcher.unwrap_or_else(|error| panic!("{error}"));
    Bench { runtime, dispatcher, network: networks::configured(&json!({})) }
});

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(payload) = serde_json::from_str::<Box<RawValue>>(text) else { return };
    let bench = &*BENCH;
    let deadline = NOW + Duration::from_secs(30);

    let answer = bench.runtime.block_on(handle(&bench.dispatcher, &payload, deadline));

    let taken = bench.dispatcher.services().taken();
    // A raw value may still hold half a surrogate pair: then there is no event to compare with.
    let Ok(event) = serde_json::from_str::<Value>(payload.get()) else { return };
    let answer: Option<Value> = answer.ok().and_then(|it| serde_json::from_str(it.get()).ok());
    match answer {
        None => assert!(taken.is_empty(), "it failed, and comes again as a whole"),
        Some(answer) if answer.get("batchItemFailures").is_some() => {
            is_kept(bench, &event, &answer, &taken);
        }
        Some(answer) => {
            assert!(taken.is_empty());
            is_answered(&answer);
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 0)
});

/// Checks that each message of a batch failed, was put back with its order, became a dead letter, is
/// kept by intake's look, or holds an order that does not concern the network.
fn is_kept(bench: &Bench, event: &Value, answer: &Value, taken: &Taken) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    let failed: Vec<_> = failures.iter().map(|it| text(&it["itemIdentifier"])).collect();
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    // Members may come as a list in their order: nobody sends that, and it says the same.
    if records.iter().any(Value::is_array) {
        return;
    }
    let ids: Vec<_> = records.iter().map(|record| text(&record["messageId"])).collect();
    assert!(failed.iter().all(|id| ids.contains(id)), "{failed:?} of {ids:?}");
    let kept = taken.put_back.len() + taken.dead_letters.len();
    assert!(kept + failed.len() <= records.len());
    for (record, id) in records.iter().zip(&ids).filter(|(_, id)| !failed.contains(id)) {
        let body = text(&record["body"]);
        let message: Value = serde_json::from_str(&body).unwrap_or_default();
        if message.is_array() {
            continue;
        }
        let detail = &message["detail"];
        if taken.put_back.contains(detail) || taken.dead_letters.contains(&body) {
            continue;
        }
        let source = message["source"].as_str().unwrap_or_default();
        if is_looked_at(source) && bench.runtime.block_on(is_kept_by_intake(&body)) {
            continue;
        }
        let order = Order::from_json(detail, UnknownFields::Ignore);
        let order = order.unwrap_or_else(|faults| panic!("{id} is deleted: {faults:?}"));
        assert!(matches!(bench.network.plan(&order), Plan::Skip(_)), "{id} is deleted: {body}");
    }
}

/// Returns whether intake's look at an event keeps a letter of it.
async fn is_kept_by_intake(body: &str) -> bool {
    let look = Look::default();
    intake::take(body, &look, NOW).await.unwrap_or_else(|error| panic!("{error}"));
    look.0.into_inner()
}

/// Intake's services: whether a letter was kept.
#[derive(Default)]
struct Look(AtomicBool);

impl EventBus for Look {
    fn put_all(&self, _: &[BusEvent]) -> impl Future<Output = Result<(), Vec<BusEvent>>> + Send {
        ready(Ok(()))
    }
}

impl OrderServices for Look {}

impl IntakeServices for Look {
    fn put_faulty(
        &self,
        _: &str,
        _: &FaultyOrder,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send {
        self.0.store(true, Ordering::Relaxed);
        ready(Ok(()))
    }
}

/// Checks that the answer is `skipped` or a problem, because nothing was sent.
fn is_answered(answer: &Value) {
    let body = answer["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    match answer["statusCode"].as_u64() {
        Some(200) => {
            assert_eq!(body["state"], "skipped");
            assert_eq!(body["network"], CashMyCell::NAME);
        }
        Some(status @ (400 | 413 | 415 | 422 | 503)) => {
            assert_eq!(body["status"], status);
            assert!(body["code"].is_string() && body["detail"].is_string(), "{body}");
            assert_eq!(status == 422, body["errors"].is_array(), "{body}");
        }
        other => panic!("{other:?} is no answer of the API's: {body}"),
    }
}

/// The orders that were put back on the queue, and the bodies that became dead letters.
#[derive(Default)]
struct Taken {
    put_back: Vec<Value>,
    dead_letters: Vec<String>,
}

impl Taken {
    const fn is_empty(&self) -> bool {
        self.put_back.is_empty() && self.dead_letters.is_empty()
    }
}

/// A queue that takes everything, and nothing else.
#[derive(Default)]
struct FakeServices(Mutex<Taken>);

impl FakeServices {
    fn taken(&self) -> Taken {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Services for FakeServices {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn random(&self) -> u64 {
        7
    }

    fn requeue(
        &self,
        order: &DelayedOrder<'_>,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send {
        assert!(delay <= LONGEST_DELAY);
        assert!(order.not_before_ms > NOW.as_millis(), "it is due, and was put back");
        let detail = serde_json::from_str(order.detail.get()).unwrap_or_default();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.put_back.push(detail);
        ready(Ok(()))
    }

    fn dead_letter(
        &self,
        body: &str,
        _: &'static str,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.dead_letters.push(body.to_owned());
        ready(Ok(()))
    }

    fn secret(&self) -> impl Future<Output = Result<Secret, Unavailable>> + Send {
        ready(Ok(Secret { json: "{}".into(), version: "1".to_owned() }))
    }

    fn measure(&self, _: &'static str, _: &Metrics) {}
}

fn seeds() {
    let message = |kind: &str, order: &str, due: i64| {
        let detail: Value = serde_json::from_str(order).unwrap_or_default();
        json!({ "source": "shop", "detail-type": kind, "detail": detail, "not_before_ms": due })
    };
    let record = |id: &str, body: &Value| {
        json!({ "messageId": id, "body": body.to_string(), "eventSource": "aws:sqs",
                "attributes": { "ApproximateReceiveCount": "1" } })
    };
    let batch = |records: &[Value]| json!({ "Records": records }).to_string().into_bytes();
    let later = NOW.as_millis() + 60_000;
    let nobodys = r#"{"order_id":"A-1","status":"completed","completed_at":"2026-11-21T10:15:00Z","currency":"INR","total":1}"#;
    seeds::from_orders(|order| batch(&[record("m-1", &message(ORDER_COMPLETED, order, 0))]));
    let mixed = [
        record("m-1", &message(ORDER_COMPLETED, nobodys, 0)),
        record("m-2", &message("order.cancelled", nobodys, 0)),
        record("m-3", &message(ORDER_DELAYED, nobodys, later)),
        record("m-4", &json!("no event")),
        record("m-5", &message(ORDER_COMPLETED, r#"{"order_id":"A-2"}"#, 0)),
    ];
    seeds::write("mixed", &batch(&mixed));
    for (number, one) in mixed.iter().enumerate() {
        seeds::write(&format!("m-{number}"), &batch(std::slice::from_ref(one)));
    }
    let request = |body: &str, encoded: bool| {
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/orders/cashmycell",
            "rawQueryString": "", "headers": { "content-type": "application/json" },
            "requestContext": { "http": { "method": "POST", "path": "/orders/cashmycell" } },
            "body": body, "isBase64Encoded": encoded,
        })
        .to_string()
        .into_bytes()
    };
    seeds::write("request", &request(nobodys, false));
    seeds::write("request-whole", &request(&networks::order().to_string(), false));
    seeds::write("request-encoded", &request("eyJvcmRlcl9pZCI6IkEtMSJ9", true));
    seeds::write("schedule", br#"{"detail-type":"postback.poll_status"}"#);
}
