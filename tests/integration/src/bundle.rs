//! The six functions, connected.

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use intake::Intake;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use postback_core::network::Network;
use postback_harness::{FakeServices, Function, TIMEOUT, TestBed, order_event};
use postback_runtime::lambda::api::Request;
use serde_json::{Value, json};
use shopback::ShopBack;

use crate::{Bus, Description, Door, Reply, concerns, sign};

/// What the shop calls, and all behind it.
#[derive(Debug)]
pub struct Bundle {
    /// Ledger, networks and clock.
    pub stage: TestBed,
    /// Where intake puts orders.
    pub bus: Bus,
    /// What else is around intake.
    pub door: Door,
    intake: Intake<Door>,
    /// One network's function.
    pub cartstack: Function<CartStack>,
    /// One network's function.
    pub cashmycell: Function<CashMyCell>,
    /// One network's function.
    pub cpa_moe: Function<CpaMoe>,
    /// One network's function.
    pub shopback: Function<ShopBack>,
}

/// Where orders are taken.
pub const PATHS: [&str; 5] =
    ["/orders", "/orders/cartstack", "/orders/cashmycell", "/orders/cpa_moe", "/orders/shopback"];

/// A request of a caller: API Gateway's event.
#[must_use]
pub fn api_event(method: &str, path: &str, body: &str) -> Value {
    postback_harness::api_event(method, path, body)
}

/// A value as it stands in a path.
#[must_use]
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

impl Bundle {
    /// All functions, with nothing done yet.
    pub async fn new(seed: u64) -> Self {
        let stage = TestBed::new(seed).await;
        let bus = Bus::default();
        let door = Door::new(bus.clone(), stage.table.ledger(), &sign::secret(&[sign::KEY]));
        Self {
            bus,
            intake: Intake::new(door.clone()),
            door,
            cartstack: stage.function().await,
            cashmycell: stage.function().await,
            cpa_moe: stage.function().await,
            shopback: stage.function().await,
            stage,
        }
    }

    /// Posts an order to a path, and lets the rules of the bus take it from there.
    pub async fn post(&self, path: &str, order: &Value) -> Reply {
        self.call(&api_event("POST", path, &order.to_string())).await
    }

    /// Reads an order back.
    pub async fn get(&self, order_id: &str) -> Reply {
        self.get_path(&format!("/orders/{}", encode(order_id))).await
    }

    /// Reads what is at a path.
    pub async fn get_path(&self, path: &str) -> Reply {
        self.call(&api_event("GET", path, "")).await
    }

    /// The API's description, as it gives it.
    pub async fn description(&self) -> Description {
        Description::of(self.get_path("/openapi.json").await.body())
    }

    /// Fails unless an answer is as the description says of it.
    pub async fn assert_described(&self, method: &str, path: &str, reply: &Reply) {
        let description = self.description().await;
        let content_type = reply.header("content-type").unwrap_or_default();
        let schema = description.answer(method, path, reply.status, content_type);
        let differences = description.differences(schema, &reply.body());
        assert!(differences.is_empty(), "{method} {path} {}: {differences:?}", reply.status);
    }

    /// Calls the API: the template's routes.
    pub async fn call(&self, event: &Value) -> Reply {
        let method = event["requestContext"]["http"]["method"].as_str().unwrap_or_default();
        let path = event["rawPath"].as_str().unwrap_or_default();
        match (method, path) {
            ("POST", "/orders/cartstack") => tell(&self.cartstack, event).await,
            ("POST", "/orders/cashmycell") => tell(&self.cashmycell, event).await,
            ("POST", "/orders/cpa_moe") => tell(&self.cpa_moe, event).await,
            ("POST", "/orders/shopback") => tell(&self.shopback, event).await,
            ("GET", path) if path.starts_with("/orders/") => self.audit(event, path).await,
            _ => {
                let reply = self.intake.answer(&request(event), self.stage.now()).await;
                Reply::of(&serde_json::to_value(reply).expect("JSON"))
            }
        }
    }

    async fn audit(&self, event: &Value, path: &str) -> Reply {
        let mut event = event.clone();
        // The gateway decodes what it has matched.
        let order_id = path.trim_start_matches("/orders/");
        let order_id = percent_decode_str(order_id).decode_utf8().expect("UTF-8");
        event["pathParameters"] = json!({ "order_id": order_id });
        let reply = audit::answer(&request(&event), &self.stage.table.ledger()).await;
        Reply::of(&serde_json::to_value(reply).expect("JSON"))
    }

    /// Each order on the bus goes to the queues of the networks that it concerns.
    pub fn route(&self) {
        for (detail_type, detail) in self.bus.drain() {
            let detail = serde_json::from_str(&detail).expect("JSON");
            let mut event = order_event(&detail);
            event["detail-type"] = json!(detail_type);
            for (network, world) in self.worlds() {
                if concerns(network, &detail_type, &detail) {
                    world.enqueue(event.to_string());
                }
            }
        }
    }

    /// Routes what is on the bus, and every function takes what is visible on its queue now.
    pub async fn work(&self) {
        self.route();
        self.cartstack.work().await;
        self.cashmycell.work().await;
        self.cpa_moe.work().await;
        self.shopback.work().await;
    }

    /// The services of each network's function.
    #[must_use]
    pub fn worlds(&self) -> [(&'static str, &FakeServices); 4] {
        [
            (CartStack::NAME, &self.cartstack.world),
            (CashMyCell::NAME, &self.cashmycell.world),
            (CpaMoe::NAME, &self.cpa_moe.world),
            (ShopBack::NAME, &self.shopback.world),
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

    /// Fails unless nothing at all has been done: nothing on the bus or a queue, no call to the
    /// ledger, no request to a network.
    pub fn assert_untouched(&self, after: &str) {
        assert_eq!(self.bus.events(), [], "{after}: on the bus");
        assert_eq!(self.stage.table.calls(), [], "{after}: to the ledger");
        assert_eq!(self.stage.table.stream(), Vec::<Value>::new(), "{after}: in the stream");
        assert_eq!(self.stage.sandbox.requests(), 0, "{after}: to a network");
        for (network, world) in self.worlds() {
            assert!(world.queue().is_empty(), "{after}: on the queue of {network}");
        }
    }
}

async fn tell<N: Network>(function: &Function<N>, event: &Value) -> Reply {
    let deadline = postback_runtime::services::Services::now(&function.world) + TIMEOUT;
    Reply::of(&function.call(event, deadline).await.expect("an answer to everything"))
}

fn request(event: &Value) -> Request {
    serde_json::from_value(event.clone()).expect("an event")
}
