//! Accepts orders at the API and puts them on the bus, where each network's rule selects its own.
//!
//! A sender that can't sign requests for AWS signs its messages to the [webhook](Intake) instead.
//!
//! This function also answers all paths that no other function has: an unknown network, an unknown
//! path, and the API's description at `/openapi.json`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use postback_core::{
    clock::Timestamp,
    fields::UnknownFields,
    order::Order,
    problem::{Code, Problem},
};
use postback_runtime::{
    lambda::api::{self, Posted, Request, Response},
    services::{EventBus, IntakeServices},
};
use serde::Serialize;

mod clicks;
mod description;
mod webhook;

#[derive(Serialize)]
struct Accepted<'a> {
    order_id: &'a str,
    accepted_at: Timestamp,
}

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The largest order, in bytes: what one event on the bus may hold, without its envelope.
const LARGEST_DETAIL: usize = api::LARGEST_BODY - 1024;

/// Accepts orders at the API and, where it is on, at the webhook.
#[derive(Debug)]
pub struct Intake<S> {
    services: S,
    keyring: webhook::Keyring,
}

impl<S: IntakeServices> Intake<S> {
    /// An intake over `services`. The webhook's keys are read with its first message.
    pub fn new(services: S) -> Self {
        Self { services, keyring: webhook::Keyring::default() }
    }

    /// Answers one request.
    pub async fn answer(&self, request: &Request, now: Timestamp) -> Response {
        if path_of(request) != WEBHOOK || !self.services.is_open() {
            return answer(request, &self.services, now).await;
        }
        let answer = match request.method.as_str() {
            "POST" => webhook::accept(request, &self.services, &self.keyring, now).await,
            _ => Ok(not_allowed("POST")),
        };
        answer.unwrap_or_else(|problem| api::problem(&problem))
    }
}

const WEBHOOK: &str = "/webhooks/orders";

fn path_of(request: &Request) -> &str {
    request.path.trim_end_matches('/')
}

/// Answers one request where the webhook is off.
pub async fn answer(request: &Request, bus: &impl EventBus, now: Timestamp) -> Response {
    let path = path_of(request);
    let answer = match (request.method.as_str(), path) {
        ("POST", "/orders") => accept(request, bus, now).await,
        ("GET", "/openapi.json") => Ok(description::answer()),
        (_, "/orders") => Ok(not_allowed("POST")),
        (_, "/openapi.json") => Ok(not_allowed("GET")),
        (_, WEBHOOK) => Err(Problem::new(Code::WebhookOff, WEBHOOK_IS_OFF)),
        ("POST", path) if path.starts_with("/orders/") => {
            Err(no_network(&path["/orders/".len()..]))
        }
        (_, path) if path.starts_with("/orders/") => Ok(not_allowed("GET, POST")),
        _ => Err(Problem::new(Code::UnknownPath, CALLS)),
    };
    answer.unwrap_or_else(|problem| api::problem(&problem))
}

async fn accept(
    request: &Request,
    bus: &impl EventBus,
    now: Timestamp,
) -> Result<Response, Problem> {
    let order = CheckedOrder::parse(request)?;
    order.put(bus).await?;
    Ok(order.accepted(now))
}

const WEBHOOK_IS_OFF: &str = "The webhook is turned off here, so nothing was sent. The operator turns it on with the \
     parameter `WebhookEnabled` of the template. POST /orders always works.";

const CALLS: &str = "Send orders with POST /orders, and read them with GET /orders/{order_id}.";

/// The problem of a request to `name`. A network that is on has a route of its own, so this is none.
fn no_network(name: &str) -> Problem {
    if clicks::is_network(name) {
        let detail = "This network is turned off here, so nothing was sent. The operator turns it on \
                      with its parameter `…Enabled` of the template.";
        return Problem::new(Code::NetworkOff, detail);
    }
    let detail = "There is no such network here. Send the order with POST /orders: it goes to every \
                  network that it concerns.";
    Problem::new(Code::UnknownNetwork, detail)
}

fn not_allowed(methods: &'static str) -> Response {
    let mut response = api::problem(&Problem::new(Code::MethodNotAllowed, CALLS));
    response.headers.insert("allow", methods.to_owned());
    response
}

/// An order without faults, as it goes on the bus.
struct CheckedOrder {
    order_id: String,
    detail_type: String,
    detail: String,
}

impl CheckedOrder {
    fn parse(request: &Request) -> Result<Self, Problem> {
        let body = Posted::by(request).json()?;
        let not_json = |_| Problem::new(Code::NotJson, "Send one JSON object: the order.");
        let value = serde_json::from_str(body.get()).map_err(not_json)?;
        let order = match (Order::read(&value, UnknownFields::Deny), clicks::faults(&value)) {
            (Ok(order), faults) if faults.is_empty() => order,
            (order, more) => {
                let mut faults = order.err().unwrap_or_default();
                faults.extend(more);
                return Err(Problem::invalid_order(faults));
            }
        };
        let detail = serde_json::to_string(&order).unwrap_or_default();
        if detail.len() > LARGEST_DETAIL {
            return Err(api::too_large());
        }
        let detail_type = format!("order.{}", order.status.as_str());
        Ok(Self { order_id: order.order_id.as_str().to_owned(), detail_type, detail })
    }

    async fn put(&self, bus: &impl EventBus) -> Result<(), Problem> {
        bus.put(&self.detail_type, self.detail.clone()).await.map_err(|_| {
            let detail =
                "The event bus did not accept the order. Send it again: nothing is reported twice.";
            Problem::new(Code::BusUnavailable, detail)
        })
    }

    fn accepted(&self, accepted_at: Timestamp) -> Response {
        let order_id = self.order_id.as_str();
        let location = format!("/orders/{}", utf8_percent_encode(order_id, RESERVED));
        let body = serde_json::to_string(&Accepted { order_id, accepted_at }).unwrap_or_default();
        api::respond(202, "application/json", body, &[("location", location)])
    }
}
