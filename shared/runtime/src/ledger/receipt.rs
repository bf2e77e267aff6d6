//! That a webhook's message was taken: an item of its own beside the deliveries.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::ledger::{Ledger, LedgerError};
use postback_core::{clock::Timestamp, delivery::Facts, digest::sha256};

/// The time that a receipt is kept: longer than any sender goes on trying. After that the
/// deliveries themselves still know the order.
pub const RECEIPT_TTL: std::time::Duration = std::time::Duration::from_hours(30 * 24);

/// The start of the partition keys of all receipts. An order's id has no outer blanks, so no
/// order is ever kept under such a key.
pub const RECEIPT_PREFIX: &str = " webhook#";

/// That a message was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`RECEIPT_PREFIX`] and a digest of the message's id, which is the sender's free text.
    #[serde(rename = "order_id")]
    key: String,
    /// Always `webhook`: the sort key.
    delivery: String,
    /// The order that came with it.
    pub facts: Facts,
    /// The time when it was accepted.
    pub accepted_at: Timestamp,
    /// The time from which `DynamoDB` may delete it: seconds since the Unix epoch.
    expires_at: i64,
}

impl Receipt {
    /// That the message `id` was taken at `now`.
    #[must_use]
    pub fn new(id: &str, facts: Facts, now: Timestamp) -> Self {
        let expires_at = (now + RECEIPT_TTL).as_secs();
        Self { key: key(id), delivery: SORT.to_owned(), facts, accepted_at: now, expires_at }
    }
}

const SORT: &str = "webhook";

fn key(id: &str) -> String {
    format!("{RECEIPT_PREFIX}{}", sha256(id, 32))
}

impl Ledger {
    /// The receipt of the message `id`, read consistently; `None` when it was never taken.
    pub async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LedgerError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(key(id)))
            .key("delivery", AttributeValue::S(SORT.to_owned()))
            .consistent_read(true);
        let output = get.send().await.map_err(|_| LedgerError::Unavailable)?;
        let Some(item) = output.item else { return Ok(None) };
        from_item(item).map(Some).map_err(|_| LedgerError::Unreadable)
    }

    /// Keeps a receipt unless there is one already: the first stands.
    pub async fn put_receipt(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        let item = to_item(receipt).map_err(|_| LedgerError::Unreadable)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(order_id)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.into_service_error() {
                refused if refused.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(LedgerError::Unavailable),
            },
        }
    }
}
