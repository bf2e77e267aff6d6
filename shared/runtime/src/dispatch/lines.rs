//! An order that is reported by lines: its own item is written before the first line.

use postback_core::{
    delivery::{ByLines, Event, Facts, Key, Lines, Note, Record, State, by_lines},
    network::{Network, Part},
    order::Order,
    redaction::Reason,
};

use super::{DeliverError, DeliveryResult, Dispatcher, Source, Trigger, content};
use crate::{
    ledger::{Change, LedgerError},
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
        let key = Key::new(&order.order_id, N::NAME, None);
        let lines = Lines {
            facts: content::<N>(order),
            updated_at: order.updated_at,
            ids: parts.iter().filter_map(|part| part.line.clone()).collect(),
        };
        let decide = |held: Option<&Record>| {
            let stamp = self.stamp();
            let way = by_lines(held.map(|record| &record.protocol), &lines, stamp.now);
            match &way {
                ByLines::Deliver { next: Some(next), .. } => {
                    let next = (**next).clone();
                    let record = Record::after(held, &key, next, Note::default(), stamp);
                    Change::Write(Box::new(record), way)
                }
                _ => Change::Keep(way),
            }
        };
        let may_replace = trigger.source == Source::Api && order.updated_at.is_some();
        let held = if trigger.expect_existing || may_replace {
            self.ledger.get(&key).await.map_err(crate::ledger::UpdateError::from)?
        } else {
            None
        };
        if may_replace
            && held.as_ref().is_some_and(|held| held.protocol.order_updated_at < order.updated_at)
        {
            // As for an order that is no lines: a later version is on its queue first.
            self.put_later_version(trigger).await?;
        }
        let updated = self.ledger.update(held, decide).await?;
        let answered =
            DeliveryResult { replayed: true, ..DeliveryResult::of(updated.after.as_ref()) };
        Ok(match updated.value {
            ByLines::Deliver { gone, .. } => {
                for line in gone {
                    self.withdraw_line(order, &line, trigger).await?;
                }
                None
            }
            ByLines::Superseded => Some(vec![answered]),
            ByLines::Withdrawn => {
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
