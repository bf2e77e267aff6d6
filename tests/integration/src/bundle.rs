//! The functions, connected.

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use postback_core::{clock::Timestamp, network::Network, platform::Platform};
use postback_harness::{Call, FakeServices, Function, TIMEOUT, TestBed, order_event};
use postback_orders::platform::PlatformWebhook;
use postback_runtime::{
    lambda::{
        answer_request,
        api::{Request, Response},
        messages::ApiAndQueueHandler,
    },
    services::Unavailable,
};
use serde_json::{Value, json};
use shopback::ShopBack;
use shopify::Shopify;
use webhook::Webhook;
use woocommerce::WooCommerce;

use crate::{Bus, Description, FakeIntake, FakeWebhook, Reply, concerns, sign};

/// The API that the shop calls, and all functions behind it.
#[derive(Debug)]
pub struct Bundle {
    /// Ledger, networks and clock.
    pub bed: TestBed,
    /// The bus that intake puts orders on.
    pub bus: Bus,
    /// The services around intake.
    pub intake_services: FakeIntake,
    /// The services around the webhook.
    pub webhook_services: FakeWebhook,
    webhook: Webhook<FakeWebhook>,
    /// The services around the shop systems' webhooks.
    pub platform_services: FakeWebhook,
    /// A shop system's function.
    pub shopify: PlatformWebhook<Shopify, FakeWebhook>,
    woocommerce: PlatformWebhook<WooCommerce, FakeWebhook>,
    /// One network's function.
    pub cartstack: Function<CartStack>,
    /// One network's function.
    pub cashmycell: Function<CashMyCell>,
    /// One network's function.
    pub cpa_moe: Function<CpaMoe>,
    /// One network's function.
    pub shopback: Function<ShopBack>,
}

/// The paths that take orders.
pub const PATHS: [&str; 5] =
    ["/orders", "/orders/cartstack", "/orders/cashmycell", "/orders/cpa_moe", "/orders/shopback"];

/// A request of a caller: API Gateway's event.
#[must_use]
pub fn api_event(method: &str, path: &str, body: &str) -> Value {
    postback_harness::api_event(method, path, body)
}

/// A value, encoded for a path.
#[must_use]
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

impl Bundle {
    /// All functions, with nothing done yet.
    pub async fn new(seed: u64) -> Box<Self> {
        Box::pin(Self::build(seed)).await
    }

    /// In a box, like what becomes of it: a test's future holds it.
    async fn build(seed: u64) -> Box<Self> {
        let bed = TestBed::new(seed).await;
        let bus = Bus::default();
        let intake_services = FakeIntake::new(bus.clone(), bed.table.ledger());
        let secret = sign::secret(&[sign::KEY]);
        let webhook_services =
            FakeWebhook::new(intake_services.clone(), bed.table.ledger(), &secret);
        let platform_secret = sign::secret(&[sign::PLATFORM_KEY]);
        let platform_services =
            FakeWebhook::new(intake_services.clone(), bed.table.ledger(), &platform_secret);
        Box::new(Self {
            shopify: PlatformWebhook::new(Shopify::configure(&|_| None), platform_services.clone()),
            woocommerce: PlatformWebhook::new(
                WooCommerce::configure(&|_| None),
                platform_services.clone(),
            ),
            platform_services,
            bus,
            intake_services,
            webhook: Webhook::new(webhook_services.clone()),
            webhook_services,
            cartstack: bed.function().await,
            cashmycell: bed.function().await,
            cpa_moe: bed.function().await,
            shopback: bed.function().await,
            bed,
        })
    }

    /// Posts an order to a path.
    pub async fn post(&self, path: &str, order: &Value) -> Reply {
        self.call(&api_event("POST", path, &order.to_string())).await
    }

    /// Reads an order back.
    pub async fn get(&self, order_id: &str) -> Reply {
        self.get_path(&format!("/orders/{}", encode(order_id))).await
    }

    /// Reads a path.
    pub async fn get_path(&self, path: &str) -> Reply {
        self.call(&api_event("GET", path, "")).await
    }

    /// The API's description, as the API returns it.
    pub async fn description(&self) -> Description {
        Description::of(self.get_path("/openapi.json").await.body())
    }

    /// Asserts that an answer conforms to the API's description.
    pub async fn assert_described(&self, method: &str, path: &str, reply: &Reply) {
        let description = self.description().await;
        let content_type = reply.header("content-type").unwrap_or_default();
        let schema = description.answer(method, path, reply.status, content_type);
        let differences = description.differences(schema, &reply.body());
        assert!(differences.is_empty(), "{method} {path} {}: {differences:?}", reply.status);
    }

    /// Calls the API by the template's routes.
    pub async fn call(&self, event: &Value) -> Reply {
        let method = event["requestContext"]["http"]["method"].as_str().unwrap_or_default();
        let path = event["rawPath"].as_str().unwrap_or_default();
        match (method, path) {
            ("POST", "/orders/cartstack") => call(&self.cartstack, event).await,
            ("POST", "/orders/cashmycell") => call(&self.cashmycell, event).await,
            ("POST", "/orders/cpa_moe") => call(&self.cpa_moe, event).await,
            ("POST", "/orders/shopback") => call(&self.shopback, event).await,
            ("GET" | "HEAD", path) if path.starts_with("/orders/") => self.audit(event, path).await,
            ("POST", "/webhooks/orders") => {
                replied(&self.webhook.answer(&request(event), self.bed.now()).await)
            }
            ("POST", "/webhooks/shopify") => {
                replied(&self.shopify.answer(request(event), self.bed.now()).await)
            }
            ("POST", "/webhooks/woocommerce") => {
                replied(&self.woocommerce.answer(request(event), self.bed.now()).await)
            }
            _ => {
                let services = &self.intake_services;
                let handler =
                    async |request: Request, now| intake::answer(&request, services, now).await;
                replied(&answer_request(&handler, request(event), self.bed.now()).await)
            }
        }
    }

