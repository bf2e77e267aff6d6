//! Delivers orders to one network: plans, asks [`step`](postback_core::delivery::step), writes, sends.
//!
//! [`driver`] holds one delivery as one straight line.
//!
//! More than 300 lines: the dispatcher and all that its parts share.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::future::join;
use postback_core::{
    clock::Timestamp,
    delivery::{Arrival, Event, Facts, Key, Planned, RETENTION, Record, Refunds},
    network::{Network, Part, Plan},
    order::Order,
    redaction::Reason,
};

use tokio::sync::Notify;

use crate::{
    client::Sender,
    ledger::{Ledger, TOO_OLD, UpdateError, remembers},
    metrics::Metrics,
    services::Services,
};

mod attempt;
mod breaker;
mod check;
mod driver;
mod in_flight;
mod lines;
mod measured;
mod pauses;
mod refunds;
mod requeue;
mod result;
mod settings;
mod status_poll;
mod unsent;
mod validation;

use breaker::{Circuit, CircuitBreaker};
use driver::Driver;
use lines::Entered;
use pauses::Pauses;
pub use result::{DeliverError, DeliveryResult};
use settings::Settings;
pub use settings::{Configured, StartError};
pub use status_poll::{Round, RoundError};

/// The reason of an order without lines where the network wants lines.
pub(crate) static NO_LINES: Reason = Reason::new("no_lines");

/// The content of an order for this network.
fn content<N: Network>(order: &Order) -> Facts {
    Facts::of_total(order.total, order.currency).and(N::facts(order))
}

/// Delivers orders to one network.
pub struct Dispatcher<N: Network, S: Services> {
    settings: Settings<N>,
    ledger: Ledger,
    sender: Sender,
    services: S,
    breaker: Mutex<CircuitBreaker>,
    /// The circuit breaker of validations, held by the one that is under way.
    validating: tokio::sync::Mutex<CircuitBreaker>,
    /// A request ended: one more may be in flight.
    ended: Notify,
    metrics: Mutex<Metrics>,
    pauses: Pauses,
}

