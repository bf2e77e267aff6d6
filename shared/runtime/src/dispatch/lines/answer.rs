//! The answers to lines of which nothing is sent now: the ledger's, a conflict, or a later time.

use std::{collections::BTreeMap, time::Duration};

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Facts, Key, Record, State},
    network::{Network, Part},
    order::Order,
    redaction::Reason,
};

use super::{
    super::{DeliverError, DeliveryResult, Dispatcher, Source, Trigger, content},
    Entered,
};
use crate::services::Services;

impl<N: Network, S: Services> Dispatcher<N, S> {
    /// The lines as the ledger holds them: the messages of the version held carry them on. `left` are
    /// those that it no longer has.
    pub(super) async fn held_lines(
        &self,
        order: &Order,
        whole: DeliveryResult,
        left: Vec<DeliveryResult>,
    ) -> Result<Entered, DeliverError> {
        let of = |(line, record): (String, Record)| DeliveryResult {
            line: Some(line),
            replayed: true,
            ..DeliveryResult::of(Some(&record))
        };
        let lines =
            self.line_records(&order.order_id).await?.into_iter().map(of).chain(left).collect();
        Ok(Entered::Answered(deliveries_or(lines, whole)))
    }

    /// The network has these lines with other content, or may have: the conflict is noted on each,
    /// and nothing is sent.
    pub(super) async fn refuse_lines(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
        differing: &[String],
        whole: Option<&Record>,
        trigger: &Trigger<'_>,
    ) -> Result<Entered, DeliverError> {
        let mut records = self.line_records(&order.order_id).await?;
        if differing.is_empty() {
            return self.refuse_whole(order, parts, whole, records, trigger).await;
        }
        let mut results = Vec::with_capacity(differing.len());
        for line in differing {
            let facts = Self::line_facts(order, parts, Some(line));
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
        if whole.is_some_and(|whole| is_of::<N>(order, whole)) {
            results.extend(self.lines_left(order, parts, trigger).await?);
        }
        Ok(Entered::Answered(results))
    }

    /// The lines of the version held that wait until a person has decided about the one that differs:
    /// their message comes again, unless another one is named that carries them on.
    pub(in crate::dispatch) async fn lines_left(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
        trigger: &Trigger<'_>,
    ) -> Result<Vec<DeliveryResult>, DeliverError> {
        if trigger.source == Source::Api {
            return Ok(Vec::new());
        }
        let (mut records, now) = (self.line_records(&order.order_id).await?, self.services.now());
        let left = |line: &String| {
            let record = records.remove(line);
            let named = record.as_ref().and_then(|record| record.message_until);
            let is_carried = named.is_some_and(|it| it > now && trigger.message_until < named);
            let is_open =
                record.as_ref().is_none_or(|record| is_open_and_certain(&record.protocol));
            (is_open && !is_carried).then(|| DeliveryResult {
                replayed: true,
                message_until: named,
                first_seen_at: record.as_ref().map(|record| record.protocol.first_seen_at),
                ..DeliveryResult::later(
                    Some(line.clone()),
                    Reason::new("order_changed"),
                    now + LEFT,
                )
            })
        };
        Ok(parts.iter().filter_map(|part| part.line.as_ref()).filter_map(left).collect())
    }

    /// The network has lines of the order, or may have, and no line is another one, but the order
    /// is: noted on the first that was tried, with that line's own facts.
    async fn refuse_whole(
        &self,
        order: &Order,
        parts: &[Part<N::Report>],
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
            let facts = Self::line_facts(order, parts, tried.line());
            self.note_conflict(&tried.key(), Some(tried), &facts, trigger).await?;
        }
        Ok(Entered::Answered(vec![result]))
    }

    /// The content of a line of the order: the order's alone where it has no such line.
    fn line_facts(order: &Order, parts: &[Part<N::Report>], line: Option<&str>) -> Facts {
        let part = parts.iter().find(|part| part.line.as_deref() == line);
        content::<N>(order).and(part.map_or_else(Facts::none, |part| part.facts.clone()))
    }

    /// The order comes back at `until`: for lines that are under way with other content, or for the
    /// order as a whole. `is_put` if a message is on the queue for it.
    pub(super) async fn await_lines(
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
        let mut records = self.line_records(&order.order_id).await?;
        let result = |line: &String| DeliveryResult {
            line: Some(line.clone()),
            replayed: true,
            wait_until: Some(until),
            needs_message: !is_put,
            ..DeliveryResult::of(records.remove(line).as_ref())
        };
        Ok(Entered::Answered(under_way.iter().map(result).collect()))
    }
}

/// The pause of lines that wait for a person's decision about another one.
const LEFT: Duration = Duration::from_mins(15);

/// Returns whether the order is of the version that its item holds.
fn is_of<N: Network>(order: &Order, whole: &Record) -> bool {
    let held = &whole.protocol;
    held.order_updated_at == order.updated_at && held.facts.agree(&content::<N>(order))
}

fn is_open_and_certain(line: &Delivery) -> bool {
    matches!(line.state, State::Retrying | State::Parked) && !line.in_doubt()
}

/// The lines are the deliveries, not the order's own item; that stands where there are none.
pub(super) fn deliveries_or(
    lines: Vec<DeliveryResult>,
    whole: DeliveryResult,
) -> Vec<DeliveryResult> {
    if lines.is_empty() { vec![whole] } else { lines }
}
