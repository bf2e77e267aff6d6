//! The key of a delivery in the ledger.

use crate::order::OrderId;

/// The key of a delivery: an order and a network, or a line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The order's id: the partition key.
    pub order_id: String,
    /// `network`, or `network#line`: the sort key. A validation's is its delivery's with
    /// `!validation` behind it.
    pub delivery: String,
}

/// The end of a validation's key.
const VALIDATION: &str = "!validation";

/// The network and the line of a delivery, or of its validation.
#[must_use]
pub fn parts(delivery: &str) -> (&str, Option<&str>) {
    let delivery = delivery.strip_suffix(VALIDATION).unwrap_or(delivery);
    delivery.split_once('#').map_or((delivery, None), |(network, line)| (network, Some(line)))
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
        parts(&self.delivery).1
    }

    /// The validation of this delivery.
    #[must_use]
    pub fn validation(&self) -> Self {
        let delivery = format!("{}{VALIDATION}", self.delivery);
        Self { order_id: self.order_id.clone(), delivery }
    }

    /// The delivery that this is the validation of; `None` if it is none.
    #[must_use]
    pub fn validated(&self) -> Option<Self> {
        let delivery = self.delivery.strip_suffix(VALIDATION)?.to_owned();
        Some(Self { order_id: self.order_id.clone(), delivery })
    }
}
