//! Accepts orders at the API and puts them on the bus, where each network's rule selects its own.
//!
//! This function also answers all paths that no other function has: an unknown network, an unknown
//! path, and the API's description at `/openapi.json`.

use postback_core::{
    clock::Timestamp,
    problem::{Code, Problem},
};
use postback_orders::{CheckedOrder, Sender, measure_refusal, networks};
use postback_runtime::{
    lambda::{
        api::{self, Request, Response},
        messages::ApiAndQueueHandler,
    },
    services::{IntakeServices, OrderServices, Unavailable},
};

mod description;
mod from_bus;

pub use from_bus::take;

/// The function, with both of its triggers.
#[derive(Debug)]
pub struct Intake<S>(pub S);

impl<S: IntakeServices> ApiAndQueueHandler for Intake<S> {
    async fn answer(&self, request: Request, now: Timestamp) -> Response {
        answer(&request, &self.0, now).await
    }

    async fn take(&self, message: &str, now: Timestamp) -> Result<(), Unavailable> {
        take(message, &self.0, now).await
    }
}

/// The path of the webhook, which has a function of its own where it is on.
const WEBHOOK: &str = "/webhooks/orders";

fn path_of(request: &Request) -> &str {
    request.path.trim_end_matches('/')
}

/// Answers one request.
pub async fn answer(request: &Request, services: &impl OrderServices, now: Timestamp) -> Response {
    let path = path_of(request);
    let answer = match (request.method.as_str(), path) {
        ("POST", "/orders") => accept(request, services, now).await,
        ("GET", "/openapi.json") => Ok(description::answer()),
        (_, "/orders") => Ok(not_allowed("POST")),
        (_, "/openapi.json") => Ok(not_allowed("GET")),
        // Where a webhook is on, its path is a route of its own, and this one is none.
        ("POST", path) if path.starts_with("/webhooks/") && request.path.ends_with('/') => {
            Err(Problem::new(Code::UnknownPath, NO_SLASH))
        }
        ("POST", WEBHOOK) => Err(Problem::new(Code::WebhookOff, WEBHOOK_IS_OFF)),
        ("POST", path) if path.starts_with("/webhooks/") => {
            Err(Problem::new(Code::WebhookOff, PLATFORM_IS_OFF))
        }
        (_, WEBHOOK) => Ok(not_allowed("POST")),
        ("POST", path) if path.starts_with("/orders/") => {
            Err(no_network(&request.path["/orders/".len()..]))
        }
        (_, path) if path.starts_with("/orders/") => Ok(not_allowed("GET, POST")),
        _ => Err(Problem::new(Code::UnknownPath, CALLS)),
    };
    answer.unwrap_or_else(|problem| {
        if path == "/orders" {
            measure_refusal(&problem, services, now);
        }
        api::problem(&problem)
    })
}

async fn accept(
    request: &Request,
    services: &impl OrderServices,
    now: Timestamp,
) -> Result<Response, Problem> {
    let order = CheckedOrder::of_request(request, services, now).await?;
    order.take(&Sender::api(request), services, now).await?;
    Ok(order.accepted(services, now))
}

const WEBHOOK_IS_OFF: &str = "The webhook is turned off here, so nothing was sent. The operator turns it on with the \
     parameter `WebhookEnabled` of the template. POST /orders always works.";

const PLATFORM_IS_OFF: &str = "There is no webhook of a shop system at this path, or it is turned off here, so nothing was sent. \
     The operator turns it on with its parameter `…Enabled` of the template.";

const NO_SLASH: &str = "There is no path that ends in a slash, so nothing was sent. Leave it out.";

const CALLS: &str = "Send orders with POST /orders, and read them with GET /orders/{order_id}.";

/// The problem of a request to `name`. A network that is on has a route of its own, so this is none.
fn no_network(name: &str) -> Problem {
    if networks::is_network(name.trim_end_matches('/')) && name.ends_with('/') {
        return Problem::new(Code::UnknownPath, NO_SLASH);
    }
    if networks::is_network(name) {
        let detail = "This network is turned off here, so nothing was sent. The operator turns it on \
                      with its parameter `…Enabled` of the template.";
        return Problem::new(Code::NetworkOff, detail);
    }
    let existing = networks::existing(name.trim_end_matches('/'));
    let detail = format!(
        "There is no such network here, so nothing was sent. {existing} POST /orders sends an order to \
         every network that it concerns."
    );
    Problem::new(Code::UnknownNetwork, detail)
}

fn not_allowed(methods: &'static str) -> Response {
    let mut response = api::problem(&Problem::new(Code::MethodNotAllowed, CALLS));
    response.headers.insert("allow", methods.to_owned());
    response
}
