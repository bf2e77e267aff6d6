//! An order that is reported by lines has an item of its own at the network, beside its lines'
//! deliveries: the version held, the cancellation and the lines' ids.

use std::cmp::Ordering;

use super::{
    super::{Delivery, Facts, State},
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
    Withdrawn,
    /// A later version is held.
    Superseded,
    /// The order was claimed as a whole: it is answered from the ledger.
    ModeChanged,
}

/// Decides on the lines of an order by the item held at the order's own key.
#[must_use]
pub fn by_lines(held: Option<&Delivery>, lines: &Lines, now: Timestamp) -> ByLines {
    let Some(held) = held else { return deliver(lines, now, Vec::new()) };
    let is_claimed_whole = held.lines.is_none() && held.attempt > 0;
    if is_claimed_whole {
        return ByLines::ModeChanged;
    }
    if let Some(cancelled) = &held.cancelled
        && cancelled.holds_against(lines.updated_at)
    {
        return ByLines::Withdrawn;
    }
    let before = held.lines.clone().unwrap_or_default();
    match lines.updated_at.cmp(&held.order_updated_at) {
        Ordering::Less => ByLines::Superseded,
        Ordering::Equal if before == lines.ids => ByLines::Deliver { next: None, gone: Vec::new() },
        _ => {
            let gone = before.into_iter().filter(|id| !lines.ids.contains(id)).collect();
            deliver(lines, held.first_seen_at, gone)
        }
    }
}

fn deliver(lines: &Lines, first_seen_at: Timestamp, gone: Vec<String>) -> ByLines {
    let next = Delivery {
        state: State::Skipped,
        reason: Some(Reason::new("by_lines")),
        lines: Some(lines.ids.clone()),
        ..blank(&lines.facts, lines.updated_at, first_seen_at)
    };
    ByLines::Deliver { next: Some(Box::new(next)), gone }
}
