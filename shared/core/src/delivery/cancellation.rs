//! The shop's cancellation of an order.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The shop's cancellation of an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cancellation {
    /// The time when it arrived.
    pub at: Timestamp,
    /// The `updated_at` of the cancelled version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// True if the order has come as completed again, with no later version: a person may send it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub completed_after: bool,
    /// True if it is the refunds that reach the amount: they decide its validation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_refunds: bool,
}

impl Cancellation {
    /// Whether it holds against a completed version of the order: unless that is known to be later.
    #[must_use]
    pub fn holds_against(&self, updated_at: Option<Timestamp>) -> bool {
        !matches!((updated_at, self.updated_at), (Some(one), Some(other)) if one > other)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn what_is_not_so_is_left_out_of_the_item() {
        let plain = json!({ "at": Timestamp::EPOCH });
        let marked = json!({ "at": Timestamp::EPOCH, "completed_after": true, "by_refunds": true });

        for item in [plain, marked] {
            let read: Cancellation = from_value(item.clone()).expect("a cancellation");
            assert_eq!(to_value(read).expect("an item"), item);
        }
    }
}
