//! Orders that failed in a row, of one cause.

use std::collections::VecDeque;

use super::open::Cause;

/// Orders that failed in a row, of one cause.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) cause: Cause,
    /// The last ones, each once: as many as make it the network's.
    order_ids: VecDeque<String>,
}

impl Failed {
    /// None so far.
    pub(super) fn of(cause: &Cause) -> Self {
        Self { cause: cause.clone(), order_ids: VecDeque::new() }
    }

    /// The one that failed last.
    pub(super) fn last(&self) -> Option<&str> {
        self.order_ids.back().map(String::as_str)
    }

    /// Returns whether one more makes it the network's.
    pub(super) fn is_near(&self) -> bool {
        self.order_ids.len() + 1 >= self.cause.orders()
    }

    /// Notes one more. Returns whether it is another one, and with it there are so many that it is the
    /// network's.
    pub(super) fn note(&mut self, order_id: &str) -> bool {
        let known = self.order_ids.len();
        self.order_ids.retain(|id| id != order_id);
        let is_another = self.order_ids.len() == known;
        self.order_ids.push_back(order_id.to_owned());
        let is_enough = self.order_ids.len() >= self.cause.orders();
        if self.order_ids.len() > self.cause.orders() {
            self.order_ids.pop_front();
        }
        is_another && is_enough
    }
}
