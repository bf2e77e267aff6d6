//! A batch of the ledger's stream: the writes to deliveries, in their order.

use lambda_runtime::Error;
use postback_core::delivery::{Key, Record};
use serde::Deserialize;
use serde_dynamo::{AttributeValue, Item, from_item};
use serde_json::value::RawValue;

/// One write to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A delivery was written.
    Delivery {
        /// The version before; 0 when there was none.
        since: u64,
        /// The record as written.
        record: Box<Record>,
    },
    /// A delivery expired: `DynamoDB` or somebody else deleted it.
    Deleted {
        /// The last record.
        record: Box<Record>,
    },
    /// An item of this key was written that is no delivery of a format known here.
    Unreadable(Key),
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

#[derive(Deserialize)]
struct StreamRecord {
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Item,
    #[serde(rename = "NewImage")]
    new: Option<Item>,
    #[serde(rename = "OldImage")]
    old: Option<Item>,
}

/// Reads a batch. Items that are no deliveries (receipts) are left out.
pub fn writes(payload: &RawValue) -> Result<Vec<Write>, Error> {
    let batch: Batch = serde_json::from_str(payload.get())
        .map_err(|_| "the event is no batch of a DynamoDB stream")?;
    Ok(batch.records.into_iter().filter_map(|record| write(record.dynamodb)).collect())
}

fn write(Change { keys, new, old }: Change) -> Option<Write> {
    let is_delivery = |item: &Item| item.inner().contains_key("version");
    let since = old.as_ref().map_or(0, version);
    match (new.filter(is_delivery), old.filter(is_delivery)) {
        (Some(new), _) => Some(match from_item(new) {
            Ok(record) => Write::Delivery { since, record },
            Err(_) => Write::Unreadable(key(&keys)),
        }),
        (None, Some(old)) => from_item(old).ok().map(|record| Write::Deleted { record }),
        (None, None) => None,
    }
}

fn version(item: &Item) -> u64 {
    match item.inner().get("version") {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or_default(),
        _ => 0,
    }
}

fn key(keys: &Item) -> Key {
    let text = |name: &str| match keys.inner().get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    Key { order_id: text("order_id"), delivery: text("delivery") }
}
