//! Orders that senders put on the bus themselves: no answer can say what is wrong with them, so
//! intake looks at each. What is faulty is kept for a person: the networks' functions leave it to
//! intake where it is certain to read the same.

use postback_core::{
    clock::Timestamp,
    fields::{Fault, UnknownFields},
    order::{self, Arrived, OrderId, Status},
};
use postback_orders::{
    Arrival, Sender, cookie_keys, has_cookie, measure,
    networks::{click_faults_on_bus, warn_of_customer},
    resolve,
};
use postback_runtime::{
    metrics,
    services::{FaultyOrder, IntakeServices, ORDER_COMPLETED, ORDER_TYPES, Unavailable},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The detail type of an order that waits to be completed: no rule takes it.
const ORDER_PENDING: &str = "order.pending";

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Box<RawValue>,
}

/// Looks at one event of the bus. The error leaves it on the queue.
pub async fn take(
    event: &str,
    services: &impl IntakeServices,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let Refused { kept, counted } = match read_event(event, now) {
        Ok(event) => return record(event, services, now).await,
        Err(refused) => refused,
    };
    services.put_faulty(event, &kept).await?;
    let FaultyOrder { reason, order_id, faults } = kept;
    let code = "bus_order_faulty";
    tracing::warn!(code, reason, order_id, faults, "an event of the bus was kept");
    measure(&metrics::Intake::Refused(counted), services, now);
    Ok(())
}

/// Measures an order. One with a capture cookie, which no rule takes, goes on the bus again with the
/// clicks of the cookie: more than once if this is interrupted, which every network's ledger settles.
async fn record(
    Event { source, detail_type, detail, order }: Event,
    services: &impl IntakeServices,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let sender = Sender::bus(&source);
    if !has_cookie(&detail) || order.status() != Status::Completed {
        let arrival = Arrival::from_bus(&order, &detail_type, &detail, services.networks());
        return arrival.record(&sender, services, now).await.map_err(|_| Unavailable);
    }
    let keys = cookie_keys(&detail, services, now).await;
    let (detail, cookie) = resolve(detail, &keys);
    let order = Arrived::from_json(&detail, UnknownFields::Ignore).unwrap_or(order);
    services.put(&sender.source(), &detail_type, detail.to_string()).await?;
    let arrival = Arrival::from_bus(&order, &detail_type, &detail, services.networks());
    arrival.with_cookie(cookie).record(&sender, services, now).await.map_err(|_| Unavailable)
}

/// An event with an order without faults.
struct Event {
    source: String,
    detail_type: String,
    detail: Value,
    order: Arrived,
}

/// An event that reaches no network.
struct Refused {
    kept: FaultyOrder,
    /// The reason by which it is counted: its first fault, as at the API.
    counted: &'static str,
}

fn read_event(event: &str, now: Timestamp) -> Result<Event, Refused> {
    let Ok(Envelope { source, detail_type, detail }) = serde_json::from_str(event) else {
        let reason = "not_an_event";
        let kept = FaultyOrder { reason, order_id: None, faults: String::new() };
        return Err(Refused { kept, counted: reason });
    };
    let refused = |reason, faults: &[Fault]| {
        let counted = order::first_fault(faults).unwrap_or(reason);
        let order_id = order::faulty_id(detail.get(), faults);
        let order_id = order_id.as_ref().map(OrderId::to_string);
        Refused { kept: FaultyOrder { reason, order_id, faults: Fault::list(faults) }, counted }
    };
    let read = order::read_event(detail.get(), now);
    let (order, value) = read.map_err(|faults| refused("invalid_order", &faults))?;
    if detail_type != ORDER_PENDING && !ORDER_TYPES.contains(&detail_type.as_str()) {
        return Err(refused("other_type", &[]));
    }
    if !fits(order.status(), &detail_type) {
        return Err(refused("type_differs", &[]));
    }
    let faults = click_faults_on_bus(&value);
    if !faults.is_empty() {
        return Err(refused("unknown_click", &faults));
    }
    warn_of_customer(&value, order.order_id().as_str());
    Ok(Event { source, detail_type, detail: value, order })
}

/// Returns whether the networks' rules take an order of this status in an event of this type, or
/// leave it to be completed.
fn fits(status: Status, detail_type: &str) -> bool {
    match status {
        Status::Completed => detail_type == ORDER_COMPLETED,
        // A sender may put all of its orders on the bus under one type.
        Status::Pending => [ORDER_PENDING, ORDER_COMPLETED].contains(&detail_type),
        Status::Cancelled | Status::Refunded | Status::PartiallyRefunded => {
            ORDER_TYPES.contains(&detail_type)
        }
    }
}
