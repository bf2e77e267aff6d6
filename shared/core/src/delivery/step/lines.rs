//! An order that is reported by lines has an item of its own at the network, beside its lines'
//! deliveries: the version held, the cancellation and the lines' ids.
//!
//! A version is taken as a whole: one that would change a line that the network has, or may have, is
//! a conflict before anything of it is sent. While its lines are compared, the order's item is closed
//! ([`Delivery::not_before`]): a line that was claimed meanwhile is either seen by the comparison, or
//! sees the closed item before its first byte.

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::{Cancellation, Delivery, Facts, Permission, Refunds, State, Step, Then},
    cancel::{cancelled_by_refunds, reach},
    plan::blank,
};
use crate::{clock::Timestamp, redaction::Reason};

mod compare;

pub use compare::is_void;
use compare::{after_refunds, compare, is_held};

/// The lines of an order as they arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The content of the order.
    pub facts: Facts,
    /// The time when the shop last changed the order.
    pub updated_at: Option<Timestamp>,
    /// The lines' ids, each with the content of its line.
    pub parts: Vec<(String, Facts)>,
    /// The time at which whoever compares the lines is certainly dead.
    pub until: Timestamp,
    /// True if it is a message that was put back on its queue: no news from the shop.
    pub is_delayed: bool,
    /// True if it is a message that the ledger once named as the one that waits.
    pub has_waited: bool,
    /// True if each line has the permission that a person gave for the order.
    pub are_permitted: bool,
    /// The refunds of parts of the order.
    pub refunds: Refunds,
}

/// The way on for the lines of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByLines {
    /// Each line is delivered, once this item is written.
    Deliver {
        /// The order's item, to be written first; `None` when unchanged.
        next: Option<Box<Delivery>>,
    },
    /// The shop cancelled the order: nothing is sent.
    Withdrawn {
        /// The order's item, to be written; `None` when unchanged.
        next: Option<Box<Delivery>>,
    },
    /// The shop cancelled the order, and a person permitted to send it: each line gets the
    /// permission, and the lines are decided anew.
    Permitted {
        /// The time when the permission lapses.
        until: Timestamp,
    },
    /// Other content takes the place of the one held: once this item is written, the lines are
    /// compared anew.
    Close {
        /// The order's item, to be written first.
        next: Box<Delivery>,
    },
    /// Come back at this time, not before: these lines are under way with other content, or, where
    /// there are none, another content of the order is being compared.
    Wait {
        /// The time.
        until: Timestamp,
        /// The lines that are under way.
        lines: Vec<String>,
        /// The order's item, to be written; `None` when unchanged.
        next: Option<Box<Delivery>>,
    },
    /// The network has these lines with other content, or may have, or has others of an order whose
    /// content is another one without a later version. Nothing is sent.
    Conflict {
        /// The lines that differ; none where only the order as a whole does.
        lines: Vec<String>,
        /// The order's item, to be written; `None` when unchanged.
        next: Option<Box<Delivery>>,
    },
    /// A later version is held.
    Superseded {
        /// The order's item, to be written; `None` when unchanged.
        next: Option<Box<Delivery>>,
    },
    /// The order was claimed as a whole: it is answered from the ledger.
    ModeChanged {
        /// The order's item, to be written; `None` when unchanged.
        next: Option<Box<Delivery>>,
    },
}

impl ByLines {
    /// The order's item that is to be written; `None` when unchanged.
    #[must_use]
    pub fn next(&self) -> Option<&Delivery> {
        match self {
            Self::Close { next } => Some(next),
            Self::Deliver { next }
            | Self::Withdrawn { next }
            | Self::Wait { next, .. }
            | Self::Conflict { next, .. }
            | Self::Superseded { next }
            | Self::ModeChanged { next } => next.as_deref(),
            Self::Permitted { .. } => None,
        }
    }

