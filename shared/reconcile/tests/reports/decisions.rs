//! Decisions that rest on a report: written, read back, and checked against the delivery.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use crate::common::{AT, Compared, compared, compared_between, generic, held, record, report};
use postback_core::{
    clock::Timestamp,
    delivery::{Decision, Record, Stamp},
    redaction::OperatorNote,
};
use postback_reconcile::{
    decide::{Check, DECISIONS, Decisions},
    fault::Fault,
    format::{Absence, Format},
    shop::Shop,
};
use serde_json::json;

fn compare_lines(lines: &[(&str, &str, &str)], records: &[Record]) -> Compared {
    compared(&report(lines, &generic()), records, &Shop::none(), &generic()).expect("a comparison")
}

#[test]
fn decisions_are_read_back_and_checked_against_the_delivery() {
    let records = [held("=A", AT), held("HELD", AT), record("REST", "delivered", "10", AT)];
    let found = compare_lines(&[("REST", "approved", "10"), ("HELD", "pending", "10")], &records);
    let decisions = Decisions::parse(&found.decisions).expect("decisions");
    let format = generic();
    let row = |order: &str| {
        decisions.rows.iter().find(|row| row.order_id == order).expect("a row").clone()
    };
    let check = |row, record: &Record| decisions.check(&row, record, &format);

    assert_eq!(decisions.rows.len(), 2);
    assert_eq!(row("=A").decision, Decision::PermitSending);
    assert_eq!(check(row("=A"), &records[0]), Check::Open);
    assert_eq!(check(row("HELD"), &records[1]), Check::Open);

    let mut later = held("=A", "2026-11-20T00:00:00Z");
    let slow = Format { delay_minutes: 60, ..generic() };
    assert_eq!(decisions.check(&row("=A"), &later, &slow), Check::Refused("report_too_young"));
    later = held("=A", "2026-12-10T00:00:00Z");
    assert_eq!(check(row("=A"), &later), Check::Refused("another_periods_report"));
    later.attempts = serde_json::from_value(json!({ "entries": [
        { "number": 1, "started_at": "2026-10-31T23:59:00Z", "state": "unconfirmed" },
        { "number": 1, "started_at": AT, "state": "unconfirmed" },
    ] }))
    .expect("attempts");
    assert_eq!(check(row("=A"), &later), Check::Refused("another_periods_report"));
    later.delivery = "other".to_owned();
    assert_eq!(check(row("=A"), &later), Check::Refused("another_networks_report"));
    let mut moved = held("=A", AT);
    moved.protocol.attempt = 2;
    assert_eq!(check(row("=A"), &moved), Check::Refused("moved_on"));
    assert_eq!(check(row("HELD"), &record("HELD", "delivered", "10", AT)), Check::Done);
    assert_eq!(
        check(row("HELD"), &record("HELD", "rejected", "10", AT)),
        Check::Refused("not_held")
    );
    let known = json!({
        "version": 3, "at": AT, "attempt": 1, "decision": "permit_sending", "by": "x", "why": "x",
        "evidence": decisions.report,
    });
    moved.decisions.push(serde_json::from_value(known).expect("a decision"));
    assert_eq!(check(row("=A"), &moved), Check::Done);
    let partial = Format { absence: Absence::Nothing, ..generic() };
    let refused = decisions.check(&row("=A"), &records[0], &partial);
    assert_eq!(refused, Check::Refused("absence_proves_nothing"));
}

