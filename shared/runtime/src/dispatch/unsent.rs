//! Events that send nothing: an order that today's settings report nothing of, and a cancellation.

use postback_core::{
    delivery::{Arrival, Event, Facts, Key, Note, Planned, Policy, Record, Recovery, Then},
    network::Network,
    order::{Cancelled, Order},
};

use super::{Configured, DeliverError, DeliveryResult, Dispatcher, Trigger, content};
use crate::{
    ledger::{LedgerError, UpdateError},
    services::Services,
};

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Takes an order that today's settings report nothing of. An open delivery stays open.
    pub(super) async fn deliver_nothing(
        &self,
        order: &Order,
        configured: &Configured<N>,
        planned: Planned,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, None);
        let skipped = match &planned {
            Planned::Skip(reason) => Some(reason.clone()),
            _ => None,
        };
        let event = Event::Arrive(Arrival {
            facts: content::<N>(order),
            updated_at: order.updated_at,
            is_delayed: trigger.is_delayed,
            planned,
            deadline: trigger.deadline,
            settings: configured.version.clone(),
            open: None,
        });
        // Nothing to report writes nothing, so the ledger is asked only where it may know the order.
        let result = self.record(&key, &event, trigger).await?;
        Ok(match (result, skipped) {
            (Some(result), _) => result,
            (None, Some(reason)) => DeliveryResult::skipped(reason),
            (None, None) => DeliveryResult::of(None),
        })
    }

    /// Withdraws an order that the shop cancelled or refunded whole, from this network.
    pub async fn cancel(
        &self,
        cancelled: &Cancelled,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let event = Event::Cancel { facts: Facts::none(), updated_at: cancelled.updated_at };
        let order_id = cancelled.order_id.as_str();
        let held = self.ledger.readable_of_order(order_id).await.map_err(UpdateError::from)?;
        let (records, unreadable) = held;
        // Its message waits for the version that can read it. Another network's item is no obstacle.
        if unreadable.iter().any(|partial| partial.network == N::NAME) {
            return Err(UpdateError::from(LedgerError::LaterFormat).into());
        }
        let lines = records.iter().filter(|record| record.network() == N::NAME);
        let mut keys: Vec<_> = lines.map(Record::key).collect();
        let whole = Key::new(&cancelled.order_id, N::NAME, None);
        if !keys.contains(&whole) {
            keys.insert(0, whole);
        }
        let mut results = Vec::with_capacity(keys.len());
        for key in keys {
            let line = key.line().map(str::to_owned);
            let result = self.record(&key, &event, trigger).await?;
            let result = result.unwrap_or_else(|| DeliveryResult::of(None));
            results.push(DeliveryResult { line, ..result });
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
        let policy = Policy::new(Recovery::Hold, N::TIMEOUT, N::LAG);
        let held = self.ledger.get(key).await.map_err(UpdateError::from)?;
        let updated = self.apply(key, held, event, &policy, Note::default()).await?;
        if updated.after.is_none() {
            return Ok(None);
        }
        let changed = updated.changed_state();
        let conflict = updated.value == Then::Conflict;
        if conflict {
            self.note_conflict(key, updated.after.clone(), event, trigger).await?;
        }
        Ok(Some(DeliveryResult {
            conflict,
            wait_until: match updated.value {
                Then::Wait(until) => Some(until),
                _ => None,
            },
            needs_message: matches!(updated.value, Then::Wait(_)),
            changed,
            replayed: updated.before.is_some() && !changed,
            ..DeliveryResult::of(updated.after.as_ref())
        }))
    }
}
