//! Putting an order back on the function's own queue.

use std::time::Duration;

use postback_core::{clock::Timestamp, delivery::State, network::Network};

use super::{DeliveryResult, Dispatcher, Trigger};
use crate::services::{DelayedOrder, Services, Unavailable};

/// The longest delay of a queue message.
const MAX_DELAY: Duration = Duration::from_mins(15);
/// The first of the growing pauses after which a parked delivery looks for new settings.
const FIRST_PARKED_PAUSE: Duration = Duration::from_secs(15);

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Puts the order back on the queue if anything is left to do for it.
    pub async fn requeue(
        &self,
        trigger: &Trigger<'_>,
        results: &[DeliveryResult],
    ) -> Result<(), Unavailable> {
        let waiting = || results.iter().filter(|result| result.wait_until.is_some());
        let Some(mut at) = waiting().filter_map(|result| result.wait_until).min() else {
            return Ok(());
        };
        let mut parked_rounds = 0;
        if results.iter().any(|result| result.state == State::Parked) {
            parked_rounds = trigger.parked_rounds.saturating_add(1);
            let factor = 2_u32.saturating_pow(trigger.parked_rounds.min(10));
            let pause = FIRST_PARKED_PAUSE.saturating_mul(factor).min(MAX_DELAY);
            at = at.min(self.services.now() + pause);
        }
        let first_seen_at = waiting().filter_map(|result| result.first_seen_at).min();
        let detail = serde_json::from_str(trigger.body).map_err(|_| Unavailable)?;
        let order = DelayedOrder::new(detail, at, parked_rounds, first_seen_at);
        self.put_back(&order).await
    }

    /// Puts a delayed order back on the queue until it is due.
    pub async fn put_back(&self, order: &DelayedOrder<'_>) -> Result<(), Unavailable> {
        let now = self.services.now();
        if order.first_seen_ms > 0 {
            let age = now.since(Timestamp::from_millis(order.first_seen_ms));
            self.metrics().record_waiting(age);
        }
        let delay = now.until(Timestamp::from_millis(order.not_before_ms)).min(MAX_DELAY);
        self.services.requeue(order, delay).await
    }
}
