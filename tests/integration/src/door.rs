//! What lies around intake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postback_runtime::{
    ledger::{Ledger, LedgerError, Receipt},
    services::{BusEvent, EventBus, IntakeServices, Secret, Unavailable},
};

use crate::Bus;

/// The bus, the ledger and the webhook's secret.
#[derive(Clone, Debug)]
pub struct Door {
    bus: Bus,
    ledger: Ledger,
    secret: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    json: Option<String>,
    reads: u32,
}

impl Door {
    pub(crate) fn new(bus: Bus, ledger: Ledger, secret: &str) -> Self {
        let kept = Kept { json: Some(secret.to_owned()), reads: 0 };
        Self { bus, ledger, secret: Arc::new(Mutex::new(kept)) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.secret.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the secret; `None` when it can't be read.
    pub fn rotate(&self, json: Option<&str>) {
        self.kept().json = json.map(str::to_owned);
    }

    /// How often the secret was read.
    #[must_use]
    pub fn reads(&self) -> u32 {
        self.kept().reads
    }
}

impl EventBus for Door {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.bus.put_all(events).await
    }
}

impl IntakeServices for Door {
    fn is_open(&self) -> bool {
        true
    }

    async fn secret(&self) -> Result<Secret, Unavailable> {
        let mut kept = self.kept();
        kept.reads += 1;
        let json = kept.json.clone().ok_or(Unavailable)?;
        Ok(Secret { json: json.into(), version: kept.reads.to_string() })
    }

    async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        self.ledger.receipt(id).await
    }

    async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.ledger.put_receipt(receipt).await
    }
}
