//! Services that all calls of one answer share a budget of time for. A shop system takes an answer that
//! comes late for a failure, however good it is.

use std::{future::Future, time::Duration};

use postback_core::{clock::Timestamp, order::OrderId};
use postback_runtime::{
    ledger::{Kept, LedgerError, Receipt, ShopOrder, UnclaimedOrder},
    services::{
        ActiveNetworks, BusEvent, CookieSecret, EventBus, FaultyOrder, IntakeServices,
        OrderServices, Secret, Unavailable, WebhookServices,
    },
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

/// Services whose calls fail once the budget is used up.
#[derive(Debug)]
pub(crate) struct WithinBudget<'a, S> {
    services: &'a S,
    ends_at: Instant,
}

/// The most time for the keys of the capture cookie, without which cookies count unsigned. Their reader
/// ends earlier, with the keys known before.
const FOR_COOKIE_KEYS: Duration = Duration::from_millis(450);

impl<'a, S> WithinBudget<'a, S> {
    /// The budget begins now.
    pub(crate) fn new(services: &'a S, budget: Duration) -> Self {
        Self { services, ends_at: Instant::now() + budget }
    }

    /// The result of a call; `late` once the budget is used up.
    async fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        late: impl FnOnce() -> E,
    ) -> Result<T, E> {
        timeout_at(self.ends_at, call).await.unwrap_or_else(|_| Err(late()))
    }
}

impl<S: EventBus> EventBus for WithinBudget<'_, S> {
    async fn put_all(&self, events: &[BusEvent]) -> Result<(), Vec<BusEvent>> {
        self.call(self.services.put_all(events), || events.to_vec()).await
    }
}

impl<S: OrderServices> OrderServices for WithinBudget<'_, S> {
    fn networks(&self) -> &ActiveNetworks {
        self.services.networks()
    }

    async fn cookie_secret(&self, now: Timestamp) -> CookieSecret {
        let ends_at = self.ends_at.min(Instant::now() + FOR_COOKIE_KEYS);
        let secret = timeout_at(ends_at, self.services.cookie_secret(now)).await;
        secret.unwrap_or(CookieSecret::Unavailable)
    }

    async fn holds(
        &self,
        order_id: &OrderId,
        completed_at: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.call(self.services.holds(order_id, completed_at), || LedgerError::Unavailable).await
    }

    async fn put_unclaimed(&self, order: &UnclaimedOrder) -> Result<(), LedgerError> {
        self.call(self.services.put_unclaimed(order), || LedgerError::Unavailable).await
    }

    fn stack(&self) -> &str {
        self.services.stack()
    }

    fn measure(&self, document: &Value) {
        self.services.measure(document);
    }
}

impl<S: IntakeServices> IntakeServices for WithinBudget<'_, S> {
    async fn put_faulty(&self, event: &str, fault: &FaultyOrder) -> Result<(), Unavailable> {
        self.call(self.services.put_faulty(event, fault), || Unavailable).await
    }
}

impl<S: WebhookServices> WebhookServices for WithinBudget<'_, S> {
    async fn secret(&self) -> Result<Secret, Unavailable> {
        self.call(self.services.secret(), || Unavailable).await
    }

    async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        self.call(self.services.receipt(id), || LedgerError::Unavailable).await
    }

    async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.call(self.services.put_receipt(receipt), || LedgerError::Unavailable).await
    }

    async fn keep_of_shop_order(
        &self,
        id: &str,
        kept: Kept<'_>,
        now: Timestamp,
    ) -> Result<ShopOrder, LedgerError> {
        let keep = self.services.keep_of_shop_order(id, kept, now);
        self.call(keep, || LedgerError::Unavailable).await
    }
}
