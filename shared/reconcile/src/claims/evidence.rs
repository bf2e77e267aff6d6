//! The verdict about a claim, and the sentence that explains it.

use postback_core::{
    clock::Timestamp,
    delivery::{RETENTION, Record, State},
};
use rust_decimal::Decimal;

use super::{Claim, Known, Verdict};
use crate::output::amount;

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
fn of_validations(validations: &[&Record]) -> String {
    let settled = validations.iter().filter(|held| held.protocol.state == State::Delivered);
    let calls = settled.filter_map(|held| {
        let call = held.protocol.validation.as_ref()?.call.as_ref()?;
        Some(format!(" Validated on {}: {} {}.", held.state_at, call.status.as_str(), call.amount))
    });
    calls.collect()
}

/// The verdict about an order that the ledger holds.
pub(super) fn of_record(
    claim: &Claim,
    record: &Record,
    money: &Money<'_>,
    validations: &[&Record],
) -> (Verdict, String) {
    let protocol = &record.protocol;
    let reason = protocol.reason.as_ref().map_or("", |reason| reason.as_str());
    let first = record.attempts.entries().first();
    let reported = first.map(|attempt| attempt.started_at.to_string()).unwrap_or_default();
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
        State::Rejected if protocol.attempt > 0 => {
            (Verdict::Refused, format!("The network refused it: {reason}."))
        }
        State::Rejected | State::Skipped => {
            (Verdict::Refused, format!("It was not reported: {reason}."))
        }
        State::Delivered | State::Accepted => {
            let proof = protocol.proof.map_or("accepted", |proof| proof.as_str());
            let text = format!("Reported on {reported}; the network's word: {proof}.");
            of_reported(claim, money, text + &of_validations(validations))
        }
        State::Abandoned if !protocol.in_doubt() => {
            (Verdict::Refused, format!("It was not reported: {reason}."))
        }
        State::Abandoned => (
            Verdict::Held,
            format!("Sent on {reported}; the answer was lost, and it was given up."),
        ),
        _ if record.is_held_in_doubt() => {
            (Verdict::Held, format!("Sent on {reported}; the answer was lost: {reason}."))
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
    (Verdict::Unknown, "The ledger holds no such order.".to_owned())
}
