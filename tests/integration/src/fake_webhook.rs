//! The services around the webhook.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postback_core::{clock::Timestamp, order::OrderId};
use postback_runtime::{
    ledger::{Kept, Ledger, LedgerError, Receipt, ShopOrder, UnclaimedOrder},
    services::{
        ActiveNetworks, BusEvent, CookieSecret, EventBus, FaultyOrder, IntakeServices,
        OrderServices, Secret, Unavailable, WebhookServices,
    },
};
use serde_json::Value;

use crate::FakeIntake;

/// The services of every function that takes orders, and the webhook's secret.
#[derive(Clone, Debug)]
pub struct FakeWebhook {
    orders: FakeIntake,
    ledger: Ledger,
    secret: Arc<Mutex<Secrets>>,
    measured: Arc<Mutex<Vec<Value>>>,
}

#[derive(Debug)]
struct Secrets {
    json: Option<String>,
    version: u32,
    reads: u32,
}

impl FakeWebhook {
    pub(crate) fn new(orders: FakeIntake, ledger: Ledger, secret: &str) -> Self {
        let secrets = Secrets { json: Some(secret.to_owned()), version: 1, reads: 0 };
        let measured = Arc::default();
        Self { orders, ledger, secret: Arc::new(Mutex::new(secrets)), measured }
    }

    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.secret.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the secret; with `None` it can't be read.
    pub fn rotate(&self, json: Option<&str>) {
        let mut secrets = self.secrets();
        secrets.json = json.map(str::to_owned);
        secrets.version += 1;
    }

    /// The documents of metrics so far.
    #[must_use]
    pub fn measured(&self) -> Vec<Value> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of times that the secret was read.
    #[must_use]
    pub fn reads(&self) -> u32 {
        self.secrets().reads
    }
}

impl EventBus for FakeWebhook {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.orders.put_all(events).await
    }
}

impl OrderServices for FakeWebhook {
    fn networks(&self) -> &ActiveNetworks {
        self.orders.networks()
    }

    async fn cookie_secret(&self, now: Timestamp) -> CookieSecret {
        self.orders.cookie_secret(now).await
    }

    async fn holds(
        &self,
        order_id: &OrderId,
        completed_at: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.orders.holds(order_id, completed_at).await
    }

    async fn put_unclaimed(&self, order: &UnclaimedOrder) -> Result<(), LedgerError> {
        self.orders.put_unclaimed(order).await
    }

    fn stack(&self) -> &'static str {
        "shop"
    }

    fn measure(&self, document: &Value) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.push(document.clone());
    }
}

impl IntakeServices for FakeWebhook {
    async fn put_faulty(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        self.orders.put_faulty(event, fault).await
    }
}

impl WebhookServices for FakeWebhook {
    async fn secret(&self) -> Result<Secret, Unavailable> {
        let mut secrets = self.secrets();
        secrets.reads += 1;
        let json = secrets.json.clone().ok_or(Unavailable)?;
        Ok(Secret { json: json.into(), version: secrets.version.to_string() })
    }

    async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        self.ledger.receipt(id).await
    }

    async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.ledger.put_receipt(receipt).await
    }

    async fn keep_of_shop_order(
        &self,
        id: &str,
        kept: Kept<'_>,
        now: Timestamp,
    ) -> Result<ShopOrder, LedgerError> {
        self.ledger.keep_of_shop_order(id, kept, now).await
    }
}
