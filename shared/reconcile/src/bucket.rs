//! The buckets: closed, and each line of each side is in exactly one.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    format::{Sign, Status},
    ledger::{Called, Entry, Found, Said, Standing, Validated},
};

/// The result for a line, or for a delivery without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Both sides say the same.
    Matched,
    /// The amounts differ.
    AmountDiffers,
    /// The report has amounts, and none of this line.
    AmountUnknown,
    /// The statuses differ.
    StatusDiffers,
    /// The ledger has it, the report does not.
    OursOnly,
    /// The report has it, the ledger does not.
    TheirsOnly,
    /// The report has it more than once.
    Doubled,
    /// Refunded or cancelled here, approved there.
    RefundedButApproved,
    /// Withdrawn or abandoned here, but there.
    GivenUpButThere,
    /// The currencies differ.
    CurrencyDiffers,
    /// The line can't be read.
    Unreadable,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Matched,
        Self::AmountDiffers,
        Self::AmountUnknown,
        Self::StatusDiffers,
        Self::OursOnly,
        Self::TheirsOnly,
        Self::Doubled,
        Self::RefundedButApproved,
        Self::GivenUpButThere,
        Self::CurrencyDiffers,
        Self::Unreadable,
    ];

    /// The word in files and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::AmountDiffers => "amount_differs",
            Self::AmountUnknown => "amount_unknown",
            Self::StatusDiffers => "status_differs",
            Self::OursOnly => "ours_only",
            Self::TheirsOnly => "theirs_only",
            Self::Doubled => "doubled",
            Self::RefundedButApproved => "refunded_but_approved",
            Self::GivenUpButThere => "given_up_but_there",
            Self::CurrencyDiffers => "currency_differs",
            Self::Unreadable => "unreadable",
        }
    }

    /// The next step for a person.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::Matched => "Nothing. Held deliveries among them are in decisions.csv.",
            Self::AmountDiffers => {
                "Send disputes.csv to the network, or validate with the right amount."
            }
            Self::AmountUnknown => {
                "Correct the file, or ask the network for the amount, with disputes.csv."
            }
            Self::StatusDiffers => "Ask the network why, with disputes.csv.",
            Self::OursOnly => {
                "too_early: wait for a later report. Otherwise the network lost or refused it: \
                 send disputes.csv. Held ones are in decisions.csv."
            }
            Self::TheirsOnly => {
                "Look for a pixel that still runs, another shop's id, or a manual credit."
            }
            Self::Doubled => "Have the network remove the second one, with disputes.csv.",
            Self::RefundedButApproved => {
                "Claim it back at the network by the date in disputes.csv."
            }
            Self::GivenUpButThere => {
                "Have the network remove it, or record it with `postback orders settle --delivered`."
            }
            Self::CurrencyDiffers => "Have the network correct the currency, with disputes.csv.",
            Self::Unreadable => "Read the line, correct the file or the format, and run it again.",
        }
    }
}

/// The bucket of a delivery that the report has, with a word for the reason.
pub(crate) fn of_found(entry: &Entry, said: &Said, sign: Sign) -> (Bucket, &'static str) {
    let found = &entry.found;
    let theirs = found.amount();
    let is_zero = theirs.is_some_and(|net| net.is_zero());
    let is_reversed = sign == Sign::Ledger && found.lines > 1 && is_zero;
    let status = if is_reversed { Some(Status::Rejected) } else { found.status };
    let is_rejected = status == Some(Status::Rejected);
    match entry.standing {
        Standing::NotThere | Standing::Withdrawn | Standing::Cancelled if is_rejected => {
            return (Bucket::Matched, "rejected_on_both_sides");
        }
        // A pixel, or another sender: once it is sent, it is there twice.
        Standing::NotSent => return (Bucket::StatusDiffers, "not_sent_but_there"),
        Standing::NotThere => return (Bucket::StatusDiffers, "refused_here_but_there"),
        Standing::Withdrawn => return (Bucket::GivenUpButThere, "withdrawn"),
        Standing::Abandoned => return (Bucket::GivenUpButThere, "abandoned"),
        _ if found.other_currency => return (Bucket::CurrencyDiffers, "currency"),
        _ => {}
    }
    if let Some(known) = said.validated {
        return of_validated(entry, said, known, status, sign);
    }
    match entry.standing {
        Standing::Cancelled if status == Some(Status::Pending) => {
            return (Bucket::StatusDiffers, "cancelled_here_pending_there");
        }
        // The network lists it with nothing to pay.
        Standing::Cancelled if is_zero => return (Bucket::Matched, "corrected_there"),
        Standing::Cancelled => return (Bucket::RefundedButApproved, "cancelled"),
        _ if is_rejected => return (Bucket::StatusDiffers, "rejected_there"),
        _ => {}
    }
    let held = if entry.standing == Standing::Held { "held_and_there" } else { "" };
    let Some(amount) = entry.amount else { return (Bucket::Matched, held) };
    let Some(net) = theirs else { return of_unknown(found, held) };
    if Some(net) == entry.left(said) {
        return (Bucket::Matched, held);
    }
    if net == amount {
        let is_approved = status == Some(Status::Approved);
        let is_clear = said.refunded.is_some();
        let reason = if is_clear { "refunded_in_part" } else { "refund_unclear" };
        let late = (Bucket::RefundedButApproved, reason);
        return if is_approved { late } else { (Bucket::Matched, "refund_not_validated_yet") };
    }
    let copies = Decimal::from(found.positive);
    if sign == Sign::Ledger && found.positive > 1 && Some(net) == amount.checked_mul(copies) {
        return (Bucket::Doubled, "counted_several_times");
    }
    (Bucket::AmountDiffers, if held.is_empty() { "amount" } else { held })
}

