//! The bus with the template's rules.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postback_runtime::services::{BusEvent, EventBus};
use serde_json::Value;

/// The events that intake has put on the bus, in memory.
#[derive(Clone, Debug, Default)]
pub struct Bus(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    events: Vec<(String, String)>,
    sources: Vec<String>,
    down: bool,
}

impl Bus {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its events: detail type and the detail's text.
    #[must_use]
    pub fn events(&self) -> Vec<(String, String)> {
        self.inner().events.clone()
    }

    /// The sources of all events so far.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        self.inner().sources.clone()
    }

    /// Makes it refuse events, or take them again.
    pub fn down(&self, down: bool) {
        self.inner().down = down;
    }

    /// Takes all events off it.
    pub(crate) fn drain(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.inner().events)
    }
}

impl EventBus for Bus {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        let mut inner = self.inner();
        if inner.down {
            return Err(events.to_vec());
        }
        let events = events.iter().cloned();
        for BusEvent { source, detail_type, detail } in events {
            inner.sources.push(source);
            inner.events.push((detail_type, detail));
        }
        Ok(())
    }
}

/// Returns whether the template's rule for `network` takes an order.
#[must_use]
pub fn concerns(network: &str, detail_type: &str, order: &Value) -> bool {
    // A rule sees leaves alone.
    let exists = |pointer: &str| {
        let value = order.pointer(pointer);
        value.is_some_and(|value| !value.is_object() && *value != Value::Array(Vec::new()))
    };
    let click = |member: &str| {
        exists(&format!("/clicks/{network}")) || exists(&format!("/clicks/{network}/{member}"))
    };
    let has = match network {
        "cartstack" => exists("/customer/email"),
        "cashmycell" => click("cmc_id"),
        "cpa_moe" => click("offer") || click("wm"),
        "shopback" => click("transaction_id"),
        _ => false,
    };
    match order["status"].as_str() {
        // One with a capture cookie comes again with its clicks.
        Some("completed") => detail_type == "order.completed" && has && !exists("/click_cookie"),
        // By its status alone.
        Some(status @ ("cancelled" | "refunded" | "partially_refunded")) => {
            detail_type == format!("order.{status}")
        }
        _ => false,
    }
}
