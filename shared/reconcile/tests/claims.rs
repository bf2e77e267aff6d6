//! A list of claims: one verdict with evidence for each line.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

mod common;

use std::collections::BTreeMap;

use common::{AT, held, record, refunded, validation};
use postback_core::{clock::Timestamp, redaction::Reason};
use postback_reconcile::{
    claims::{Known, Verdict, answer, counts, read},
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

fn known() -> BTreeMap<&'static str, Known> {
    let of = |record| Known { records: vec![record], unclaimed: None };
    let delivered = |order: &str| record(order, "delivered", "10", AT);
    let mut refused = record("REFUSED", "rejected", "10", AT);
    refused.protocol.reason = Some(Reason::new("invalid_click"));
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
    let claims = read(Source::Bytes(LIST.as_bytes().into()), &Hints::default()).expect("claims");
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
    assert!(answers[3].evidence.contains("invalid_click"));
    assert_eq!(answers[7].evidence, "Cancelled or refunded on 2026-11-21T00:00:00Z.");
    assert_eq!(counts(&answers)[&Verdict::NoClick], 2);
}

#[test]
fn what_was_validated_and_refunded_is_evidence_and_no_delivery_of_its_own() {
    let delivered = |order: &str| record(order, "delivered", "10", AT);
    let answered = |records: Vec<postback_core::delivery::Record>, claimed: &str| {
        let claim = postback_reconcile::claims::Claim {
            order_id: records[0].order_id.clone(),
            amount: claimed.parse().ok(),
            currency: Some("MYR"),
            ..Default::default()
        };
        let now = Timestamp::parse("2026-12-01T00:00:00Z").expect("a time");
        answer(&claim, "net", &Known { records, unclaimed: None }, now)
    };

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
