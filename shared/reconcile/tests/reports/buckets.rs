//! The buckets: each line of each side is in one.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use crate::common::{self, AT, HEADER, compared, generic, held, record, report};
use postback_core::delivery::Record;
use postback_reconcile::{
    fault::Fault,
    format::{Absence, Format, Sign},
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use serde_json::json;

fn cancelled(order_id: &str) -> Record {
    let mut record = record(order_id, "delivered", "10", AT);
    let cancellation = json!({ "at": "2026-11-12T00:00:00Z" });
    record.protocol.cancelled = Some(serde_json::from_value(cancellation).expect("one"));
    record
}

/// A delivery of each kind.
fn one_of_each() -> Vec<Record> {
    let at = |order: &str, state: &str| record(order, state, "10", AT);
    let mut other_currency = at("CUR", "delivered");
    let facts = json!({ "amount": "10", "currency": "SGD" });
    other_currency.protocol.facts = serde_json::from_value(facts).expect("facts");
    vec![
        at("SAME", "delivered"),
        at("LESS", "delivered"),
        at("NO", "delivered"),
        at("LOST", "accepted"),
        at("SILENT", "delivered"),
        record("EARLY", "delivered", "10", "2026-11-20T00:00:00Z"),
        record("AFTER", "delivered", "10", "2026-11-25T00:00:00Z"),
        at("TWICE", "delivered"),
        cancelled("BACK"),
        at("GONE", "withdrawn"),
        at("LEFT", "abandoned"),
        at("REFUSED", "rejected"),
        at("AGREED", "rejected"),
        other_currency,
        held("HELD", AT),
        held("NAMED", AT),
        held("ABSENT", AT),
        at("WAITS", "parked"),
    ]
}

/// The bucket and the reason of each.
const EXPECTED: [(&str, &str, &str); 17] = [
    ("SAME", "matched", ""),
    ("LESS", "amount_differs", "amount"),
    ("NO", "status_differs", "rejected_there"),
    ("LOST", "ours_only", "lost"),
    ("SILENT", "ours_only", "silently_rejected"),
    ("EARLY", "ours_only", "too_early"),
    ("BACK", "refunded_but_approved", "cancelled"),
    ("GONE", "given_up_but_there", "withdrawn"),
    ("LEFT", "given_up_but_there", "abandoned"),
    ("REFUSED", "status_differs", "refused_here_but_there"),
    ("AGREED", "matched", "rejected_on_both_sides"),
    ("CUR", "currency_differs", "currency"),
    ("HELD", "matched", "held_and_there"),
    ("ABSENT", "ours_only", "held_and_not_there"),
    ("ELSE", "theirs_only", "unknown_here"),
    ("NAMED", "unreadable", "an amount that is none"),
    // Certainly not sent by us: a pixel that still runs.
    ("WAITS", "status_differs", "not_sent_but_there"),
];

#[test]
fn each_line_of_each_side_is_in_its_bucket() {
    let records = one_of_each();
    let mut format = generic();
    format.delay_minutes = 60;
    let lines = [
        ("SAME", "approved", "10.00"),
        ("LESS", "approved", "9.00"),
        ("NO", "rejected", "10.00"),
        ("TWICE", "approved", "10.00"),
        ("TWICE", "approved", "10.00"),
        ("BACK", "approved", "10.00"),
        ("GONE", "approved", "10.00"),
        ("LEFT", "approved", "10.00"),
        ("REFUSED", "approved", "10.00"),
        ("AGREED", "rejected", "10.00"),
        ("CUR", "approved", "10.00"),
        ("HELD", "pending", "10.00"),
        ("ELSE", "approved", "5.00"),
        ("NAMED", "approved", "a lot"),
        ("WAITS", "pending", "10.00"),
    ];

    let found =
        compared(&report(&lines, &format), &records, &Shop::none(), &format).expect("compared");

    for (order, bucket, reason) in EXPECTED {
        assert_eq!(found.bucket(order), (bucket, reason), "{order}: {}", found.lines);
    }
    assert_eq!(found.lines.matches("doubled,second_line").count(), 1);
    assert_eq!(found.lines.matches("ours_only,its_line_is_unreadable,ours,,,NAMED").count(), 1);
    assert!(!found.lines.contains("AFTER"), "it is not in the report's time");
    assert_eq!(found.outcome.left_out, 1);
    // A row for each line, and for each delivery without one.
    assert_eq!(found.lines.lines().count(), 1 + lines.len() + 5);
    let decisions: Vec<_> =
        found.decisions.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()).collect();
    let decided: Vec<_> = decisions.iter().map(|row| (row[0], row[3], row[4])).collect();
    assert_eq!(
        decided,
        [
            ("LEFT", "delivered", "line 9"),
            ("HELD", "delivered", "line 13"),
            ("ABSENT", "send_again", "absent"),
        ]
    );
    assert_eq!(found.outcome.decisions.delivered_sums.in_words(), "20 MYR");
}

