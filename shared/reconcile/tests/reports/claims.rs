//! A list of claims: one verdict with evidence for each line.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::collections::BTreeMap;

use crate::common::{AT, held, record, refunded, validation};
use postback_core::{
    clock::Timestamp,
    delivery::{AttemptRecord, History, Proof, Record},
    redaction::Reason,
};
use postback_reconcile::{
    claims::{Answer, Claim, Known, Verdict, answer, counts, load, load_by},
    format::Format,
    source::Source,
    understand::Hints,
};
use serde_json::json;

const LIST: &str = "\
Order No;Member;Purchase Date;Amount;Currency
SAME;m1;10.11.2026;10,00;MYR
MORE;m1;10.11.2026;12,00;MYR
HELD;m2;10.11.2026;10,00;MYR
REFUSED;m3;10.11.2026;10,00;MYR
CLICK;m4;10.11.2026;10,00;MYR
USED;m5;10.11.2026;10,00;MYR
ELSEWHERE;m5;10.11.2026;10,00;MYR
BACK;m6;20.11.2026;10,00;MYR
WAITING;m6;20.11.2026;10,00;MYR
NEVER;m7;10.11.2026;10,00;MYR
OLD;m8;10.10.2024;10,00;MYR
;m9;10.11.2026;10,00;MYR
";

/// Attempts that ended in these states, with the time and the reason of each.
fn attempts(ends: &[(&str, &str, Option<&str>)]) -> History<AttemptRecord> {
    let mut entries = Vec::new();
    for (number, (state, at, reason)) in (1..).zip(ends) {
        let end = json!({ "number": number, "started_at": at, "state": state, "reason": reason });
        entries.push(end);
    }
    serde_json::from_value(json!({ "entries": entries })).expect("attempts")
}

fn known() -> BTreeMap<&'static str, Known> {
    let of = |record| Known { records: vec![record], unclaimed: None };
    let delivered = |order: &str| record(order, "delivered", "10", AT);
    let mut refused = record("REFUSED", "rejected", "10", AT);
    refused.protocol.reason = Some(Reason::new("invalid_click"));
    refused.attempts = attempts(&[("rejected", AT, Some("invalid_click"))]);
    let mut used = record("USED", "rejected", "10", AT);
    used.protocol.reason = Some(Reason::new("click_used"));
    let mut elsewhere = delivered("ELSEWHERE");
    "another".clone_into(&mut elsewhere.delivery);
    let mut back = delivered("BACK");
    let cancelled = json!({ "at": "2026-11-21T00:00:00Z" });
    back.protocol.cancelled = Some(serde_json::from_value(cancelled).expect("one"));
    let unclaimed = Timestamp::parse(AT).expect("a time");
    BTreeMap::from([
        ("SAME", of(delivered("SAME"))),
        ("MORE", of(delivered("MORE"))),
        ("HELD", of(held("HELD", AT))),
        ("REFUSED", of(refused)),
        ("CLICK", Known { records: Vec::new(), unclaimed: Some((unclaimed, Vec::new())) }),
        ("USED", of(used)),
        ("ELSEWHERE", of(elsewhere)),
        ("BACK", of(back)),
        ("WAITING", of(record("WAITING", "retrying", "10", AT))),
    ])
}

