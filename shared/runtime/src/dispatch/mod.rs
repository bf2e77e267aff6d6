//! Delivers orders to one network: plans, asks [`step`](postback_core::delivery::step), writes, sends.
//!
//! [`driver`] holds one delivery as one straight line.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use postback_core::{
    clock::Timestamp,
    delivery::{Event, Fingerprint, Key, Note, Policy, Recovery, Then},
    network::{Network, Part, Plan},
    order::Order,
    redaction::Reason,
};

use crate::{
    client::Sender,
    ledger::{Ledger, UpdateError},
    metrics::Metrics,
    services::Services,
};

mod attempt;
mod breaker;
mod driver;
mod measured;
mod requeue;
mod result;
mod settings;
mod status_poll;

use breaker::{Circuit, CircuitBreaker};
use driver::Driver;
pub use result::{DeliverError, DeliveryResult};
use settings::Settings;
pub use settings::{Configured, StartError};
pub use status_poll::{Round, RoundError};

/// Delivers orders to one network.
pub struct Dispatcher<N: Network, S: Services> {
    settings: Settings<N>,
    ledger: Ledger,
    sender: Sender,
    services: S,
    breaker: Mutex<Option<CircuitBreaker>>,
    metrics: Mutex<Metrics>,
}

/// An order's arrival.
#[derive(Clone, Copy, Debug)]
pub struct Trigger<'a> {
    /// The order as it came, as JSON: the body of the message that puts it back on the queue.
    pub body: &'a str,
    /// The way it came.
    pub source: Source,
    /// Whether the ledger is likely to know it: a read first costs less than a refused write.
    pub expect_existing: bool,
    /// The time at which Lambda ends this invocation.
    pub deadline: Timestamp,
    /// The number of times it has come round while parked.
    pub parked_rounds: u32,
}

/// The way an order came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A direct call: the caller gets the conflict as its answer.
    Api,
    /// The queue: a conflict is noted on the delivery.
    Queue,
}

impl<N: Network, S: Services> fmt::Debug for Dispatcher<N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("network", &N::NAME).finish_non_exhaustive()
    }
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Reads the settings and returns the dispatcher.
    pub async fn start(ledger: Ledger, sender: Sender, services: S) -> Result<Self, StartError> {
        Ok(Self {
            settings: Settings::start(&services).await?,
            ledger,
            sender,
            services,
            breaker: Mutex::new(None),
            metrics: Mutex::default(),
        })
    }

    /// The services around the dispatcher.
    pub const fn services(&self) -> &S {
        &self.services
    }

    /// Delivers `order` as far as it gets now.
    pub async fn deliver(
        &self,
        order: &Order,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let is_open = self.breaker().is_some();
        let configured = self.settings.current(&self.services, is_open).await;
        let results = match configured.network.plan(order) {
            Plan::Skip(reason) => vec![DeliveryResult::skipped(reason)],
            Plan::Reject(reason) => vec![self.refuse(order, reason, trigger).await?],
            Plan::Send(parts) => self.deliver_parts(order, &configured, &parts, trigger).await?,
        };
        self.metrics().record_results(order, &results);
        Ok(results)
    }

    async fn deliver_parts(
        &self,
        order: &Order,
        configured: &Configured<N>,
        parts: &[Part<N::Report>],
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let mut results: Vec<DeliveryResult> = Vec::with_capacity(parts.len());
        for part in parts {
            match self.deliver_part(order, configured, part, trigger).await {
                Ok(result) => {
                    let conflict = result.conflict;
                    results.push(result);
                    // The order came back as another one: no further line of it is sent.
                    if conflict {
                        break;
                    }
                }
                // A line before it may have been sent: "nothing was sent" is not true.
                Err(_) if results.iter().any(|before| !before.replayed) => {
                    let line = part.line.clone();
                    results.push(DeliveryResult::left_undone(line, self.services.now()));
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }

    async fn deliver_part(
        &self,
        order: &Order,
        configured: &Configured<N>,
        part: &Part<N::Report>,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, part.line.as_deref());
        let circuit = match self.breaker().as_mut() {
            Some(breaker) => breaker.check(&configured.version, self.services.now()),
            None => Circuit::Closed,
        };
        let event = Event::Arrive {
            content: Fingerprint::of(&part.report),
            deadline: trigger.deadline,
            settings: configured.version.clone(),
            paused: match &circuit {
                Circuit::Open(until, reason) => Some((*until, reason.clone())),
                Circuit::Closed | Circuit::HalfOpen => None,
            },
        };
        let driver = Driver::new(self, configured, &part.report, key, trigger);
        let (result, sent) = driver.run(event).await;
        if circuit == Circuit::HalfOpen
            && !sent
            && let Some(breaker) = self.breaker().as_mut()
        {
            breaker.give_back(self.services.now());
        }
        result.map(|result| DeliveryResult { line: part.line.clone(), ..result })
    }

    /// Records that this network can never take the order. Nothing is sent.
    async fn refuse(
        &self,
        order: &Order,
        reason: Reason,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, None);
        let policy = Policy::new(Recovery::Hold, N::TIMEOUT, N::LAG);
        let event = Event::Refuse { content: Fingerprint::of(order), reason };
        let held = if trigger.expect_existing {
            self.ledger.get(&key).await.map_err(UpdateError::from)?
        } else {
            None
        };
        let updated = self.apply(&key, held, &event, &policy, Note::default()).await?;
        let changed = updated.changed_state();
        Ok(DeliveryResult {
            conflict: updated.value == Then::Conflict,
            wait_until: match updated.value {
                Then::Wait(until) => Some(until),
                _ => None,
            },
            changed,
            replayed: updated.before.is_some() && !changed,
            ..DeliveryResult::of(updated.after.as_ref())
        })
    }

    /// Writes the metrics of an invocation at its end.
    pub fn measure(&self) {
        let mut metrics = std::mem::take(&mut *self.metrics());
        if self.breaker().is_some() {
            metrics.record_paused(true);
        }
        self.services.measure(N::NAME, &metrics);
    }

    pub(crate) fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Option<CircuitBreaker>> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
