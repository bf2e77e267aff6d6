//! The comparison of an order with what the ledger holds of it.

use std::slice;

use postback_core::{
    delivery::{Record, Refunds, State},
    order::{Arrived, Refund, Status},
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// The result for an order at a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bucket {
    Alike,
    Otherwise,
    Open,
    Skipped,
    NeverSeen,
    /// It concerns the network; the ledger was not asked.
    Concerns,
    /// Sent by this run.
    Sent,
    /// Left out by the network's settings: nothing is sent, and the ledger keeps nothing of it.
    LeftOut,
    /// Reported, and not in the file.
    NotInFile,
    Invalid,
    /// The file has it above, with the same total.
    Repeated,
    /// The file has it above, with another total.
    Contradicts,
}

impl Bucket {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Alike => "alike",
            Self::Otherwise => "otherwise",
            Self::Open => "open",
            Self::Skipped => "skipped",
            Self::NeverSeen => "never seen",
            Self::Concerns => "concerns",
            Self::Sent => "sent",
            Self::LeftOut => "left out",
            Self::NotInFile => "not in file",
            Self::Invalid => "invalid",
            Self::Repeated => "repeated",
            Self::Contradicts => "contradicts",
        }
    }

    /// Returns whether a person should look.
    pub(super) const fn is_need(self) -> bool {
        matches!(
            self,
            Self::Otherwise | Self::NeverSeen | Self::NotInFile | Self::Invalid | Self::Contradicts
        )
    }
}

/// A result with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) bucket: Bucket,
    pub(super) why: String,
    /// The amount and the currency as the ledger has them.
    pub(super) was: Option<(String, String)>,
}

impl Judgement {
    pub(super) fn new(bucket: Bucket, why: impl Into<String>) -> Self {
        Self { bucket, why: why.into(), was: None }
    }
}

/// Judges an order at a network: `records` are its deliveries there, `not_concerned` is the reason that it does not
/// concern the network.
pub(super) fn judge(
    order: &Arrived,
    records: &[&Record],
    not_concerned: Option<&str>,
) -> Judgement {
    // Of several lines the first in the API's row is the whole's.
    let Some(whole) = records.iter().min_by_key(|record| record.protocol.state.rank()) else {
        return unseen(order, not_concerned);
    };
    let fact = |name| whole.protocol.facts.get(name).map(str::to_owned);
    let was = fact("amount").zip(fact("currency"));
    let judgement = match (whole.protocol.state, order) {
        (state, Arrived::Cancelled(cancelled)) if state.is_success() => {
            let word = cancelled.status.as_str();
            let noted = whole.protocol.cancelled.is_some();
            let known = if noted { "" } else { ", and Postback does not know it" };
            Judgement::new(Bucket::Otherwise, format!("was reported, is {word}{known}"))
        }
        (state, Arrived::PartlyRefunded(partial)) if state.is_success() => {
            // By lines each that it concerns has it.
            let is_known = |refund: &Refund| {
                records.iter().all(|record| {
                    let refund = slice::from_ref(refund);
                    let wanted = match record.line() {
                        Some(line) => Refunds::of_line(refund, partial.currency, line),
                        None => Refunds::of_order(refund),
                    };
                    let known = |id| record.protocol.refunds.entries().any(|(it, _)| it == id);
                    wanted.entries().all(|(id, _)| known(id))
                })
            };
            match partial.refunds.iter().filter(|refund| !is_known(refund)).count() {
                0 => Judgement::new(Bucket::Alike, state.as_str()),
                count => {
                    let why =
                        format!("was reported, and {count} of its refunds Postback does not know");
                    Judgement::new(Bucket::Otherwise, why)
                }
            }
        }
        (state, Arrived::Order(order)) if state.is_success() => match &was {
            Some((amount, currency)) if !is_alike(amount, currency, order) => {
                let (total, now) = (order.total.shortest(), order.currency.code());
                let difference = difference(amount, currency, &total, now);
                let difference = difference.map(|it| format!(" ({it:+})")).unwrap_or_default();
                let why = format!("was {amount} {currency}, is {total} {now}{difference}");
                Judgement::new(Bucket::Otherwise, why)
            }
            _ => Judgement::new(Bucket::Alike, state.as_str()),
        },
        (state, _) if state.is_final() => Judgement::new(Bucket::Skipped, stated(whole)),
        _ => Judgement::new(Bucket::Open, stated(whole)),
    };
    Judgement { was, ..judgement }
}