/// An order's arrival.
#[derive(Clone, Copy, Debug)]
pub struct Trigger<'a> {
    /// The order as it came, as JSON: the body of the message that puts it back on the queue.
    pub body: &'a str,
    /// The short name of its sender, if the message names one.
    pub sender: Option<&'a str>,
    /// The way it came.
    pub source: Source,
    /// True if it is a message that was put back on the queue.
    pub is_delayed: bool,
    /// True if the ledger is likely to know it: a read first costs less than a refused write.
    pub expect_existing: bool,
    /// The time at which Lambda ends this invocation.
    pub deadline: Timestamp,
    /// The number of times it has come round while parked.
    pub parked_rounds: u32,
    /// The name by which the ledger knows its message as the one that waits.
    pub message_until: Option<Timestamp>,
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
        let pauses = Pauses::default();
        // What can't be read now is read before the first order.
        let _unread = pauses.refresh(&ledger, N::NAME, services.now()).await;
        Ok(Self {
            settings: Settings::start(&services).await?,
            ledger,
            sender,
            services,
            breaker: Mutex::default(),
            validating: tokio::sync::Mutex::default(),
            ended: Notify::new(),
            metrics: Mutex::default(),
            pauses,
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
        let is_awaited = self.breaker().is_open() || trigger.parked_rounds > 0;
        let settings = self.settings.current(&self.services, is_awaited);
        let (configured, pauses) = join(Box::pin(settings), Box::pin(self.refresh_pauses())).await;
        if configured.is_faulty {
            self.metrics().record_paused(true);
        }
        let mut results = match self.plan(order, &configured).await? {
            Plan::Send(parts) => {
                pauses.map_err(UpdateError::from)?;
                // The settings may have taken long.
                self.refresh_pauses().await.map_err(UpdateError::from)?;
                self.deliver_parts(order, &configured, &parts, trigger).await?
            }
            Plan::Skip(reason) => {
                let planned = Planned::Skip(reason);
                self.deliver_nothing(order, &configured, planned, trigger).await?
            }
            Plan::Reject(reason) => {
                let planned = Planned::Reject(reason);
                self.deliver_nothing(order, &configured, planned, trigger).await?
            }
        };
        let has_lines = results.iter().any(|it| it.line.is_some() || !it.lines.is_empty());
        if has_lines && !order.refunds.is_empty() {
            match self.refund_lines(order, trigger).await {
                Err(error) if results.iter().all(|it| it.replayed) => return Err(error),
                // Something was sent, or written.
                Err(_) => results.push(DeliveryResult::left_undone(None, self.services.now())),
                Ok(()) => {}
            }
        }
        self.metrics().record_results(order, &results);
        Ok(results)
    }

    /// The network's plan, unless the order is older than the ledger's memory and unknown to it: its
    /// guard against a second report may have expired.
    async fn plan(
        &self,
        order: &Order,
        configured: &Configured<N>,
    ) -> Result<Plan<N::Report>, DeliverError> {
        let plan = configured.network.plan(order);
        let Plan::Send(parts) = &plan else { return Ok(plan) };
        if !order.is_older(self.services.now(), RETENTION) {
            return Ok(plan);
        }
        let line = parts.first().and_then(|part| part.line.as_deref());
        let key = Key::new(&order.order_id, N::NAME, line);
        let held = self.ledger.get(&key).await.map_err(UpdateError::from)?;
        let is_known = held.is_some_and(|Record { protocol, .. }| {
            let reason = protocol.reason.as_ref().map(Reason::as_str);
            // A person permits what is as old as it is, and then its own attempts are known.
            let until = protocol.permission.as_ref().map(|permission| permission.until);
            let is_permitted = until.is_some_and(|until| self.services.now() < until);
            is_permitted
                || protocol.attempt > 0
                || remembers(protocol.first_seen_at, reason, order.completed_at)
        });
        Ok(if is_known { plan } else { Plan::Reject(TOO_OLD) })
    }

    async fn deliver_parts(
        &self,
        order: &Order,
        configured: &Configured<N>,
        parts: &[Part<N::Report>],
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let is_by_lines = parts.iter().any(|part| part.line.is_some());
        let (mut results, mut unclear) = if is_by_lines {
            match self.enter_lines(order, configured, parts, trigger).await? {
                Entered::Deliver(gone, unclear) => (gone, unclear),
                Entered::Answered(results) => return Ok(results),
            }
        } else {
            (Vec::new(), BTreeMap::new())
        };
        for part in parts {
            let unclear = part.line.as_ref().and_then(|line| unclear.remove(line));
            let unclear = unclear.unwrap_or_default();
            match self.deliver_part(order, configured, part, &unclear, trigger).await {
                Ok(result) => {
                    // The lines were compared before: somebody else sent this one meanwhile. No
                    // further line is sent.
                    let is_another = result.conflict;
                    results.push(result);
                    if is_another {
                        if is_by_lines {
                            results.extend(self.lines_left(order, parts, trigger).await?);
                        }
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
        if is_by_lines {
            return Ok(results);
        }
        self.with_lines(order, configured, results, trigger).await
    }

    async fn deliver_part(
        &self,
        order: &Order,
        configured: &Configured<N>,
        part: &Part<N::Report>,
        unclear: &Refunds,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, part.line.as_deref());
        let is_implausible = !self.services.is_plausible(order);
        // A person may have permitted it: the record says so, and so whether its click is used.
        let expect_existing = trigger.expect_existing || is_implausible;
        let trigger = &Trigger { expect_existing, ..*trigger };
        let driver = Driver::new(self, configured, order, &part.report, key, trigger);
        let in_flight = self.enter(driver.holds_doubts()).await;
        let (order_id, now) = (order.order_id.as_str(), self.services.now());
        let paused = self.pauses.since().await;
        let circuit = match paused {
            Some(_) => pauses::circuit("paused", now),
            None if configured.is_faulty => pauses::circuit("settings_faulty", now),
            None => {
                let is_new = !trigger.is_delayed;
                self.breaker().check(order_id, is_new, &configured.version, now)
            }
        };
        let scope = configured.network.scope(&part.report);
        let facts = content::<N>(order).and(part.facts.clone());
        let refunds = match &part.line {
            Some(line) => Refunds::of_line(&order.refunds, order.currency, line).and(unclear),
            None => Refunds::of_order(&order.refunds),
        };
        let event = Event::Arrive(Arrival {
            refunds,
            reported: validation::reported(configured, order, part, &facts),
            facts,
            updated_at: order.updated_at,
            is_delayed: trigger.is_delayed,
            has_waited: trigger.message_until.is_some(),
            planned: Planned::Send(self.digest(&scope)),
            shown_scope: None,
            deadline: trigger.deadline,
            settings: pauses::settings(&configured.version, paused),
            open: circuit.open(),
            is_implausible,
        });
        let (result, sent) = driver.run(event).await;
        drop(in_flight);
        if !sent {
            self.breaker().give_back(&circuit, self.services.now());
        }
        result.map(|result| DeliveryResult { line: part.line.clone(), ..result })
    }

    /// A digest of the settings that scope the network's memory, the host among them.
    fn digest(&self, scope: &str) -> String {
        let host = self.sender.endpoint().host_str().unwrap_or_default();
        Facts::none()
            .digest("scope", &format!("{host}\n{scope}"))
            .get("scope")
            .unwrap_or_default()
            .to_owned()
    }

    /// Writes the metrics of an invocation at its end.
    pub fn measure(&self) {
        let mut metrics = std::mem::take(&mut *self.metrics());
        if self.breaker().is_open() {
            metrics.record_paused(true);
        }
        self.services.measure(N::NAME, &metrics);
    }

    pub(crate) fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, CircuitBreaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
