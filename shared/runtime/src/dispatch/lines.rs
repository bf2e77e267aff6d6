//! An order that is reported by lines: its own item is written before the first line.
//!
//! More than 300 lines: the order's own item and its lines are written in one order.

use std::collections::BTreeMap;

use postback_core::{
    clock::Timestamp,
    delivery::{
        ByLines, Delivery, Event, Facts, Key, Lines, Policy, Record, Recovery, Refunds, State,
        by_lines,
    },
    network::{Network, Part},
    order::Order,
    redaction::Reason,
};

use super::{Configured, DeliverError, DeliveryResult, Dispatcher, Source, Trigger, content};
use crate::{
    ledger::{Change, LedgerError, UpdateError, Updated},
    services::Services,
};

/// The order's own item is written, or nothing is to be sent.
pub(super) enum Entered {
    /// Each line may be delivered. The results are those of lines that this version no longer has, and
    /// that are open.
    Deliver(Vec<DeliveryResult>),
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
                let gone = held.map(|held| held.protocol.former_lines.clone()).unwrap_or_default();
                let mut results = Vec::with_capacity(gone.len() + parts.len());
                let withdrawal = withdrawal(order.updated_at, false);
                for line in gone {
                    self.record_line(order, &line, &withdrawal, trigger).await?;
                    let left = self.leave_line(order, configured, &line, trigger).await?;
                    results.extend(Some(left).filter(DeliveryResult::is_open));
                }
                Entered::Deliver(results)
            }
            ByLines::Conflict { lines: differing, .. } => {
                self.refuse_lines(order, parts, &differing, held, trigger).await?
            }
            ByLines::Wait { until, lines: under_way, .. } => {
                self.await_lines(order, &under_way, until, is_put).await?
            }
            // The permission lapsed in between.
            ByLines::Close { .. } | ByLines::Permitted { .. } => Entered::Answered(vec![answered]),
            ByLines::Superseded { .. } => self.held_lines(order, answered).await?,
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

    /// The lines as the ledger holds them: the messages of the version held carry them on.
    async fn held_lines(
        &self,
        order: &Order,
        whole: DeliveryResult,
    ) -> Result<Entered, DeliverError> {
        let of = |(line, record): (String, Record)| DeliveryResult {
            line: Some(line),
            replayed: true,
            ..DeliveryResult::of(Some(&record))
        };
        let lines = self.line_records(order).await?.into_iter().map(of).collect();
        Ok(Entered::Answered(deliveries_or(lines, whole)))
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
            refunds: Refunds::of_order(order),
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
        let records = self.line_records(order).await?;
        Ok(records.into_iter().map(|(line, record)| (line, record.protocol)).collect())
    }

    async fn line_records(&self, order: &Order) -> Result<BTreeMap<String, Record>, DeliverError> {
        let held = self.ledger.readable_of_order(order.order_id.as_str()).await;
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

    /// The network has these lines with other content, or may have: the conflict is noted on each,
    /// and nothing is sent.
    async fn refuse_lines(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
        differing: &[String],
        whole: Option<&Record>,
        trigger: &Trigger<'_>,
    ) -> Result<Entered, DeliverError> {
        let mut records = self.line_records(order).await?;
        if differing.is_empty() {
            return self.refuse_whole(order, whole, records, trigger).await;
        }
        let mut results = Vec::with_capacity(differing.len());
        for line in differing {
            let part = parts.iter().find(|part| part.line.as_ref() == Some(line));
            let facts = part.map_or_else(Facts::none, |part| part.facts.clone());
            let facts = content::<N>(order).and(facts);
            let key = Key::new(&order.order_id, N::NAME, Some(line));
            let held = records.remove(line);
            let noted = self.note_conflict(&key, held, &facts, trigger).await?;
            results.push(DeliveryResult {
                line: Some(line.clone()),
                conflict: true,
                replayed: true,
                ..DeliveryResult::of(noted.as_ref())
            });
        }
        Ok(Entered::Answered(results))
    }

    /// The network has lines of the order, or may have, and no line is another one, but the order
    /// is: noted on the first that was tried.
    async fn refuse_whole(
        &self,
        order: &Order,
        whole: Option<&Record>,
        records: BTreeMap<String, Record>,
        trigger: &Trigger<'_>,
    ) -> Result<Entered, DeliverError> {
        let is_reported = records.values().any(|line| !line.protocol.is_certainly_absent());
        let money = whole.and_then(Record::money).filter(|_| is_reported);
        let result = DeliveryResult {
            conflict: true,
            replayed: true,
            reported: money.map(|(amount, currency)| (amount.to_owned(), currency.to_owned())),
            ..DeliveryResult::of(whole)
        };
        if let Some(tried) = records.into_values().find(|line| line.protocol.attempt > 0) {
            let (key, facts) = (tried.key(), content::<N>(order));
            self.note_conflict(&key, Some(tried), &facts, trigger).await?;
        }
        Ok(Entered::Answered(vec![result]))
    }

    /// The order comes back at `until`: for lines that are under way with other content, or for the
    /// order as a whole. `is_put` if a message is on the queue for it.
    async fn await_lines(
        &self,
        order: &Order,
        under_way: &[String],
        until: Timestamp,
        is_put: bool,
    ) -> Result<Entered, DeliverError> {
        if under_way.is_empty() {
            let later = DeliveryResult::later(None, Reason::new("order_changed"), until);
            return Ok(Entered::Answered(vec![later]));
        }
        let mut records = self.line_records(order).await?;
        let result = |line: &String| DeliveryResult {
            line: Some(line.clone()),
            replayed: true,
            wait_until: Some(until),
            needs_message: !is_put,
            ..DeliveryResult::of(records.remove(line).as_ref())
        };
        Ok(Entered::Answered(under_way.iter().map(result).collect()))
    }

    /// Withdraws the lines of an order that the shop cancelled. One whose sender died comes to a
    /// doubt, which a lookup may settle; nothing is sent.
    async fn withdraw_lines(
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
                self.deliver_part(order, configured, part, &trigger).await?
            } else {
                result
            });
        }
        Ok(results)
    }

    /// A line that can't be built any more: it comes back until its sender is certainly dead.
    async fn leave_line(
        &self,
        order: &Order,
        configured: &Configured<N>,
        line: &str,
        trigger: &Trigger<'_>,
    ) -> Result<DeliveryResult, DeliverError> {
        let left = self.leave(order, configured, Some(line), trigger).await?;
        Ok(Self::of_line(line, left))
    }

    async fn leave(
        &self,
        order: &Order,
        configured: &Configured<N>,
        line: Option<&str>,
        trigger: &Trigger<'_>,
    ) -> Result<Option<DeliveryResult>, DeliverError> {
        let event = Event::Unplanned { settings: configured.version.clone() };
        self.record(&Key::new(&order.order_id, N::NAME, line), &event, trigger).await
    }

    async fn record_line(
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
    pub(super) async fn with_lines(
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

    /// Notes the refunds of an order on its lines, whatever became of its version: they count at the
    /// validation.
    pub(super) async fn refund_lines(
        &self,
        order: &Order,
        trigger: &Trigger<'_>,
    ) -> Result<(), DeliverError> {
        for (line, record) in self.line_records(order).await? {
            let refunds = Refunds::of_line(order, &line);
            if record.protocol.refunds.and(&refunds) != record.protocol.refunds {
                self.record_line(order, &line, &Event::Refund { refunds }, trigger).await?;
            }
        }
        Ok(())
    }

    /// Returns whether the order of a claimed line is cancelled or superseded meanwhile, or another
    /// version of it is being compared: then the line settles unsent.
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
        let is_other = !held.facts.agree(&content::<N>(order));
        let is_closed = self.services.now() < held.not_before;
        let is_withdrawn = held.state == State::Withdrawn;
        Ok(is_cancelled || is_superseded || is_other || is_closed || is_withdrawn)
    }
}

/// The number of times an order's lines are compared anew.
const MAX_ROUNDS: u32 = 64;

/// The lines are the deliveries, not the order's own item; that stands where there are none.
fn deliveries_or(lines: Vec<DeliveryResult>, whole: DeliveryResult) -> Vec<DeliveryResult> {
    if lines.is_empty() { vec![whole] } else { lines }
}

/// The withdrawal of a line that is cancelled, or that a later version of the order no longer has.
const fn withdrawal(updated_at: Option<Timestamp>, by_refunds: bool) -> Event {
    Event::Cancel { facts: Facts::none(), updated_at, by_refunds }
}

/// The withdrawal of the lines of an order that is cancelled. Refunds that are more than its amount,
/// or not clear, are decided for each line.
fn withdrawal_of(whole: Option<&Record>) -> Event {
    let cancelled = whole.and_then(|held| held.protocol.cancelled.as_ref());
    let is_unclear = whole.is_some_and(|held| !held.protocol.is_refunded_exactly());
    let by_refunds = is_unclear && cancelled.is_some_and(|cancelled| cancelled.by_refunds);
    withdrawal(cancelled.and_then(|cancelled| cancelled.updated_at), by_refunds)
}

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