#[test]
fn each_line_of_a_list_has_one_verdict_with_evidence() {
    let claims = load(Source::Bytes(LIST.as_bytes().into()), &Hints::default()).expect("claims");
    let known = known();
    let now = Timestamp::parse("2026-12-01T00:00:00Z").expect("a time");

    let answers: Vec<_> = claims
        .iter()
        .map(|claim| {
            let known = known.get(claim.order_id.as_str()).cloned().unwrap_or_default();
            answer(claim, "net", &known, now)
        })
        .collect();

    let verdicts: Vec<_> =
        answers.iter().map(|answer| (answer.order_id.as_str(), answer.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            ("SAME", Verdict::Reported),
            ("MORE", Verdict::OtherAmount),
            ("HELD", Verdict::Held),
            ("REFUSED", Verdict::Refused),
            ("CLICK", Verdict::NoClick),
            ("USED", Verdict::ClickUsed),
            ("ELSEWHERE", Verdict::NoClick),
            ("BACK", Verdict::Cancelled),
            ("WAITING", Verdict::Open),
            ("NEVER", Verdict::Unknown),
            ("OLD", Verdict::OutsideRetention),
            ("", Verdict::Unreadable),
        ]
    );
    assert_eq!(
        answers[0].evidence,
        "Reported on 2026-11-10T10:00:00Z; the network's word: response."
    );
    assert!(answers[1].evidence.ends_with("The order's amount is 10 MYR."));
    assert_eq!(answers[3].evidence, "The network refused it: invalid_click.");
    assert_eq!((answers[3].amount.as_str(), answers[3].reported_at), ("", None));
    assert_eq!(answers[7].evidence, "Cancelled or refunded on 2026-11-21T00:00:00Z.");
    assert_eq!(counts(&answers)[&Verdict::NoClick], 2);
}

/// The answer to a claim of this amount about the order of these records.
fn answered(records: Vec<Record>, claimed: &str) -> Answer {
    let claim = Claim {
        order_id: records[0].order_id.clone(),
        amount: claimed.parse().ok(),
        currency: Some("MYR"),
        ..Claim::default()
    };
    let now = Timestamp::parse("2026-12-01T00:00:00Z").expect("a time");
    answer(&claim, "net", &Known { records, unclaimed: None }, now)
}

#[test]
fn what_was_validated_and_refunded_is_evidence_and_no_delivery_of_its_own() {
    let delivered = |order: &str| record(order, "delivered", "10", AT);
    let waiting = validation("A-1", "retrying", ("approved", "10"));
    let whole = answered(vec![delivered("A-1"), waiting], "10");
    assert_eq!((whole.verdict, whole.amount.as_str()), (Verdict::Reported, "10"), "{whole:?}");

    let called = refunded(validation("A-2", "delivered", ("approved", "8")), &[("r-1", "2")]);
    let part = |claimed| answered(vec![delivered("A-2"), called.clone()], claimed);
    let less = part("8");
    assert_eq!(less.verdict, Verdict::Reported, "{less:?}");
    assert!(less.evidence.contains(": approved 8. 2 MYR were refunded, last on 2026-11-18"));
    assert_eq!(part("10").verdict, Verdict::OtherAmount);
    assert!(part("10").evidence.ends_with("The order's amount is 8 MYR."));

    let all = refunded(delivered("A-3"), &[("r-1", "4"), ("r-2", "6")]);
    let all = answered(vec![all], "10");
    assert_eq!(all.verdict, Verdict::Cancelled, "{all:?}");
    assert!(all.evidence.ends_with("All of it was refunded, last on 2026-11-18T00:00:00Z."));
}

#[test]
fn the_evidence_is_about_the_attempt_that_the_network_took() {
    let (first, second) = ("2026-11-10T10:00:00Z", "2026-11-11T10:00:00Z");
    let mut record = record("A-1", "delivered", "10", AT);
    record.attempts = attempts(&[("retrying", first, None), ("delivered", second, None)]);

    let answer = answered(vec![record.clone()], "10");

    assert_eq!(answer.reported_at, Timestamp::parse(second));
    let text = format!("Reported on {second}; the network's word: response.");
    assert_eq!(answer.evidence, text);
    // Its "duplicate" is its word about an earlier one.
    record.protocol.proof = Some(Proof::Duplicate);
    record.attempts = attempts(&[("unconfirmed", first, None), ("delivered", second, None)]);
    let answer = answered(vec![record.clone()], "10");
    assert_eq!(answer.reported_at, Timestamp::parse(first));
    assert!(answer.evidence.starts_with(&format!("Reported on {first}; ")), "{answer:?}");
    // A person's word is not the network's.
    record.protocol.proof = Some(Proof::Operator);
    let decision = json!({ "entries": [{
        "version": 2, "at": "2026-11-12T00:00:00Z", "attempt": 1, "decision": "confirm",
        "by": "ann", "why": "listed", "evidence": "ab",
    }] });
    record.decisions = serde_json::from_value(decision).expect("a decision");
    let text = format!(
        "Sent on {first}; a person confirmed on 2026-11-12T00:00:00Z that the network has it, by \
         the network's report."
    );
    assert_eq!(answered(vec![record], "10").evidence, text);
}

