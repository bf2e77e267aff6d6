//! The fault of a member: its place, its kind and its correction, never its value.

use std::{borrow::Cow, fmt};

use serde::Serialize;

use super::suggest::{DID_YOU_MEAN, did_you_mean, nearest};

/// The most faults of one order that are logged or kept with it: a large one may have thousands.
const MOST_LISTED: usize = 16;

/// A fault of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The member: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The kind of fault: a stable `snake_case` word.
    pub code: &'static str,
    /// The correction. Holds nothing of the value.
    pub detail: Cow<'static, str>,
}

impl Fault {
    /// The fault for the log: its code and the first part of its place, because deeper ones may be
    /// names of the sender's. So may the first one be: unless it looks like a member, the member that
    /// is meant stands in its place, if one is.
    #[must_use]
    pub fn redacted(&self) -> String {
        let member = self.pointer.split('/').nth(1).unwrap_or_default();
        let is_name =
            member.len() <= 24 && member.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_name {
            return format!("{} at /{member}", self.code);
        }
        let question = self.detail.find(DID_YOU_MEAN).map(|start| &self.detail[start..]);
        let question = question.map(|question| format!(" ({question})")).unwrap_or_default();
        format!("{} at /{question}", self.code)
    }

    /// The first of these faults for the log, and the number of the others.
    #[must_use]
    pub fn list(faults: &[Self]) -> String {
        let others = faults.len().saturating_sub(MOST_LISTED);
        let others = (others > 0).then(|| format!("{others} more"));
        let listed = faults.iter().take(MOST_LISTED).map(Self::redacted).chain(others);
        listed.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        write!(f, "{} ({})", self.detail, self.code)
    }
}

/// A value that does not fit; [`super::Fields`] adds the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The kind of fault: a stable `snake_case` word.
    pub code: &'static str,
    /// The correction. Holds nothing of the value.
    pub detail: Cow<'static, str>,
}

impl Invalid {
    /// A fault of kind `code`; `detail` says what would be right.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// The value is of another JSON type than `wanted`.
    #[must_use]
    pub fn kind(wanted: &'static str) -> Self {
        Self::new("wrong_type", format!("must be {wanted}"))
    }
}

/// The fault of a member that is none of `members`, one of which may be meant.
pub fn unknown_member<'a>(name: &str, members: impl IntoIterator<Item = &'a str>) -> Fault {
    let detail = match nearest(name, members) {
        Some(meant) => {
            Cow::Owned(format!("is not a member of this object; {}", did_you_mean(meant)))
        }
        None => Cow::Borrowed("is not a member of this object"),
    };
    Fault { pointer: format!("/{}", escape(name)), code: "unknown_member", detail }
}

/// RFC 6901: `~` and `/` inside a member's name. Long names are cut: they are the caller's text.
#[must_use]
pub fn escape(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    short.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_fault_has_no_name_of_the_senders() {
        let redacted = |pointer: &str, code| {
            Fault { pointer: pointer.to_owned(), code, detail: "no".into() }.redacted()
        };

        assert_eq!(redacted("/total", "negative"), "negative at /total");
        assert_eq!(
            redacted("/clicks/ann@example.com", "unknown_member"),
            "unknown_member at /clicks"
        );
        assert_eq!(redacted("/totl", "unknown_member"), "unknown_member at /totl");
        assert_eq!(redacted("/ann@example.com", "given_twice"), "given_twice at /");
        let misspelt = unknown_member("orderId", ["order_id"]).redacted();
        assert_eq!(misspelt, "unknown_member at / (did you mean `order_id`?)");
        assert_eq!(redacted("", "not_json"), "not_json at /");
    }

    #[test]
    fn of_many_faults_the_first_are_listed_and_the_others_counted() {
        let faults = vec![unknown_member("totl", ["total"]); 43_000];

        assert_eq!(Fault::list(&faults[..2]), "unknown_member at /totl, unknown_member at /totl");
        let listed = Fault::list(&faults);
        assert!(listed.ends_with("unknown_member at /totl, 42984 more"), "{listed}");
        assert!(listed.len() < 1_024, "{}", listed.len());
        assert_eq!(Fault::list(&[]), "");
    }
}