#[test]
fn lines_that_add_up_are_summed_and_not_doubled() {
    let format = Format { sign: Sign::Ledger, ..generic() };
    let records = ["PART", "BACK", "TWICE"].map(|order| record(order, "delivered", "10", AT));
    let shop = {
        let mut shop = Shop::none();
        let refund = json!({ "id": "r", "amount": "2" });
        shop.add(&json!({ "order_id": "PART", "total": "10", "refunds": [refund, refund] }));
        shop.add(&json!({ "order_id": "BACK", "status": "refunded" }));
        shop
    };
    let lines = [
        ("PART", "approved", "10"),
        ("PART", "approved", "(2)"),
        ("BACK", "approved", "10"),
        ("BACK", "approved", "(10)"),
        ("TWICE", "approved", "10"),
        ("TWICE", "approved", "10"),
    ];

    let found = compared(&report(&lines, &format), &records, &shop, &format).expect("compared");

    assert_eq!(found.bucket("PART"), ("matched", ""), "{}", found.lines);
    assert_eq!(found.bucket("BACK"), ("matched", "rejected_on_both_sides"));
    assert_eq!(found.bucket("TWICE"), ("doubled", "counted_several_times"));
}

#[test]
fn a_conversions_id_counts_before_the_orders_and_a_line_by_its_sub_id() {
    let mut format = generic();
    format.facts = vec!["click".to_owned()];
    let mut of_click = record("A-1", "delivered", "10", AT);
    let click = postback_core::digest::sha256("C0", 8);
    let facts = json!({ "amount": "10", "currency": "MYR", "click": click });
    of_click.protocol.facts = serde_json::from_value(facts).expect("facts");
    let line = |id: &str| {
        let mut line = record("A-2", "delivered", "10", AT);
        line.delivery = format!("net#{id}");
        line
    };
    let records = [of_click, line("1"), line("2")];
    let text = format!(
        "{HEADER}X-9,C0,,2026-11-01,approved,10,MYR\nA-2,C1,2,2026-11-20,approved,10,MYR\nA-2,C2,,2026-11-20,approved,10,MYR\n"
    );
    let report = Report::understand(
        Source::Bytes(text.as_bytes().into()),
        format.clone(),
        &Hints::default(),
    )
    .expect("a report");

    let found = compared(&report, &records, &Shop::none(), &format).expect("compared");

    assert!(
        found.row("A-1").contains("matched,,both,2,conversion id,A-1,net,C0"),
        "{}",
        found.lines
    );
    assert_eq!(found.bucket("net#2"), ("matched", ""));
    // Never by its amount, and never by a guess.
    assert_eq!(found.bucket("C2"), ("unreadable", "it fits several deliveries"));
}

#[test]
fn an_address_finds_the_order_by_the_shops_export() {
    let mut format = generic();
    format.absence = Absence::Nothing;
    let text = "Email,Date,Amount\nAnn@Shop.example,2026-11-01,10\nbob@shop.example,2026-11-20,5\n";
    let report = Report::understand(
        Source::Bytes(text.as_bytes().into()),
        format.clone(),
        &Hints::default(),
    )
    .expect("a report");
    let mut shop = Shop::none();
    shop.add(&json!({ "order_id": "A-1", "customer": { "email": "ann@shop.example" } }));
    let records = [held("A-1", AT), held("A-2", AT)];

    let found = compared(&report, &records, &shop, &format).expect("compared");

    assert_eq!(found.bucket("A-1"), ("matched", "held_and_there"), "{}", found.lines);
    assert_eq!(found.bucket("A-2"), ("ours_only", "absence_proves_nothing"));
    assert_eq!(found.decisions.lines().count(), 2, "{}", found.decisions);
    assert!(!found.lines.contains('@') && !found.disputes.contains('@'));
}

#[test]
fn a_report_of_another_time_is_refused() {
    let report = report(&[("A-1", "approved", "10")], &generic());
    let options = postback_reconcile::compare::Options {
        network: "net".to_owned(),
        from: postback_core::clock::Timestamp::parse("2026-12-01T00:00:00Z"),
        to: postback_core::clock::Timestamp::parse("2026-12-31T00:00:00Z"),
    };
    let mut ledger =
        common::ledger(&[record("A-1", "delivered", "10", AT)], &generic(), &Shop::none());
    let mut files = postback_reconcile::compare::Files::default();

    let refused = postback_reconcile::compare::compare(
        &report,
        &mut ledger,
        &Shop::none(),
        &options,
        &mut files,
    );

    assert_eq!(refused.err(), Some(Fault::OtherPeriod));
}

#[test]
fn while_a_line_can_be_any_delivery_nothing_is_to_be_sent_again() {
    let records = [held("HELD", AT), held("ABSENT", AT), record("REST", "delivered", "10", AT)];
    let lines =
        [("REST", "approved", "10"), ("HELD", "pending", "10"), ("ABS", "approved", "a lot")];

    let found = compared(&report(&lines, &generic()), &records, &Shop::none(), &generic())
        .expect("compared");

    let counts = &found.outcome.decisions;
    assert_eq!((counts.delivered, counts.send_again), (1, 0), "{}", found.decisions);
    assert!(
        found.outcome.warnings.iter().any(|warning| warning.starts_with("1 lines can't be read"))
    );
}

#[test]
fn a_day_is_one_of_the_reports_zone() {
    let format = Format { zone: Some("+08:00".to_owned()), ..generic() };
    let understood = report(&[("A-1", "approved", "10")], &format).understood;

    let day = understood.day("2026-11-01").map(|at| at.to_string());
    assert_eq!(day.as_deref(), Some("2026-10-31T16:00:00Z"));
    for other in ["2026-11-01T00:00:00Z", "24h", "11/01/2026", ""] {
        assert_eq!(understood.day(other), None, "{other}");
    }
}
