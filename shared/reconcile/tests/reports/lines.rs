//! Several lines of one order.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use crate::common::{self, AT, Compared, compared, generic, record, report};
use postback_core::delivery::Record;
use postback_reconcile::{
    format::{Format, Sign},
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
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

#[test]
fn an_empty_amount_is_not_taken_for_the_right_one() {
    let mut held = common::held("HELD", AT);
    held.protocol.facts = record("HELD", "delivered", "10", AT).protocol.facts;
    let call = ("approved", "10");
    let records = [
        record("SAME", "delivered", "10", AT),
        record("NONE", "delivered", "10", AT),
        record("DASH", "delivered", "10", AT),
        record("CALLED", "delivered", "10", AT),
        common::validation("CALLED", "delivered", call),
        held,
    ];
    let lines = [
        ("SAME", "approved", "10"),
        ("NONE", "approved", ""),
        ("DASH", "approved", "-"),
        ("CALLED", "approved", " "),
        ("HELD", "pending", ""),
    ];

    let found = compare(&lines, &records, &generic());

    assert_eq!(found.bucket("SAME"), ("matched", ""), "{}", found.lines);
    for order in ["NONE", "DASH", "CALLED"] {
        assert_eq!(found.bucket(order), ("amount_unknown", "no_amount_there"), "{order}");
        assert_eq!(disputes(&found, order).len(), 1, "{}", found.disputes);
    }
    // It is there all the same.
    assert_eq!(found.bucket("HELD"), ("amount_unknown", "held_and_there"));
    assert_eq!(found.outcome.decisions.delivered, 1, "{}", found.decisions);
}

#[test]
fn of_lines_that_add_up_one_without_an_amount_leaves_the_sum_unknown() {
    let format = Format { sign: Sign::Ledger, ..generic() };
    let records = ["PART", "BOTH", "REST"].map(|id| record(id, "delivered", "10", AT));
    let lines = [
        ("REST", "approved", "10"),
        ("PART", "approved", "10"),
        ("PART", "approved", ""),
        // No reversal: nothing adds up to zero here.
        ("BOTH", "approved", ""),
        ("BOTH", "approved", ""),
    ];

    let found = compare(&lines, &records, &format);

    for order in ["PART", "BOTH"] {
        assert_eq!(found.bucket(order), ("amount_unknown", "no_amount_there"), "{}", found.lines);
    }
    assert_eq!(found.outcome.buckets.iter().map(|total| total.lines).sum::<u64>(), 5);
}

#[test]
fn a_column_of_lines_is_named_by_the_format() {
    let text = "title = \"by lines\"\n[columns]\norder = [\"order\"]\nline = [\"position\"]\n\
                date = [\"date\"]\nstatus = [\"status\"]\namount = [\"amount\"]\n\
                [status]\napproved = [\"approved\"]\n";
    let format = Format::parse("own", text).expect("a format");
    let line = |place: &str, amount: &str| {
        let mut line = record("A-1", "delivered", amount, AT);
        line.delivery = format!("net#{place}");
        line
    };
    let report = "Order,Position,Date,Status,Amount\nA-1,2,2026-11-01,approved,7\n\
                  A-1,1,2026-11-20,approved,3\nX-1,1,2026-11-20,approved,1\n\
                  X-1,2,2026-11-20,approved,1\n";
    let report = Report::understand(
        Source::Bytes(report.as_bytes().into()),
        format.clone(),
        &Hints::default(),
    )
    .expect("a report");

    let found = compared(&report, &[line("1", "3"), line("2", "7")], &Shop::none(), &format);
    let found = found.expect("compared");

    assert_eq!(found.bucket("net#1"), ("matched", ""), "{}", found.lines);
    assert_eq!(found.bucket("net#2"), ("matched", ""), "{}", found.lines);
    // Two lines of one order are no double.
    assert_eq!(found.lines.matches("theirs_only,unknown_here").count(), 2, "{}", found.lines);
}
