//! The orders that concern no network: a small item of each, so that a shop whose click ids are
//! missing can see it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use postback_core::{clock::Timestamp, order::Order};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::ledger::{
    Ledger, LedgerError,
    record::{Item, waiting},
};

/// The time that such an order is kept.
pub const UNCLAIMED_TTL: Duration = Duration::from_hours(30 * 24);

/// The start of the partition keys of all of them. An order's id has no outer blanks, so no delivery
/// has such a key.
pub const UNCLAIMED_PREFIX: &str = " unclaimed#";

const SORT: &str = "order";

/// The most members of clicks that are named.
const MOST_CLICKS: usize = 20;

/// A completed order that concerns no network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclaimedOrder {
    /// [`UNCLAIMED_PREFIX`] and the order's id.
    #[serde(rename = "order_id")]
    key: String,
    /// Always `order`: the sort key.
    delivery: String,
    /// The total.
    pub amount: String,
    /// The currency.
    pub currency: String,
    /// The short name of its sender.
    pub source: String,
    /// The members of clicks that came with it, without their values: `<network>.<member>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clicks: Vec<String>,
    /// The time when it was accepted.
    pub accepted_at: Timestamp,
    /// The time from which `DynamoDB` may delete it: seconds since the Unix epoch.
    expires_at: i64,
}

impl UnclaimedOrder {
    /// The item of `order`, which came from `source`.
    #[must_use]
    pub fn new(order: &Order, source: &str, now: Timestamp) -> Self {
        let clicks = order.clicks.iter().flat_map(|(network, click)| {
            let members = click.as_object().into_iter().flatten();
            members.map(move |(member, _)| format!("{network}.{member}"))
        });
        Self {
            key: key(order.order_id.as_str()),
            delivery: SORT.to_owned(),
            amount: order.total.shortest(),
            currency: order.currency.code().to_owned(),
            source: source.to_owned(),
            clicks: clicks.take(MOST_CLICKS).collect(),
            accepted_at: now,
            expires_at: (now + UNCLAIMED_TTL).as_secs(),
        }
    }
}

/// An order that concerns no network, as the API and the tool show it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct UnclaimedView<'a> {
    accepted_at: Timestamp,
    amount: &'a str,
    currency: &'a str,
    source: &'a str,
    clicks: &'a [String],
}

impl<'a> UnclaimedView<'a> {
    /// The view of `order`.
    #[must_use]
    pub fn of(order: &'a UnclaimedOrder) -> Self {
        let UnclaimedOrder { accepted_at, amount, currency, source, clicks, .. } = order;
        Self { accepted_at: *accepted_at, amount, currency, source, clicks }
    }
}

/// Returns whether an item is an order that concerns no network.
pub(super) fn is_one(item: &Item) -> bool {
    let key = item.get("order_id").and_then(|key| key.as_s().ok());
    key.is_some_and(|key| key.starts_with(UNCLAIMED_PREFIX))
}

fn key(order_id: &str) -> String {
    format!("{UNCLAIMED_PREFIX}{order_id}")
}

impl Ledger {
    /// Writes an order that concerns no network. The last one of an id is kept. One with clicks may need
    /// a person, so it is in the index of what waits.
    pub async fn put_unclaimed(&self, order: &UnclaimedOrder) -> Result<(), LedgerError> {
        let mut item: Item = to_item(order).map_err(|_| LedgerError::Unreadable)?;
        item.extend((!order.clicks.is_empty()).then(waiting));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|_| LedgerError::Unavailable)
    }

    /// The order of this id that concerns no network, if it is known.
    pub async fn unclaimed(&self, order_id: &str) -> Result<Option<UnclaimedOrder>, LedgerError> {
        // A query, because that is the only right of the function that shows an order.
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("order_id = :order_id")
            .expression_attribute_values(":order_id", AttributeValue::S(key(order_id)))
            .consistent_read(true);
        let output = query.send().await.map_err(|_| LedgerError::Unavailable)?;
        let item = output.items.unwrap_or_default().into_iter().next();
        item.map(from_item).transpose().map_err(|_| LedgerError::Unreadable)
    }
}
