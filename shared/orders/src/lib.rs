//! An order that arrives at the API: read, with the clicks of the networks of this build, and put on
//! the bus. Intake and the webhook share it, so that both take the same orders.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use postback_core::{
    clock::Timestamp,
    delivery::{Facts, RETENTION},
    fields::{Fault, UnknownFields},
    order::{Arrived, Order, OrderId, id_of},
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{self, Posted, Request, Response},
    metrics,
    services::{CookieSecret, OrderServices},
};
use serde::Serialize;
use serde_json::{Value, json};

mod arrival;
mod budget;
mod cookie;
pub mod keyring;
pub mod keys;
mod landing;
pub mod networks;
pub mod platform;
mod sender;

pub use arrival::Arrival;
pub use cookie::{COOKIE_KEYS, CookieKeys, CookieResult, has_cookie, resolve};
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
    /// The result of reading its capture cookie.
    cookie: Option<CookieResult>,
    /// The facts by which a repetition of the same message is recognised.
    pub facts: Facts,
}

fn facts(order: &Arrived) -> Facts {
    let id = format!("{}\n{}", order.order_id(), order.status().as_str());
    let facts = match order {
        Arrived::Order(order) => Facts::of_total(order.total, order.currency),
        Arrived::Cancelled(_) => Facts::none(),
        Arrived::PartlyRefunded(partial) => {
            let refunds = partial.refunds.iter();
            let refunds = refunds.map(|it| format!("{}\n{}\n", it.id, it.amount.shortest()));
            Facts::of_currency(partial.currency).digest("refunds", &refunds.collect::<String>())
        }
    };
    facts.digest("order", &id)
}

/// The order as it was read: without what stands for none.
pub(crate) fn cleaned(order: &Arrived) -> Value {
    match order {
        Arrived::Order(order) => json!(order),
        Arrived::Cancelled(cancelled) => json!(cancelled),
        Arrived::PartlyRefunded(partial) => json!(partial),
    }
}

impl CheckedOrder {
    /// Checks the order that is the body of a request.
    pub async fn of_request(
        request: &Request,
        services: &impl OrderServices,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        Self::check(Posted::by(request).json()?, services, now).await
    }

    /// Checks an order, its capture cookie read by the keys in force.
    pub async fn check(
        order: Value,
        services: &impl OrderServices,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        Self::check_with(order, services, now, |_| {}).await
    }

    /// The same; `complete` adds to the order once the cookie's clicks are in it.
    pub(crate) async fn check_with(
        order: Value,
        services: &impl OrderServices,
        now: Timestamp,
        complete: impl FnOnce(&mut Value),
    ) -> Result<Self, Problem> {
        let keys = cookie_keys(&order, services, now).await;
        let (mut order, cookie) = resolve(order, &keys);
        complete(&mut order);
        let read = Arrived::from_json(&order, UnknownFields::Deny);
        let is_held = match &read {
            Ok(Arrived::Order(order)) if order.is_older(now, RETENTION) => {
                is_held(order, services).await?
            }
            _ => false,
        };
        Self::of(&order, read, is_held, cookie, now)
    }

    /// Checks an order that the ledger does not hold.
    pub fn check_unheld(order: Value, keys: &CookieKeys, now: Timestamp) -> Result<Self, Problem> {
        let (order, cookie) = resolve(order, keys);
        let read = Arrived::from_json(&order, UnknownFields::Deny);
        Self::of(&order, read, false, cookie, now)
    }

    fn of(
        given: &Value,
        read: Result<Arrived, Vec<Fault>>,
        is_held: bool,
        cookie: Option<CookieResult>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let dated = read.as_ref().ok();
        let mut faults: Vec<_> = dated.iter().flat_map(|order| order.too_far_ahead(now)).collect();
        faults.extend(dated.filter(|_| !is_held).and_then(|order| order.too_old(now, RETENTION)));
        faults.extend(networks::click_faults(given));
        let refused = |faults| Problem::invalid_order(faults).of_order(id_of(given));
        let order = match read {
            Ok(order) if faults.is_empty() => order,
            Ok(_) => return Err(refused(faults)),
            Err(more) => return Err(refused([more, faults].concat())),
        };
        networks::warn_of_customer(given, order.order_id().as_str());
        let detail = cleaned(&order);
        let detail_type = format!("order.{}", order.status().as_str());
        let checked = Self { facts: facts(&order), order, detail_type, detail, cookie };
        if checked.detail.to_string().len() > LARGEST_DETAIL {
            return Err(api::too_large().of_order(id_of(given)));
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
        self.put(sender, services).await?;
        self.record(sender, services, now).await;
        Ok(())
    }

    /// Puts it on the bus.
    pub(crate) async fn put(
        &self,
        sender: &Sender,
        services: &impl OrderServices,
    ) -> Result<(), Problem> {
        let put = services.put(&sender.source(), &self.detail_type, self.detail.to_string()).await;
        put.map_err(|_| {
            let detail =
                "The event bus did not accept the order. Send it again: nothing is reported twice.";
            Problem::new(Code::BusUnavailable, detail).of_order(self.order_id().clone())
        })
    }

    /// The order's id.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        self.order.order_id()
    }

    /// Measures it, and keeps it if it concerns no network. The order is on the bus: nothing here makes
    /// the answer an error.
    pub(crate) async fn record(
        &self,
        sender: &Sender,
        services: &impl OrderServices,
        now: Timestamp,
    ) {
        if self.arrival(services).record(sender, services, now).await.is_err() {
            let (code, order_id) = ("unclaimed_order_not_kept", self.order.order_id().as_str());
            tracing::warn!(code, order_id, "the ledger holds nothing of this order");
        }
    }

    fn arrival(&self, services: &impl OrderServices) -> Arrival<'_> {
        let Self { order, detail_type, detail, cookie, .. } = self;
        Arrival::of(order, detail_type, detail, services.networks()).with_cookie(*cookie)
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

/// Returns whether the ledger holds an order that is older than its memory: then it is no new one.
async fn is_held(order: &Order, services: &impl OrderServices) -> Result<bool, Problem> {
    services.holds(&order.order_id, order.completed_at).await.map_err(|_| {
        let detail = "The ledger could not be reached, so nothing was sent. Send the order again.";
        Problem::new(Code::LedgerUnavailable, detail).of_order(order.order_id.clone())
    })
}

/// The keys of the capture cookie, read where the order has one.
pub async fn cookie_keys(
    order: &Value,
    services: &impl OrderServices,
    now: Timestamp,
) -> CookieKeys {
    if !has_cookie(order) {
        return CookieKeys::of(&CookieSecret::Unsigned);
    }
    CookieKeys::of(&services.cookie_secret(now).await)
}

/// Measures the refusal of an order. What is not the order's fault is no refusal of it.
pub fn measure_refusal(problem: &Problem, services: &impl OrderServices, now: Timestamp) {
    if let Some(refusal) = metrics::Intake::refusal(problem) {
        measure(&refusal, services, now);
    }
}

/// Writes what was measured.
pub fn measure(measured: &metrics::Intake, services: &impl OrderServices, now: Timestamp) {
    for document in measured.documents(services.stack(), now) {
        services.measure(&document);
    }
}
