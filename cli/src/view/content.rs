//! Other content under the id of an order, in words.

use postback_core::delivery::{ConflictRecord, Record};

/// The number of other contents; empty if there is none.
pub(crate) fn other_contents(record: &Record) -> String {
    let (count, arrivals) = (record.conflicts.count(), record.conflicts.arrivals());
    let open = if record.has_open_conflict() { "; not all are answered by a decision" } else { "" };
    if count == 0 {
        String::new()
    } else {
        format!("{count} other contents, arrivals: {arrivals}{open}")
    }
}

/// The facts of another content that differ from those that the record holds, and its arrivals. The
/// ledger keeps a click as a digest: only that it is another one can be said.
pub(crate) fn other_content(record: &Record, conflict: &ConflictRecord) -> String {
    let held = &record.protocol.facts;
    let differing =
        conflict.facts.differing(held).map(|(name, value)| match (name, held.get(name)) {
            ("amount" | "line_amount" | "currency", Some(held)) => {
                format!("{} {value} instead of {held}", name.replace('_', " "))
            }
            _ => format!("another {}", name.replace('_', " ")),
        });
    let differing: Vec<_> = differing.collect();
    let what =
        if differing.is_empty() { "as it is held now".to_owned() } else { differing.join(", ") };
    let last = match conflict.count {
        1 => String::new(),
        count => format!(", {count} times, last {}", conflict.last_at),
    };
    format!("{what}{last}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::paid;

    #[test]
    fn amounts_are_named_and_of_a_click_that_it_is_another_one() {
        let mut record = paid("net", "delivered", "10", "EUR");
        let facts = json!({ "amount": "10", "currency": "EUR", "click": "ab" });
        record.protocol.facts = serde_json::from_value(facts).expect("facts");
        let other = |facts, count| {
            let (at, last_at) = ("2026-11-21T10:20:00Z", "2026-11-21T10:25:00Z");
            let conflict = json!({ "version": 2, "at": at, "last_at": last_at, "count": count, "facts": facts });
            other_content(&record, &serde_json::from_value(conflict).expect("a conflict"))
        };

        assert_eq!(
            other(json!({ "amount": "11", "currency": "EUR" }), 1),
            "amount 11 instead of 10"
        );
        let click = other(json!({ "amount": "10", "click": "cd" }), 2);
        assert_eq!(click, "another click, 2 times, last 2026-11-21T10:25:00Z");
        assert_eq!(other(json!({ "amount": "10" }), 1), "as it is held now");
    }
}
