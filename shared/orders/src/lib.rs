//! An order that arrives at the API: read, with the clicks of the networks of this build, and put on
//! the bus. Intake and the webhook share it, so that both take the same orders.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use postback_core::{
    clock::Timestamp,
    delivery::{Facts, RETENTION},
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
use serde_json::{Value, json};

mod arrival;
pub mod networks;
mod sender;

pub use arrival::Arrival;
pub use sender::Sender;

#[derive(Serialize)]
struct Answer<'a> {
    order_id: &'a str,
    accepted_at: Timestamp,
    networks: Vec<&'static str>,
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
    detail: Value,
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
    /// Checks the order that is the body of a request.
    pub fn parse(request: &Request, now: Timestamp) -> Result<Self, Problem> {
        Self::check(&Posted::by(request).json()?, now)
    }

    /// Checks an order.
    pub fn check(order: &Value, now: Timestamp) -> Result<Self, Problem> {
        let read = Arrived::read(order, UnknownFields::Deny);
        let mut faults = networks::click_faults(order);
        let dated = read.as_ref().ok();
        faults.extend(dated.and_then(|order| order.completed_too_late(now)));
        faults.extend(dated.and_then(|order| order.too_old(now, RETENTION)));
        let order = match read {
            Ok(order) if faults.is_empty() => order,
            Ok(_) => return Err(Problem::invalid_order(faults)),
            Err(more) => return Err(Problem::invalid_order([more, faults].concat())),
        };
        let detail = match &order {
            Arrived::Order(order) => json!(order),
            Arrived::Cancelled(cancelled) => json!(cancelled),
        };
        let detail_type = format!("order.{}", order.status().as_str());
        let checked = Self { facts: facts(&order), order, detail_type, detail };
        if checked.detail.to_string().len() > LARGEST_DETAIL {
            return Err(api::too_large());
        }
        Ok(checked)
    }

    /// Puts it on the bus, measures it, and keeps it if it concerns no network.
    pub async fn take(
        &self,
        sender: &Sender,
        services: &impl OrderServices,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let put = services.put(&sender.source(), &self.detail_type, self.detail.to_string()).await;
        put.map_err(|_| {
            let detail =
                "The event bus did not accept the order. Send it again: nothing is reported twice.";
            Problem::new(Code::BusUnavailable, detail)
        })?;
        // The order is on the bus: nothing here makes the answer an error.
        if self.arrival(services).record(sender, services, now).await.is_err() {
            let (code, order_id) = ("unclaimed_order_not_kept", self.order.order_id().as_str());
            tracing::warn!(code, order_id, "the ledger holds nothing of this order");
        }
        Ok(())
    }

    fn arrival(&self, services: &impl OrderServices) -> Arrival<'_> {
        Arrival::of(&self.order, &self.detail_type, &self.detail, services.networks())
    }

    /// The answer to an order that the bus has accepted.
    pub fn accepted(&self, services: &impl OrderServices, accepted_at: Timestamp) -> Response {
        let order_id = self.order.order_id().as_str();
        let location = format!("/orders/{}", utf8_percent_encode(order_id, RESERVED));
        let accepted = Answer { order_id, accepted_at, networks: self.arrival(services).networks };
        let body = serde_json::to_string(&accepted).unwrap_or_default();
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