fn unseen(order: &Arrived, not_concerned: Option<&str>) -> Judgement {
    match (order.status(), not_concerned) {
        (Status::Completed, None) => Judgement::new(Bucket::NeverSeen, ""),
        (Status::Completed, Some(why)) => Judgement::new(Bucket::Skipped, why),
        (status, _) => Judgement::new(Bucket::Skipped, format!("it is {}", status.as_str())),
    }
}

fn is_alike(amount: &str, currency: &str, order: &postback_core::order::Order) -> bool {
    let total: Option<Decimal> = amount.parse().ok();
    total == Some(order.total.decimal()) && currency == order.currency.code()
}

/// The total of the file less the amount of the ledger; `None` if they are of two currencies.
pub(super) fn difference(was: &str, currency: &str, is: &str, now: &str) -> Option<Decimal> {
    let (was, is): (Decimal, Decimal) = (was.parse().ok()?, is.parse().ok()?);
    is.checked_sub(was).filter(|_| currency == now)
}

/// The state and its reason.
fn stated(record: &Record) -> String {
    let state: State = record.protocol.state;
    let reason = record.protocol.reason.as_ref();
    match reason {
        Some(reason) => format!("{}: {reason}", state.as_str()),
        None => state.as_str().to_owned(),
    }
}

/// The meaning of a function's answer: sent, left out by the network's settings, or refused.
pub(super) fn answered(answer: Result<Value, Failure>) -> Result<Judgement, Failure> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Failure::OrderRefused { code, detail }) => {
            return Ok(Judgement::new(Bucket::Invalid, format!("{code}: {detail}")));
        }
        Err(failure) => return Err(failure),
    };
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let (state, reason) = (text("state"), text("reason"));
    let why = if reason.is_empty() { state.to_owned() } else { format!("{state}: {reason}") };
    let bucket = match state {
        // The settings changed meanwhile.
        "skipped" => return Ok(Judgement::new(Bucket::LeftOut, reason)),
        "rejected" | "withdrawn" => Bucket::Skipped,
        _ => Bucket::Sent,
    };
    Ok(Judgement::new(bucket, why))
}

#[cfg(test)]
mod tests {
    use postback_core::{delivery::RefundEntry, fields::UnknownFields};
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{paid, record};

    fn order(status: &str, total: &str) -> Arrived {
        let mut order = json!({ "order_id": "A-1", "status": status });
        if !matches!(status, "cancelled" | "refunded") {
            order["completed_at"] = Value::from("2026-11-21T10:15:00Z");
            order["currency"] = Value::from("EUR");
            order["total"] = Value::from(total);
        }
        Arrived::from_json(&order, UnknownFields::Deny).expect("an order")
    }

    fn of(order: &Arrived, records: &[Record]) -> (Bucket, String) {
        let judgement = judge(order, &records.iter().collect::<Vec<_>>(), None);
        (judgement.bucket, judgement.why)
    }

    #[test]
    fn what_was_reported_is_alike_or_otherwise() {
        let delivered = || [paid("net", "delivered", "10.5", "EUR")];

        assert_eq!(of(&order("completed", "10.50"), &delivered()).0, Bucket::Alike);
        let (bucket, why) = of(&order("completed", "1050"), &delivered());
        assert_eq!(
            (bucket, why.as_str()),
            (Bucket::Otherwise, "was 10.5 EUR, is 1050 EUR (+1039.5)")
        );
        let (bucket, why) = of(&order("cancelled", ""), &delivered());
        assert_eq!(bucket, Bucket::Otherwise);
        assert_eq!(why, "was reported, is cancelled, and Postback does not know it");
    }

