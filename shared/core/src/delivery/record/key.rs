//! The key of a delivery in the ledger.

use crate::order::OrderId;

/// The key of a delivery: an order and a network, or a line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The order's id: the partition key.
    pub order_id: String,
    /// `network`, or `network#line`: the sort key.
    pub delivery: String,
}

impl Key {
    /// The delivery of `order_id` to `network`, or of one line of it.
    #[must_use]
    pub fn new(order_id: &OrderId, network: &str, line: Option<&str>) -> Self {
        Self::known(order_id.as_str().to_owned(), network, line)
    }

    /// Like [`Self::new`], for an id read back from the ledger.
    #[must_use]
    pub fn known(order_id: String, network: &str, line: Option<&str>) -> Self {
        let delivery = match line {
            None => network.to_owned(),
            Some(line) => format!("{network}#{line}"),
        };
        Self { order_id, delivery }
    }

    /// The line, where the network wants lines.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        self.delivery.split_once('#').map(|(_, line)| line)
    }
}
