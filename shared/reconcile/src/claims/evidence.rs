//! The verdict about a claim, and the sentence that explains it.

use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Proof, RETENTION, Record, State},
};
use rust_decimal::Decimal;

use super::{Claim, Known, Verdict};
use crate::{id, month, output::amount};

/// The part of a delivery in the verdict about its order: the first of them decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// In doubt, or on its way.
    Unsettled,
    /// The network has it.
    There,
    /// Cancelled, refused or not reported.
    Gone,
}

impl Part {
    pub(super) fn of(record: &Record) -> Self {
        let held = &record.protocol;
        match held.state {
            state if state.is_success() && held.cancelled.is_none() => Self::There,
            state if state.is_success() => Self::Gone,
            state if state.is_final() && !held.in_doubt() => Self::Gone,
            _ => Self::Unsettled,
        }
    }
}

/// The time of the attempt that the network took; of one that is in doubt, may have taken.
pub(super) fn reported_at(record: &Record) -> Option<Timestamp> {
    let last = || record.attempts.last().map(|attempt| attempt.started_at);
    let is_held = record.is_held_in_doubt();
    month::reported_at(record).or_else(|| last().filter(|_| is_held))
}

/// The money of an order at the network.
pub(super) struct Money<'a> {
    /// What was reported, of all lines.
    pub(super) sum: Option<Decimal>,
    pub(super) currency: Option<&'a str>,
    pub(super) back: Back,
}

/// What came back of an order.
#[derive(Default)]
pub(super) struct Back {
    /// The refunds; `None` where an amount is not clear.
    refunded: Option<Decimal>,
    at: Option<Timestamp>,
}

impl Back {
    /// The refunds of the deliveries, with those that only their validations know.
    pub(super) fn of(own: &[&Record], validations: &[&Record]) -> Self {
        let mut back = Self { refunded: Some(Decimal::ZERO), at: None };
        for record in own {
            let key = record.key().validation();
            let validation = validations.iter().find(|validation| validation.key() == key);
            let refunds = &record.protocol.refunds;
            let refunds = validation
                .map_or_else(|| refunds.clone(), |held| refunds.and(&held.protocol.refunds));
            let sum = back.refunded.zip(refunds.sum());
            back.refunded = sum.and_then(|(all, own)| all.checked_add(own));
            let last = refunds.entries().filter_map(|(_, refund)| refund.at).max();
            back.at = back.at.max(last).max(record.returned.map(|returned| returned.at));
        }
        back
    }
}

fn of_reported(claim: &Claim, money: &Money<'_>, text: String) -> (Verdict, String) {
    let currency = money.currency.unwrap_or_default();
    let is_back = money.back.refunded != Some(Decimal::ZERO);
    let left = money.sum.zip(money.back.refunded).and_then(|(sum, back)| sum.checked_sub(back));
    let on = money.back.at.map(|at| format!(", last on {at}")).unwrap_or_default();
    if is_back && left.is_some_and(|left| left <= Decimal::ZERO) {
        return (Verdict::Cancelled, format!("{text} All of it was refunded{on}."));
    }
    let text = match money.back.refunded {
        None => format!("{text} A part was refunded{on}: how much is not clear."),
        Some(_) if !is_back => text,
        refunded => format!("{text} {} {currency} were refunded{on}.", amount(refunded)),
    };
    let theirs = claim.currency.zip(money.currency).is_none_or(|(one, other)| one == other);
    let same = claim.amount.is_none_or(|claimed| left == Some(claimed)) && theirs;
    match left {
        _ if same => (Verdict::Reported, text),
        None => (Verdict::OtherAmount, text),
        left => {
            let text = format!("{text} The order's amount is {} {currency}.", amount(left));
            (Verdict::OtherAmount, text)
        }
    }
}

/// What was validated, as sentences.
pub(super) fn of_validations(validations: &[&Record]) -> String {
    let settled = validations.iter().filter(|held| held.protocol.state == State::Delivered);
    let calls = settled.filter_map(|held| {
        let call = held.protocol.validation.as_ref()?.call.as_ref()?;
        Some(format!(" Validated on {}: {} {}.", held.state_at, call.status.as_str(), call.amount))
    });
    calls.collect()
}

/// The lines that are none of what was reported, as sentences.
pub(super) fn apart(others: &[&Record]) -> String {
    let sentence = |record: &&Record| {
        let held = &record.protocol;
        let cancelled = held.cancelled.as_ref().map(|_| "cancelled");
        let word = cancelled.unwrap_or(held.state.as_str());
        let reason = held.reason.as_ref().map(|reason| format!(": {}", reason.as_str()));
        let reason = reason.filter(|_| cancelled.is_none()).unwrap_or_default();
        Some(format!(" Without line {}, {word}{reason}.", record.line()?))
    };
    others.iter().filter_map(sentence).collect()
}

