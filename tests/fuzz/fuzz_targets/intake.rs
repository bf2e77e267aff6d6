//! Any request to the API, as API Gateway hands it over.

#![no_main]

use std::{
    future::Future,
    pin::pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use postback_conformance::NOW;
use postback_core::{fields::UnknownFields, order::Arrived};
use postback_fuzz::{mutate, seeds};
use postback_runtime::{
    lambda::api::Request,
    services::{BusEvent, EventBus, OrderServices},
};
use serde_json::{Value, json};

fuzz_target!(init: seeds(), |data: &[u8]| {
    let Ok(request) = serde_json::from_slice::<Request>(data) else { return };
    let bus = Bus::default();

    let response = answer(&request, &bus);

    let taken = bus.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    match response {
        202 => {
            let [BusEvent { detail_type, detail, .. }] = &taken[..] else { panic!("taken, and not one event") };
            assert!(detail_type.starts_with("order."));
            let order = serde_json::from_str::<Value>(detail);
            let order = order.unwrap_or_else(|error| panic!("{error}: {detail}"));
            let order = Arrived::from_json(&order, UnknownFields::Ignore);
            assert!(order.is_ok(), "{order:?}");
        }
        200 | 400 | 404 | 405 | 413 | 415 | 422 => assert!(taken.is_empty()),
        other => panic!("{other} is no answer of the API's"),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed, 0)
});

fn answer(request: &Request, bus: &Bus) -> u16 {
    let answer = pin!(intake::answer(request, bus, NOW));
    match answer.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response.status_code,
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}

impl OrderServices for Bus {}

/// A bus that takes everything at once.
#[derive(Default)]
struct Bus(Mutex<Vec<BusEvent>>);

impl EventBus for Bus {
    fn put_all(
        &self,
        events: &[BusEvent],
    ) -> impl Future<Output = Result<(), Vec<BusEvent>>> + Send {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend_from_slice(events);
        std::future::ready(Ok(()))
    }
}

fn seeds() {
    let event = |body: &str, encoded: bool| {
        json!({
            "version": "2.0", "routeKey": "POST /orders", "rawPath": "/orders",
            "rawQueryString": "", "headers": { "content-type": "application/json" },
            "requestContext": { "http": { "method": "POST", "path": "/orders" } },
            "body": body, "isBase64Encoded": encoded,
        })
        .to_string()
        .into_bytes()
    };
    seeds::from_orders(|order| event(order, false));
    seeds::write("encoded", &event("eyJvcmRlcl9pZCI6IkEtMSJ9", true));
}
