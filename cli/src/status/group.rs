//! The deliveries, or orders, behind a need.

use postback_core::clock::Timestamp;
use serde::Serialize;

use crate::list::Sum;

/// Deliveries that need a person for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    #[serde(flatten)]
    pub(crate) sum: Sum,
    /// The time when the first order of them was first seen.
    pub(crate) first_seen_at: Timestamp,
    /// The time when the last order of them was first seen.
    pub(crate) last_seen_at: Timestamp,
}

impl Group {
    /// Nothing yet, seen at this time.
    pub(super) fn new(seen: Timestamp) -> Self {
        Self { sum: Sum::default(), first_seen_at: seen, last_seen_at: seen }
    }

    pub(super) fn add(&mut self, money: Option<(impl AsRef<str>, &str)>, seen: Timestamp) {
        self.sum.add(money);
        self.first_seen_at = self.first_seen_at.min(seen);
        self.last_seen_at = self.last_seen_at.max(seen);
    }
}
