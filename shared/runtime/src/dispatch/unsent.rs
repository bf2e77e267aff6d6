//! Events that send nothing: an order that today's settings report nothing of, and a cancellation.

use std::{collections::BTreeSet, time::Duration};

use postback_core::{
    delivery::{
        Arrival, Event, Facts, Key, Note, Planned, Policy, Record, Recovery, Refunds, State, Then,
    },
    network::{Network, Sought},
    order::{Cancelled, Order},
    redaction::Reason,
};

use super::{
    Circuit, Configured, DeliverError, DeliveryResult, Dispatcher, Source, Trigger, content, pauses,
};
use crate::{
    ledger::{Change, LedgerError, UpdateError, Updated},
    services::Services,
};

/// The time after which a message that comes round is noted: an hour before it would be missed.
const NOTED_AFTER: Duration = Duration::from_hours(1);

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Takes an order that today's settings report nothing of. An open delivery stays open.
    pub(super) async fn deliver_nothing(
        &self,
        order: &Order,
        configured: &Configured<N>,
        planned: Planned,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, None);
        // A doubt may be resolved all the same: nothing else is sent.
        let plan = configured.network.read_back();
        let shown_scope = plan.as_ref().and_then(|plan| plan.shown_scope(&configured.network));
        let (order_id, now) = (order.order_id.as_str(), self.services.now());
        let circuit = match &plan {
            None => Circuit::Closed,
            Some(_) if self.is_paused().await => pauses::circuit("paused", now),
            Some(_) if configured.is_faulty => pauses::circuit("settings_faulty", now),
            Some(_) => self.breaker().check(order_id, false, &configured.version, now),
        };
        let skipped = match &planned {
            Planned::Skip(reason) => Some(reason.clone()),
            _ => None,
        };
        let event = Event::Arrive(Arrival {
            facts: content::<N>(order),
            updated_at: order.updated_at,
            is_delayed: trigger.is_delayed,
            has_waited: trigger.message_until.is_some(),
            planned,
            shown_scope: shown_scope.map(|scope| self.digest(&scope)),
            refunds: Refunds::of_order(&order.refunds),
            reported: None,
            deadline: trigger.deadline,
            settings: configured.version.clone(),
            open: circuit.open(),
            is_implausible: false,
        });
        // Nothing to report writes nothing, so the ledger is asked only where it may know the order.
        let mut recorded = self.record_step(&key, &event, trigger.note(), trigger).await?;
        let looks_up = matches!(&recorded, Some((_, updated)) if updated.value == Then::LookUp);
        if let Some(plan) = plan.as_ref().filter(|_| looks_up) {
            let sought = Sought::Order(&order.order_id);
            let asked = self.look_up(configured, plan, &sought, &key, trigger.deadline).await;
            let (event, note) = asked;
            recorded = self.record_step(&key, &event, note, trigger).await?;
        }
        self.breaker().give_back(&circuit, self.services.now());
        let recorded = recorded.filter(|(_, updated)| !has_refunds_alone(updated));
        let result = match (recorded, skipped) {
            (Some((result, updated)), _) => {
                self.note_that_it_circulates(order, updated).await;
                result
            }
            (None, Some(reason)) => DeliveryResult::skipped(reason),
            (None, None) => DeliveryResult::of(None),
        };
        self.with_lines(order, configured, vec![result], trigger).await
    }

    /// Notes now and then that a message comes round which today's settings can't send. It stays
    /// without a name: one that can be sent is never surplus against it.
    async fn note_that_it_circulates(&self, order: &Order, updated: Updated<Then>) {
        if updated.wrote() || !matches!(updated.value, Then::Wait(_)) {
            return;
        }
        let decide = |held: Option<&Record>| {
            let stamp = self.stamp();
            let is_missed = |held: &&Record| {
                let is_of_this_version = held.protocol.order_updated_at == order.updated_at;
                let is_waiting = !matches!(held.protocol.state, State::Sending);
                is_of_this_version && is_waiting && stamp.now.since(held.due_at()) >= NOTED_AFTER
            };
            held.filter(is_missed).map_or(Change::Keep(()), |held| {
                Change::Write(Box::new(held.with_unnamed_message(stamp)), ())
            })
        };
        // Should it fail, the message's next round notes it.
        let _noted = self.ledger.update(updated.after, decide).await;
    }

    /// Withdraws an order that the shop cancelled or refunded whole, from this network.
    pub async fn cancel(
        &self,
        cancelled: &Cancelled,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let updated_at = cancelled.updated_at;
        let event = Event::Cancel { facts: Facts::none(), updated_at, by_refunds: false };
        let order_id = cancelled.order_id.as_str();
        // The order's own item comes first: it names the lines, and no line is sent once it is
        // written.
        let whole = Key::new(&cancelled.order_id, N::NAME, None);
        let first = self.record(&whole, &event, trigger).await?;
        let first = first.unwrap_or_else(|| DeliveryResult::of(None));
        if first.superseded {
            return self.supersede(cancelled, first).await;
        }
        let held = self.ledger.readable_of_order(order_id).await.map_err(UpdateError::from)?;
        let (records, unreadable) = held;
        // Its message waits for the version that can read it. Another network's item is no obstacle.
        if unreadable.iter().any(|partial| partial.network == N::NAME) {
            return Err(UpdateError::from(LedgerError::LaterFormat).into());
        }
        let lines = records.iter().filter(|record| record.network() == N::NAME);
        let lines = lines.filter_map(|record| record.line().map(str::to_owned));
        let lines: BTreeSet<_> = lines.chain(first.lines.iter().cloned()).collect();
        let mut results = Vec::with_capacity(lines.len());
        for line in lines {
            let key = Key::new(&cancelled.order_id, N::NAME, Some(&line));
            let result = self.record(&key, &event, trigger).await?;
            let result = result.unwrap_or_else(|| DeliveryResult::of(None));
            results.push(DeliveryResult { line: Some(line), ..result });
        }
        // By lines they are the deliveries, not the order's own item.
        Ok(if results.is_empty() { vec![first] } else { results })
    }

    /// A later version of the order is held: its cancellation changes nothing and is noted once.
    ///
    /// By lines it is noted on each: that is where it is shown.
    async fn supersede(
        &self,
        cancelled: &Cancelled,
        result: DeliveryResult,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let reason = Some(Reason::new("superseded"));
        let mut lines: Vec<_> = result.lines.iter().cloned().map(Some).collect();
        if lines.is_empty() {
            lines.push(None);
        }
        let mut results = Vec::with_capacity(lines.len());
        for line in lines {
            let key = Key::new(&cancelled.order_id, N::NAME, line.as_deref());
            let held = self.ledger.get(&key).await.map_err(UpdateError::from)?;
            let decide = |held: Option<&Record>| {
                let noted =
                    held.and_then(|it| it.with_superseded(cancelled.updated_at, self.stamp()));
                noted.map_or(Change::Keep(()), |noted| Change::Write(Box::new(noted), ()))
            };
            let noted = self.ledger.update(held, decide).await?.after;
            let result = match &noted {
                Some(noted) => DeliveryResult { replayed: true, ..DeliveryResult::of(Some(noted)) },
                None => result.clone(),
            };
            results.push(DeliveryResult { line, reason: reason.clone(), ..result });
        }
        Ok(results)
    }

    /// Takes an event that sends nothing through `step`. `None` when the ledger holds nothing.
    pub(super) async fn record(
        &self,
        key: &Key,
        event: &Event,
        trigger: &Trigger<'_>,
    ) -> Result<Option<DeliveryResult>, DeliverError> {
        let recorded = self.record_step(key, event, trigger.note(), trigger).await?;
        Ok(recorded.map(|(result, _)| result))
    }

    /// The same, with the note of the write. Returns the update, too.
    async fn record_step(
        &self,
        key: &Key,
        event: &Event,
        note: Note,
        trigger: &Trigger<'_>,
    ) -> Result<Option<(DeliveryResult, Updated<Then>)>, DeliverError> {
        let policy = Policy::new(Recovery::Hold, N::TIMEOUT, N::LAG);
        let held = self.ledger.get(key).await.map_err(UpdateError::from)?;
        let on_queue = trigger.source == Source::Queue;
        let updated = self.apply(key, held, event, &policy, note, on_queue).await?;
        if updated.after.is_none() {
            return Ok(None);
        }
        let changed = updated.changed_state();
        let conflict = updated.value == Then::Conflict;
        if let Some(record) = &updated.after
            && record.protocol.reported.is_some()
        {
            let configured = self.settings.current(&self.services, false).await;
            self.follow(record, &configured, false).await?;
        }
        if conflict && let Event::Arrive(Arrival { facts, .. }) = event {
            self.note_conflict(key, updated.after.clone(), facts, trigger).await?;
        }
        let result = DeliveryResult {
            conflict,
            superseded: updated.value == Then::Superseded,
            wait_until: match updated.value {
                Then::Wait(until) => Some(until),
                _ => None,
            },
            needs_message: matches!(updated.value, Then::Wait(_)),
            changed,
            replayed: updated.before.is_some() && !changed,
            ..DeliveryResult::of(updated.after.as_ref())
        };
        Ok(Some((result, updated)))
    }
}

/// Returns whether all that is known are refunds that came before the order: they are no delivery.
fn has_refunds_alone(updated: &Updated<Then>) -> bool {
    updated.after.as_ref().is_some_and(|held| held.protocol.has_refunds_alone())
}
