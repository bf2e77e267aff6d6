//! The message that waits for a delivery: put on the function's own queue before the write that
//! names it, and carried on until the delivery is due.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Event, Record, State, Then, step},
    network::Network,
};

use super::{DeliverError, DeliveryResult, Dispatcher, Driver, Trigger, driver::replaces};
use crate::{
    ledger::{Change, UpdateError},
    sender,
    services::{DelayedOrder, Services, Unavailable},
};

/// The longest delay of a queue message.
const MAX_DELAY: Duration = Duration::from_mins(15);
/// The first of the growing pauses after which a parked delivery looks for new settings.
const FIRST_PARKED_PAUSE: Duration = Duration::from_secs(15);
/// The time after an invocation's deadline at which nothing of it is under way any more.
const ASIDE: Duration = Duration::from_secs(30);
/// The time for which a message that has to wait on is named anew.
const RENAMED_FOR: Duration = Duration::from_hours(6);

impl<N: Network, S: Services> Driver<'_, N, S> {
    /// Puts the message that waits for the decision about `event`, if that is to be written.
    /// Returns its name.
    pub(super) async fn put_message_ahead(
        &mut self,
        event: &Event,
    ) -> Result<Option<Timestamp>, DeliverError> {
        let is_versioned = self.order.updated_at.is_some() && matches!(event, Event::Arrive(_));
        let may_replace = is_versioned && !self.on_queue;
        if self.record.is_none() && (may_replace || self.would_wait(event)) {
            // Another message may wait already: this read costs less than one more.
            let held = self.dispatcher.ledger.get(&self.key).await;
            self.record = held.map_err(UpdateError::from)?;
        }
        let now = self.now();
        let decision = step(self.protocol(), event, &self.policy, now);
        let Some(next) = decision.next else { return Ok(None) };
        let waits = match decision.then {
            Then::Wait(until) if self.is_of_the_version_held(next.order_updated_at) => Some(until),
            _ => None,
        };
        let Some(until) = waits else {
            if may_replace && replaces(self.record.as_ref(), &next) && !next.state.is_final() {
                // The messages of the versions before are superseded from here on, and the caller
                // may be gone: this one carries the order on.
                self.dispatcher.put_later_version(self.trigger).await?;
                self.on_queue = true;
            }
            return Ok(None);
        };
        if matches!(event, Event::Arrive(_)) && until <= now {
            return Ok(None);
        }
        // Named anew when that has passed: should it be lost, the sweep sees it the same day.
        let named = until.max(now).min(now + RENAMED_FOR);
        Ok(self.put_message(until, &next, named).await.ok())
    }

    /// Returns whether the decision about `event` is written and waits, on the record as last seen.
    fn would_wait(&self, event: &Event) -> bool {
        let decision = step(self.protocol(), event, &self.policy, self.now());
        decision.next.is_some() && matches!(decision.then, Then::Wait(_))
    }

    /// Waits without a write: carries the waiting message on, or leaves it to another one.
    pub(super) async fn wait_on(&mut self, until: Timestamp) -> DeliveryResult {
        let result = self.result(Some(until));
        let Some(record) = self.record.clone() else { return result };
        let (now, state) = (self.now(), record.protocol.state);
        let may_wait = state != State::Sending
            && self.is_of_the_version_held(record.protocol.order_updated_at);
        if !may_wait {
            // No other message stands for this one.
            return DeliveryResult { needs_message: true, ..result };
        }
        let named = record.message_until.filter(|named| *named > now);
        let own = self.trigger.message_until;
        let needs_message = match named {
            // A message of a later name waits: this one is surplus.
            Some(named) if own.is_none_or(|own| own < named) => false,
            Some(named) if own == Some(named) => {
                self.put_message(until, &record.protocol, named).await.is_err()
            }
            _ => {
                // However long it waits: should it be lost, the sweep sees it the same day.
                let named = (now + RENAMED_FOR).max(own.unwrap_or(now));
                let put = self.put_message(until, &record.protocol, named).await;
                put.is_err() || self.name_message(named).await.is_err()
            }
        };
        DeliveryResult { needs_message, ..result }
    }

    /// Writes the name of the message that waits.
    async fn name_message(&mut self, named: Timestamp) -> Result<(), Unavailable> {
        let dispatcher = self.dispatcher;
        let decide = |held: Option<&Record>| match held {
            Some(held) if held.protocol.state != State::Sending => {
                let named = held.with_message_until(named, dispatcher.stamp());
                Change::Write(Box::new(named), ())
            }
            _ => Change::Keep(()),
        };
        let updated = dispatcher.ledger.update(self.record.clone(), decide).await;
        self.record = updated.map_err(|_| Unavailable)?.after;
        Ok(())
    }

    async fn put_message(
        &self,
        until: Timestamp,
        delivery: &Delivery,
        named: Timestamp,
    ) -> Result<Timestamp, Unavailable> {
        let (state, first_seen_at) = (delivery.state, Some(delivery.first_seen_at));
        let put = self.dispatcher.put_order(self.trigger, until, state, first_seen_at, Some(named));
        put.await.map(|()| named)
    }
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Puts the order back on the queue if a result still needs a message.
    pub async fn requeue(
        &self,
        trigger: &Trigger<'_>,
        results: &[DeliveryResult],
    ) -> Result<(), Unavailable> {
        let waiting = || results.iter().filter(|result| result.needs_message);
        let Some(until) = waiting().filter_map(|result| result.wait_until).min() else {
            return Ok(());
        };
        let is_parked = waiting().any(|result| result.state == State::Parked);
        let state = if is_parked { State::Parked } else { State::Retrying };
        let first_seen_at = waiting().filter_map(|result| result.first_seen_at).min();
        // Where nothing was decided on its deliveries, or one still names it, it is the message that
        // waits for them.
        let is_named = |own: &Timestamp| {
            first_seen_at.is_none() || waiting().any(|it| it.message_until == Some(*own))
        };
        let named = trigger.message_until.filter(is_named);
        self.put_order(trigger, until, state, first_seen_at, named).await
    }

    /// Puts a version that came by a direct call on the queue, for the time when its sender is
    /// certainly dead.
    pub(super) async fn put_later_version(&self, trigger: &Trigger<'_>) -> Result<(), Unavailable> {
        let until = trigger.deadline + ASIDE;
        self.put_order(trigger, until, State::Sending, None, None).await
    }

    async fn put_order(
        &self,
        trigger: &Trigger<'_>,
        mut until: Timestamp,
        state: State,
        first_seen_at: Option<Timestamp>,
        message_until: Option<Timestamp>,
    ) -> Result<(), Unavailable> {
        let mut parked_rounds = 0;
        if state == State::Parked {
            parked_rounds = trigger.parked_rounds.saturating_add(1);
            let factor = 2_u32.saturating_pow(trigger.parked_rounds.min(10));
            let pause = FIRST_PARKED_PAUSE.saturating_mul(factor).min(MAX_DELAY);
            until = until.min(self.services.now() + pause);
        }
        let detail = serde_json::from_str(trigger.body).map_err(|_| Unavailable)?;
        let order = DelayedOrder {
            parked_rounds,
            first_seen_ms: first_seen_at.map_or(0, Timestamp::as_millis),
            message_until_ms: message_until.map_or(0, Timestamp::as_millis),
            source: trigger.sender.map_or_else(String::new, sender::source_of).into(),
            ..DelayedOrder::new(detail, until)
        };
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
