//! The services around intake, and those that the webhook has, too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postback_core::{clock::Timestamp, order::OrderId};
use postback_runtime::{
    ledger::{Ledger, LedgerError, UnclaimedOrder},
    services::{
        ActiveNetworks, BusEvent, CookieSecret, EventBus, FaultyOrder, IntakeServices,
        OrderServices, Unavailable,
    },
};
use serde_json::Value;

use crate::Bus;

/// The bus, the ledger, and what was kept and measured.
#[derive(Clone, Debug)]
pub struct FakeIntake {
    bus: Bus,
    ledger: Ledger,
    networks: ActiveNetworks,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    faulty: Vec<(String, FaultyOrder)>,
    measured: Vec<Value>,
    cookie_keys: Option<Result<String, Unavailable>>,
}

impl FakeIntake {
    pub(crate) fn new(bus: Bus, ledger: Ledger) -> Self {
        let on = ["cartstack", "cashmycell", "cpa_moe", "shopback"].map(str::to_owned);
        let networks = ActiveNetworks { on: on.into(), ..ActiveNetworks::NONE.clone() };
        Self { bus, ledger, networks, kept: Arc::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events that were kept as faulty, with the reason of each.
    #[must_use]
    pub fn faulty(&self) -> Vec<(String, FaultyOrder)> {
        self.kept().faulty.clone()
    }

    /// Sets the secret of the capture cookie; with an error it can't be read.
    pub fn sign_cookies(&self, secret: Result<&str, Unavailable>) {
        self.kept().cookie_keys = Some(secret.map(str::to_owned));
    }

    /// The documents of metrics.
    #[must_use]
    pub fn measured(&self) -> Vec<Value> {
        self.kept().measured.clone()
    }
}

impl EventBus for FakeIntake {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.bus.put_all(events).await
    }
}

impl OrderServices for FakeIntake {
    fn networks(&self) -> &ActiveNetworks {
        &self.networks
    }

    async fn cookie_secret(&self, _now: Timestamp) -> CookieSecret {
        match &self.kept().cookie_keys {
            None => CookieSecret::Unsigned,
            Some(Ok(secret)) => CookieSecret::Json(secret.clone().into()),
            Some(Err(Unavailable)) => CookieSecret::Unavailable,
        }
    }

    async fn holds(
        &self,
        order_id: &OrderId,
        completed_at: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.ledger.holds(order_id, completed_at).await
    }

    async fn put_unclaimed(&self, order: &UnclaimedOrder) -> Result<(), LedgerError> {
        self.ledger.put_unclaimed(order).await
    }

    fn stack(&self) -> &'static str {
        "postback"
    }

    fn measure(&self, document: &Value) {
        self.kept().measured.push(document.clone());
    }
}

impl IntakeServices for FakeIntake {
    async fn put_faulty(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        self.kept().faulty.push((event.to_owned(), fault.clone()));
        Ok(())
    }
}
