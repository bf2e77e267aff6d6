//! Words that may be kept: reasons, and the details of an attempt.
//!
//! A network's answer and an order hold personal data or may hold a secret. Only what
//! can be written in these types reaches the ledger, a log, a metric or an event; free text cannot.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// The reason of a delivery's state: a stable `snake_case` word.
///
/// Built from literals in the code only, never from what came over a wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// A reason as the code names it.
    #[must_use]
    pub const fn new(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// The word itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Reason {
    fn from(word: &'static str) -> Self {
        Self::new(word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The details that may be kept of an answer, for the person who has to argue with the network.
///
/// Names are literals of the network's own crate: together they are its allow-list. Values are
/// numbers, codes or identifiers of a narrow alphabet; a value that does not fit is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Details(BTreeMap<Cow<'static, str>, String>);

impl Details {
    /// Nothing kept.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Keeps a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, value: impl Into<u64>) -> Self {
        self.0.insert(Cow::Borrowed(name), value.into().to_string());
        self
    }

    /// Keeps an error code of the network: at most 40 letters, digits, `_` or `-`.
    #[must_use]
    pub fn code(self, name: &'static str, value: &str) -> Self {
        self.narrow(name, value, 40)
    }

    /// Keeps an identifier that the network gave: at most 64 letters, digits, `_`, `-` or `.`.
    #[must_use]
    pub fn id(self, name: &'static str, value: &str) -> Self {
        self.narrow(name, value, 64)
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that is kept under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn narrow(mut self, name: &'static str, value: &str, most: usize) -> Self {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !value.is_empty() && value.len() <= most && value.chars().all(fits) {
            self.0.insert(Cow::Borrowed(name), value.to_owned());
        }
        self
    }
}

/// One line that an operator wrote, or what names the operator: the only free text that is kept.
/// Never made of what a network, an order or a customer said.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorNote(String);

/// The reason why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorNoteFault {
    /// It says nothing.
    #[error("must say something")]
    Empty,
    /// It is longer than [`OperatorNote::LONGEST`].
    #[error("must have 200 characters at most")]
    TooLong,
    /// It has line breaks or other control characters.
    #[error("must be one line")]
    NotOneLine,
    /// It looks as if it named a customer.
    #[error("must name the order, not the customer: no e-mail address, no telephone number")]
    Personal,
}

impl OperatorNote {
    /// The most characters of an operator's words.
    pub const LONGEST: usize = 200;

    /// An operator's own words. What looks like an e-mail address or a telephone number is refused;
    /// the text shows no more.
    pub fn new(text: &str) -> Result<Self, OperatorNoteFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(OperatorNoteFault::Empty);
        }
        if text.chars().count() > Self::LONGEST {
            return Err(OperatorNoteFault::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(OperatorNoteFault::NotOneLine);
        }
        let dials = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        if text.contains('@') || text.split('+').skip(1).any(dials) {
            return Err(OperatorNoteFault::Personal);
        }
        Ok(Self(text.to_owned()))
    }

    /// The ARN of an AWS identity, cut after 300 characters.
    #[must_use]
    pub fn identity(arn: &str) -> Self {
        Self(arn.chars().filter(char::is_ascii_graphic).take(300).collect())
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_numbers_codes_and_ids_and_leaves_out_free_text() {
        let details = Details::none()
            .number("http_status", 200_u16)
            .code("error", "nophone")
            .id("lead_id", "9007199254740993")
            .code("text", "Cart not found for email address [a@b.example]")
            .id("empty", "");

        assert_eq!(details.get("http_status"), Some("200"));
        assert_eq!(details.get("error"), Some("nophone"));
        assert_eq!(details.get("lead_id"), Some("9007199254740993"));
        assert_eq!(details.get("text"), None);
        assert_eq!(details.get("empty"), None);
    }

    #[test]
    fn a_remark_is_one_short_line_that_names_no_customer() {
        let long = "x".repeat(OperatorNote::LONGEST + 1);
        for (text, fault) in [
            (" ", OperatorNoteFault::Empty),
            (long.as_str(), OperatorNoteFault::TooLong),
            ("seen\nin the portal", OperatorNoteFault::NotOneLine),
            ("a+b@example.com has it", OperatorNoteFault::Personal),
            ("called +91 98765 43210", OperatorNoteFault::Personal),
        ] {
            assert_eq!(OperatorNote::new(text), Err(fault), "{text}");
        }
        let said =
            OperatorNote::new("  listed in the portal as 4711, ticket OPS-12  ").expect("a remark");
        assert_eq!(said.as_str(), "listed in the portal as 4711, ticket OPS-12");
    }

    #[test]
    fn an_identity_keeps_the_name_of_its_session() {
        let arn = "arn:aws:sts::123456789012:assumed-role/operators/ann@shop.example";

        assert_eq!(OperatorNote::identity(arn).as_str(), arn);
        assert_eq!(OperatorNote::identity(&"a".repeat(400)).as_str().len(), 300);
    }
}
