//! The proof that a delivery is not there: whatever speaks against it, nothing is sent again.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::fmt::Write;

use crate::common::{
    AT, Compared, HEADER, compared, compared_between, generic, held, record, report, understand,
};
use postback_core::{clock::Timestamp, delivery::Record};
use postback_reconcile::{
    DateOrder,
    fault::Fault,
    shop::Shop,
    understand::{Hints, Report},
};
use serde_json::json;

/// Three deliveries that arrived and one that is in doubt.
fn records() -> [Record; 4] {
    let [rest, more, late] = ["REST", "MORE", "LATE"].map(|id| record(id, "delivered", "10", AT));
    [rest, more, late, held("HELD", AT)]
}

fn with_report(report: &Report) -> Compared {
    compared(report, &records(), &Shop::none(), &generic()).expect("compared")
}

/// Returns whether a warning holds these words.
fn warns(found: &Compared, words: &str) -> bool {
    found.outcome.warnings.iter().any(|warning| warning.contains(words))
}

#[test]
fn lines_that_may_hide_others_prove_no_absence() {
    let header = "Order ID,Note,Date,Status,Amount,Currency";
    let rest = "REST,,2026-11-01,approved,10,MYR\nMORE,,2026-11-20,pending,10,MYR";
    let late = "2026-11-20,pending,10,MYR";
    let cases = [
        ("whole", format!("{header}\n{rest}\nLATE,,{late}\n"), 1),
        (
            "a quotation mark that another line closes",
            format!("{header}\n{rest}\nLATE,\"x,{late}\nHELD,y\",{late}\n"),
            0,
        ),
        (
            "one that nothing closes",
            format!("{header}\n{rest}\nLATE,\"x,{late}\nHELD,,{late}\n"),
            0,
        ),
        (
            "one in the row of totals",
            format!("{header}\n{rest}\nTotal,\"x\nHELD,y\",,,20,MYR\n"),
            0,
        ),
        (
            "one in the header",
            format!("{}\n{rest}\n", header.replace("Note", "\"Note\nHELD,y\"")),
            0,
        ),
        ("a cell too many", format!("{header}\n{rest}\nLATE,,2026-11-20,pending,1,000,MYR\n"), 0),
    ];
    for (case, text, send_again) in cases {
        let report = understand(text.as_bytes(), &Hints::default()).expect(case);

        let found = with_report(&report);

        assert_eq!(found.outcome.decisions.send_again, send_again, "{case}: {}", found.lines);
        assert_eq!(warns(&found, "can't be read"), send_again == 0, "{case}");
    }
}

#[test]
fn the_first_attempt_counts_as_well_as_the_last() {
    let with = |first: &str, state: &str| {
        let mut twice = held("HELD", AT);
        twice.protocol.attempt = 2;
        twice.attempts = serde_json::from_value(json!({ "entries": [
            { "number": 1, "started_at": first, "state": state },
            { "number": 2, "started_at": "2026-11-01T00:10:00Z", "state": "unconfirmed" },
        ] }))
        .expect("attempts");
        let [rest, more, ..] = records();
        let lines = [("REST", "approved", "10"), ("MORE", "pending", "10")];
        compared(&report(&lines, &generic()), &[rest, more, twice], &Shop::none(), &generic())
            .expect("compared")
    };

    let found = with("2026-10-31T23:59:00Z", "unconfirmed");
    assert_eq!((found.outcome.decisions.all(), found.outcome.left_out), (0, 1), "{}", found.lines);
    // It was certainly not processed.
    let found = with("2026-10-31T23:59:00Z", "retrying");
    assert_eq!(found.outcome.decisions.send_again, 1, "{}", found.lines);
    let found = with("2026-11-01T00:00:00Z", "unconfirmed");
    assert_eq!(found.outcome.decisions.send_again, 1, "{}", found.lines);
}

#[test]
fn a_report_without_pending_lines_may_be_an_invoice_and_says_so() {
    for (status, is_warned) in [("approved", true), ("rejected", true), ("pending", false)] {
        let lines = [("REST", "approved", "10"), ("MORE", status, "10")];

        let found = with_report(&report(&lines, &generic()));

        assert_eq!(found.outcome.decisions.send_again, 1, "{status}");
        assert_eq!(warns(&found, "no pending line"), is_warned, "{status}");
    }
}

