//! The people behind an order: all of it is read loosely, because no other order depends on it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::text;
use crate::fields::{is_place_holder, means_nothing};

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
    /// The address the customer ordered from: the customer's own, not the shop's. A port, brackets and
    /// the addresses of proxies behind it do no harm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The customer's browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Country, two letters (ISO 3166-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

impl Customer {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An e-mail address as the customer wrote it, without outer blanks, line ends, tabs and characters
/// that nobody sees.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads and cleans an address; `None` if nothing is left, or a word for none or a place holder, which may
    /// be one side of the address. Networks judge the rest.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let address = text::visible(&text::of(value)?).replace(char::is_control, "");
        let address = address.trim();
        let is_none = means_nothing(address) || address.split('@').any(is_place_holder);
        (!is_none).then(|| Self(address.to_owned()))
    }

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
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
