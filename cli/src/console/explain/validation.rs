//! The words for a validation: the call that approves or rejects at the network what it took.

use postback_core::delivery::{Proof, Record, Standing, State};

use super::{CLAIM_BACK, DONE, Explained};

/// The way out where no call can be right.
const IN_THE_PORTAL: &str = "Validate it in the network's portal as it should be, then confirm it.";

/// Three sentences about a validation.
pub(super) fn explain(record: &Record) -> Explained {
    let reason = record.protocol.reason.as_ref().map_or("", |reason| reason.as_str());
    let of = |why, next, person| Explained { why, next, person };
    match record.protocol.state {
        State::Sending => of(
            "The validating call is under way, or its function died in it.",
            "Its claim expires; then the call may have been processed, and a person decides.",
            "Nothing.",
        ),
        State::Retrying => waiting(record, reason),
        State::Parked if record.protocol.in_doubt() => {
            of(parked(reason), "Nothing: it waits for a person.", decision(reason))
        }
        State::Parked => of(
            parked(reason),
            "Each sweep looks at it again: it goes on once the order or the settings allow it.",
            decision(reason),
        ),
        State::Unconfirmed if reason == "changed_since_the_call" => of(
            "A call may have been processed, and the order has changed since: a call would now say something else.",
            "Nothing: it waits for a person.",
            "Look the order up at the network. Validate it in the portal as it is now, then confirm it; give it up if \
             nobody can find out.",
        ),
        State::Unconfirmed => of(
            "The validating call was sent and its answer was lost. The network takes a second call for another word, \
             so that none is made.",
            "Nothing: it waits for a person.",
            "Look the order up at the network. Confirm it if it is validated there; if it is not, permit one more \
             call; give it up if nobody can find out.",
        ),
        _ => settled(record),
    }
}

/// A validation that goes on by itself.
fn waiting(record: &Record, reason: &str) -> Explained {
    let of = |why, next| Explained { why, next, person: DONE };
    let standing = record.protocol.validation.as_ref().map(|validation| validation.standing);
    match reason {
        "return_period" if standing == Some(Standing::InDoubt) => of(
            "Nobody knows whether the network has the order.",
            "It is looked at again once a day, and once that doubt is resolved.",
        ),
        "return_period" => of(
            "Its return period is not over.",
            "The first sweep after the time above approves or rejects it, as the order is then.",
        ),
        _ => of("The call certainly failed.", "It is made again at a later sweep."),
    }
}

/// The cause for which a validation is not called.
fn parked(reason: &str) -> &'static str {
    match reason {
        "refunds_exceed_amount" => "Its refunds are more than its amount.",
        "refund_unclear" => {
            "A refund came with two amounts, or names no lines of an order that was reported by line; or the order \
             was cancelled for refunds of which some are missing."
        }
        "completed_after_cancellation" => {
            "The order was completed again after its cancellation, without a later updated_at: which of the two holds \
             is not clear."
        }
        "confirmed_by_operator" => {
            "A person confirmed the delivery, without a report that shows with what content the network has it."
        }
        "reported_twice" => {
            "Two attempts reported something else, and the first may have been processed: with which content the \
             network has it is not known."
        }
        "amount_too_precise" => {
            "What is left after its refunds has more decimals than the network takes, and nothing is rounded."
        }
        _ => "The network refused the call, so that nothing is validated. A setting may be wrong.",
    }
}

/// The way on from there, which only a person knows.
fn decision(reason: &str) -> &'static str {
    match reason {
        "refunds_exceed_amount" | "amount_too_precise" => IN_THE_PORTAL,
        "refund_unclear" => {
            "Have the shop send the refund that is missing. If none is, validate it in the network's portal as it \
             should be, then confirm it."
        }
        "completed_after_cancellation" => {
            "Have the shop send the order again with a later updated_at, or validate it in the network's portal as it \
             should be, then confirm it."
        }
        "confirmed_by_operator" | "reported_twice" => {
            "Look the order up at the network. If it is there as the ledger has it, permit the call; otherwise \
             validate it in the portal as it should be, then confirm it."
        }
        _ => {
            "Correct the setting that the reason names (postback secret), or validate it in the network's portal, then \
             confirm it."
        }
    }
}

/// A validation that stays as it is.
fn settled(record: &Record) -> Explained {
    let is_confirmed = record.protocol.proof == Some(Proof::Operator);
    let comes_back = record.open_claim_back().is_some();
    let (why, person) = match record.protocol.state {
        State::Delivered | State::Accepted if comes_back => {
            ("It is approved at the network, and more came back after that.", CLAIM_BACK)
        }
        State::Delivered if is_confirmed => ("A person confirmed that it is validated.", DONE),
        State::Delivered | State::Accepted => ("The network took the validating call.", DONE),
        State::Rejected => (
            "The network refused the validating call for good.",
            "Look the order up at the network. Confirm it if it is validated there; if it is not, permit one more \
             call.",
        ),
        State::Abandoned => (
            "A person gave it up: nobody knows whether the network took the call.",
            "Reopen it if somebody found out after all.",
        ),
        _ => ("There is nothing to validate: the network does not have the order.", DONE),
    };
    Explained { why, next: "Nothing.", person }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use postback_core::redaction::Reason;

    use super::*;
    use crate::fixtures::validation;

    fn because(state: &str, reason: &'static str) -> Explained {
        let mut record = validation(state, None);
        record.protocol.reason = Some(Reason::new(reason));
        super::super::explain(&record, false)
    }

    #[test]
    fn each_reason_of_a_validation_that_a_person_decides_has_its_own_words() {
        let reasons = [
            ("parked", "refunds_exceed_amount"),
            ("parked", "refund_unclear"),
            ("parked", "amount_too_precise"),
            ("parked", "completed_after_cancellation"),
            ("parked", "confirmed_by_operator"),
            ("parked", "reported_twice"),
            ("parked", "validation_refused"),
            ("unconfirmed", "timed_out"),
            ("unconfirmed", "changed_since_the_call"),
            ("rejected", "http_refused"),
        ];

        let words = reasons.map(|(state, reason)| because(state, reason));

        let causes: BTreeSet<_> = words.iter().map(|explained| explained.why).collect();
        assert_eq!(causes.len(), reasons.len(), "{causes:#?}");
        assert!(words.iter().all(|explained| explained.person != DONE));
    }

    #[test]
    fn a_validation_that_waits_or_is_over_needs_nobody() {
        for (state, reason) in
            [("retrying", "return_period"), ("retrying", "http_429"), ("skipped", "not_reported")]
        {
            assert_eq!(because(state, reason).person, DONE, "{reason}");
        }
        let came_back = validation("delivered", Some(("approved", "12")));
        assert!(
            super::super::explain(&came_back, false)
                .person
                .starts_with("Claim back at the network")
        );
    }
}
