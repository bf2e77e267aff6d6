//! Our id of an order at the network.

use std::fmt::Write as _;

use postback_core::order::OrderId;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The length of the longest id.
const LONGEST: usize = 64;

/// The beginning of an id that replaces an order id which does not fit.
const DIGEST: &str = "pb-";

/// The number of hexadecimal digits of the digest that follow: 160 bits.
const DIGEST_DIGITS: usize = 40;

/// Our id of a lead: 1 to 64 of `0-9 A-Z a-z _ . -`, never `auto`.
///
/// For `auto` the network makes up an id, and nobody can look up such a lead. `0` means "no id" to the
/// PHP that it runs on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OurId(String);

impl OurId {
    /// The order's own id where it fits, otherwise a digest of it: the same for the same order, and
    /// different from every other order's id.
    #[must_use]
    pub fn of(order_id: &OrderId) -> Self {
        let id = order_id.as_str();
        if fits(id) && !is_digest(id) { Self(id.to_owned()) } else { Self(digest(id)) }
    }

    /// An id read back from the ledger or the network; `None` if it is none of ours.
    #[must_use]
    pub fn kept(id: &str) -> Option<Self> {
        fits(id).then(|| Self(id.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a number, if it can be one: no leading zero, below 2^53.
    fn as_number(&self) -> Option<u64> {
        let digits = self.0.bytes().all(|b| b.is_ascii_digit());
        let exact = digits && !self.0.starts_with('0') && self.0.len() <= 15;
        exact.then(|| self.0.parse().ok()).flatten()
    }
}

impl Serialize for OurId {
    /// As in the vendor's example, a number stays a number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_number() {
            Some(number) => serializer.serialize_u64(number),
            None => serializer.serialize_str(&self.0),
        }
    }
}

fn fits(id: &str) -> bool {
    let taken = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let is_word_for_none = id.eq_ignore_ascii_case("auto") || id == "0";
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(taken) && !is_word_for_none
}

fn is_digest(id: &str) -> bool {
    id.strip_prefix(DIGEST).is_some_and(|rest| {
        rest.len() == DIGEST_DIGITS && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn digest(id: &str) -> String {
    let mut text = DIGEST.to_owned();
    for byte in &Sha256::digest(id)[..DIGEST_DIGITS / 2] {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use postback_core::{fields::UnknownFields, order::Order};
    use serde_json::json;

    use super::*;

    fn of(id: &str) -> OurId {
        let order = json!({ "order_id": id, "status": "completed", "currency": "EUR", "total": 1,
                            "completed_at": "2026-11-21T10:15:00Z" });
        OurId::of(&Order::from_json(&order, UnknownFields::Deny).expect("an order").order_id)
    }

    #[test]
    fn an_order_id_that_fits_stays_as_it_is() {
        let no_digests = ["pb-1001".to_owned(), format!("pb-{}", "g".repeat(40))];
        let fitting = ["A-1001", "112358", "a.b_c-D", "x", &"9".repeat(64), "automatic", "00"];
        for id in fitting.into_iter().chain(no_digests.iter().map(String::as_str)) {
            assert_eq!(of(id).as_str(), id);
        }
    }

    #[test]
    fn an_order_id_that_does_not_fit_becomes_a_digest_that_never_changes() {
        assert_eq!(of("A 1001").as_str(), "pb-bbd5080ddc9b74dfe2ac52eb2931277e72a57a59");
        for id in ["A,1001", "Bestellung-ü", "0", "a/b", "#1001", &"9".repeat(65)] {
            let ours = of(id);
            assert_ne!(ours.as_str(), id);
            assert!(fits(ours.as_str()), "{id}");
            assert_eq!(ours, of(id));
        }
    }

    #[test]
    fn no_order_id_can_pose_as_the_digest_of_another() {
        let ours = of("A 1001");

        assert_ne!(of(ours.as_str()), ours);
    }

    #[test]
    fn a_number_is_sent_as_a_number_only_while_it_says_the_same() {
        let written = |id: &str| serde_json::to_string(&of(id)).expect("JSON");

        assert_eq!(written("112358"), "112358");
        assert_eq!(written("0112"), "\"0112\"");
        assert_eq!(written("9007199254740993"), "\"9007199254740993\"");
        assert_eq!(written("A-1"), "\"A-1\"");
    }

    #[test]
    fn what_was_kept_is_read_again_and_nothing_else() {
        let digest = of("A 1001");

        assert_eq!(OurId::kept(digest.as_str()), Some(digest));
        for bad in ["", "auto", "AUTO", "0", "1,2", "a b"] {
            assert_eq!(OurId::kept(bad), None, "{bad}");
        }
    }
}
