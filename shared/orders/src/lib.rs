//! An order that arrives at the API: read, with the clicks of the networks of this build, and put on
//! the bus. Intake and the webhook share it, so that both take the same orders.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use postback_core::{
    clock::Timestamp,
    delivery::Facts,
    fields::UnknownFields,
    order::Arrived,
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{self, Posted, Request, Response},
    metrics,
    services::OrderServices,
};
use serde::Serialize;

mod arrival;
pub mod clicks;
pub mod networks;
mod sender;

pub use arrival::Arrival;
pub use sender::Sender;

#[derive(Serialize)]
struct Accepted<'a> {
    order_id: &'a str,
    accepted_at: Timestamp,
}

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The largest order, in bytes: what one event on the bus may hold, without its envelope.
const LARGEST_DETAIL: usize = api::LARGEST_BODY - 1024;

/// An order without faults, as it goes on the bus.
#[derive(Debug)]
pub struct CheckedOrder {
    order: Arrived,
    detail_type: String,
    detail: String,
    /// The facts by which a repetition of the same message is recognised.
    pub facts: Facts,
}

fn facts(order: &Arrived) -> Facts {
    let id = format!("{}\n{}", order.order_id(), order.status().as_str());
    let facts = match order {
        Arrived::Order(order) => Facts::of_total(order.total, order.currency),
        Arrived::Cancelled(_) => Facts::none(),
    };
    facts.digest("order", &id)
}

impl CheckedOrder {
    /// Reads the order that `request` posts.
    pub fn parse(request: &Request) -> Result<Self, Problem> {
        let body = Posted::by(request).json()?;
        let not_json = |_| Problem::new(Code::NotJson, "Send one JSON object: the order.");
        let value = serde_json::from_str(body.get()).map_err(not_json)?;
        let order = match (Arrived::read(&value, UnknownFields::Deny), clicks::faults(&value)) {
            (Ok(order), faults) if faults.is_empty() => order,
            (order, more) => {
                let mut faults = order.err().unwrap_or_default();
                faults.extend(more);
                return Err(Problem::invalid_order(faults));
            }
        };
        let detail = match &order {
            Arrived::Order(order) => serde_json::to_string(order),
            Arrived::Cancelled(cancelled) => serde_json::to_string(cancelled),
        };
        let detail = detail.unwrap_or_default();
        if detail.len() > LARGEST_DETAIL {
            return Err(api::too_large());
        }
        let detail_type = format!("order.{}", order.status().as_str());
        Ok(Self { facts: facts(&order), order, detail_type, detail })
    }

    /// Puts it on the bus, measures it, and keeps it if it concerns no network.
    pub async fn take(
        &self,
        sender: &Sender,
        services: &impl OrderServices,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let source = sender.source();
        let put = services.put(&source, &self.detail_type, self.detail.clone()).await;
        put.map_err(|_| {
            let detail =
                "The event bus did not accept the order. Send it again: nothing is reported twice.";
            Problem::new(Code::BusUnavailable, detail)
        })?;
        let detail = serde_json::from_str(&self.detail).unwrap_or_default();
        let arrival = Arrival::of(&self.order, &self.detail_type, &detail, services.networks());
        // The order is on the bus: nothing here makes the answer an error.
        if arrival.record(sender, services, now).await.is_err() {
            let (code, order_id) = ("unclaimed_order_not_kept", self.order.order_id().as_str());
            tracing::warn!(code, order_id, "the ledger holds nothing of this order");
        }
        Ok(())
    }

    /// The answer to its sender.
    #[must_use]
    pub fn accepted(&self, accepted_at: Timestamp) -> Response {
        let order_id = self.order.order_id().as_str();
        let location = format!("/orders/{}", utf8_percent_encode(order_id, RESERVED));
        let body = serde_json::to_string(&Accepted { order_id, accepted_at }).unwrap_or_default();
        api::respond(202, "application/json", body, &[("location", location)])
    }
}

/// Measures the refusal of an order. What is not the order's fault is no refusal of it.
pub fn measure_refusal(code: Code, services: &impl OrderServices, now: Timestamp) {
    if matches!(code.status(), 400 | 402..500) && code != Code::WebhookOff {
        measure(&metrics::Intake::Refused(code.as_str()), services, now);
    }
}

/// Writes what was measured.
pub fn measure(measured: &metrics::Intake, services: &impl OrderServices, now: Timestamp) {
    for document in measured.documents(services.stack(), now) {
        services.measure(&document);
    }
}
