//! A network's "duplicate": whose conversion it holds, judged by the records of the other orders
//! that used the same click.

use super::{Proof, Record, State, Verdict};
use crate::redaction::Reason;

/// The other orders of ours that used the click.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Their deliveries to this network; `None` for one whose record is gone.
    pub records: Vec<(String, Option<Record>)>,
    /// True if there are more than were kept.
    pub many: bool,
}

/// The judgement on a "duplicate".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The order that holds the click, or may hold it.
    pub other: Option<String>,
}

/// Judges a "duplicate". It is a proof only if an earlier attempt of this delivery is in doubt and
/// no other order of ours can be the one that the network holds. `scope` is the digest of the
/// settings that scope the network's memory.
#[must_use]
pub fn judge(in_doubt: bool, scope: &str, others: &Others) -> Judgement {
    let named = |verdict: Verdict, (order_id, _): &(String, Option<Record>)| Judgement {
        verdict,
        other: Some(order_id.clone()),
    };
    let holder = others.records.iter().find(|(_, record)| holds(record.as_ref(), scope));
    if let Some(holder) = holder {
        return named(Verdict::ClickUsed, holder);
    }
    let suspect = others.records.iter().find(|(_, record)| may_hold(record.as_ref()));
    let unnamed = |verdict| Judgement { verdict, other: None };
    match (in_doubt, suspect) {
        (false, Some(suspect)) => named(Verdict::ClickUsed, suspect),
        (false, None) if others.many => unnamed(Verdict::ClickUsed),
        (false, None) => unnamed(Verdict::rejected("duplicate_elsewhere")),
        (true, Some(suspect)) if is_sending(suspect.1.as_ref()) => {
            let reason = Reason::new("click_in_use");
            named(Verdict::Retry { reason, after: None, sent: true }, suspect)
        }
        (true, Some(suspect)) => named(Verdict::Held(Reason::new("click_used")), suspect),
        (true, None) if others.many => unnamed(Verdict::Held(Reason::new("click_used"))),
        (true, None) => unnamed(Verdict::Delivered(Proof::Duplicate)),
    }
}

/// Returns whether the network itself confirmed this order on the click.
fn holds(record: Option<&Record>, scope: &str) -> bool {
    record.is_some_and(|record| {
        let delivery = &record.protocol;
        delivery.proof == Some(Proof::Response) && delivery.scope.as_deref() == Some(scope)
    })
}

/// Returns whether the network may hold this order on the click. One that is reported by lines since has
/// no state of its own.
fn may_hold(record: Option<&Record>) -> bool {
    record.is_none_or(|record| {
        record.protocol.lines.is_some() || !record.protocol.is_certainly_absent()
    })
}

fn is_sending(record: Option<&Record>) -> bool {
    record.is_some_and(|record| record.protocol.state == State::Sending)
}

#[cfg(test)]
mod tests;