    #[test]
    fn refunds_by_themselves_are_alike_once_they_are_known() {
        let refund = |id: &str| json!({ "id": id, "amount": "5" });
        let partial = json!({
            "order_id": "A-1", "status": "partially_refunded", "currency": "EUR",
            "refunds": [refund("r-1"), refund("r-2")],
        });
        let partial = Arrived::from_json(&partial, UnknownFields::Deny).expect("refunds");
        let knowing = |ids: &[&str]| {
            let entry = RefundEntry { amount: None, at: None };
            let mut record = paid("net", "delivered", "10.5", "EUR");
            let entries = ids.iter().map(|id| ((*id).to_owned(), entry.clone()));
            record.protocol.refunds = Refunds::of(entries);
            [record]
        };

        assert_eq!(of(&partial, &knowing(&["r-1", "r-2"])).0, Bucket::Alike);
        let (bucket, why) = of(&partial, &knowing(&["r-2"]));
        assert_eq!(bucket, Bucket::Otherwise);
        assert_eq!(why, "was reported, and 1 of its refunds Postback does not know");
        assert_eq!(of(&partial, &[]), (Bucket::Skipped, "it is partially_refunded".to_owned()));
    }

    #[test]
    fn a_refund_of_a_line_that_another_line_alone_knows_is_not_known() {
        let refund = json!({ "id": "r-1", "amount": "5", "lines": [{ "line": 2, "amount": "5" }] });
        let partial = json!({
            "order_id": "A-1", "status": "partially_refunded", "currency": "EUR",
            "refunds": [refund],
        });
        let partial = Arrived::from_json(&partial, UnknownFields::Deny).expect("refunds");
        let known_to = |number: &str| {
            ["1", "2"].map(|line| {
                let mut record = paid(&format!("net#{line}"), "delivered", "10.5", "EUR");
                let entry = RefundEntry { amount: None, at: None };
                let known = [("r-1".to_owned(), entry)].into_iter().filter(|_| line == number);
                record.protocol.refunds = Refunds::of(known);
                record
            })
        };

        assert_eq!(of(&partial, &known_to("2")).0, Bucket::Alike);
        assert_eq!(of(&partial, &known_to("1")).0, Bucket::Otherwise);
    }

    #[test]
    fn what_was_not_reported_is_open_or_skipped() {
        let completed = order("completed", "10");

        assert_eq!(of(&completed, &[record("net", "parked", 1)]).0, Bucket::Open);
        assert_eq!(of(&completed, &[record("net", "rejected", 1)]).0, Bucket::Skipped);
        assert_eq!(of(&order("refunded", ""), &[record("net", "withdrawn", 0)]).0, Bucket::Skipped);
        // One line is open, so the whole is.
        let lines =
            [paid("net#1", "delivered", "10", "EUR"), paid("net#2", "retrying", "10", "EUR")];
        assert_eq!(of(&completed, &lines).0, Bucket::Open);
    }

    #[test]
    fn what_the_ledger_does_not_hold_was_never_seen_or_concerns_nobody() {
        assert_eq!(of(&order("completed", "10"), &[]).0, Bucket::NeverSeen);
        let (bucket, why) = of(&order("pending", "10"), &[]);
        assert_eq!((bucket, why.as_str()), (Bucket::Skipped, "it is pending"));
        let judgement = judge(&order("completed", "10"), &[], Some("it has no clicks.net.id"));
        assert_eq!(judgement.bucket, Bucket::Skipped);
        assert_eq!(judgement.why, "it has no clicks.net.id");
    }
}