#[test]
fn a_report_of_which_less_than_half_is_known_decides_nothing() {
    let lines = [("HELD", "pending", "10"), ("X-1", "approved", "10"), ("X-2", "approved", "10")];

    let found = with_report(&report(&lines, &generic()));
    assert_eq!(found.outcome.decisions.all(), 0, "{}", found.decisions);
    assert!(warns(&found, "1 of 3 lines"), "{:?}", found.outcome.warnings);

    let found = with_report(&report(&lines[..2], &generic()));
    assert_eq!(found.outcome.decisions.delivered, 1, "{}", found.decisions);
}

#[test]
fn the_time_of_a_report_is_that_of_the_lines_that_can_be_read() {
    let text = "Order ID,Date,Status\nREST,2026-11-02,pending\nX-1,2026-10-01,exploded\n\
                MORE,2026-11-20,pending\nX-2,2126-11-20,exploded\n";

    let understood = understand(text.as_bytes(), &Hints::default()).expect("a report").understood;

    let time = understood.from.zip(understood.to).expect("a time");
    assert_eq!(time.0.to_string(), "2026-11-02T00:00:00Z");
    assert_eq!(time.1.to_string(), "2026-11-20T00:00:00Z");
}

#[test]
fn a_year_of_two_digits_may_be_in_front_and_is_asked_for() {
    let text = b"Order ID,Date,Status\nREST,26/11/01,pending\nMORE,26/11/30,pending\n";

    let asked = understand(text, &Hints::default()).err();
    assert_eq!(asked, Some(Fault::AmbiguousDates("26/11/01".to_owned())));
    let hints = Hints { dates: Some(DateOrder::Ymd), ..Hints::default() };
    let from = understand(text, &hints).expect("a report").understood.from;
    assert_eq!(from.map(|at| at.to_string()).as_deref(), Some("2026-11-01T00:00:00Z"));
}

#[test]
fn a_currency_that_is_none_is_refused() {
    let text = b"Order ID,Amount\nREST,10\n";
    let with = |currency: &str| {
        let hints = Hints { currency: Some(currency.to_owned()), ..Hints::default() };
        understand(text, &hints).err().map(|fault| fault.to_string())
    };

    assert_eq!(with("MYR"), None);
    let refused = with("RMB").expect("no currency");
    assert!(refused.contains("--currency") && refused.contains("RMB"), "{refused}");
}

#[test]
fn a_report_that_is_read_in_another_zone_proves_no_absence() {
    // Reported from 01:00 to 05:00 by UTC, and listed by the clocks of Singapore.
    let hours = ["01", "02", "03", "04", "05"];
    let mut records: Vec<_> = hours
        .iter()
        .map(|hour| {
            record(&format!("A-{hour}"), "delivered", "10", &format!("2026-11-10T{hour}:00:07Z"))
        })
        .collect();
    records.push(held("HELD", "2026-11-10T04:30:00Z"));
    let mut text = HEADER.to_owned();
    for (order, hour) in hours.iter().zip(["09", "10", "11", "12", "13"]) {
        writeln!(text, "A-{order},,,2026-11-10 {hour}:00:09,pending,10,MYR").expect("text");
    }
    let read = |zone: Option<&str>| {
        let hints = Hints { zone: zone.map(str::to_owned), ..Hints::default() };
        let report = understand(text.as_bytes(), &hints).expect("a report");
        let between = ["2026-11-10T00:00:00Z", "2026-11-10T14:00:00Z"].map(Timestamp::parse);
        compared_between(between, &report, &records, &Shop::none(), &generic()).expect("compared")
    };

    let by_utc = read(None);
    assert!(warns(&by_utc, "Give --zone +08:00."), "{:?}", by_utc.outcome.warnings);
    assert_eq!(by_utc.outcome.decisions.all(), 0, "{}", by_utc.decisions);
    let by_its_own = read(Some("+08:00"));
    assert!(!warns(&by_its_own, "--zone"), "{:?}", by_its_own.outcome.warnings);
    assert_eq!(by_its_own.outcome.decisions.send_again, 1, "{}", by_its_own.lines);
}
