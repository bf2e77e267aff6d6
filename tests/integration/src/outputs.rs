//! Everything that leaves the functions of a bundle, searched for canaries.

use postback_harness::TestBed;
use postback_sandbox::{Network, Sandbox};
use serde_json::{Value, json};

use crate::{
    Bundle,
    log::{Log, canaries_in},
};

/// Values that no order holds by chance.
pub const CANARIES: &[&str] = &[
    "canary.mail",
    "canary-mail.example",
    "7351940261",
    "canaryname",
    "canarypostal",
    "canaryline",
    "canaryregion",
    "canarycity",
    "canarystreet",
    "203.0.113.73",
    "canaryagent",
    "canarycmc",
    "canaryclick",
    "canarywm",
    "canarysku",
    "canaryitem",
    "canarycategory",
    "canaryref",
    "canaryutm",
    "canarycomment",
    "canarycustom",
    "canarysecret",
    "Fake0ApiKey0CaseSensitive",
    "FakeSite01",
    "fake0key0fake0key0",
    "fake0token0fake0token0fake0token",
];

/// An order that concerns all networks, with a canary in every text.
#[must_use]
pub fn canary_order(order_id: &str) -> Value {
    json!({
        "order_id": order_id, "status": "completed", "completed_at": "2026-11-21T10:15:00Z",
        "currency": "INR", "total": "1499.00",
        "customer": {
            "email": "canary.mail+x@canary-mail.example", "phone": "+7 351 940-26-1",
            "name": "Canaryname Quill", "ip": "203.0.113.73", "user_agent": "CanaryAgent/7.3",
            "country": "IN",
            "address": {
                "postal_code": "canarypostal", "line": "canaryline 7", "region": "canaryregion",
                "city": "canarycity", "street": "canarystreet",
            },
        },
        "clicks": {
            "cashmycell": { "cmc_id": "canarycmc7351" },
            "cpa_moe": { "offer": 217, "wm": "canarywm" },
            "shopback": { "transaction_id": "canaryclick7351000000000000000" },
        },
        "items": [{
            "sku": "canarysku", "name": "canaryitem", "category": "canarycategory",
            "quantity": 1, "unit_price": "1499.00", "refs": { "shopback": "canaryref" },
        }],
        "utm": {
            "source": "canaryutm1", "campaign": "canaryutm2", "content": "canaryutm3",
            "term": "canaryutm4", "medium": "canaryutm5",
        },
        "comment": "canarycomment", "custom": { "gift": "canarycustom" },
    })
}

/// All canaries and the customer in one text.
#[must_use]
pub fn echo() -> String {
    let order = canary_order("A-1");
    let phone = "7351940261 +7 351 940-26-1";
    format!("{} [{}] {phone} {} {order}", CANARIES.join(" "), CANARIES.join(","), order["customer"])
}

/// The canaries that a network received, and so can echo.
#[must_use]
pub fn received(sandbox: &Sandbox, network: Network) -> Vec<&'static str> {
    let requests = sandbox.received(network);
    let sent: Vec<_> = requests.iter().map(|it| format!("{} {}", it.query, it.body)).collect();
    canaries_in(&sent.join(" "), CANARIES)
}

/// Texts that left the functions, and the kind of place where each was found.
#[derive(Debug)]
pub struct Outputs {
    places: Vec<(String, String)>,
}

impl Outputs {
    /// Collects log lines, metrics, events of the bus and the senders that they name, items of the
    /// ledger, leads that are tracked, the reasons of dead letters and of faulty orders, and the
    /// messages that were put back on a queue, without the order itself.
    pub async fn of(bundle: &Bundle, log: &Log) -> Self {
        let mut outputs = Self { places: Vec::new() };
        for line in log.lines() {
            outputs.add("log", line);
        }
        for (network, services) in bundle.services() {
            for document in services.metrics() {
                outputs.add("metrics", document.to_string());
            }
            let letters = services.dead_letters();
            for letter in letters.iter().chain(&services.status_dead_letters()) {
                outputs.add(&format!("dead letter of {network}"), letter.reason);
            }
            let queued = services.queue().into_iter().map(|message| message.body);
            let dead = letters.into_iter().map(|letter| letter.body);
            for message in queued.chain(dead) {
                let mut body: Value = serde_json::from_str(&message).unwrap_or_default();
                if body["detail-type"] == "postback.order_delayed" {
                    body["detail"] = Value::Null;
                    outputs.add(&format!("message of {network}"), body.to_string());
                }
            }
        }
        outputs.add_intake(bundle);
        for (detail_type, detail) in bundle.bed.published().await {
            outputs.add("event", format!("{detail_type} {detail}"));
        }
        for (network, lead) in bundle.bed.tracked().await {
            outputs.add(&format!("lead of {network}"), lead);
        }
        for item in items(&bundle.bed).await {
            outputs.add("ledger", item);
        }
        outputs
    }

    /// Adds what the functions that take orders measured, and what they named of each.
    fn add_intake(&mut self, bundle: &Bundle) {
        let (webhook, platform) = (&bundle.webhook_services, &bundle.platform_services);
        let measured = [bundle.intake_services.measured(), webhook.measured(), platform.measured()];
        for document in measured.iter().flatten() {
            self.add("metrics", document.to_string());
        }
        for (_, fault) in bundle.intake_services.faulty() {
            self.add("faulty order", format!("{fault:?}"));
        }
        for source in bundle.bus.sources() {
            self.add("source", source);
        }
    }

    /// Adds a text.
    pub fn add(&mut self, place: &str, text: impl Into<String>) {
        self.places.push((place.to_owned(), text.into()));
    }

    /// Adds answers of the API.
    #[must_use]
    pub fn with_replies(mut self, replies: &[crate::Reply]) -> Self {
        for reply in replies {
            self.add("answer", format!("{} {} {}", reply.status, reply.headers, reply.text));
        }
        self
    }

    /// The texts with one of `canaries`, and the kinds of their places.
    #[must_use]
    pub fn seen(&self, canaries: &[&str]) -> Vec<(&str, &str)> {
        let is_seen = |text: &str| !canaries_in(text, canaries).is_empty();
        let places = self.places.iter().filter(|(_, text)| is_seen(text));
        places.map(|(place, text)| (place.as_str(), text.as_str())).collect()
    }

    /// Asserts that no text holds a canary, and that there are texts.
    pub fn assert_clean(&self) {
        let seen = self.seen(CANARIES);
        assert!(seen.is_empty(), "{seen:#?}");
        assert!(!self.places.is_empty(), "there are no texts");
    }
}

/// The items of the ledger as `DynamoDB` holds them.
async fn items(bed: &TestBed) -> Vec<String> {
    let pages = bed.table.client().scan().table_name("ledger").into_paginator();
    let items = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    items.expect("the ledger").iter().map(|item| format!("{item:?}")).collect()
}