    /// The same with another item to be written.
    fn with(mut self, item: Delivery) -> Self {
        match &mut self {
            Self::Close { next } => **next = item,
            Self::Deliver { next }
            | Self::Withdrawn { next }
            | Self::Wait { next, .. }
            | Self::Conflict { next, .. }
            | Self::Superseded { next }
            | Self::ModeChanged { next } => *next = Some(Box::new(item)),
            Self::Permitted { .. } => {}
        }
        self
    }
}

/// Decides on the lines of an order by the item held at the order's own key, and by the lines'
/// deliveries as they were held after it was read. The item keeps the refunds of every message.
#[must_use]
pub fn by_lines(
    held: Option<&Delivery>,
    deliveries: &BTreeMap<String, Delivery>,
    lines: &Lines,
    now: Timestamp,
) -> ByLines {
    if let Some(lines) = after_refunds(held, lines) {
        return by_lines(None, deliveries, &lines, now);
    }
    let way = refunded(decide(held, deliveries, lines, now), held, lines, now);
    let Some(item) = way.next().or(held) else { return way };
    let refunds = item.refunds.and(&lines.refunds);
    let waiting_version = waiting(item, &way, lines);
    if refunds == item.refunds && waiting_version == item.waiting_version {
        return way;
    }
    let item = Delivery { waiting_version, refunds, ..item.clone() };
    way.with(item)
}

/// The newest version that waits for lines under way, until its own arrival is decided.
fn waiting(item: &Delivery, way: &ByLines, lines: &Lines) -> Option<Timestamp> {
    match way {
        _ if lines.updated_at < item.waiting_version => item.waiting_version,
        ByLines::Wait { .. } if lines.updated_at > item.order_updated_at => lines.updated_at,
        ByLines::Close { .. } | ByLines::Permitted { .. } => item.waiting_version,
        _ => None,
    }
}

/// Refunds that reach the amount of the order cancel it, unless a person permitted to send it.
fn refunded(way: ByLines, held: Option<&Delivery>, lines: &Lines, now: Timestamp) -> ByLines {
    let item = match &way {
        ByLines::Deliver { next } if !lines.are_permitted => next.as_deref().or(held),
        ByLines::Superseded { .. } | ByLines::ModeChanged { .. } => held,
        _ => None,
    };
    let item = item.filter(|item| item.facts.agree(&lines.facts));
    let cancelled = item.and_then(|item| {
        cancelled_by_refunds(item, &lines.facts, &lines.refunds, lines.updated_at, now)
    });
    match (way, cancelled) {
        (ByLines::ModeChanged { .. }, Some(next)) => {
            ByLines::ModeChanged { next: Some(Box::new(next)) }
        }
        (_, Some(next)) => ByLines::Withdrawn { next: Some(Box::new(next)) },
        (way, None) => way,
    }
}

fn decide(
    held: Option<&Delivery>,
    deliveries: &BTreeMap<String, Delivery>,
    lines: &Lines,
    now: Timestamp,
) -> ByLines {
    let Some(held) = held else { return deliver(lines, None, now) };
    let is_claimed_whole = held.lines.is_none() && held.attempt > 0;
    if is_claimed_whole {
        return ByLines::ModeChanged { next: None };
    }
    if let Some(cancelled) = &held.cancelled
        && cancelled.holds_against(lines.updated_at)
    {
        let permission = held.permission.as_ref().filter(|permission| now < permission.until);
        return match permission {
            Some(_) if lines.are_permitted => deliver(lines, Some(held), now),
            Some(permission) => ByLines::Permitted { until: permission.until },
            None => ByLines::Withdrawn { next: hear(held, cancelled, lines) },
        };
    }
    // What waited for a content that was replaced since is older than that one.
    let is_replaced = lines.has_waited
        && lines.updated_at == held.order_updated_at
        && held.lines.is_some()
        && !is_held(held, lines);
    // Of the one held, lines that are in doubt may still have to be resolved.
    let is_outdated = lines.updated_at > held.order_updated_at
        && lines.updated_at < held.waiting_version
        && !is_held(held, lines);
    if lines.updated_at < held.order_updated_at || is_replaced || is_outdated {
        return ByLines::Superseded { next: None };
    }
    let (differing, under_way) = compare(held, deliveries, lines, now);
    if let Some(differing) = differing {
        return ByLines::Conflict { lines: differing, next: refused(held, lines) };
    }
    if !under_way.is_empty() {
        let waits = deliveries.iter().filter(|(id, _)| under_way.contains(id));
        let until = waits.map(|(_, line)| line.claim_expires_at.max(line.not_before)).max();
        let (until, next) = (until.unwrap_or(now).max(now + UNSETTLED), opened(held, lines));
        return ByLines::Wait { until, lines: under_way, next };
    }
    if is_held(held, lines) {
        let until = held.not_before;
        return if now < until {
            ByLines::Wait { until, lines: Vec::new(), next: None }
        } else {
            ByLines::Deliver { next: None }
        };
    }
    // No line was ever claimed, or the item is closed for as long as this comparison counts.
    if held.lines.is_none() || held.not_before >= lines.until {
        return deliver(lines, Some(held), now);
    }
    ByLines::Close { next: Box::new(Delivery { not_before: lines.until, ..held.clone() }) }
}

