//! What is kept of a report for its validation, and the validation's own part of a delivery.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Cancellation;
use crate::clock::Timestamp;

/// The content of a report, as far as its validation has to repeat it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reported {
    /// The amount.
    pub amount: Decimal,
    /// The currency.
    pub currency: String,
    /// The time when the order was completed: the return period begins.
    pub completed_at: Timestamp,
    /// The ids of the conversion as reported, by the network's names.
    pub ids: BTreeMap<String, String>,
    /// True if an earlier attempt, which may have been processed, reported something else.
    #[serde(default, skip_serializing_if = "is_false")]
    pub differs: bool,
    /// The days of the return period, where a workbook validates it and no call does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workbook_days: Option<u32>,
}

impl Reported {
    /// The content of a new attempt, after one that may have been processed with `before`.
    #[must_use]
    pub fn after(self, before: Option<&Self>) -> Self {
        let differs = before.is_some_and(|before| {
            let workbook_days = self.workbook_days;
            before.differs || Self { workbook_days, ..before.clone() } != self
        });
        Self { differs, ..self }
    }
}

/// The part of a validation that a delivery does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Validation {
    /// The version of the delivery's record that it follows.
    pub of_version: u64,
    /// The time from which it may be called.
    pub lock_at: Timestamp,
    /// The delivery's standing.
    pub standing: Standing,
    /// The cancellation that the delivery notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancellation>,
    /// The content of the last call: frozen, because it may have been processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
}

/// The standing of the delivery that is to be validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The network has it.
    Reported,
    /// A person said that the network has it.
    Confirmed,
    /// It is in doubt again.
    InDoubt,
    /// The network certainly holds nothing.
    NotReported,
}

/// The content of a validating call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Call {
    /// The status.
    pub status: Status,
    /// The amount: what is left of an approved conversion, the whole of a rejected one.
    pub amount: Decimal,
}

/// The status that a validating call gives a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Received, paid and past the return period.
    Approved,
    /// The whole order was returned or cancelled.
    Rejected,
}

impl Status {
    /// The word in the ledger, the API and the events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples::reported;

    #[test]
    fn what_once_differed_differs_for_good() {
        let once = reported(2).after(Some(&reported(1)));

        assert!(once.differs && reported(2).after(Some(&once)).differs);
        assert!(!reported(1).after(Some(&reported(1))).differs && !reported(1).after(None).differs);
        // Another return period does not make it another report.
        let in_a_workbook = Reported { workbook_days: Some(30), ..reported(1) };
        assert!(!reported(1).after(Some(&in_a_workbook)).differs);
        assert!(!in_a_workbook.after(Some(&reported(1))).differs);
    }

    #[test]
    fn a_difference_is_an_attribute_and_no_difference_is_none() {
        let item = |reported: &Reported| serde_json::to_value(reported).expect("an item");

        assert_eq!(item(&reported(1)).get("differs"), None);
        assert_eq!(item(&Reported { differs: true, ..reported(1) })["differs"], true);
    }

    #[test]
    fn a_status_has_one_word_wherever_it_is_written() {
        for status in [Status::Approved, Status::Rejected] {
            assert_eq!(serde_json::to_value(status).expect("a word"), status.as_str());
        }
    }
}
