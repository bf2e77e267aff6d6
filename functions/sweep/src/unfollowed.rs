//! The deliveries of one order that no validation follows yet. A scan brings the items of an order one
//! after the other.

use std::collections::HashSet;

use postback_core::delivery::{Key, PartialView, Record};

/// The keys of validations that are not there, with their networks.
pub(crate) type Wanted = Vec<(Key, String)>;

/// The validations that the order at hand still lacks.
#[derive(Debug, Default)]
pub(crate) struct Unfollowed {
    order_id: String,
    wanted: Wanted,
    /// The orders with an item that can't be read.
    unreadable: HashSet<String>,
}

impl Unfollowed {
    /// Leaves out the orders of items that can't be read: a validation may be among them.
    pub(crate) fn leave_out(&mut self, unreadable: &[PartialView]) {
        self.unreadable.extend(unreadable.iter().map(|item| item.order_id.clone()));
    }

    /// The validations that the order before `record` lacks; none while it is the same order.
    pub(crate) fn before(&mut self, record: &Record) -> Wanted {
        if self.order_id == record.order_id {
            return Wanted::new();
        }
        self.order_id.clone_from(&record.order_id);
        self.take()
    }

    /// Adds an item of the order: a validation comes after its delivery, whose key begins its own.
    pub(crate) fn add(&mut self, record: &Record) {
        if record.wants_validation() {
            self.wanted.push((record.key().validation(), record.network().to_owned()));
        }
        let key = record.key();
        self.wanted.retain(|(wanted, _)| *wanted != key);
    }

    /// The validations that the last order lacks.
    pub(crate) fn take(&mut self) -> Wanted {
        let unreadable = &self.unreadable;
        self.wanted.retain(|(key, _)| !unreadable.contains(&key.order_id));
        std::mem::take(&mut self.wanted)
    }
}
