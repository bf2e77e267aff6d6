//! The uses of a click: which of our orders used it, at a network that de-duplicates by click. One
//! small item a click, beside the deliveries.

use aws_sdk_dynamodb::types::AttributeValue;
use postback_core::{clock::Timestamp, delivery::RETENTION, digest::sha256};

use super::{Ledger, LedgerError};

/// The prefix of the partition keys of all uses. An order's id has no outer blanks, so no order has
/// such a key.
pub const CLICK_PREFIX: &str = " click#";

/// The most orders of one click that are kept by their ids.
const MAX_ORDERS: usize = 16;

/// The orders that used a click.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClickUses {
    /// Their ids.
    pub order_ids: Vec<String>,
    /// True if there are more.
    pub many: bool,
}

impl Ledger {
    /// Adds `order_id` to the uses of `click` at `network`. Adding it again changes nothing.
    pub async fn add_click_use(
        &self,
        network: &str,
        click: &str,
        order_id: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let expires_at = (now + RETENTION).as_secs().to_string();
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(key(click)))
            .key("delivery", AttributeValue::S(network.to_owned()))
            .expression_attribute_names("#orders", "orders")
            .expression_attribute_values(":expires_at", AttributeValue::N(expires_at));
        let add = update
            .clone()
            .update_expression("ADD #orders :order SET expires_at = :expires_at")
            .condition_expression(
                "attribute_not_exists(#orders) OR size(#orders) < :most OR contains(#orders, :id)",
            )
            .expression_attribute_values(":order", AttributeValue::Ss(vec![order_id.to_owned()]))
            .expression_attribute_values(":id", AttributeValue::S(order_id.to_owned()))
            .expression_attribute_values(":most", AttributeValue::N(MAX_ORDERS.to_string()));
        let Err(error) = add.send().await else { return Ok(()) };
        if !error.into_service_error().is_conditional_check_failed_exception() {
            return Err(LedgerError::Unavailable);
        }
        let note = update
            .update_expression("SET expires_at = :expires_at, many = :many")
            .expression_attribute_values(":many", AttributeValue::Bool(true))
            .condition_expression("attribute_exists(#orders)");
        note.send().await.map(|_| ()).map_err(|_| LedgerError::Unavailable)
    }

    /// The orders that used `click` at `network`, read consistently.
    pub async fn click_uses(&self, network: &str, click: &str) -> Result<ClickUses, LedgerError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(key(click)))
            .key("delivery", AttributeValue::S(network.to_owned()))
            .consistent_read(true);
        let output = get.send().await.map_err(|_| LedgerError::Unavailable)?;
        let Some(item) = output.item else { return Ok(ClickUses::default()) };
        let ids = item.get("orders").and_then(|orders| orders.as_ss().ok());
        Ok(ClickUses {
            order_ids: ids.cloned().unwrap_or_default(),
            many: item.contains_key("many"),
        })
    }
}

/// The click id is pseudonymous: only its digest is kept.
fn key(click: &str) -> String {
    format!("{CLICK_PREFIX}{}", sha256(click, 32))
}
