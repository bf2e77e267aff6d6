//! The trait that a shop system implements: its webhooks' headers, and the pure mapping of its order
//! to ours.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::{clock::Timestamp, decimal::exact, fields::is_absent};

/// The headers of a shop system's webhooks, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The header with the base64 of HMAC-SHA256 over the body.
    pub signature: &'static str,
    /// The header that says what happened.
    pub topic: &'static str,
    /// The headers with an id that is the same for every delivery of one message; the first counts.
    pub delivery: &'static [&'static str],
}

/// A message of a shop system.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What happened.
    pub topic: &'a str,
    /// The id that is the same for every delivery of this message.
    pub delivery: &'a str,
    /// The order as the shop system writes it.
    pub payload: &'a Value,
}

/// The result of mapping an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    /// An order as the API takes it.
    Order {
        /// The order.
        order: Value,
        /// The address of the page on which the customer's visit began. Clicks in it count where
        /// neither the order nor its capture cookie names one.
        landing: Option<String>,
    },
    /// A refund without its order.
    Refund(LoneRefund),
    /// A message that needs no report, with the reason.
    Ignored(&'static str),
}

/// A refund that comes without its order: [`Platform::refunds`] maps it by what is kept of the order.
#[derive(Clone, Debug, PartialEq)]
pub struct LoneRefund {
    /// The shop system's own id of the order.
    pub order: String,
    /// The shop system's own id of the refund.
    pub id: String,
    /// As much of it as the mapping needs, nothing personal: it is kept until the order comes.
    pub refund: Value,
}

/// As much of an order as the mapping of its refunds needs, nothing personal.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderPart {
    /// The shop system's own id of the order.
    pub order: String,
    /// The time when the shop last changed the order.
    pub updated_at: Option<Timestamp>,
    /// What is kept.
    pub part: Value,
}

/// A shop system whose webhooks are taken. Pure: the settings are passed in.
pub trait Platform: Sized + Send + Sync + 'static {
    /// The machine name: the folder's, and the last part of the webhook's path.
    const NAME: &'static str;

    /// The headers of its webhooks.
    const HEADERS: Headers;

    /// True if it sends a message again that was answered with an error. Such a one is answered within a
    /// second whatever hangs. Of one that sends nothing again an order that AWS does not take in time is
    /// kept.
    const SENDS_AGAIN: bool = true;

    /// Reads the settings by their names in the environment. One that is missing or unknown is the
    /// default: the template allows no other.
    fn configure(setting: &dyn Fn(&str) -> Option<String>) -> Self;

    /// Maps a message.
    fn order(&self, topic: &str, payload: &Value) -> Mapped;

    /// What is kept of an order for the refunds that come without it; `None` where there are no such messages.
    #[must_use]
    fn part(&self, _topic: &str, _payload: &Value) -> Option<OrderPart> {
        None
    }

    /// Maps refunds that came without their order to an order of these alone; `part` is what is kept of it,
    /// if it is known. The error is the reason for which they are ignored.
    fn refunds(&self, _part: Option<&Value>, _refunds: &[Value]) -> Result<Value, &'static str> {
        Err("no_refunds")
    }

    /// Returns whether a body is the message by which the shop system tries the address out, unsigned.
    #[must_use]
    fn is_ping(_body: &[u8]) -> bool {
        false
    }

    /// The message in the detail of an event that the shop system puts on a bus itself; `None` if it
    /// is none.
    #[must_use]
    fn event(_detail: &Value) -> Option<Message<'_>> {
        None
    }
}

/// The first value at one of these pointers that is not absent.
#[must_use]
pub fn first<'a>(value: &'a Value, pointers: &[&str]) -> Option<&'a Value> {
    let values = pointers.iter().filter_map(|pointer| value.pointer(pointer));
    values.into_iter().find(|value| !is_absent(value))
}

/// The text at a pointer, without outer blanks; `None` if there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The largest number of an order, either way: sums of such numbers never overflow.
const LARGEST: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);

/// The exact number at a pointer, written as a number or as a text.
#[must_use]
pub fn number(value: &Value, pointer: &str) -> Option<Decimal> {
    let number = match value.pointer(pointer)? {
        Value::Number(number) => exact(&number.to_string()),
        Value::String(text) => exact(text.trim()),
        _ => None,
    };
    number.filter(|number| number.abs() <= LARGEST)
}

/// The objects of the list at a pointer. PHP writes a list that has lost a member as an object, with
/// the places as names.
pub fn objects<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let values = value.pointer(pointer);
    let named = values.and_then(Value::as_object).into_iter().flat_map(Map::values);
    let listed = values.and_then(Value::as_array).into_iter().flatten();
    listed.chain(named).filter(|value| value.is_object())
}

/// The id at a pointer as a text: a large number is no float.
#[must_use]
pub fn id(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// A first and a last name at two pointers, as one.
#[must_use]
pub fn name(value: &Value, pointers: [&str; 2]) -> Option<String> {
    let parts: Vec<_> = pointers.iter().filter_map(|pointer| text(value, pointer)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// An object of the members that are not absent.
#[must_use]
pub fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !is_absent(value) && *value != json!({}))?;
        Some((name.to_owned(), value))
    });
    Value::Object(given.collect::<Map<_, _>>())
}

/// An amount as the API takes it.
#[must_use]
pub fn amount(value: Decimal) -> Value {
    json!(value.normalize().to_string())
}