#[test]
fn a_damaged_file_of_decisions_is_refused_whole() {
    let records = [held("A-1", AT), held("A-2", AT), record("REST", "delivered", "10", AT)];
    let text =
        compare_lines(&[("REST", "approved", "10"), ("A-1", "pending", "10")], &records).decisions;
    let with = |from: &str, to: &str| Decisions::parse(&text.replacen(from, to, 1)).err();

    assert!(Decisions::parse(&text).is_ok());
    assert!(matches!(with("delivered", "yes"), Some(Fault::BadDecisions { .. })));
    assert!(matches!(with("order_id", "id"), Some(Fault::BadDecisions { line: 1, .. })));
    let digest = text.lines().nth(1).and_then(|row| row.split(',').nth(8)).expect("a digest");
    assert!(matches!(with(digest, ""), Some(Fault::BadDecisions { .. })));
    assert!(matches!(with(digest, &"0".repeat(64)), Some(Fault::BadDecisions { .. })));
    assert!(matches!(with("\nA-2,", "\nA-1,"), Some(Fault::BadDecisions { line: 3, .. })));
    for covers in ["2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z"] {
        assert!(matches!(with(covers, ""), Some(Fault::BadDecisions { line: 3, .. })), "{covers}");
    }
    assert_eq!(Decisions::parse(text.lines().next().expect("a header")).err(), Some(Fault::Empty));
}

#[test]
fn a_decision_that_does_not_follow_from_its_evidence_is_refused() {
    let text = |decision: &str, evidence: &str| {
        let (header, digest) = (DECISIONS.join(","), "ab".repeat(32));
        let time = "2026-11-01T00:00:00Z,2026-11-20T00:00:00Z";
        format!("{header}\nA-1,net,1,{decision},{evidence},10,MYR,net,{digest},{time}\n")
    };
    for (decision, evidence, is_one) in [
        ("delivered", "line 7", true),
        ("abandon", "line 7", true),
        ("send_again", "absent", true),
        ("abandon", "absent", true),
        ("delivered", "absent", false),
        ("send_again", "line 7", false),
        ("send_again", "", false),
        ("abandon", "", false),
        ("delivered", "line x", false),
        ("delivered", "a call", false),
    ] {
        let read = Decisions::parse(&text(decision, evidence));
        assert_eq!(read.is_ok(), is_one, "{decision} by {evidence}: {read:?}");
    }
}

#[test]
fn a_report_that_covers_what_is_still_to_come_proves_no_absence() {
    let records = [held("A-1", AT), record("REST", "delivered", "10", AT)];
    let lines = [("REST", "approved", "10"), ("X-1", "pending", "10")];
    let decisions = Decisions::parse(&compare_lines(&lines, &records).decisions).expect("one");
    let note = |text| OperatorNote::new(text).expect("words");
    let apply = |now: &str| {
        let stamp = Stamp { now: Timestamp::parse(now).expect("an instant"), write_id: 1 };
        let row = &decisions.rows[0];
        decisions.apply(row, &records[0], &generic(), &note("me"), &note("outage"), stamp).err()
    };

    assert_eq!(apply("2026-11-20T00:00:00Z"), None);
    let refused = Some(Check::Refused("report_covers_the_future"));
    assert_eq!(apply("2026-11-19T23:59:59Z"), refused);
}

#[test]
fn another_months_report_is_refused_by_the_days_of_its_zone() {
    let format = Format { zone: Some("+08:00".to_owned()), ..generic() };
    let report = report(&[("REST", "approved", "10"), ("X-1", "pending", "10")], &format);
    let month = ["2026-11-01", "2026-12-01"].map(|day| report.understood.day(day));
    let records = [held("A-1", AT), record("REST", "delivered", "10", AT)];
    let found = compared_between(month, &report, &records, &Shop::none(), &format);
    let decisions = Decisions::parse(&found.expect("a comparison").decisions).expect("one");
    let check = |at: &str| decisions.check(&decisions.rows[0], &held("A-1", at), &format);

    let other = Check::Refused("another_periods_report");
    assert_eq!(check("2026-10-31T15:59:59Z"), other);
    assert_eq!(check("2026-10-31T16:00:00Z"), Check::Open);
    assert_eq!(check("2026-11-30T16:00:00Z"), Check::Open);
    assert_eq!(check("2026-11-30T16:00:01Z"), other);
}
