//! The events of the bus: the real publisher over the table's stream.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use postback_core::network::Network;
use postback_runtime::{
    lambda::StreamHandler,
    services::{BusEvent, EventBus, PublishServices, Unavailable},
};
use publish::Publisher;
use serde_json::{Value, json, value::to_raw_value};

use crate::{Function, TestBed};

/// A bus in memory, and the status queues of the networks.
#[derive(Debug, Default)]
pub struct RecordingBus {
    events: Mutex<Vec<(String, Value)>>,
    tracked: Mutex<Vec<(String, String)>>,
    refusals: Mutex<Vec<bool>>,
    refuses_tracking: AtomicBool,
}

impl RecordingBus {
    /// The events so far: detail type and detail.
    #[must_use]
    pub fn events(&self) -> Vec<(String, Value)> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The messages for the status queues so far: network and body.
    #[must_use]
    pub fn tracked(&self) -> Vec<(String, String)> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses each of the next events for which `refusals` is true.
    pub fn refuse(&self, refusals: impl IntoIterator<Item = bool>) {
        let mut next: Vec<_> = refusals.into_iter().collect();
        next.reverse();
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Makes the status queues refuse messages, or take them again.
    pub fn refuse_tracking(&self, refuses: bool) {
        self.refuses_tracking.store(refuses, Ordering::Relaxed);
    }
}

impl EventBus for &RecordingBus {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        tokio::task::yield_now().await;
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refused = Vec::new();
        for event in events {
            if refusals.pop().unwrap_or_default() {
                refused.push(event.clone());
            } else {
                let detail = serde_json::from_str(&event.detail).expect("a detail is JSON");
                taken.push((event.detail_type.clone(), detail));
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }
}

impl PublishServices for &RecordingBus {
    async fn track(&self, network: &str, event: String) -> Result<(), Unavailable> {
        if self.refuses_tracking.load(Ordering::Relaxed) {
            return Err(Unavailable);
        }
        let mut tracked = self.tracked.lock().unwrap_or_else(PoisonError::into_inner);
        tracked.push((network.to_owned(), event));
        Ok(())
    }
}

impl TestBed {
    /// All events of the bus, once the ledger's stream was published: detail type and detail.
    ///
    /// # Panics
    ///
    /// If the publisher fails.
    pub async fn published(&self) -> Vec<(String, Value)> {
        self.publish().await.events()
    }

    /// The events about one network's deliveries.
    ///
    /// # Panics
    ///
    /// If the publisher fails.
    pub async fn published_of(&self, network: &str) -> Vec<(String, Value)> {
        let events = self.published().await.into_iter();
        events.filter(|(_, detail)| detail["network"] == network).collect()
    }

    /// The messages for the status queues, once the ledger's stream was published: network and body.
    ///
    /// # Panics
    ///
    /// If the publisher fails.
    pub async fn tracked(&self) -> Vec<(String, String)> {
        self.publish().await.tracked()
    }

    /// Publishes the ledger's stream and puts the function's delivered orders on its status queue.
    ///
    /// # Panics
    ///
    /// If the publisher fails.
    pub async fn track<N: Network>(&self, function: &Function<N>) {
        let tracked = self.tracked().await;
        for (_, event) in tracked.iter().filter(|(network, _)| network == N::NAME) {
            function.services.track(event);
        }
    }

    async fn publish(&self) -> RecordingBus {
        let bus = RecordingBus::default();
        publish_to(&bus, &self.table.stream()).await.expect("published");
        bus
    }
}

/// Publishes writes of the stream as one batch.
///
/// # Errors
///
/// The text of a failed invocation.
///
/// # Panics
///
/// Never: a batch is JSON.
pub async fn publish_to(bus: &RecordingBus, writes: &[Value]) -> Result<(), String> {
    let batch = to_raw_value(&json!({ "Records": writes })).expect("JSON");
    Publisher::new(bus).handle(&batch).await.map_err(|error| error.to_string())
}
