//! A record as an item of the table, and back. Attributes that this version does not know survive.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use postback_core::delivery::{
    AttemptRecord, Attribute, FORMAT, History, PartialView, Record, WAITING, parts,
};
use serde::de::DeserializeOwned;
use serde_dynamo::aws_sdk_dynamodb_1::{self, from_attribute_value, to_item};

use super::LedgerError;

pub(super) type Item = HashMap<String, AttributeValue>;

/// Reads an item. One of a later format is left alone.
pub(super) fn from_item(item: Item) -> Result<Record, LedgerError> {
    let format = item.get("format").and_then(|format| format.as_n().ok());
    let format: Option<u32> = format.and_then(|format| format.parse().ok());
    if format.is_some_and(|format| format > FORMAT) {
        return Err(LedgerError::LaterFormat);
    }
    let is_unknown =
        |(name, _): &(&String, &AttributeValue)| !Record::ATTRIBUTES.contains(&name.as_str());
    let unknown = item.iter().filter(is_unknown);
    let unknown: Option<BTreeMap<_, _>> =
        unknown.map(|(name, value)| Some((name.clone(), attribute(value)?))).collect();
    let unknown = unknown.ok_or(LedgerError::Unreadable)?;
    let record: Record =
        aws_sdk_dynamodb_1::from_item(item).map_err(|_| LedgerError::Unreadable)?;
    Ok(Record { unknown, ..record })
}

/// Reads items, and of those that can't be read the parts that can.
pub(super) fn from_items(items: Vec<Item>) -> (Vec<Record>, Vec<PartialView>) {
    let (mut records, mut partials) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        match from_item(item.clone()) {
            Ok(record) => records.push(record),
            Err(_) => partials.push(partial(&item)),
        }
    }
    (records, partials)
}

/// The parts of an item that can be read although [`from_item`] can't.
fn partial(item: &Item) -> PartialView {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let delivery = text("delivery").unwrap_or_default();
    let (network, line) = parts(&delivery);
    let (network, line) = (network.to_owned(), line.map(str::to_owned));
    let attempts: Option<History<AttemptRecord>> = member(item, "attempts");
    PartialView {
        order_id: text("order_id").unwrap_or_default(),
        network,
        line,
        format: member(item, "format").unwrap_or_default(),
        state: text("state"),
        reason: member(item, "reason"),
        attempt: member(item, "attempt"),
        references: member(item, "references"),
        first_seen_at: member(item, "first_seen_at"),
        updated_at: member(item, "updated_at"),
        attempts: attempts.map(|attempts| attempts.entries().to_vec()),
    }
}

fn member<T: DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    from_attribute_value(item.get(name)?.clone()).ok()
}

/// Writes an item.
pub(super) fn write(record: &Record) -> Result<Item, LedgerError> {
    let mut item: Item = to_item(record).map_err(|_| LedgerError::Unreadable)?;
    let unknown = record.unknown.iter();
    item.extend(unknown.map(|(name, attribute)| (name.clone(), value(attribute))));
    item.extend(record.is_waiting().then(waiting));
    Ok(item)
}

/// The attribute by which an item is in the index. Its value is always the same: a change of it would be
/// two writes to the index.
pub(super) fn waiting() -> (String, AttributeValue) {
    (WAITING.to_owned(), AttributeValue::S("yes".to_owned()))
}

