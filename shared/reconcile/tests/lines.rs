//! Several lines of one order.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

mod common;

use common::{AT, Compared, compared, generic, record, report};
use postback_core::delivery::Record;
use postback_reconcile::{
    format::{Format, Sign},
    shop::Shop,
};
use serde_json::json;

fn compare(lines: &[(&str, &str, &str)], records: &[Record], format: &Format) -> Compared {
    compared(&report(lines, format), records, &Shop::none(), format).expect("compared")
}

/// The disputes about an order.
fn disputes<'a>(found: &'a Compared, order: &str) -> Vec<&'a str> {
    found.disputes.lines().filter(|row| row.starts_with(&format!("{order},"))).collect()
}

#[test]
fn a_negative_line_is_no_double_and_asks_for_the_sign() {
    let mut back = record("BACK", "delivered", "100", AT);
    let cancellation = json!({ "at": "2026-11-12T00:00:00Z" });
    back.protocol.cancelled = Some(serde_json::from_value(cancellation).expect("one"));
    let records = [back, record("REST", "delivered", "10", AT)];
    let lines = [
        ("REST", "approved", "10"),
        ("BACK", "approved", "100"),
        ("BACK", "approved", "-100"),
        ("X-1", "approved", "-5"),
        ("X-1", "approved", "-5"),
    ];

    let found = compare(&lines, &records, &generic());

    let negative = "unreadable,a negative amount: give --sign ledger";
    assert_eq!(found.lines.matches(negative).count(), 4, "{}", found.lines);
    assert_eq!(found.outcome.disputes, 0, "{}", found.disputes);
    assert_eq!(found.outcome.claim_back.in_words(), "");
    assert!(found.outcome.warnings.iter().any(|it| it.starts_with("3 lines have a negative")));

    let format = Format { sign: Sign::Ledger, ..generic() };
    let found = compare(&lines, &records, &format);
    assert_eq!(found.bucket("BACK"), ("matched", "rejected_on_both_sides"), "{}", found.lines);
}

#[test]
fn a_try_that_was_refused_besides_the_one_that_was_taken_is_no_double() {
    let records = ["TOOK", "THEN", "TWICE", "NO"].map(|id| record(id, "delivered", "10", AT));
    let lines = [
        ("TOOK", "rejected", "7"),
        ("TOOK", "approved", "10"),
        ("THEN", "approved", "10"),
        ("THEN", "rejected", "7"),
        ("TWICE", "approved", "10"),
        ("TWICE", "rejected", "10"),
        ("TWICE", "approved", "10"),
        ("NO", "rejected", "10"),
        ("NO", "rejected", "10"),
    ];

    let found = compare(&lines, &records, &generic());

    let of = |order: &str| {
        let rows = found.lines.lines().map(|row| row.split(',').collect::<Vec<_>>());
        let rows = rows.filter(|row| row[5] == order);
        rows.map(|row| format!("{} {} {}", row[0], row[1], row[2])).collect::<Vec<_>>()
    };
    let besides = "matched rejected_besides theirs";
    assert_eq!(of("TOOK"), [besides, "matched  both"], "{}", found.lines);
    assert_eq!(of("THEN"), ["matched  both", besides]);
    assert_eq!(of("TWICE"), ["matched  both", besides, "doubled second_line theirs"]);
    assert_eq!(of("NO"), ["status_differs rejected_there both", besides]);
    let counts = ["TOOK", "THEN", "TWICE", "NO"].map(|order| disputes(&found, order).len());
    assert_eq!(counts, [0, 0, 1, 1], "{}", found.disputes);
}

#[test]
fn lines_that_add_up_are_one_dispute_with_the_status_of_what_was_paid() {
    let format = Format { sign: Sign::Ledger, ..generic() };
    let records = ["PART", "REST"].map(|id| record(id, "delivered", "10", AT));
    let lines =
        [("REST", "approved", "10"), ("PART", "approved", "10"), ("PART", "rejected", "(2)")];

    let found = compare(&lines, &records, &format);

    assert_eq!(found.bucket("PART"), ("amount_differs", "amount"), "{}", found.lines);
    let rows = disputes(&found, "PART");
    assert_eq!((rows.len(), found.outcome.disputes), (1, 1), "{}", found.disputes);
    assert!(rows[0].contains(",10,MYR,8,MYR,"), "{}", rows[0]);
}
