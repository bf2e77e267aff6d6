//! What a shop system's function keeps of an order, for refunds that come without it: an item of its own
//! beside the deliveries.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use postback_core::{clock::Timestamp, digest::sha256};
use serde_json::Value;

use super::{Ledger, LedgerError};

/// The start of the partition keys of all of them. An order's id has no outer blanks, so no delivery has
/// such a key.
pub const SHOP_ORDER_PREFIX: &str = " shop_order#";

const SORT: &str = "order";

/// The time for which it is kept after the last message. Most return periods end before; a later refund
/// comes by the message of its changed order. There is one of each order, and every sweep reads it.
const KEPT_FOR: Duration = Duration::from_hours(120 * 24);

/// The attribute of what is kept of the order.
const PART: &str = "kept_part";
/// The start of the attributes of its refunds.
const REFUND: &str = "refund#";

/// What a message adds.
#[derive(Clone, Copy, Debug)]
pub enum Kept<'a> {
    /// A part of the order, which takes the place of that of an earlier version.
    Part {
        /// The part.
        part: &'a Value,
        /// The time when the shop last changed the order.
        updated_at: Option<Timestamp>,
    },
    /// A refund that came without the order: it is kept while the order is not known.
    Refund {
        /// The shop system's own id of the refund.
        id: &'a str,
        /// The refund.
        refund: &'a Value,
    },
}

/// What is kept of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShopOrder {
    /// The part of the order, if the order is known.
    pub part: Option<Value>,
    /// The refunds that came before it.
    pub refunds: Vec<Value>,
}

impl Ledger {
    /// Keeps what a message of the order `id` adds. Returns all that is kept of the order by then: of a
    /// refund and its order one sees the other, whichever comes first.
    pub async fn keep_of_shop_order(
        &self,
        id: &str,
        kept: Kept<'_>,
        now: Timestamp,
    ) -> Result<ShopOrder, LedgerError> {
        let expires_at = (now + KEPT_FOR).as_secs().to_string();
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(key(id)))
            .key("delivery", AttributeValue::S(SORT.to_owned()))
            .expression_attribute_values(":expires_at", AttributeValue::N(expires_at))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match kept {
            Kept::Part { part, updated_at } => {
                let changed_at = updated_at.unwrap_or(Timestamp::EPOCH).as_millis().to_string();
                update
                    .update_expression(
                        "SET kept_part = :kept, changed_at = :changed_at, expires_at = :expires_at",
                    )
                    .condition_expression(
                        "attribute_not_exists(changed_at) OR changed_at <= :changed_at",
                    )
                    .expression_attribute_values(":changed_at", AttributeValue::N(changed_at))
                    .expression_attribute_values(":kept", AttributeValue::S(part.to_string()))
            }
            Kept::Refund { id, refund } => update
                .update_expression("SET #refund = :kept, expires_at = :expires_at")
                .condition_expression("attribute_not_exists(kept_part)")
                .expression_attribute_names("#refund", format!("{REFUND}{id}"))
                .expression_attribute_values(":kept", AttributeValue::S(refund.to_string())),
        };
        let error = match update.send().await {
            Ok(output) => return Ok(from_item(&output.attributes.unwrap_or_default())),
            Err(error) => error.into_service_error(),
        };
        match error {
            // A later version is known, or the order of the refund.
            UpdateItemError::ConditionalCheckFailedException(refusal) => {
                Ok(from_item(&refusal.item.unwrap_or_default()))
            }
            // No item is as large: repeating it would change nothing.
            error if is_refused(&error) => {
                let code = "shop_order_not_kept";
                tracing::warn!(code, "the ledger refuses what is kept of an order for its refunds");
                Ok(ShopOrder::default())
            }
            _ => Err(LedgerError::Unavailable),
        }
    }
}

fn is_refused(error: &UpdateItemError) -> bool {
    error.code() == Some("ValidationException")
}

fn from_item(item: &HashMap<String, AttributeValue>) -> ShopOrder {
    let json = |value: &AttributeValue| serde_json::from_str(value.as_s().ok()?).ok();
    let refunds: BTreeMap<_, _> =
        item.iter().filter(|(name, _)| name.starts_with(REFUND)).collect();
    let refunds = refunds.into_values().filter_map(json).collect();
    ShopOrder { part: item.get(PART).and_then(json), refunds }
}

/// The id may be free text.
fn key(id: &str) -> String {
    format!("{SHOP_ORDER_PREFIX}{}", sha256(id, 32))
}
