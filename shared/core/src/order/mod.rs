//! The shop's order, checked at the edge. Past [`Order::from_json`] the types
//! are the proof.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{clock::Timestamp, fields::means_nothing};

mod customer;
mod faults;
mod figure;
mod item;
mod json;
mod money;
mod read;
mod refund;
mod text;

pub use customer::{Address, Customer, Email, Utm};
pub use faults::{FAULTS, depends_on_time, first_fault};
pub use figure::Figure;
pub use item::{AmountFault, Item};
pub use json::{Unreadable, parse, readable};
pub use money::{Amount, Currency};
pub use read::{clicks_fault, faulty_id, goes_by_status, id_of, is_cancellation, read_event};
pub use refund::{Refund, RefundedLine};
pub use text::{composed, of as text_of};

/// One order.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Order {
    /// The shop's own id, as the customer sees it: the same for every report of this order.
    pub order_id: OrderId,
    /// The status of the order. Only completed ones are reported.
    pub status: Status,
    /// The time when the shop last changed it, RFC 3339: it orders the versions of one order.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// The time when it was completed, RFC 3339.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub completed_at: Timestamp,
    /// The currency of all amounts, ISO 4217.
    pub currency: Currency,
    /// The amount that the customer pays, all included.
    pub total: Amount,
    /// The tax in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Figure>,
    /// The shipping in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Figure>,
    /// The customer.
    #[serde(skip_serializing_if = "Customer::is_empty")]
    pub customer: Customer,
    /// The clicks that brought the customer: one member per network, defined by that network.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clicks: BTreeMap<String, Value>,
    /// The value of the capture cookie `pb_clicks`, as the shop found it with the order. Its clicks
    /// count for the networks that `clicks` does not name. A damaged or forged one is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_cookie: Option<String>,
    /// The lines of the order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// The parts of it that the shop paid back. Together they may reach the total: then it is refunded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// The campaign that led to it.
    #[serde(skip_serializing_if = "Utm::is_empty")]
    pub utm: Utm,
    /// The customer's comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The discount in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Figure>,
    /// Extra cost in it, for express delivery, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surcharge: Option<Figure>,
    /// Whatever else the shop wants to pass on, as strings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
}

/// An order as it arrives: to be reported, or to be withdrawn.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// An order with everything that a report needs.
    Order(Box<Order>),
    /// An order that the shop cancelled or refunded whole.
    Cancelled(Cancelled),
    /// Parts of an order that the shop paid back, without the order.
    PartlyRefunded(PartialRefund),
}

/// An order that the shop cancelled or refunded whole. It goes by its status alone to every network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cancelled {
    /// The shop's own id.
    pub order_id: OrderId,
    /// [`Status::Cancelled`] or [`Status::Refunded`].
    pub status: Status,
    /// The time when the shop last changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// Parts of an order that the shop paid back, without the order: a shop system may have no more at hand.
/// They go by their status alone to every network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartialRefund {
    /// The shop's own id.
    pub order_id: OrderId,
    /// [`Status::PartiallyRefunded`].
    pub status: Status,
    /// The currency of all amounts: the order's.
    pub currency: Currency,
    /// The parts, at least one.
    pub refunds: Vec<Refund>,
}

impl Arrived {
    /// The order's id.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        match self {
            Self::Order(order) => &order.order_id,
            Self::Cancelled(cancelled) => &cancelled.order_id,
            Self::PartlyRefunded(refund) => &refund.order_id,
        }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Order(order) => order.status,
            Self::Cancelled(cancelled) => cancelled.status,
            Self::PartlyRefunded(refund) => refund.status,
        }
    }
}

impl Order {
    /// The members of the click of `network`: none where the order has none. The error is a click
    /// that is no object, which the network rejects.
    pub fn click(&self, network: &str) -> Result<Option<&Map<String, Value>>, NotAClick> {
        match self.clicks.get(network) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(NotAClick),
        }
    }

    /// A text member of the click of `network`: trimmed, `None` when missing, blank, not a text, or
    /// the words scripts leave behind: `undefined`, `null`.
    #[must_use]
    pub fn click_text(&self, network: &str, member: &str) -> Option<&str> {
        let text = self.click(network).ok()??.get(member)?.as_str()?.trim();
        (!means_nothing(text)).then_some(text)
    }

    /// Returns whether the order is completed: nothing else is ever reported.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.status == Status::Completed
    }
}

/// A click that is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAClick;

/// An order's id: 1 to 128 characters, no outer blanks, none of the words that stand for "none".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct OrderId(#[schemars(length(min = 1, max = 128))] String);

impl OrderId {
    /// The most characters of an id.
    const LONGEST: usize = 128;
    /// The most digits that a spreadsheet keeps of a number.
    const DIGITS_KEPT: usize = 15;

    /// Returns whether a spreadsheet takes the id for a number and changes it: all digits, and a
    /// leading zero or too many of them.
    #[must_use]
    pub fn is_changed_by_spreadsheets(id: &str) -> bool {
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        is_number && (id.len() > Self::DIGITS_KEPT || (id.len() > 1 && id.starts_with('0')))
    }

    /// The id as the shop wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not yet paid or confirmed.
    Pending,
    /// Done: to be reported.
    Completed,
    /// Called off.
    Cancelled,
    /// Paid back.
    Refunded,
    /// Paid back in part: a message of its `refunds` alone. Once they reach the total it is withdrawn.
    PartiallyRefunded,
}

impl Status {
    /// The word in orders and in the bus's detail type `order.<word>`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
        }
    }
}
