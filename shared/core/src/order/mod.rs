//! The shop's order, checked at the edge. Past [`Order::read`] the types
//! are the proof.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{clock::Timestamp, fields::means_nothing};

mod money;
mod read;

pub use money::{Amount, Currency, Percent};

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
    pub tax: Option<Amount>,
    /// The shipping in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Amount>,
    /// The customer.
    #[serde(skip_serializing_if = "Customer::is_empty")]
    pub customer: Customer,
    /// The clicks that brought the customer: one member per network, defined by that network.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clicks: BTreeMap<String, Map<String, Value>>,
    /// The lines of the order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// The campaign that led to it.
    #[serde(skip_serializing_if = "Utm::is_empty")]
    pub utm: Utm,
    /// The customer's comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The discount in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Percent>,
    /// Extra cost in it, for express delivery, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surcharge: Option<Amount>,
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

impl Arrived {
    /// The order's id.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        match self {
            Self::Order(order) => &order.order_id,
            Self::Cancelled(cancelled) => &cancelled.order_id,
        }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Order(order) => order.status,
            Self::Cancelled(cancelled) => cancelled.status,
        }
    }
}

impl Order {
    /// The click of `network`, if the order has one.
    #[must_use]
    pub fn click(&self, network: &str) -> Option<&Map<String, Value>> {
        self.clicks.get(network)
    }

    /// A text member of the click of `network`: trimmed, `None` when missing, blank, not a text, or
    /// the words scripts leave behind: `undefined`, `null`.
    #[must_use]
    pub fn click_text(&self, network: &str, member: &str) -> Option<&str> {
        let text = self.click(network)?.get(member)?.as_str()?.trim();
        (!means_nothing(text)).then_some(text)
    }

    /// Returns whether the order is completed: nothing else is ever reported.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.status == Status::Completed
    }
}

/// An order's id: 1 to 128 characters, no outer blanks, none of the words that stand for "none".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct OrderId(#[schemars(length(min = 1, max = 128))] String);

impl OrderId {
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
        }
    }
}

/// The customer. All of it is personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Customer {
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone number, as the customer wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address the customer ordered from: the customer's own, not the shop's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ip: Option<IpAddr>,
    /// The customer's browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Country, two letters (ISO 3166-1), upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

impl Customer {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An e-mail address: trimmed, one `@` between two parts, otherwise as the customer wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Email(#[schemars(email)] String);

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Address {
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// The whole address without the postal code, or house and flat alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Street.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Item {
    /// The shop's article number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The quantity; 1 unless given.
    pub quantity: u32,
    /// The price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Amount>,
    /// The networks' own ids for this article: one member per network, defined by that network.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refs: BTreeMap<String, Value>,
}

/// The campaign parameters of the customer's visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Utm {
    /// `utm_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `utm_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `utm_term`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
}

impl Utm {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
