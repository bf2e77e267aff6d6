//! The events of the bus: the real publisher over the table's stream.

use std::sync::{Mutex, PoisonError};

use postback_runtime::{
    lambda::StreamHandler,
    services::{BusEvent, EventBus, PublishServices, Unavailable},
};
use publish::Publisher;
use serde_json::{Value, json, value::to_raw_value};

use crate::TestBed;

/// A bus in memory, and the status queues of the networks.
#[derive(Debug, Default)]
pub struct RecordingBus {
    events: Mutex<Vec<(String, Value)>>,
    tracked: Mutex<Vec<(String, String)>>,
    refusals: Mutex<Vec<bool>>,
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
                let detail = serde_json::from_str(&event.detail).unwrap_or_default();
                taken.push((event.detail_type.clone(), detail));
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }
}

impl PublishServices for &RecordingBus {
    async fn track(&self, network: &str, event: String) -> Result<(), Unavailable> {
        let mut tracked = self.tracked.lock().unwrap_or_else(PoisonError::into_inner);
        tracked.push((network.to_owned(), event));
        Ok(())
    }
}

impl TestBed {
    /// Everything that the bus has, once the ledger's stream was published: detail type and detail.
    ///
    /// # Panics
    ///
    /// When the publisher fails.
    pub async fn published(&self) -> Vec<(String, Value)> {
        let bus = RecordingBus::default();
        publish_to(&bus, &self.table.stream()).await.expect("published");
        bus.events()
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