/// The pause of a version that waits for a line of the one before.
const UNSETTLED: Duration = Duration::from_mins(4);

/// The order's item, no longer closed by this comparison; `None` when unchanged.
fn opened(held: &Delivery, lines: &Lines) -> Option<Box<Delivery>> {
    let is_own = held.not_before > Timestamp::EPOCH && held.not_before <= lines.until;
    is_own.then(|| Box::new(Delivery { not_before: Timestamp::EPOCH, ..held.clone() }))
}

/// The order's item, opened, that notes a later version: no cancellation of an earlier one holds against it.
fn refused(held: &Delivery, lines: &Lines) -> Option<Box<Delivery>> {
    let opened = opened(held, lines);
    if lines.updated_at <= held.latest_version() {
        return opened;
    }
    let mut item = opened.unwrap_or_else(|| Box::new(held.clone()));
    item.conflict_version = lines.updated_at;
    Some(item)
}

/// The order's item after the shop's word that the order is completed: noted, unless it is known or
/// of an earlier version.
fn hear(held: &Delivery, cancelled: &Cancellation, lines: &Lines) -> Option<Box<Delivery>> {
    let is_earlier = matches!(
        (lines.updated_at, cancelled.updated_at),
        (Some(one), Some(other)) if one < other
    );
    let is_refunded =
        held.facts.agree(&lines.facts) && reach(&held.refunds.and(&lines.refunds), &lines.facts);
    let is_repetition = lines.is_delayed || is_refunded;
    let is_news = !is_repetition && !cancelled.completed_after && !is_earlier;
    let cancelled = Some(Cancellation { completed_after: true, ..cancelled.clone() });
    is_news.then(|| Box::new(Delivery { cancelled, ..held.clone() }))
}

fn deliver(lines: &Lines, held: Option<&Delivery>, now: Timestamp) -> ByLines {
    let before = held.into_iter().flat_map(Delivery::all_lines);
    let ids: Vec<_> = lines.parts.iter().map(|(id, _)| id.clone()).collect();
    let next = Delivery {
        state: State::Skipped,
        reason: Some(Reason::new("by_lines")),
        former_lines: before.filter(|id| !ids.contains(id)).cloned().collect(),
        lines: Some(ids),
        decisions: held.map_or(0, |held| held.decisions),
        waiting_version: held.and_then(|held| held.waiting_version),
        refunds: held.map(|held| held.refunds.clone()).unwrap_or_default(),
        ..blank(&lines.facts, lines.updated_at, held.map_or(now, |held| held.first_seen_at))
    };
    ByLines::Deliver { next: Some(Box::new(next)) }
}

/// A withdrawn line may be sent, because its order may be.
pub(super) fn permit(held: &Delivery, until: Timestamp) -> Step {
    let permission = Some(Permission { until });
    if held.state != State::Withdrawn || held.permission == permission {
        return Step::rest();
    }
    Step::write(Delivery { permission, ..held.clone() }, Then::Rest)
}