#[test]
fn what_is_refused_here_is_no_refusal_of_the_network() {
    let refused = |ends: &[(&str, &str, Option<&str>)]| {
        let mut record = record("A-1", "rejected", "10", AT);
        record.protocol.reason = Some(Reason::new("no_amount"));
        record.attempts = attempts(ends);
        answered(vec![record], "10").evidence
    };

    let here = "It was not reported: no_amount.";
    assert_eq!(refused(&[("retrying", AT, Some("connection_failed"))]), here);
    assert_eq!(refused(&[("rejected", AT, Some("invalid_click"))]), here);
    let there = "The network refused it: no_amount.";
    assert_eq!(refused(&[("rejected", AT, Some("no_amount"))]), there);
}

#[test]
fn a_line_that_is_not_reported_takes_the_others_not_away() {
    let line = |id: &str, state: &str, amount: &str| {
        let mut line = record("A-1", state, amount, AT);
        line.delivery = format!("net#{id}");
        line
    };
    let mut refused = line("1", "rejected", "4");
    refused.protocol.reason = Some(Reason::new("invalid_click"));
    let mut back = line("3", "delivered", "7");
    let cancelled = json!({ "at": "2026-11-21T00:00:00Z" });
    back.protocol.cancelled = Some(serde_json::from_value(cancelled).expect("one"));
    let lines = vec![refused.clone(), line("2", "delivered", "10"), back.clone()];

    let answer = answered(lines.clone(), "10");

    assert_eq!((answer.verdict, answer.amount.as_str()), (Verdict::Reported, "10"), "{answer:?}");
    let apart = " Without line 1, rejected: invalid_click. Without line 3, cancelled.";
    assert!(answer.evidence.ends_with(apart), "{answer:?}");
    assert_eq!(answered(lines.clone(), "21").verdict, Verdict::OtherAmount);
    // What is not settled comes first, and what none of the lines has is said of the order.
    let held = [lines, vec![line("4", "sending", "1")]].concat();
    assert_eq!(answered(held, "10").verdict, Verdict::Open);
    assert_eq!(answered(vec![refused, line("2", "skipped", "6")], "10").verdict, Verdict::Refused);
    assert_eq!(answered(vec![back], "7").verdict, Verdict::Cancelled);
}

#[test]
fn an_id_that_a_spreadsheet_changed_is_not_denied() {
    let verdict = |order_id: &str| {
        let claim = Claim { order_id: order_id.to_owned(), ..Claim::default() };
        let now = Timestamp::parse("2026-12-01T00:00:00Z").expect("a time");
        answer(&claim, "net", &Known::default(), now).verdict
    };

    for damaged in ["1.23457E+14", "1e5", "123.0", "123.00", "1234567890123450"] {
        assert_eq!(verdict(damaged), Verdict::Unreadable, "{damaged}");
    }
    for whole in ["123", "123.5", "123456789012340", "1234567890123456", "A-1.0", "E5", "NEVER"] {
        assert_eq!(verdict(whole), Verdict::Unknown, "{whole}");
    }
    // One that the ledger holds is not damaged.
    assert_eq!(
        answered(vec![record("1e5", "delivered", "10", AT)], "10").verdict,
        Verdict::Reported
    );
}

#[test]
fn a_list_is_read_by_a_format_of_its_own() {
    let list = || Source::Bytes(b"Bestellung,Betrag\nA-1,10.00\n".as_slice().into());
    let own = "title = \"own\"\n[columns]\norder = [\"bestellung\"]\namount = [\"betrag\"]\n";
    let own = Format::parse("own", own).expect("a format");

    let claims = load_by(list(), own, &Hints::default()).expect("claims");

    assert_eq!((claims.len(), claims[0].order_id.as_str()), (1, "A-1"));
    assert_eq!(claims[0].amount.map(|amount| amount.to_string()).as_deref(), Some("10"));
    assert!(load(list(), &Hints::default()).is_err());
}