/// The sentence about a delivery that the network has.
fn of_success(record: &Record) -> String {
    let at = reported_at(record).map(|at| at.to_string()).unwrap_or_default();
    let word = match record.protocol.proof {
        Some(Proof::Operator) => {
            let mut taken = record.decisions.entries().iter().rev();
            let taken = taken.find(|taken| taken.decision == Decision::Confirm);
            let on = taken.map(|taken| format!(" on {}", taken.at)).unwrap_or_default();
            let by = taken.and_then(|taken| taken.evidence.as_ref());
            let by = by.map_or("", |_| ", by the network's report");
            return format!("Sent on {at}; a person confirmed{on} that the network has it{by}.");
        }
        Some(proof) => proof.as_str(),
        None => "accepted",
    };
    format!("Reported on {at}; the network's word: {word}.")
}

/// Returns whether the network refused it. A later version of the order is refused here, without
/// another attempt.
fn is_refused_there(record: &Record) -> bool {
    let reason = record.protocol.reason.as_ref();
    let by_answer = record
        .attempts
        .last()
        .is_some_and(|last| last.state == Some(State::Rejected) && last.reason.as_ref() == reason);
    by_answer || record.lookups.last().is_some_and(|last| last.state == State::Rejected)
}

/// The verdict about an order that the ledger holds; `more` are the further sentences about it.
pub(super) fn of_record(
    claim: &Claim,
    record: &Record,
    money: &Money<'_>,
    more: &str,
) -> (Verdict, String) {
    let protocol = &record.protocol;
    let reason = protocol.reason.as_ref().map_or("", |reason| reason.as_str());
    let sent = reported_at(record).map(|at| at.to_string()).unwrap_or_default();
    if let Some(cancelled) = &protocol.cancelled {
        return (Verdict::Cancelled, format!("Cancelled or refunded on {}.", cancelled.at));
    }
    match protocol.state {
        State::Withdrawn => (Verdict::Cancelled, format!("Cancelled on {}.", record.state_at)),
        State::Rejected if reason == "click_used" => {
            (Verdict::ClickUsed, "Another order of the shop holds the click.".to_owned())
        }
        State::Skipped | State::Rejected if reason.contains("no_click") => {
            (Verdict::NoClick, "The order came without a click id.".to_owned())
        }
        State::Rejected if is_refused_there(record) => {
            (Verdict::Refused, format!("The network refused it: {reason}."))
        }
        State::Rejected | State::Skipped => {
            (Verdict::Refused, format!("It was not reported: {reason}."))
        }
        State::Delivered | State::Accepted => of_reported(claim, money, of_success(record) + more),
        State::Abandoned if !protocol.in_doubt() => {
            (Verdict::Refused, format!("It was not reported: {reason}."))
        }
        State::Abandoned => {
            (Verdict::Held, format!("Sent on {sent}; the answer was lost, and it was given up."))
        }
        _ if record.is_held_in_doubt() => {
            (Verdict::Held, format!("Sent on {sent}; the answer was lost: {reason}."))
        }
        state => (Verdict::Open, format!("Not settled yet: {} {reason}", state.as_str())),
    }
}

/// The verdict about an order without a delivery to the network.
pub(super) fn without(claim: &Claim, known: &Known, now: Timestamp) -> (Verdict, String) {
    if let Some((at, clicks)) = &known.unclaimed {
        let came = if clicks.is_empty() { "none".to_owned() } else { clicks.join(", ") };
        return (Verdict::NoClick, format!("Accepted on {at} without a click id; clicks: {came}."));
    }
    if !known.records.is_empty() {
        return (Verdict::NoClick, "The order came without a click id of this network.".to_owned());
    }
    if claim.date.is_some_and(|date| date < now - RETENTION) {
        let text = "Older than the ledger keeps: 400 days.".to_owned();
        return (Verdict::OutsideRetention, text);
    }
    if is_damaged(&claim.order_id) {
        let text = "A spreadsheet seems to have changed the order's id: ask for a list with ids \
                    as text.";
        return (Verdict::Unreadable, text.to_owned());
    }
    (Verdict::Unknown, "The ledger holds no such order.".to_owned())
}

/// Returns whether a spreadsheet may have made this id of another one: `1.23457E+14`, `123.0`, a date,
/// or more digits than it keeps.
fn is_damaged(order_id: &str) -> bool {
    let is_whole = |(_, places): (&str, &str)| places.bytes().all(|byte| byte == b'0');
    let has_places = order_id.split_once('.').is_some_and(is_whole);
    id::is_lost(order_id) || has_places && id::damaged(order_id).is_some()
}
