//! The attempts that a report has to cover before it can say that a delivery is not there.

use postback_core::{
    clock::Timestamp,
    delivery::{AttemptRecord, Record, State},
};

/// The oldest attempts that a record keeps: what is left out comes after them.
const KEPT: usize = 2;

/// The time of the first attempt that may have been processed, and of the last one.
pub(crate) fn span(record: &Record) -> (Timestamp, Timestamp) {
    let attempts = record.attempts.entries();
    let seen = record.protocol.first_seen_at;
    let last = attempts.last().map_or(seen, |attempt| attempt.started_at);
    if record.attempts.count() < record.protocol.attempt {
        return (seen.min(last), last);
    }
    // One that led to a retry was certainly not processed.
    let may_count = |attempt: &AttemptRecord| attempt.state != Some(State::Retrying);
    let first = match attempts.iter().position(may_count) {
        // It may be one of those that were left out.
        Some(first) if first >= KEPT && record.attempts.left_out() > 0 => KEPT - 1,
        Some(first) => first,
        None => 0,
    };
    let first = attempts.get(first).map_or(last, |attempt| attempt.started_at);
    (first.min(last), last)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The span of these attempts: the day of November and the state, of which some are left out.
    fn days(attempts: &[(u32, Value)], left_out: u32) -> (String, String) {
        let at = |day: u32| format!("2026-11-{day:02}T00:00:00Z");
        let entries = attempts.iter().zip(1..).map(|((day, state), number)| {
            let at = at(*day);
            json!({ "number": number, "started_at": at, "state": state })
        });
        let entries: Vec<_> = entries.collect();
        let count = u32::try_from(entries.len()).expect("few") + left_out;
        let record = json!({
            "order_id": "A-1", "delivery": "net", "version": 2, "write_id": "0",
            "state_version": 2, "state_at": at(1), "state": "unconfirmed", "attempt": count,
            "facts": {}, "first_seen_at": at(1), "claim_expires_at": at(1), "not_before": at(1),
            "updated_at": at(1), "expires_at": 0,
            "attempts": { "entries": entries, "left_out": left_out },
        });
        let record = serde_json::from_value(record).expect("a record");
        let (first, last) = span(&record);
        (first.to_string()[8..10].to_owned(), last.to_string()[8..10].to_owned())
    }

    #[test]
    fn the_first_attempt_that_may_have_been_processed_counts_and_the_last() {
        let (open, lost, again) = (Value::Null, json!("unconfirmed"), json!("retrying"));
        let cases = [
            (vec![], 0, ("01", "01")),
            (vec![(3, lost.clone())], 0, ("03", "03")),
            (vec![(3, lost.clone()), (5, again.clone())], 0, ("03", "05")),
            (vec![(3, open), (5, lost.clone())], 0, ("03", "05")),
            (vec![(3, again.clone()), (5, lost.clone())], 0, ("05", "05")),
            (vec![(3, again.clone()), (5, again.clone())], 0, ("03", "05")),
            (vec![(3, again.clone()), (4, again), (9, lost)], 2, ("04", "09")),
        ];
        for (attempts, left_out, (first, last)) in cases {
            let wanted = (first.to_owned(), last.to_owned());
            assert_eq!(days(&attempts, left_out), wanted, "{attempts:?}");
        }
        // A record that does not have them all.
        assert_eq!(days(&[], 1), ("01".to_owned(), "01".to_owned()));
    }
}
