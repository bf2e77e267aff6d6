//! Refunds by themselves, and those of an order by lines. Nothing is sent: they count at the validation.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use postback_core::{
    delivery::{Event, Key, Record, Refunds},
    network::{Network, Part},
    order::{Currency, Order, OrderId, PartialRefund, Refund},
    redaction::Reason,
};

use super::{DeliverError, DeliveryResult, Dispatcher, Trigger, lines::withdrawal_of};
use crate::{ledger::UpdateError, services::Services};

/// The time in which every invocation that did not see a refund has ended: Lambda allows none more.
const LONGEST_INVOCATION: Duration = Duration::from_mins(15);

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Notes parts of an order that the shop paid back, by themselves. What the ledger does not hold yet
    /// is kept for the order.
    pub async fn refund(
        &self,
        partial: &PartialRefund,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let PartialRefund { order_id, currency, refunds, .. } = partial;
        let whole = Key::new(order_id, N::NAME, None);
        // The order's own item comes first: no line is sent once that is cancelled.
        let event = Event::Refund { refunds: Refunds::of_order(refunds), currency: *currency };
        let first = self.record(&whole, &event, trigger).await?;
        let first = first.unwrap_or_else(|| DeliveryResult::of(None));
        if first.lines.is_empty() {
            return Ok(vec![first]);
        }
        let noted = self.note_on_lines(order_id, refunds, *currency, trigger).await?;
        let held = self.ledger.get(&whole).await.map_err(UpdateError::from)?;
        let cancelled = held.as_ref().and_then(|held| held.protocol.cancelled.as_ref());
        let is_cancelled = cancelled.is_some_and(|cancelled| cancelled.by_refunds);
        let mut results = Vec::new();
        for (line, record) in self.line_records(order_id).await? {
            let key = Key::new(order_id, N::NAME, Some(&line));
            let result = if is_cancelled {
                self.record(&key, &withdrawal_of(held.as_ref()), trigger).await?
            } else {
                None
            };
            let known = DeliveryResult { replayed: true, ..DeliveryResult::of(Some(&record)) };
            results.push(DeliveryResult { line: Some(line), ..result.unwrap_or(known) });
        }
        if !is_cancelled && !trigger.is_delayed {
            // The order may be under way since before this: its other lines get the refund once that
            // has ended. Whoever takes it up after this sees the order's own item.
            let lines = held.iter().flat_map(|held| held.protocol.lines.iter().flatten());
            let until = self.services.now() + LONGEST_INVOCATION;
            let later = |line: &String| {
                DeliveryResult::later(Some(line.clone()), Reason::new("order_unknown"), until)
            };
            results.extend(lines.filter(|line| !noted.contains(*line)).map(later));
        }
        // By lines they are the deliveries, not the order's own item.
        Ok(if results.is_empty() { vec![first] } else { results })
    }

    /// Notes the refunds of an order on its lines, whatever became of its version.
    pub(super) async fn refund_lines(
        &self,
        order: &Order,
        trigger: &Trigger<'_>,
    ) -> Result<(), DeliverError> {
        self.note_on_lines(&order.order_id, &order.refunds, order.currency, trigger).await?;
        Ok(())
    }

    /// The refunds of the order's item `held` that may be those of lines without a record.
    pub(super) async fn refunds_of_new_lines(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
        held: Option<&Record>,
    ) -> Result<BTreeMap<String, Refunds>, DeliverError> {
        let own = Refunds::of_order(&order.refunds);
        let Some(held) = held.filter(|held| held.protocol.refunds != own) else {
            return Ok(BTreeMap::new());
        };
        let known = self.line_records(&order.order_id).await?;
        let lines = parts.iter().filter_map(|part| part.line.as_ref());
        let lines = lines.filter(|line| !known.contains_key(*line));
        let unclear = lines.map(|line| {
            let of_line = Refunds::of_line(&order.refunds, order.currency, line);
            (line.clone(), held.protocol.refunds.of_new_line(&own, &of_line))
        });
        Ok(unclear.collect())
    }

    /// Returns the lines that have a record.
    async fn note_on_lines(
        &self,
        order_id: &OrderId,
        refunds: &[Refund],
        currency: Currency,
        trigger: &Trigger<'_>,
    ) -> Result<BTreeSet<String>, DeliverError> {
        let mut lines = BTreeSet::new();
        for (line, record) in self.line_records(order_id).await? {
            let refunds = Refunds::of_line(refunds, currency, &line);
            if record.protocol.refunds.and(&refunds) != record.protocol.refunds {
                let key = Key::new(order_id, N::NAME, Some(&line));
                self.record(&key, &Event::Refund { refunds, currency }, trigger).await?;
            }
            lines.insert(line);
        }
        Ok(lines)
    }
}
