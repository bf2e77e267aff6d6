//! An order that is reported by lines: its own item is written before the first line.
//!
//! The answers where nothing is sent are in [`answer`], lines that are not sent any more in
//! [`withdraw`].

use std::collections::BTreeMap;

use postback_core::{
    delivery::{
        ByLines, Delivery, Event, Key, Lines, Policy, Record, Recovery, Refunds, by_lines, is_void,
    },
    network::{Network, Part},
    order::{Order, OrderId},
    redaction::Reason,
};

use super::{Configured, DeliverError, DeliveryResult, Dispatcher, Source, Trigger, content};
use crate::{
    ledger::{Change, LedgerError, UpdateError, Updated},
    services::Services,
};

mod answer;
mod withdraw;

use answer::deliveries_or;
pub(super) use withdraw::withdrawal_of;

/// The order's own item is written, or nothing is to be sent.
pub(super) enum Entered {
    /// Each line may be delivered. The results are those of lines that this version no longer has, and
    /// that are open; the refunds those that came without the order, of each line without a record.
    Deliver(Vec<DeliveryResult>, BTreeMap<String, Refunds>),
    /// These are all results.
    Answered(Vec<DeliveryResult>),
}

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// Writes the order's own item.
    pub(super) async fn enter_lines(
        &self,
        order: &Order,
        configured: &Configured<N>,
        parts: &[Part<N::Report>],
        trigger: &Trigger<'_>,
    ) -> Result<Entered, DeliverError> {
        let mut lines = Self::lines_of(order, parts, trigger);
        let mut updated = self.write_lines(order, &lines, trigger).await?;
        if let ByLines::Permitted { until } = updated.value {
            for (line, _) in &lines.parts {
                let key = Key::new(&order.order_id, N::NAME, Some(line));
                self.record(&key, &Event::Permit { until }, trigger).await?;
            }
            lines.are_permitted = true;
            updated = self.write_lines(order, &lines, trigger).await?;
        }
        let is_put = trigger.source == Source::Api && notes_waiting(&updated);
        let held = updated.after.as_ref();
        let answered = DeliveryResult { replayed: true, ..DeliveryResult::of(held) };
        Ok(match updated.value {
            ByLines::Deliver { .. } => {
                let results = self.leave_former(order, configured, held, trigger).await?;
                Entered::Deliver(results, self.refunds_of_new_lines(order, parts, held).await?)
            }
            ByLines::Conflict { lines: differing, .. } => {
                if held.is_some_and(|held| held.protocol.cancelled.is_some()) {
                    self.complete_lines(order, parts, trigger).await?;
                }
                self.refuse_lines(order, parts, &differing, held, trigger).await?
            }
            ByLines::Wait { until, lines: under_way, .. } => {
                self.await_lines(order, &under_way, until, is_put).await?
            }
            // The permission lapsed in between.
            ByLines::Close { .. } | ByLines::Permitted { .. } => Entered::Answered(vec![answered]),
            ByLines::Superseded { .. } => {
                let left = self.leave_former(order, configured, held, trigger).await?;
                self.held_lines(order, answered, left).await?
            }
            ByLines::Withdrawn { .. } => {
                let withdrawal = withdrawal_of(held);
                let mut results =
                    self.withdraw_lines(order, configured, parts, &withdrawal, trigger).await?;
                let is_former = |line: &&String| lines.parts.iter().all(|(id, _)| id != *line);
                for line in answered.lines.iter().filter(is_former) {
                    self.record_line(order, line, &withdrawal, trigger).await?;
                    results.push(self.leave_line(order, configured, line, trigger).await?);
                }
                Entered::Answered(deliveries_or(results, answered))
            }
            ByLines::ModeChanged { .. } => {
                let left = self.leave(order, configured, None, trigger).await?.unwrap_or(answered);
                let reason = Some(Reason::new("mode_changed"));
                Entered::Answered(vec![DeliveryResult { reason, ..left }])
            }
        })
    }

    /// The lines of an order as they arrive.
    fn lines_of(order: &Order, parts: &[Part<N::Report>], trigger: &Trigger<'_>) -> Lines {
        let facts = content::<N>(order);
        let of_line = |part: &Part<N::Report>| {
            Some((part.line.clone()?, facts.clone().and(part.facts.clone())))
        };
        Lines {
            parts: parts.iter().filter_map(of_line).collect(),
            updated_at: order.updated_at,
            until: trigger.deadline + Policy::new(Recovery::Hold, N::TIMEOUT, N::LAG).skew,
            is_delayed: trigger.is_delayed,
            has_waited: trigger.message_until.is_some(),
            are_permitted: false,
            refunds: Refunds::of_order(&order.refunds),
            facts,
        }
    }

    /// Decides on the lines of an order and writes the order's own item. A later version is on its
    /// queue first, as for an order that is no lines.
    async fn write_lines(
        &self,
        order: &Order,
        lines: &Lines,
        trigger: &Trigger<'_>,
    ) -> Result<Updated<ByLines>, DeliverError> {
        let key = Key::new(&order.order_id, N::NAME, None);
        let may_replace = trigger.source == Source::Api && order.updated_at.is_some();
        let mut held = if trigger.expect_existing || may_replace || lines.are_permitted {
            self.ledger.get(&key).await.map_err(UpdateError::from)?
        } else {
            None
        };
        let mut on_queue = !may_replace;
        for _ in 0..MAX_ROUNDS {
            // Read after the item: what is decided on them counts for this version of it alone.
            let version = held.as_ref().map(|held| held.version);
            let deliveries = match &held {
                Some(held) if held.protocol.lines.is_some() => self.lines_held(order).await?,
                _ => BTreeMap::new(),
            };
            let mut has_to_be_put = false;
            let decide = |held: Option<&Record>| {
                if held.map(|held| held.version) != version {
                    return Change::Keep(None);
                }
                let stamp = self.stamp();
                let protocol = held.map(|record| &record.protocol);
                let way = by_lines(protocol, &deliveries, lines, stamp.now);
                let Some(next) = way.next().cloned() else { return Change::Keep(Some(way)) };
                has_to_be_put = !on_queue && is_replaced(protocol, &way, lines);
                if has_to_be_put {
                    return Change::Keep(None);
                }
                let record = Record::after(held, &key, next, trigger.note(), stamp);
                let closes = matches!(way, ByLines::Close { .. });
                Change::Write(Box::new(record), Some(way).filter(|_| !closes))
            };
            let Updated { before, after, value } = self.ledger.update(held, decide).await?;
            if let Some(value) = value {
                return Ok(Updated { before, after, value });
            }
            if has_to_be_put {
                self.put_later_version(trigger).await?;
                on_queue = true;
            }
            held = after;
        }
        Err(UpdateError::Contended.into())
    }

    /// The lines' deliveries, read consistently.
    async fn lines_held(&self, order: &Order) -> Result<BTreeMap<String, Delivery>, DeliverError> {
        let records = self.line_records(&order.order_id).await?;
        Ok(records.into_iter().map(|(line, record)| (line, record.protocol)).collect())
    }

    pub(super) async fn line_records(
        &self,
        order_id: &OrderId,
    ) -> Result<BTreeMap<String, Record>, DeliverError> {
        let held = self.ledger.readable_of_order(order_id.as_str()).await;
        let (records, unreadable) = held.map_err(UpdateError::from)?;
        // Its message waits for the version that can read it.
        if unreadable.iter().any(|partial| partial.network == N::NAME) {
            return Err(UpdateError::from(LedgerError::LaterFormat).into());
        }
        let own = |record: Record| {
            let line = record.line()?.to_owned();
            (record.network() == N::NAME && !record.is_validation()).then_some((line, record))
        };
        Ok(records.into_iter().filter_map(own).collect())
    }

    /// Returns whether the order of a claimed line is cancelled or superseded meanwhile, or another
    /// version of it is being compared: then the line settles unsent.
    pub(super) async fn is_line_void(&self, key: &Key, order: &Order) -> Result<bool, LedgerError> {
        if key.line().is_none() {
            return Ok(false);
        }
        let whole = Key::new(&order.order_id, N::NAME, None);
        let Some(record) = self.ledger.get(&whole).await? else { return Ok(false) };
        let (facts, now) = (content::<N>(order), self.services.now());
        Ok(is_void(&record.protocol, &facts, order.updated_at, now))
    }
}

/// The number of times an order's lines are compared anew.
const MAX_ROUNDS: u32 = 64;

/// Returns whether the order's item notes from now on that this version waits.
fn notes_waiting(updated: &Updated<ByLines>) -> bool {
    let waiting = |record: &Option<Record>| {
        record.as_ref().and_then(|record| record.protocol.waiting_version)
    };
    waiting(&updated.before) < waiting(&updated.after)
}

/// Returns whether a later version takes the place of the one held, or is noted as one that waits.
fn is_replaced(held: Option<&Delivery>, way: &ByLines, lines: &Lines) -> bool {
    let Some(held) = held else { return false };
    let is_taken =
        matches!(way, ByLines::Deliver { .. }) && held.order_updated_at < lines.updated_at;
    is_taken || way.next().is_some_and(|next| held.waiting_version < next.waiting_version)
}
