//! An order that is reported by lines has an item of its own at the network, beside its lines'
//! deliveries: the version held, the cancellation and the lines' ids.

use std::cmp::Ordering;

use super::{
    super::{Cancellation, Delivery, Facts, Permission, State, Step, Then},
    plan::blank,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The lines of an order as they arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The content of the order.
    pub facts: Facts,
    /// The time when the shop last changed the order.
    pub updated_at: Option<Timestamp>,
    /// The lines' ids.
    pub ids: Vec<String>,
    /// True if it is a message that was put back on its queue: no news from the shop.
    pub is_delayed: bool,
    /// True if each line has the permission that a person gave for the order.
    pub are_permitted: bool,
}

/// The way on for the lines of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByLines {
    /// Each line is delivered, once this item is written. `gone` names lines that a later version
    /// no longer has.
    Deliver {
        /// The order's item, to be written first; `None` when unchanged.
        next: Option<Box<Delivery>>,
        /// The lines of the version before that this one lacks.
        gone: Vec<String>,
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
    /// A later version is held.
    Superseded,
    /// The order was claimed as a whole: it is answered from the ledger.
    ModeChanged,
}

/// Decides on the lines of an order by the item held at the order's own key.
#[must_use]
pub fn by_lines(held: Option<&Delivery>, lines: &Lines, now: Timestamp) -> ByLines {
    let Some(held) = held else { return deliver(lines, None, now, Vec::new()) };
    let is_claimed_whole = held.lines.is_none() && held.attempt > 0;
    if is_claimed_whole {
        return ByLines::ModeChanged;
    }
    if let Some(cancelled) = &held.cancelled
        && cancelled.holds_against(lines.updated_at)
    {
        let permission = held.permission.as_ref().filter(|permission| now < permission.until);
        return match permission {
            Some(_) if lines.are_permitted => deliver(lines, Some(held), now, Vec::new()),
            Some(permission) => ByLines::Permitted { until: permission.until },
            None => ByLines::Withdrawn { next: hear(held, cancelled, lines) },
        };
    }
    let before = held.lines.clone().unwrap_or_default();
    match lines.updated_at.cmp(&held.order_updated_at) {
        Ordering::Less => ByLines::Superseded,
        Ordering::Equal if before == lines.ids => ByLines::Deliver { next: None, gone: Vec::new() },
        _ => {
            let gone = before.into_iter().filter(|id| !lines.ids.contains(id)).collect();
            deliver(lines, Some(held), now, gone)
        }
    }
}

/// The order's item after the shop's word that the order is completed: noted, unless it is known or
/// of an earlier version.
fn hear(held: &Delivery, cancelled: &Cancellation, lines: &Lines) -> Option<Box<Delivery>> {
    let is_earlier = matches!(
        (lines.updated_at, cancelled.updated_at),
        (Some(one), Some(other)) if one < other
    );
    let is_news = !lines.is_delayed && !cancelled.completed_after && !is_earlier;
    let cancelled = Some(Cancellation { completed_after: true, ..cancelled.clone() });
    is_news.then(|| Box::new(Delivery { cancelled, ..held.clone() }))
}

fn deliver(lines: &Lines, held: Option<&Delivery>, now: Timestamp, gone: Vec<String>) -> ByLines {
    let next = Delivery {
        state: State::Skipped,
        reason: Some(Reason::new("by_lines")),
        lines: Some(lines.ids.clone()),
        decisions: held.map_or(0, |held| held.decisions),
        ..blank(&lines.facts, lines.updated_at, held.map_or(now, |held| held.first_seen_at))
    };
    ByLines::Deliver { next: Some(Box::new(next)), gone }
}

/// A withdrawn line may be sent, because its order may be.
pub(super) fn permit(held: &Delivery, until: Timestamp) -> Step {
    let permission = Some(Permission { until });
    if held.state != State::Withdrawn || held.permission == permission {
        return Step::rest();
    }
    Step::write(Delivery { permission, ..held.clone() }, Then::Rest)
}
