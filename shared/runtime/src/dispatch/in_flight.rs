//! The requests in flight: few at once, where doubts are held for a person.

use std::sync::{Mutex, PoisonError};

use postback_core::network::Network;
use tokio::sync::Notify;

use super::{CircuitBreaker, Dispatcher};
use crate::services::Services;

/// A request that may be in flight: it ends when this is dropped.
pub(super) struct InFlight<'a> {
    breaker: &'a Mutex<CircuitBreaker>,
    ended: &'a Notify,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).end();
        self.ended.notify_waiters();
    }
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Waits until one more request may be in flight, where doubts are held for a person.
    pub(super) async fn enter(&self, holds_doubts: bool) -> InFlight<'_> {
        loop {
            let ended = self.ended.notified();
            {
                let mut breaker = self.breaker();
                if !holds_doubts || breaker.has_room() {
                    breaker.begin();
                    return InFlight { breaker: &self.breaker, ended: &self.ended };
                }
            }
            ended.await;
        }
    }
}
