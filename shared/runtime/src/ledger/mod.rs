//! The ledger: one `DynamoDB` item per delivery, changed by compare-and-set only.
//!
//! Every write carries the version it was decided on and is refused when the item has moved on;
//! the refusal brings the item along, so that a duplicate costs one write unit and no read.

use std::fmt;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure},
};
use postback_core::{
    clock::Timestamp,
    delivery::{Key, PartialView, RETENTION, Record},
    order::OrderId,
    redaction::Reason,
};

mod click;
mod pause;
mod receipt;
mod record;
mod scan;
mod shop_order;
mod unclaimed;
mod update;

pub use click::{CLICK_PREFIX, ClickUses};
pub use pause::{ALL_NETWORKS, PAUSES, Pause, PauseChange};
pub use receipt::{RECEIPT_PREFIX, RECEIPT_TTL, Receipt};
pub use scan::{Cursor, Filter, Page, Segment};
pub use shop_order::{Kept, SHOP_ORDER_PREFIX, ShopOrder};
pub use unclaimed::{UNCLAIMED_PREFIX, UNCLAIMED_TTL, UnclaimedOrder, UnclaimedView};
pub use update::{Change, UpdateError, Updated};

/// The reason of an order that was rejected because it is older than the ledger's memory.
pub(crate) const TOO_OLD: Reason = Reason::new("too_old");

/// An attribute that every delivery has, and nothing else that is kept here.
const IS_DELIVERY: &str = "attribute_exists(version)";

/// Returns whether anything is known of the order but refunds.
fn is_delivery(record: &Record) -> bool {
    !record.protocol.has_refunds_alone()
}

/// Returns whether a delivery remembers all that was done with its order, completed at `completed_at`.
/// One that began after the ledger's memory of the order may have ended does not: a delivery before it
/// may have expired.
pub(crate) fn remembers(
    first_seen_at: Timestamp,
    reason: Option<&str>,
    completed_at: Timestamp,
) -> bool {
    reason != Some(TOO_OLD.as_str()) && first_seen_at <= completed_at + RETENTION
}

/// The table of deliveries.
#[derive(Clone)]
pub struct Ledger {
    client: Client,
    table: String,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("table", &self.table).finish_non_exhaustive()
    }
}

/// The result of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It stands.
    Written,
    /// Somebody else wrote first. This is what the ledger holds now; `None` when nothing.
    Stale(Option<Box<Record>>),
}

/// The ledger did not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No answer, or a refusal to serve: it may or may not have been written.
    #[error("the ledger could not be reached")]
    Unavailable,
    /// An item there is not one of ours.
    #[error("an item of the ledger could not be read")]
    Unreadable,
    /// It has no index of what waits, or one that is still being filled.
    #[error("the ledger has no index of what waits, or is still filling it")]
    NoIndex,
    /// A later version of Postback wrote the item: it is left alone.
    #[error("an item of the ledger has a later format")]
    LaterFormat,
}

impl Ledger {
    /// The ledger in `table`.
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Writes `record` if the ledger holds version `expected` of it, `None` for nothing at all.
    pub async fn put(&self, record: &Record, expected: Option<u64>) -> Result<Put, LedgerError> {
        let item = record::write(record)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::None);
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(order_id)"),
            Some(version) => put
                .condition_expression("version = :expected")
                .expression_attribute_values(":expected", AttributeValue::N(version.to_string())),
        };
        let refusal = match put.send().await {
            Ok(_) => return Ok(Put::Written),
            Err(SdkError::ServiceError(error)) => error.into_err(),
            Err(_) => return Err(LedgerError::Unavailable),
        };
        let PutItemError::ConditionalCheckFailedException(refusal) = refusal else {
            return Err(LedgerError::Unavailable);
        };
        match refusal.item {
            None => Ok(Put::Stale(None)),
            Some(item) => {
                let held = record::from_item(item)?;
                // Our own write, whose answer was lost and which the SDK sent again.
                let ours = held.version == record.version && held.write_id == record.write_id;
                Ok(if ours { Put::Written } else { Put::Stale(Some(Box::new(held))) })
            }
        }
    }

    /// Reads one delivery, consistently.
    pub async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(key.order_id.clone()))
            .key("delivery", AttributeValue::S(key.delivery.clone()))
            .consistent_read(true);
        let output = get.send().await.map_err(|_| LedgerError::Unavailable)?;
        let Some(item) = output.item else { return Ok(None) };
        record::from_item(item).map(Some)
    }

    /// All deliveries of an order, read consistently. One that can't be read is an error. Refunds that came
    /// before the order are none.
    pub async fn of_order(&self, order_id: &str) -> Result<Vec<Record>, LedgerError> {
        let items = self.items_of(order_id).await?.into_iter().map(record::from_item);
        items.filter(|read| read.as_ref().map_or(true, is_delivery)).collect()
    }

    /// All deliveries of an order, and of those that this version can't read the parts that it can.
    pub async fn readable_of_order(
        &self,
        order_id: &str,
    ) -> Result<(Vec<Record>, Vec<PartialView>), LedgerError> {
        let (mut records, partial) = record::from_items(self.items_of(order_id).await?);
        records.retain(is_delivery);
        Ok((records, partial))
    }

    /// Returns whether it holds a delivery that [remembers] an order completed at
    /// `completed_at`, read consistently, and no more of each than that takes.
    pub async fn holds(
        &self,
        order_id: &OrderId,
        completed_at: Timestamp,
    ) -> Result<bool, LedgerError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("order_id = :order_id")
            .projection_expression("delivery, first_seen_at, reason, version")
            .expression_attribute_values(":order_id", AttributeValue::S(order_id.to_string()))
            .consistent_read(true);
        let mut pages = query.into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|_| LedgerError::Unavailable)?;
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
            let first_seen_at = text("first_seen_at").and_then(|at| Timestamp::parse(at));
            let reason = text("reason").map(String::as_str);
            let is_known = first_seen_at.is_some_and(|at| remembers(at, reason, completed_at));
            if item.contains_key("version") && is_known {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn items_of(&self, order_id: &str) -> Result<Vec<record::Item>, LedgerError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("order_id = :order_id")
            .filter_expression(IS_DELIVERY)
            .expression_attribute_values(":order_id", AttributeValue::S(order_id.to_owned()))
            .consistent_read(true);
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(|_| LedgerError::Unavailable)?);
        }
        Ok(items)
    }
}
