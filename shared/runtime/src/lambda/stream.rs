//! A batch of the ledger's stream: the writes to deliveries, in their order.
//!
//! A replay sends batches of the same format that it makes from the ledger's records.

use std::collections::HashMap;

use lambda_runtime::Error;
use postback_core::{
    clock::Timestamp,
    delivery::{Key, Record},
};
use serde::{Deserialize, Serialize};
use serde_dynamo::{AttributeValue, Item, from_item, to_item};
use serde_json::value::{RawValue, to_raw_value};

/// The writes of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The writes, oldest first.
    pub writes: Vec<Write>,
    /// The time before which events are left out: for a replay. The stream sends none.
    pub from: Option<Timestamp>,
}

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
    /// A delivery expired, and `DynamoDB` deleted it. What somebody else deletes is erased, and is left out.
    Expired {
        /// The last record.
        record: Box<Record>,
    },
    /// An item of this key was written that is no delivery of a format known here.
    Unreadable(Key),
}

#[derive(Serialize, Deserialize)]
struct StreamEvent {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct StreamRecord {
    dynamodb: Change,
    /// The service that wrote, where it is one of AWS's own.
    #[serde(default, rename = "userIdentity", skip_serializing_if = "Option::is_none")]
    writer: Option<Writer>,
}

#[derive(Serialize, Deserialize)]
struct Writer {
    #[serde(default, rename = "principalId")]
    principal: String,
}

/// The principal by which `DynamoDB` deletes what has expired.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html>
const TIME_TO_LIVE: &str = "dynamodb.amazonaws.com";

#[derive(Serialize, Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Item,
    #[serde(rename = "NewImage", skip_serializing_if = "Option::is_none")]
    new: Option<Item>,
    #[serde(rename = "OldImage", skip_serializing_if = "Option::is_none")]
    old: Option<Item>,
}

impl Batch {
    /// Reads an event of the stream. Items that are no deliveries (receipts) are left out.
    pub fn from_payload(payload: &RawValue) -> Result<Self, Error> {
        let event: StreamEvent = serde_json::from_str(payload.get())
            .map_err(|_| "the event is no batch of a DynamoDB stream")?;
        let writes = event.records.into_iter().filter_map(write);
        Ok(Self { writes: writes.collect(), from: event.from })
    }
}

/// Returns an event of the stream by which everything is published again that `records` hold of
/// `from` and later: each record as if it had just been written for the first time.
pub fn replay(records: &[Record], from: Option<Timestamp>) -> Result<Box<RawValue>, Error> {
    let written = |record: &Record| {
        let new: Item = to_item(record)?;
        let key = |name: &str| Some((name.to_owned(), new.inner().get(name)?.clone()));
        let keys: HashMap<_, _> = ["order_id", "delivery"].into_iter().filter_map(key).collect();
        let dynamodb = Change { keys: keys.into(), new: Some(new), old: None };
        Ok(StreamRecord { dynamodb, writer: None })
    };
    let records = records.iter().map(written).collect::<Result<_, serde_dynamo::Error>>()?;
    Ok(to_raw_value(&StreamEvent { records, from })?)
}

fn write(StreamRecord { dynamodb, writer }: StreamRecord) -> Option<Write> {
    let Change { keys, new, old } = dynamodb;
    let has_expired = writer.is_some_and(|writer| writer.principal == TIME_TO_LIVE);
    let is_delivery = |item: &Item| item.inner().contains_key("version");
    let since = old.as_ref().map_or(0, version);
    match (new.filter(is_delivery), old.filter(is_delivery)) {
        (Some(new), _) => Some(match from_item(new) {
            Ok(record) => Write::Delivery { since, record },
            Err(_) => Write::Unreadable(key(&keys)),
        }),
        (None, Some(old)) if has_expired => {
            from_item(old).ok().map(|record| Write::Expired { record })
        }
        (None, _) => None,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        let at = "2026-11-21T10:15:00Z";
        let record = json!({
            "order_id": "A-1", "delivery": "net#2", "version": 3, "write_id": "0",
            "state_version": 3, "state_at": at, "state": "delivered", "attempt": 1, "facts": {},
            "first_seen_at": at, "claim_expires_at": at, "not_before": at,
            "updated_at": at, "expires_at": 0,
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn a_replayed_record_is_read_as_a_first_write() {
        let from = Timestamp::parse("2026-11-20T00:00:00Z");

        let batch =
            Batch::from_payload(&replay(&[record()], from).expect("an event")).expect("a batch");

        let write = Write::Delivery { since: 0, record: Box::new(record()) };
        assert_eq!(batch, Batch { writes: vec![write], from });
    }

    #[test]
    fn a_batch_of_the_stream_has_no_beginning() {
        let event = replay(&[], None).expect("an event");

        assert_eq!(event.get(), r#"{"Records":[]}"#);
        assert_eq!(Batch::from_payload(&event).expect("a batch").from, None);
    }
}
