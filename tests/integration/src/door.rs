//! What lies around intake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postback::{
    ledger::{Ledger, LedgerError, Receipt},
    surroundings::{Doorway, EventBus, Secret, Unavailable},
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
    async fn put(&self, detail_type: &str, detail: String) -> Result<(), Unavailable> {
        self.bus.put(detail_type, detail).await
    }
}

impl Doorway for Door {
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

    async fn keep(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.ledger.keep(receipt).await
    }
}
