//! The orders that concern no network: a small item of each, so that a shop whose click ids are
//! missing can see it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use postback_core::{clock::Timestamp, order::Order};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::ledger::{Ledger, LedgerError};

/// The time that such an order is kept.
pub const UNCLAIMED_TTL: Duration = Duration::from_hours(30 * 24);

/// The start of the partition keys of all of them. An order's id has no outer blanks, so no delivery
/// has such a key.
pub const UNCLAIMED_PREFIX: &str = " unclaimed#";

const SORT: &str = "order";

/// A completed order that concerns no network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclaimedOrder {
    /// [`UNCLAIMED_PREFIX`] and the order's id.
    #[serde(rename = "order_id")]
    key: String,
    /// Always `order`: the sort key.
    delivery: String,
    /// The total, as the order has it.
    pub amount: String,
    /// The currency.
    pub currency: String,
    /// The short name of its sender.
    pub source: String,
    /// The networks whose clicks came with it, though not the members that count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clicks: Vec<String>,
    /// The time when it was accepted.
    pub accepted_at: Timestamp,
    /// The time from which `DynamoDB` may delete it: seconds since the Unix epoch.
    expires_at: i64,
}

impl UnclaimedOrder {
    /// The item of `order`, which came from `source` with the clicks of these networks.
    #[must_use]
    pub fn new(order: &Order, source: &str, clicks: Vec<String>, now: Timestamp) -> Self {
        Self {
            key: key(order.order_id.as_str()),
            delivery: SORT.to_owned(),
            amount: order.total.to_string(),
            currency: order.currency.code().to_owned(),
            source: source.to_owned(),
            clicks,
            accepted_at: now,
            expires_at: (now + UNCLAIMED_TTL).as_secs(),
        }
    }
}

fn key(order_id: &str) -> String {
    format!("{UNCLAIMED_PREFIX}{order_id}")
}

impl Ledger {
    /// Writes an order that concerns no network. The last one of an id is kept.
    pub async fn put_unclaimed(&self, order: &UnclaimedOrder) -> Result<(), LedgerError> {
        let item = to_item(order).map_err(|_| LedgerError::Unreadable)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|_| LedgerError::Unavailable)
    }

    /// The order of this id that concerns no network, if it is known.
    pub async fn unclaimed(&self, order_id: &str) -> Result<Option<UnclaimedOrder>, LedgerError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(key(order_id)))
            .key("delivery", AttributeValue::S(SORT.to_owned()));
        let output = get.send().await.map_err(|_| LedgerError::Unavailable)?;
        let Some(item) = output.item else { return Ok(None) };
        from_item(item).map(Some).map_err(|_| LedgerError::Unreadable)
    }
}
