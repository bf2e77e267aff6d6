//! The format of a report, which is data: TOML in a network's folder, or a file of one's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{date::Order, fault::Fault};

include!(concat!(env!("OUT_DIR"), "/formats.rs"));

const GENERIC: &str = include_str!("../generic.toml");

/// A format: where a report says what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// The name for people.
    pub title: String,
    /// The encoding, by its label; UTF-8 or a byte-order mark unless set.
    pub encoding: Option<String>,
    /// The delimiter of a CSV; found unless set.
    pub delimiter: Option<char>,
    /// The decimal sign; found unless set.
    pub decimal: Option<char>,
    /// The order of day, month and year; found unless set.
    pub dates: Option<Order>,
    /// The zone of dates without one, like `+08:00`; UTC unless set.
    pub zone: Option<String>,
    /// The currency of a report that names none.
    pub currency: Option<String>,
    /// The sign convention.
    #[serde(default)]
    pub sign: Sign,
    /// The meaning of an order's absence.
    #[serde(default)]
    pub absence: Absence,
    /// The minutes until the network shows a conversion.
    #[serde(default)]
    pub delay_minutes: u32,
    /// The days after a conversion in which it can be claimed back.
    pub claim_back_days: Option<u32>,
    /// The most decimals of an amount that can be validated; any number unless set.
    pub validated_decimals: Option<u32>,
    /// The first words of a row of totals.
    #[serde(default)]
    pub totals: Vec<String>,
    /// The names of the columns, by their role.
    pub columns: BTreeMap<Role, Vec<String>>,
    /// The network's words for a status.
    #[serde(default)]
    pub status: BTreeMap<Status, Vec<String>>,
    /// The references in the ledger that hold the conversion's id.
    #[serde(default)]
    pub references: Vec<String>,
    /// The facts in the ledger that hold a digest of the conversion's id.
    #[serde(default)]
    pub facts: Vec<String>,
}

/// The role of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The network's id of the conversion.
    Conversion,
    /// The order's id.
    Order,
    /// The place of a line in its order: the delivery `{network}#{line}`.
    Line,
    /// A further id that was reported with the order.
    Sub,
    /// The date of the conversion.
    Date,
    /// The network's word for its status.
    Status,
    /// The sale amount.
    Amount,
    /// The currency.
    Currency,
    /// The customer's e-mail address.
    Email,
}

/// The status of a conversion at the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The network pays.
    Approved,
    /// The network has not decided.
    Pending,
    /// The network does not pay.
    Rejected,
}

/// The sign convention of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// One line an order: a second one is a double.
    #[default]
    Lines,
    /// Lines that add up; a reversal is a negative line.
    Ledger,
}

/// The meaning of an order's absence in the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The network does not have it, if the report covers its time.
    #[default]
    Proof,
    /// It proves nothing: the report lists a part only.
    Nothing,
}

impl Status {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
        }
    }
}

impl Format {
    /// The format of a network's report: the one in its folder, else the generic one.
    pub fn of_network(network: &str) -> Result<Self, Fault> {
        let own = FORMATS.iter().find(|(name, _)| *name == network);
        own.map_or_else(Self::generic, |(name, text)| Self::parse(name, text))
    }

    /// The generic format.
    pub fn generic() -> Result<Self, Fault> {
        Self::parse("generic", GENERIC)
    }

    /// Parses a format from TOML.
    pub fn parse(name: &str, text: &str) -> Result<Self, Fault> {
        let format: Self = toml::from_str(text).map_err(|error| Fault::BadFormat {
            format: name.to_owned(),
            fault: error.message().to_owned(),
        })?;
        let has = |role| format.columns.contains_key(&role);
        if has(Role::Conversion) || has(Role::Order) || has(Role::Email) {
            return Ok(format);
        }
        let fault = "it names no column conversion, order or email".to_owned();
        Err(Fault::BadFormat { format: name.to_owned(), fault })
    }

    /// The role of a column with this heading.
    pub(crate) fn role(&self, heading: &str) -> Option<Role> {
        let wanted = plain(heading);
        let names = |names: &Vec<String>| names.iter().any(|name| plain(name) == wanted);
        self.columns.iter().find(|(_, own)| names(own)).map(|(role, _)| *role)
    }

    /// The status that this word of the network means.
    pub(crate) fn status(&self, word: &str) -> Option<Status> {
        let wanted = plain(word);
        let names = |words: &Vec<String>| words.iter().any(|word| plain(word) == wanted);
        self.status.iter().find(|(_, own)| names(own)).map(|(status, _)| *status)
    }

    /// Returns whether a row that begins with this cell is one of totals.
    pub(crate) fn is_total(&self, first: &str) -> bool {
        let first = plain(first);
        self.totals.iter().any(|word| plain(word) == first)
    }
}

/// A heading or a word in lower case, its letters and digits only, with single blanks.
pub(crate) fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compiled_format_is_read() {
        assert!(FORMATS.len() >= 4);
        for (name, _) in FORMATS {
            let format = Format::of_network(name).expect("a format");
            assert!(!format.title.is_empty(), "{name}");
        }
        assert_eq!(Format::of_network("another").expect("generic").title, "generic report");
    }

    #[test]
    fn a_format_without_an_id_or_with_an_unknown_member_is_refused() {
        let refused =
            |text: &str| matches!(Format::parse("own", text), Err(Fault::BadFormat { .. }));

        assert!(refused("title = \"x\"\n[columns]\namount = [\"amount\"]"));
        assert!(refused("title = \"x\"\ncolour = 1\n[columns]\norder = [\"id\"]"));
    }

    #[test]
    fn a_heading_is_known_whatever_its_case_and_its_signs() {
        let format = Format::generic().expect("a format");

        assert_eq!(format.role("ORDER_ID "), Some(Role::Order));
        assert_eq!(format.role("Date / Time"), Some(Role::Date));
        assert_eq!(format.role("Payout"), None);
        assert_eq!(format.status("APPROVED"), Some(Status::Approved));
    }
}