    async fn audit(&self, event: &Value, path: &str) -> Reply {
        let mut event = event.clone();
        // The gateway decodes a path parameter.
        let order_id = path.trim_start_matches("/orders/");
        let order_id = percent_decode_str(order_id).decode_utf8().expect("UTF-8");
        event["pathParameters"] = json!({ "order_id": order_id });
        let ledger = &self.bed.table.ledger();
        let handler = async |request: Request, _| audit::answer(&request, ledger).await;
        replied(&answer_request(&handler, request(&event), self.bed.now()).await)
    }

    /// Puts each order of the bus on the queues of the networks that it concerns.
    pub fn route(&self) {
        self.route_in(self.bus.drain());
    }

    /// The same of these events, in their order, in place of those on the bus.
    pub fn route_in(&self, events: Vec<(String, String)>) {
        self.bus.drain();
        for (detail_type, detail) in events {
            let detail = serde_json::from_str(&detail).expect("JSON");
            let mut event = order_event(&detail);
            event["detail-type"] = json!(detail_type);
            for (network, services) in self.services() {
                if concerns(network, &detail_type, &detail) {
                    services.enqueue(event.to_string());
                }
            }
        }
    }

    /// Puts an event of a sender on the bus: it goes to the networks that it concerns and to intake.
    pub async fn put_on_bus(&self, detail_type: &str, detail: &Value) {
        let mut event = order_event(detail);
        event["detail-type"] = json!(detail_type);
        for (network, services) in self.services() {
            if concerns(network, detail_type, detail) {
                services.enqueue(event.to_string());
            }
        }
        self.take(&event.to_string()).await.expect("taken");
    }

    /// Lets intake take a message of its queue.
    pub async fn take(&self, message: &str) -> Result<(), Unavailable> {
        intake::take(message, &self.intake_services, self.bed.now()).await
    }

    /// Routes the events of the bus, and lets every function take the visible messages of its queue.
    pub async fn work(&self) {
        self.route();
        self.cartstack.work().await;
        self.cashmycell.work().await;
        self.cpa_moe.work().await;
        self.shopback.work().await;
    }

    /// Lets every function take each message of its queue as soon as it is visible, until `end`.
    pub async fn work_until(&self, end: Timestamp) {
        loop {
            let services = self.services().into_iter();
            match services.filter_map(|(_, services)| services.next_visible()).min() {
                Some(at) if at <= end => {
                    self.bed.advance_to(at);
                    self.work().await;
                }
                _ => return self.bed.advance_to(end),
            }
        }
    }

    /// The services of each network's function.
    #[must_use]
    pub fn services(&self) -> [(&'static str, &FakeServices); 4] {
        [
            (CartStack::NAME, &self.cartstack.services),
            (CashMyCell::NAME, &self.cashmycell.services),
            (CpaMoe::NAME, &self.cpa_moe.services),
            (ShopBack::NAME, &self.shopback.services),
        ]
    }

    /// The deliveries of an order as the API shows them: network, state, reason.
    pub async fn states(&self, order_id: &str) -> Vec<(String, String, Option<String>)> {
        let reply = self.get(order_id).await;
        if reply.status != 200 {
            return Vec::new();
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let deliveries = reply.body()["deliveries"].as_array().cloned().unwrap_or_default();
        let state = |delivery: &Value| {
            let word = |name: &str| text(&delivery[name]);
            Some((word("network")?, word("state")?, word("reason")))
        };
        deliveries.iter().filter_map(state).collect()
    }

    /// Asserts that nothing was done: nothing on the bus or a queue, no call to the ledger, no
    /// request to a network.
    pub fn assert_untouched(&self, after: &str) {
        assert_eq!(self.bed.table.calls(), [], "{after}: to the ledger");
        self.assert_unwritten(after);
    }

    /// Asserts that nothing was done but reading the ledger.
    pub fn assert_unwritten(&self, after: &str) {
        assert_eq!(self.bus.events(), [], "{after}: on the bus");
        let calls = self.bed.table.calls();
        let reads = |call: &Call| matches!(call.operation.as_str(), "GetItem" | "Query");
        assert!(calls.iter().all(reads), "{after}: {calls:?}");
        assert_eq!(self.bed.table.stream(), Vec::<Value>::new(), "{after}: in the stream");
        assert_eq!(self.bed.sandbox.requests(), 0, "{after}: to a network");
        for (network, services) in self.services() {
            assert!(services.queue().is_empty(), "{after}: on the queue of {network}");
        }
    }
}

async fn call<N: Network>(function: &Function<N>, event: &Value) -> Reply {
    let deadline = postback_runtime::services::Services::now(&function.services) + TIMEOUT;
    Reply::of(&function.call(event, deadline).await.expect("an answer to everything"))
}

fn replied(response: &Response) -> Reply {
    Reply::of(&serde_json::to_value(response).expect("JSON"))
}

fn request(event: &Value) -> Request {
    serde_json::from_value(event.clone()).expect("an event")
}
