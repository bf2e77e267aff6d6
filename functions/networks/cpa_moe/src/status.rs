//! The status of a lead in the network's own words: <https://cpa.moe/en/api-wm.html>, "Check lead
//! status". Undocumented values are kept as they are.

use serde::{Serialize, Serializer};

/// The longest unknown word that is kept.
const LONGEST: usize = 40;

/// The stage of a lead: the network's verdict on the money.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Being processed.
    Wait,
    /// On hold.
    Hold,
    /// Approved.
    Approve,
    /// Cancelled for a generic reason.
    Cancel,
    /// Cancelled as trash.
    Trash,
    /// A stage that is not documented.
    Other(String),
}

impl Stage {
    /// Parses the network's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word.trim() {
            "wait" => Self::Wait,
            "hold" => Self::Hold,
            "approve" => Self::Approve,
            "cancel" => Self::Cancel,
            "trash" => Self::Trash,
            other => Self::Other(kept(other)),
        }
    }

    /// The network's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Wait => "wait",
            Self::Hold => "hold",
            Self::Approve => "approve",
            Self::Cancel => "cancel",
            Self::Trash => "trash",
            Self::Other(word) => word,
        }
    }

    /// Returns whether the stage never changes again. An unknown stage is not final: it is polled again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Approve | Self::Cancel | Self::Trash)
    }

    /// Returns whether the network pays nothing for it.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        matches!(self, Self::Cancel | Self::Trash)
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The extended status: a number, as the network wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Status(String);

impl Status {
    /// Parses the network's number.
    #[must_use]
    pub fn parse(number: &str) -> Self {
        Self(kept(number.trim()))
    }

    /// The number as the network wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The documented meaning; `None` if there is none.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        let name = match self.0.as_str() {
            "1" => "new",
            "2" => "processing",
            "3" => "callback",
            "4" => "hold",
            "5" => "cancelled",
            "6" => "packing",
            "7" => "sending",
            "8" => "transfer",
            "9" => "arrived",
            "10" => "completed",
            "11" => "return",
            "12" => "deleted",
            _ => return None,
        };
        Some(name)
    }
}

/// The reason of a cancellation: a number, as the network wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CancelReason(String);

impl CancelReason {
    /// Parses the network's number; `0` means "none".
    #[must_use]
    pub fn parse(number: &str) -> Option<Self> {
        Some(number.trim()).filter(|number| *number != "0").map(|number| Self(kept(number)))
    }

    /// The number as the network wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The documented meaning; `None` if there is none.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.meaning().map(|(name, _)| name)
    }

    /// Returns whether it makes the lead trash: no real order, for the network.
    #[must_use]
    pub fn is_trash(&self) -> bool {
        self.meaning().is_some_and(|(_, is_trash)| is_trash)
    }

    fn meaning(&self) -> Option<(&'static str, bool)> {
        let meaning = match self.0.as_str() {
            "1" => ("incorrect_phone", true),
            "2" => ("changed_mind", false),
            "3" => ("did_not_order", true),
            "4" => ("requires_certificate", false),
            "5" => ("wrong_geo", true),
            "6" => ("errors_or_fakes", true),
            "7" => ("duplicate_order", true),
            "8" => ("ordered_elsewhere", true),
            "9" => ("expensive", false),
            "10" => ("not_satisfied_with_delivery", false),
            "11" => ("could_not_get_through", true),
            "12" => ("possibly_fraud", true),
            "13" => ("speaks_different_language", true),
            "14" => ("product_did_not_fit", true),
            "15" => ("offer_disabled", false),
            _ => return None,
        };
        Some(meaning)
    }
}

/// A word of the network if it is a code, otherwise `other`: free text and long numbers may hold
/// personal data.
fn kept(word: &str) -> String {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_code = (1..=LONGEST).contains(&word.len()) && word.bytes().all(fits) && digits <= 4;
    if is_code { word.to_owned() } else { "other".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_stages_are_final_and_an_unknown_one_is_kept() {
        for word in ["wait", "hold", "approve", "cancel", "trash", "frozen", "on_hold-2"] {
            assert_eq!(Stage::parse(word).as_str(), word);
        }
        let is_final = |word| Stage::parse(word).is_final();

        assert!(is_final("approve") && is_final("cancel") && is_final("trash"));
        assert!(!is_final("wait") && !is_final("hold") && !is_final("frozen"));
        let is_dropped = |word| Stage::parse(word).is_dropped();
        assert!(is_dropped("cancel") && is_dropped("trash"));
        assert!(!is_dropped("approve") && !is_dropped("hold") && !is_dropped("frozen"));
        assert_eq!(Stage::parse("call a@b.example").as_str(), "other");
    }

    #[test]
    fn every_documented_status_has_its_name_and_others_stay_numbers() {
        let names: Vec<_> = (1..=12).filter_map(|n| Status::parse(&n.to_string()).name()).collect();

        assert_eq!(
            names.join(" "),
            "new processing callback hold cancelled packing sending transfer arrived completed \
             return deleted"
        );
        assert_eq!(Status::parse("13").name(), None);
        assert_eq!(Status::parse("13").as_str(), "13");
    }

    #[test]
    fn every_documented_reason_has_its_name_and_is_trash_where_the_document_says_so() {
        let reason = |n: u8| CancelReason::parse(&n.to_string()).expect("a reason");

        let trash: Vec<_> = (1..=15).filter(|n| reason(*n).is_trash()).collect();

        assert_eq!(trash, [1, 3, 5, 6, 7, 8, 11, 12, 13, 14]);
        assert!((1..=15).all(|n| reason(n).name().is_some()));
        assert_eq!(reason(2).name(), Some("changed_mind"));
        assert_eq!((reason(16).name(), reason(16).as_str()), (None, "16"));
        assert_eq!(CancelReason::parse("0"), None);
    }
}
