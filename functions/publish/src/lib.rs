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
    delivery::{Key, Record, State},
    digest::sha256,
    events::{DeliveryEvent, Kind, events, expired},
};
use postback_runtime::{
    lambda::{
        RawValue, StreamHandler,
        stream::{Batch, Write},
    },
    services::{BusEvent, PUBLISHED, PublishServices},
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
        let (mut published, mut tracked) = (Vec::new(), Vec::new());
        for write in &batch.writes {
            match write {
                Write::Delivery { since, record } => {
                    let mut events = events(*since, record);
                    events.retain(|event| batch.from.is_none_or(|from| event.at >= from));
                    tracked.extend(tracked_by(&events, record));
                    if self.services.publishes_only_problems() {
                        events.retain(|event| !event.is_routine());
                    }
                    published.extend(events.into_iter().map(Box::new).map(Published::Delivery));
                }
                Write::Unreadable(key) => {
                    let (code, order_id, delivery) = ("unreadable", &key.order_id, &key.delivery);
                    tracing::error!(code, order_id, delivery, "an item could not be read");
                    published.push(Published::Unreadable(key.clone()));
                }
                Write::Expired { record } => {
                    let event = expired(record).map(Box::new);
                    published.extend(event.map(Published::Delivery));
                }
            }
        }
        self.put(&published).await?;
        self.track(&tracked).await
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
    async fn track(&self, delivered: &[DeliveryEvent]) -> Result<(), Error> {
        for event in delivered {
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
        self.publish(&Batch::from_payload(payload)?).await
    }
}

/// The event by which the later status of a delivery is polled. One whose status is known has been
/// polled before: it is polled on, or it is final.
fn tracked_by(events: &[DeliveryEvent], record: &Record) -> Option<DeliveryEvent> {
    let is_delivered = |event: &&DeliveryEvent| event.kind == Kind::State(State::Delivered);
    let delivered = events.iter().rfind(is_delivered)?;
    record.statuses.is_empty().then(|| delivered.clone())
}

/// An event to be published.
enum Published {
    Delivery(Box<DeliveryEvent>),
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
            Self::Delivery(event) => BusEvent {
                source: PUBLISHED.to_owned(),
                detail_type: event.detail_type(),
                detail: json!(event).to_string(),
            },
            Self::Unreadable(Key { order_id, delivery }) => {
                let id = sha256(&format!("{order_id}\n{delivery}\nunreadable"), 16);
                let detail = json!({ "id": id, "order_id": order_id, "delivery": delivery });
                let detail_type = "postback.unreadable".to_owned();
                BusEvent { source: PUBLISHED.to_owned(), detail_type, detail: detail.to_string() }
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

    use postback_core::{clock::Timestamp, delivery::Stamp, redaction::Details};
    use postback_runtime::{
        lambda::stream,
        services::{EventBus, Unavailable},
    };

    use super::*;

    /// A bus and status queues that accept everything; the flag leaves routine events out.
    #[derive(Default)]
    struct Accepting(Mutex<Vec<BusEvent>>, Mutex<Vec<String>>, bool);

    impl EventBus for &Accepting {
        async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
            self.0.lock().expect("the bus").extend_from_slice(events);
            Ok(())
        }
    }

    impl PublishServices for &Accepting {
        fn publishes_only_problems(&self) -> bool {
            self.2
        }

        async fn track(&self, _: &str, event: String) -> Result<(), Unavailable> {
            self.1.lock().expect("the queues").push(event);
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

    /// The events published when the item of a delivery in `state` is deleted by `principal`.
    async fn published_at_the_end(
        state: State,
        principal: &str,
    ) -> Vec<(String, serde_json::Value)> {
        let mut last = record("A-1", "2026-11-20T10:15:00Z");
        (last.protocol.state, last.expires_at) = (state, 1_795_256_100);
        let event = stream::replay(&[last], None).expect("an event");
        let mut event: serde_json::Value = serde_json::from_str(event.get()).expect("JSON");
        let removed = &mut event["Records"][0];
        removed["dynamodb"]["OldImage"] = removed["dynamodb"]["NewImage"].take();
        removed["userIdentity"] = json!({ "principalId": principal, "type": "Service" });
        let event = serde_json::value::to_raw_value(&event).expect("JSON");
        let bus = Accepting::default();
        Publisher::new(&bus).handle(&event).await.expect("published");
        let events = bus.0.into_inner().expect("the bus").into_iter();
        let detail = |event: &BusEvent| serde_json::from_str(&event.detail).expect("JSON");
        events.map(|event| (event.detail_type.clone(), detail(&event))).collect()
    }

    #[tokio::test]
    async fn what_expires_while_it_is_open_is_published_and_nothing_else_that_is_deleted() {
        let ttl = "dynamodb.amazonaws.com";
        for state in State::ALL {
            let published = published_at_the_end(state, ttl).await;
            assert_eq!(published.len(), usize::from(!state.is_final()), "{state:?}");
            for (detail_type, detail) in published {
                assert_eq!(detail_type, "postback.expired");
                assert_eq!((&detail["state"], &detail["version"]), (&json!(state), &json!(2)));
                assert_eq!(detail["at"], "2026-11-21T10:15:00Z");
            }
        }
        assert_eq!(published_at_the_end(State::Parked, "AIDAEXAMPLE").await, []);
    }

    #[tokio::test]
    async fn what_is_left_out_as_routine_is_tracked_all_the_same() {
        let at = "2026-11-21T10:15:00Z";
        let mut taken = record("A-1", at);
        (taken.protocol.state, taken.version, taken.state_version) = (State::Delivered, 2, 2);
        let bus = Accepting(Mutex::default(), Mutex::default(), true);

        let event = stream::replay(&[taken, record("A-2", at)], None).expect("an event");
        Publisher::new(&bus).handle(&event).await.expect("published");

        let published = bus.0.into_inner().expect("the bus");
        assert_eq!(published.len(), 1);
        assert_eq!(published[0].detail_type, "postback.rejected");
        assert_eq!(bus.1.into_inner().expect("the queues").len(), 1);
    }

    #[tokio::test]
    async fn a_replay_tracks_only_deliveries_whose_status_nobody_knows() {
        let at = "2026-11-21T10:15:00Z";
        let mut delivered = record("A-1", at);
        delivered.protocol.state = State::Delivered;
        let stage = Details::none().code("stage", "hold");
        let stamp = Stamp { now: delivered.updated_at, write_id: 1 };
        let known = delivered.with_status(&stage, None, stamp).expect("a new status");
        let bus = Accepting::default();

        let event = stream::replay(&[delivered, known], None).expect("an event");
        Publisher::new(&bus).handle(&event).await.expect("published");

        assert_eq!(bus.1.into_inner().expect("the queues").len(), 1);
    }
}
