//! An order that is reported by lines: its own item is written before the first line.

use postback_core::{
    delivery::{ByLines, Event, Facts, Key, Lines, Note, Record, State, by_lines},
    network::{Network, Part},
    order::Order,
    redaction::Reason,
};

use super::{DeliverError, DeliveryResult, Dispatcher, Trigger, content};
use crate::{
    ledger::{Change, LedgerError, UpdateError, Updated},
    services::Services,
};

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Writes the order's own item. Returns the results where no line may be sent.
    pub(super) async fn enter_lines(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
        trigger: &Trigger<'_>,
    ) -> Result<Option<Vec<DeliveryResult>>, DeliverError> {
        let mut lines = Lines {
            facts: content::<N>(order),
            updated_at: order.updated_at,
            ids: parts.iter().filter_map(|part| part.line.clone()).collect(),
            is_delayed: trigger.is_delayed,
            are_permitted: false,
        };
        let mut updated = self.write_lines(order, &lines, trigger).await?;
        if let ByLines::Permitted { until } = updated.value {
            for line in &lines.ids {
                let key = Key::new(&order.order_id, N::NAME, Some(line));
                self.record(&key, &Event::Permit { until }, trigger).await?;
            }
            lines.are_permitted = true;
            updated = self.write_lines(order, &lines, trigger).await?;
        }
        let answered =
            DeliveryResult { replayed: true, ..DeliveryResult::of(updated.after.as_ref()) };
        Ok(match updated.value {
            ByLines::Deliver { gone, .. } => {
                for line in gone {
                    self.withdraw_line(order, &line, trigger).await?;
                }
                None
            }
            // The permission lapsed in between.
            ByLines::Superseded | ByLines::Permitted { .. } => Some(vec![answered]),
            ByLines::Withdrawn { .. } => {
                for line in &lines.ids {
                    self.withdraw_line(order, line, trigger).await?;
                }
                Some(vec![answered])
            }
            ByLines::ModeChanged => {
                let reason = Some(Reason::new("mode_changed"));
                Some(vec![DeliveryResult { reason, ..answered }])
            }
        })
    }

    /// Decides on the lines of an order and writes the order's own item.
    async fn write_lines(
        &self,
        order: &Order,
        lines: &Lines,
        trigger: &Trigger<'_>,
    ) -> Result<Updated<ByLines>, UpdateError> {
        let key = Key::new(&order.order_id, N::NAME, None);
        let decide = |held: Option<&Record>| {
            let stamp = self.stamp();
            let way = by_lines(held.map(|record| &record.protocol), lines, stamp.now);
            match &way {
                ByLines::Deliver { next: Some(next), .. }
                | ByLines::Withdrawn { next: Some(next) } => {
                    let next = (**next).clone();
                    let record = Record::after(held, &key, next, Note::default(), stamp);
                    Change::Write(Box::new(record), way)
                }
                _ => Change::Keep(way),
            }
        };
        let held = if trigger.expect_existing || lines.are_permitted {
            self.ledger.get(&key).await?
        } else {
            None
        };
        self.ledger.update(held, decide).await
    }

    /// Withdraws a line that a later version of the order no longer has: where the network certainly
    /// holds nothing of it; otherwise it is a person's matter.
    async fn withdraw_line(
        &self,
        order: &Order,
        line: &str,
        trigger: &Trigger<'_>,
    ) -> Result<(), DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, Some(line));
        let event = Event::Cancel { facts: Facts::none(), updated_at: order.updated_at };
        self.record(&key, &event, trigger).await.map(|_| ())
    }

    /// Returns whether the order of a claimed line is cancelled or superseded meanwhile: then the
    /// line settles unsent.
    pub(super) async fn is_line_void(&self, key: &Key, order: &Order) -> Result<bool, LedgerError> {
        if key.line().is_none() {
            return Ok(false);
        }
        let whole = Key::new(&order.order_id, N::NAME, None);
        let Some(record) = self.ledger.get(&whole).await? else { return Ok(false) };
        let held = &record.protocol;
        let cancelled = held.cancelled.as_ref();
        let is_cancelled =
            cancelled.is_some_and(|cancelled| cancelled.holds_against(order.updated_at));
        let is_superseded = order.updated_at < held.order_updated_at;
        Ok(is_cancelled || is_superseded || held.state == State::Withdrawn)
    }
}