fn attribute(value: &AttributeValue) -> Option<Attribute> {
    Some(match value {
        AttributeValue::S(text) => Attribute::Text(text.clone()),
        AttributeValue::N(number) => Attribute::Number(number.clone()),
        AttributeValue::Bool(flag) => Attribute::Bool(*flag),
        AttributeValue::Null(_) => Attribute::Null,
        AttributeValue::B(bytes) => Attribute::Bytes(bytes.as_ref().to_vec()),
        AttributeValue::Ss(texts) => Attribute::Texts(texts.clone()),
        AttributeValue::Ns(numbers) => Attribute::Numbers(numbers.clone()),
        AttributeValue::Bs(all) => {
            Attribute::ByteStrings(all.iter().map(|bytes| bytes.as_ref().to_vec()).collect())
        }
        AttributeValue::L(list) => {
            Attribute::List(list.iter().map(attribute).collect::<Option<_>>()?)
        }
        AttributeValue::M(map) => {
            let members = map.iter().map(|(name, value)| Some((name.clone(), attribute(value)?)));
            Attribute::Map(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn value(attribute: &Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text.clone()),
        Attribute::Number(number) => AttributeValue::N(number.clone()),
        Attribute::Bool(flag) => AttributeValue::Bool(*flag),
        Attribute::Null => AttributeValue::Null(true),
        Attribute::Bytes(bytes) => AttributeValue::B(Blob::new(bytes.clone())),
        Attribute::Texts(texts) => AttributeValue::Ss(texts.clone()),
        Attribute::Numbers(numbers) => AttributeValue::Ns(numbers.clone()),
        Attribute::ByteStrings(all) => {
            AttributeValue::Bs(all.iter().map(|bytes| Blob::new(bytes.clone())).collect())
        }
        Attribute::List(list) => AttributeValue::L(list.iter().map(value).collect()),
        Attribute::Map(map) => {
            let members = map.iter().map(|(name, attribute)| (name.clone(), value(attribute)));
            AttributeValue::M(members.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use postback_core::{
        clock::Timestamp,
        delivery::{
            Arrival, Event, Facts, Key, Note, Planned, Policy, Recovery, Refunds, Stamp, State,
            step,
        },
    };

    use super::*;

    fn record() -> Record {
        let now = Timestamp::from_millis(1_795_256_100_000);
        let arrival = Arrival {
            refunds: Refunds::default(),
            reported: None,
            facts: Facts::none(),
            updated_at: Some(now),
            is_delayed: false,
            has_waited: false,
            planned: Planned::Send("scope".to_owned()),
            shown_scope: None,
            deadline: now + std::time::Duration::from_mins(1),
            settings: "v1".to_owned(),
            open: None,
            is_implausible: false,
        };
        let second = std::time::Duration::from_secs(1);
        let policy = Policy::new(Recovery::Hold, second, second);
        let next = step(None, &Event::Arrive(arrival), &policy, now).next.expect("a claim");
        let key = Key::known("A-1".to_owned(), "network", None);
        let stamp = Stamp { now, write_id: 7 };
        Record::after(None, &key, next, Note::default(), stamp)
    }

    #[test]
    fn every_attribute_that_is_written_is_known() {
        for name in write(&record()).expect("an item").keys() {
            assert!(Record::ATTRIBUTES.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn an_item_is_in_the_index_while_its_record_waits_and_no_longer() {
        let mut record = record();
        for (state, is_waiting) in [
            (State::Sending, false),
            (State::Retrying, true),
            (State::Parked, true),
            (State::Delivered, false),
        ] {
            record.protocol.state = state;
            let item = write(&record).expect("an item");
            assert_eq!(item.contains_key(WAITING), is_waiting, "{state:?}");
            // No unknown attribute: it does not outlive the state.
            record = from_item(item).expect("a record");
        }
    }

    #[test]
    fn unknown_attributes_survive_a_write() {
        let mut item = write(&record()).expect("an item");
        let later = AttributeValue::M(HashMap::from([(
            "of".to_owned(),
            AttributeValue::L(vec![AttributeValue::N("1".to_owned()), AttributeValue::Null(true)]),
        )]));
        item.insert("a_later_attribute".to_owned(), later.clone());

        let read = from_item(item).expect("a record");
        let revised =
            read.with_conflict(&Facts::none(), Stamp { now: read.updated_at, write_id: 8 });

        let written = write(&revised).expect("an item");
        assert_eq!(written.get("a_later_attribute"), Some(&later));
    }

    #[test]
    fn an_item_of_a_later_format_is_left_alone() {
        let mut item = write(&record()).expect("an item");
        item.insert("format".to_owned(), AttributeValue::N((FORMAT + 1).to_string()));
        item.insert("state".to_owned(), AttributeValue::S("a_later_state".to_owned()));

        assert_eq!(from_item(item), Err(LedgerError::LaterFormat));
    }
}