/// The bucket of a delivery whose amount is not in the report. Where the report has none at all only the
/// statuses are compared; where this one is missing, nothing shows that it is the right one.
fn of_unknown(found: &Found, reason: &'static str) -> (Bucket, &'static str) {
    match (found.lacks_amount, reason) {
        (false, reason) => (Bucket::Matched, reason),
        (true, "held_and_there") => (Bucket::AmountUnknown, reason),
        (true, _) => (Bucket::AmountUnknown, "no_amount_there"),
    }
}

/// The bucket of a delivery whose validation was called: what was validated counts before what was
/// reported.
fn of_validated(
    entry: &Entry,
    said: &Said,
    known: Validated,
    status: Option<Status>,
    sign: Sign,
) -> (Bucket, &'static str) {
    let (net, positive) = (entry.found.amount(), entry.found.positive);
    let differs = |reason| (Bucket::StatusDiffers, reason);
    let is_zero = net.is_some_and(|net| net.is_zero());
    let approved = match (known.call, status) {
        (Called::Rejected, status) if status == Some(Status::Rejected) || is_zero => {
            return (Bucket::Matched, "rejected_on_both_sides");
        }
        (_, Some(Status::Pending)) if known.is_in_doubt => {
            return differs("validation_in_doubt_pending_there");
        }
        (Called::Approved(_), Some(Status::Rejected)) if known.is_in_doubt => {
            return differs("validation_in_doubt_rejected_there");
        }
        (Called::Approved(_), Some(Status::Rejected)) => {
            return differs("approved_here_rejected_there");
        }
        (Called::Approved(_), Some(Status::Pending)) => {
            return differs("approved_here_pending_there");
        }
        (Called::Rejected, Some(Status::Pending)) => return differs("rejected_here_pending_there"),
        (Called::Rejected, _) => return (Bucket::RefundedButApproved, "rejected_here"),
        (Called::Approved(amount), _) => amount,
    };
    let is_theirs = |amount: Decimal| net.is_none_or(|net| net == amount);
    let left = entry.left(said).map(|left| left.max(Decimal::ZERO));
    if is_theirs(approved) {
        // Where the refunds are not clear, all of it may have come back.
        return match left {
            Some(left) if left >= approved => match net {
                Some(_) => (Bucket::Matched, "validated"),
                None => of_unknown(&entry.found, "validated"),
            },
            _ => (Bucket::RefundedButApproved, "came_back_after_validation"),
        };
    }
    if left.is_some_and(|left| left < approved && is_theirs(left)) {
        return (Bucket::Matched, "corrected_there");
    }
    let copies = approved.checked_mul(Decimal::from(positive));
    if sign == Sign::Ledger && positive > 1 && copies.is_some_and(is_theirs) {
        return (Bucket::Doubled, "counted_several_times");
    }
    (Bucket::AmountDiffers, "another_amount_than_validated")
}

/// The bucket of a delivery that the report does not have, with a word for the reason.
pub(crate) fn of_missing(entry: &Entry, said: &Said, is_early: bool) -> (Bucket, &'static str) {
    let call = said.validated.map(|known| known.call);
    match entry.standing {
        Standing::NotThere => (Bucket::Matched, "refused_and_not_there"),
        Standing::Withdrawn | Standing::Cancelled => (Bucket::Matched, "cancelled_and_not_there"),
        Standing::Abandoned => (Bucket::Matched, "abandoned_and_not_there"),
        _ if call == Some(Called::Rejected) => (Bucket::Matched, "rejected_and_not_there"),
        _ if entry.found.is_named => (Bucket::OursOnly, "its_line_is_unreadable"),
        _ if is_early => (Bucket::OursOnly, "too_early"),
        Standing::Held => (Bucket::OursOnly, "held_and_not_there"),
        _ if call.is_some() => (Bucket::OursOnly, "validated_and_not_there"),
        Standing::Open | Standing::NotSent => (Bucket::OursOnly, "open"),
        Standing::Confirmed => (Bucket::OursOnly, "silently_rejected"),
        Standing::Reported => (Bucket::OursOnly, "lost"),
    }
}
