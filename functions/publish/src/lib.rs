//! Publishes the ledger's changes on the bus: the ledger is the outbox.
//!
//! The table's stream calls this function with each write. The pure function
//! [`events`] turns a write into events; this function puts them on
//! the bus in the order of the writes. If the bus refuses, the whole batch fails and Lambda repeats
//! it: the events keep their ids, so a consumer recognises a repetition. A record that can't be
//! read becomes one `postback.unreadable` and stops nothing.
//!
//! After an outage that was longer than the stream keeps its records, `postback events replay` calls
//! this function with records of the ledger instead; events before its `from` are left out.
//!
//! A delivery to a network whose later status is polled goes to that network's status queue, too.

use std::collections::HashSet;

use lambda_runtime::Error;
use postback_core::{
    delivery::{Key, State},
    digest::sha256,
    events::{DeliveryEvent, Kind, events},
};
use postback_runtime::{
    lambda::{
        RawValue, StreamHandler,
        stream::{Batch, Write},
    },
    services::{BusEvent, PublishServices},
};
use serde_json::json;

/// The number of times that refused events are put again within one invocation.
const TRIES: u32 = 3;

/// Publishes the writes of a batch.
#[derive(Debug)]
pub struct Publisher<S> {
    services: S,
}

impl<S: PublishServices> Publisher<S> {
    /// A publisher over `services`.
    pub const fn new(services: S) -> Self {
        Self { services }
    }

    /// Publishes the events of a batch.
    async fn publish(&self, batch: &Batch) -> Result<(), Error> {
        let mut published = Vec::new();
        for write in &batch.writes {
            match write {
                Write::Delivery { since, record } => {
                    let mut events = events(*since, record);
                    events.retain(|event| batch.from.is_none_or(|from| event.at >= from));
                    published.extend(events.into_iter().map(Published::Delivery));
                }
                Write::Unreadable(key) => {
                    let (code, order_id, delivery) = ("unreadable", &key.order_id, &key.delivery);
                    tracing::error!(code, order_id, delivery, "an item could not be read");
                    published.push(Published::Unreadable(key.clone()));
                }
                Write::Deleted { .. } => {}
            }
        }
        self.put(&published).await?;
        self.track(&published).await
    }

    /// Puts all events on the bus, in their order.
    async fn put(&self, published: &[Published]) -> Result<(), Error> {
        for wave in waves(published) {
            let mut rest: Vec<_> = wave.iter().map(Published::bus_event).collect();
            let mut tries = TRIES;
            while let Err(refused) = self.services.put_all(&rest).await {
                tries -= 1;
                if tries == 0 {
                    let (code, count) = ("events_not_published", refused.len());
                    tracing::error!(code, count, "the bus refused; the batch is repeated");
                    return Err("the bus refused events".into());
                }
                rest = refused;
            }
        }
        Ok(())
    }

    /// Puts each delivered order on its network's status queue, where there is one.
    async fn track(&self, published: &[Published]) -> Result<(), Error> {
        for event in published {
            let Published::Delivery(event) = event else { continue };
            if event.kind != Kind::State(State::Delivered) {
                continue;
            }
            let body = json!(event).to_string();
            if self.services.track(&event.network, body).await.is_err() {
                let code = "lead_not_tracked";
                tracing::error!(code, "the status queue refused; the batch is repeated");
                return Err("the status queue refused a message".into());
            }
        }
        Ok(())
    }
}

impl<S: PublishServices> StreamHandler for Publisher<S> {
    async fn handle(&self, payload: &RawValue) -> Result<(), Error> {
        self.publish(&Batch::read(payload)?).await
    }
}

/// An event to be published.
enum Published {
    Delivery(DeliveryEvent),
    Unreadable(Key),
}

impl Published {
    fn delivery(&self) -> (&str, &str, Option<&str>) {
        match self {
            Self::Delivery(event) => (&event.order_id, &event.network, event.line.as_deref()),
            Self::Unreadable(key) => (&key.order_id, &key.delivery, None),
        }
    }

    fn bus_event(&self) -> BusEvent {
        match self {
            Self::Delivery(event) => {
                BusEvent { detail_type: event.detail_type(), detail: json!(event).to_string() }
            }
            Self::Unreadable(Key { order_id, delivery }) => {
                let id = sha256(&format!("{order_id}\n{delivery}\nunreadable"), 16);
                let detail = json!({ "id": id, "order_id": order_id, "delivery": delivery });
                let detail_type = "postback.unreadable".to_owned();
                BusEvent { detail_type, detail: detail.to_string() }
            }
        }
    }
}

/// Cuts the events so that no two of one delivery go to the bus in the same call: it may take the
/// second and refuse the first.
fn waves(published: &[Published]) -> Vec<&[Published]> {
    let mut waves = Vec::new();
    let mut start = 0;
    let mut seen = HashSet::new();
    for (index, event) in published.iter().enumerate() {
        if !seen.insert(event.delivery()) {
            waves.push(&published[start..index]);
            start = index;
            seen = HashSet::from([event.delivery()]);
        }
    }
    waves.push(&published[start..]);
    waves
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use postback_core::{clock::Timestamp, delivery::Record};
    use postback_runtime::{
        lambda::stream,
        services::{EventBus, Unavailable},
    };

    use super::*;

    /// A bus that accepts everything.
    #[derive(Default)]
    struct Accepting(Mutex<Vec<BusEvent>>);

    impl EventBus for &Accepting {
        async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
            self.0.lock().expect("the bus").extend_from_slice(events);
            Ok(())
        }
    }

    impl PublishServices for &Accepting {
        async fn track(&self, _: &str, _: String) -> Result<(), Unavailable> {
            Ok(())
        }
    }

    fn record(order_id: &str, updated_at: &str) -> Record {
        let record = json!({
            "order_id": order_id, "delivery": "net", "version": 1, "write_id": "0",
            "state_version": 1, "state_at": updated_at, "state": "rejected", "attempt": 0, "facts": {},
            "first_seen_at": updated_at, "claim_expires_at": updated_at,
            "not_before": updated_at, "updated_at": updated_at, "expires_at": 0,
        });
        serde_json::from_value(record).expect("a record")
    }

    #[tokio::test]
    async fn a_replay_publishes_only_what_happened_since_its_beginning() {
        let records =
            [record("A-1", "2026-11-20T10:15:00Z"), record("A-2", "2026-11-21T10:15:00Z")];
        let from = Timestamp::parse("2026-11-21T00:00:00Z");
        let published = async |from| {
            let bus = Accepting::default();
            let event = stream::replay(&records, from).expect("an event");
            Publisher::new(&bus).handle(&event).await.expect("published");
            let events = bus.0.into_inner().expect("the bus");
            let orders = events.into_iter().map(|event| {
                let detail: serde_json::Value = serde_json::from_str(&event.detail).expect("JSON");
                detail["order_id"].as_str().unwrap_or_default().to_owned()
            });
            orders.collect::<Vec<_>>()
        };

        assert_eq!(published(from).await, ["A-2"]);
        assert_eq!(published(None).await, ["A-1", "A-2"]);
    }
}
