//! Lines that are not sent any more: the shop cancelled the order, a later version no longer has
//! them, or the order is reported as a whole today.

use postback_core::{
    clock::Timestamp,
    delivery::{Event, Facts, Key, Record, Refunds, State},
    network::{Network, Part},
    order::Order,
    redaction::Reason,
};

use super::super::{Configured, DeliverError, DeliveryResult, Dispatcher, Trigger};
use crate::{ledger::UpdateError, services::Services};

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Withdraws the lines of an order that the shop cancelled. One whose sender died comes to a
    /// doubt, which a lookup may settle; nothing is sent.
    pub(super) async fn withdraw_lines(
        &self,
        order: &Order,
        configured: &Configured<N>,
        parts: &[Part<N::Report>],
        withdrawal: &Event,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let trigger = Trigger { is_delayed: true, expect_existing: true, ..*trigger };
        let mut results = Vec::with_capacity(parts.len() + 1);
        for part in parts {
            let Some(line) = &part.line else { continue };
            let result = self.record_line(order, line, withdrawal, &trigger).await?;
            results.push(if result.is_open() {
                self.deliver_part(order, configured, part, &Refunds::default(), &trigger).await?
            } else {
                result
            });
        }
        Ok(results)
    }

    /// Notes on the lines of a version that is a conflict that the shop completed it. The order's own item
    /// stays cancelled: no line of an earlier version is sent.
    pub(super) async fn complete_lines(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
        trigger: &Trigger<'_>,
    ) -> Result<(), DeliverError> {
        let completed = Event::Complete { updated_at: order.updated_at };
        for line in parts.iter().filter_map(|part| part.line.as_ref()) {
            self.record_line(order, line, &completed, trigger).await?;
        }
        Ok(())
    }

    /// Withdraws the lines that the version held no longer has. One may have been claimed after that
    /// version was taken: then it is the message of its own version that withdraws it. Returns those
    /// that are open.
    pub(super) async fn leave_former(
        &self,
        order: &Order,
        configured: &Configured<N>,
        held: Option<&Record>,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        let Some(held) = held.map(|held| &held.protocol) else { return Ok(Vec::new()) };
        let withdrawal = withdrawal(held.order_updated_at, false);
        let mut results = Vec::with_capacity(held.former_lines.len());
        for line in &held.former_lines {
            self.record_line(order, line, &withdrawal, trigger).await?;
            let left = self.leave_line(order, configured, line, trigger).await?;
            results.extend(Some(left).filter(DeliveryResult::is_open));
        }
        Ok(results)
    }

    /// A line that can't be built any more: it comes back until its sender is certainly dead.
    pub(super) async fn leave_line(
        &self,
        order: &Order,
        configured: &Configured<N>,
        line: &str,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let left = self.leave(order, configured, Some(line), trigger).await?;
        Ok(Self::of_line(line, left))
    }

    pub(super) async fn leave(
        &self,
        order: &Order,
        configured: &Configured<N>,
        line: Option<&str>,
        trigger: &Trigger<'_>,
    ) -> Result<Option<DeliveryResult>, DeliverError> {
        let event = Event::Unplanned { settings: configured.version.clone() };
        self.record(&Key::new(&order.order_id, N::NAME, line), &event, trigger).await
    }

    pub(super) async fn record_line(
        &self,
        order: &Order,
        line: &str,
        event: &Event,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, Some(line));
        let result = self.record(&key, event, trigger).await?;
        Ok(Self::of_line(line, result))
    }

    /// The result of a line, which the ledger may not hold.
    fn of_line(line: &str, result: Option<DeliveryResult>) -> DeliveryResult {
        let result = result.unwrap_or_else(|| DeliveryResult::skipped(Reason::new("by_lines")));
        DeliveryResult { line: Some(line.to_owned()), ..result }
    }

    /// Adds the lines of an order that was reported by lines and now comes as a whole: those that are
    /// open wait for other settings, unless the order is cancelled.
    pub(in crate::dispatch) async fn with_lines(
        &self,
        order: &Order,
        configured: &Configured<N>,
        mut results: Vec<DeliveryResult>,
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        // The message of a later version carries the lines on.
        let Some(whole) = results.first().filter(|it| !it.lines.is_empty()) else {
            return Ok(results);
        };
        let is_withdrawn = whole.state == State::Withdrawn;
        if whole.order_updated_at > order.updated_at && !is_withdrawn {
            return Ok(results);
        }
        let lines = whole.lines.clone();
        let withdrawal = if is_withdrawn {
            let key = Key::new(&order.order_id, N::NAME, None);
            let held = self.ledger.get(&key).await.map_err(UpdateError::from)?;
            Some(withdrawal_of(held.as_ref()))
        } else {
            None
        };
        for line in lines {
            if let Some(withdrawal) = &withdrawal {
                self.record_line(order, &line, withdrawal, trigger).await?;
            }
            let left = self.leave_line(order, configured, &line, trigger).await?;
            results.extend(Some(left).filter(DeliveryResult::is_open));
        }
        Ok(results)
    }
}

/// The withdrawal of a line that is cancelled, or that a later version of the order no longer has.
const fn withdrawal(updated_at: Option<Timestamp>, by_refunds: bool) -> Event {
    Event::Cancel { facts: Facts::none(), updated_at, by_refunds }
}

/// The withdrawal of the lines of an order that is cancelled. Refunds that are more than its amount,
/// or not clear, are decided for each line.
pub(in crate::dispatch) fn withdrawal_of(whole: Option<&Record>) -> Event {
    let cancelled = whole.and_then(|held| held.protocol.cancelled.as_ref());
    let is_unclear = whole.is_some_and(|held| !held.protocol.is_refunded_exactly());
    let by_refunds = is_unclear && cancelled.is_some_and(|cancelled| cancelled.by_refunds);
    withdrawal(cancelled.and_then(|cancelled| cancelled.updated_at), by_refunds)
}
