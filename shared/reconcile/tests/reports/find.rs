//! The delivery that a line belongs to. Nothing is guessed: a wrong one sends an order twice.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::fmt::Write;

use crate::common::{AT, Compared, HEADER, compared, generic, held, record, report};
use postback_core::{delivery::Record, digest::sha256};
use postback_reconcile::{
    format::Format,
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use serde_json::{Value, json};

const SEVERAL: (&str, &str) = ("unreadable", "it fits several deliveries");

/// Compares a text with deliveries.
fn compare(text: &str, records: &[Record], format: &Format) -> Compared {
    let source = Source::Bytes(text.as_bytes().into());
    let report = Report::understand(source, format.clone(), &Hints::default()).expect("a report");
    compared(&report, records, &Shop::none(), format).expect("compared")
}

/// The counts of deliveries that were delivered and of those to send again.
fn decided(found: &Compared) -> (u64, u64) {
    (found.outcome.decisions.delivered, found.outcome.decisions.send_again)
}

/// A line of order A-1 in doubt, with what it was reported with where that is kept.
fn line(place: &str, ids: Option<&[&str; 4]>) -> Record {
    let mut line = held("A-1", AT);
    line.delivery = format!("net#{place}");
    let ids = ids.map(|[category, quantity, sku, total]| {
        json!({
            "adv_sub": "A-1", "adv_sub2": category, "adv_sub3": quantity, "adv_sub4": sku,
            "adv_sub5": total,
        })
    });
    let reported =
        ids.map(|ids| json!({ "amount": "10", "currency": "MYR", "completed_at": AT, "ids": ids }));
    line.protocol.reported = serde_json::from_value(json!(reported)).expect("a report");
    line
}

/// A report by lines, whose further ids are in columns of their own.
const BY_LINES: &str = r#"
title = "conversions"
delay_minutes = 60
facts = ["click"]
[columns]
conversion = ["transaction id"]
order = ["advertiser sub id 1"]
sub = ["advertiser sub id 2", "advertiser sub id 3", "advertiser sub id 4", "advertiser sub id 5"]
date = ["date time"]
status = ["status"]
[status]
pending = ["pending"]
"#;

/// A list of leads, each with its own id and ours.
const LEADS: &str = r#"
title = "leads"
delay_minutes = 2
references = ["lead_id", "our_id"]
[columns]
conversion = ["uid", "lead id"]
order = ["id", "our id"]
date = ["date"]
status = ["stage"]
[status]
approved = ["approve"]
pending = ["wait"]
rejected = ["cancel"]
"#;

/// A report with these lines of order A-1: category, quantity, article, total.
fn lines_of_order(lines: &[[&str; 4]]) -> String {
    let mut text = "Transaction ID,Advertiser Sub ID 1,Advertiser Sub ID 2,Advertiser Sub ID 3,\
                    Advertiser Sub ID 4,Advertiser Sub ID 5,Date / Time,Status\n\
                    C0,REST,,,,,2026-11-01 10:00,pending\nC0,REST-2,,,,,2026-11-20 10:00,pending\n"
        .to_owned();
    for line in lines {
        writeln!(text, "C1,A-1,{},2026-11-20 10:00,pending", line.join(",")).expect("text");
    }
    text
}

#[test]
fn a_quantity_is_no_place_of_a_line() {
    let format = Format::parse("lines", BY_LINES).expect("a format");
    let rest = || ["REST", "REST-2"].map(|order| record(order, "delivered", "10", AT));
    let [one, two] = [["Shoes", "1", "S-1", "30.00"], ["Hats", "1", "S-2", "30.00"]];
    let both = lines_of_order(&[one, two]);

    // Nothing says which is which.
    let of_unknown = [rest().as_slice(), &[line("1", None), line("2", None)]].concat();
    let found = compare(&both, &of_unknown, &format);
    assert_eq!(found.lines.matches("it fits several deliveries").count(), 2, "{}", found.lines);
    assert_eq!(decided(&found), (0, 0), "{}", found.decisions);

    let known = [rest().as_slice(), &[line("1", Some(&one)), line("2", Some(&two))]].concat();
    let found = compare(&both, &known, &format);
    assert_eq!(decided(&found), (2, 0), "{}", found.lines);
    assert!(found.decisions.contains("A-1,net#2,1,delivered,line 5"), "{}", found.decisions);

    // Of the second line alone the first is missing; the total as a spreadsheet writes it.
    let second = lines_of_order(&[["Hats", "1.0", "S-2", "30"]]);
    let found = compare(&second, &known, &format);
    assert!(found.decisions.contains("A-1,net#1,1,send_again,absent"), "{}", found.decisions);
    assert_eq!(decided(&found), (1, 1));

    // A line that is not known could be either.
    let half = [rest().as_slice(), &[line("1", None), line("2", Some(&two))]].concat();
    assert_eq!(decided(&compare(&second, &half, &format)), (0, 0));
    let same = [rest().as_slice(), &[line("1", Some(&two)), line("2", Some(&two))]].concat();
    assert_eq!(decided(&compare(&second, &same, &format)), (0, 0));
}

#[test]
fn a_place_that_no_line_has_fits_none_of_them() {
    let records = [line("1", None), record("REST", "delivered", "10", AT)];
    let text = format!(
        "{HEADER}REST,C0,,2026-11-01,approved,10,MYR\nA-1,C1,7,2026-11-20,pending,10,MYR\n"
    );

    let found = compare(&text, &records, &generic());

    assert_eq!(found.bucket("C1"), SEVERAL, "{}", found.lines);
    assert_eq!(decided(&found), (0, 0));
}

/// A delivery in doubt with references.
fn with_references(order: &str, references: Value) -> Record {
    let mut held = held(order, AT);
    held.references = serde_json::from_value(references).expect("references");
    held
}

#[test]
fn a_lead_is_not_found_by_the_id_of_an_order() {
    let format = Format::parse("leads", LEADS).expect("a format");
    let records = [
        with_references("A-1", json!({ "our_id": "A-1", "lead_id": "55" })),
        with_references("A-2", json!({ "our_id": "A-2" })),
        with_references("12", json!({ "our_id": "12" })),
    ];
    let list = |leads: &[(&str, &str)]| {
        let leads = leads.iter().zip([1, 20, 20]).map(|((id, uid), day)| {
            json!({ "id": id, "uid": uid, "stage": "wait", "date": format!("2026-11-{day:02}") })
        });
        Value::Array(leads.collect()).to_string()
    };

    let found = compare(&list(&[("A-1", "55"), ("A-2", "7"), ("X-9", "12")]), &records, &format);
    assert_eq!(found.bucket("X-9"), ("theirs_only", "unknown_here"), "{}", found.lines);
    assert_eq!(decided(&found), (2, 1), "{}", found.decisions);

    // The lead of one order with the id of another.
    let found = compare(&list(&[("12", "3"), ("A-2", "55")]), &records, &format);
    assert_eq!(found.bucket("55"), SEVERAL, "{}", found.lines);
    assert_eq!(decided(&found), (1, 0), "{}", found.decisions);
}

#[test]
fn a_list_by_our_ids_names_the_orders_by_its_keys() {
    let format = Format::parse("leads", LEADS).expect("a format");
    let records = [held("A-1", AT), held("A 1001", AT)];
    // An id that does not fit there is sent as its digest.
    let list = json!({
        "A-1": { "uid": 7, "stage": "wait", "date": "2026-11-01" },
        "pb-bbd5080ddc9b74dfe2ac52eb2931277e72a57a59": {
            "uid": 8, "stage": "wait", "date": "2026-11-20",
        },
    });

    let found = compare(&list.to_string(), &records, &format);

    assert_eq!(found.bucket("A-1"), ("matched", "held_and_there"), "{}", found.lines);
    assert_eq!(decided(&found), (2, 0), "{}", found.decisions);
}

#[test]
fn an_id_that_lost_digits_finds_its_order_or_could_be_any() {
    let records =
        [held("1234567890123456", AT), held("ABSENT", AT), record("REST", "delivered", "10", AT)];
    let compare = |id: &str| {
        let lines = [("REST", "approved", "10"), (id, "pending", "10")];
        compared(&report(&lines, &generic()), &records, &Shop::none(), &generic())
            .expect("compared")
    };

    // Cut as it was typed, and rounded as a number.
    for id in ["1234567890123450", "1234567890123460", "1.23456789012345E+15"] {
        assert_eq!(decided(&compare(id)), (1, 1), "{id}");
    }
    for id in ["9234567890123450", "9.23457E+15", "9.2E+15"] {
        let found = compare(id);
        let wanted = ("unreadable", "its id seems damaged and fits no order");
        assert_eq!(found.bucket("C1"), wanted, "{id}: {}", found.lines);
        assert_eq!(decided(&found), (0, 0), "{id}");
    }
    assert_eq!(compare("1e9223372036854775807").bucket("C1").0, "theirs_only");
}

#[test]
fn a_number_that_could_be_another_orders_is_no_exact_id() {
    let records = [
        held("00123", AT),
        record("123", "delivered", "10", AT),
        record("REST", "delivered", "10", AT),
    ];
    let compare = |id: &str| {
        let lines = [("REST", "approved", "10"), (id, "pending", "10")];
        compared(&report(&lines, &generic()), &records, &Shop::none(), &generic())
            .expect("compared")
    };

    let found = compare("123");
    let damaged = ("unreadable", "its id is damaged and fits several orders");
    assert_eq!(found.bucket("C1"), damaged, "{}", found.lines);
    assert_eq!(decided(&found), (0, 0), "{}", found.decisions);
    assert_eq!(decided(&compare("00123")), (1, 0));
}

#[test]
fn a_click_of_refused_deliveries_alone_is_theirs() {
    let mut format = generic();
    format.facts = vec!["click".to_owned()];
    let refused = |order: &str| {
        let mut refused = record(order, "rejected", "10", AT);
        let facts = json!({ "amount": "10", "currency": "MYR", "click": sha256("C0", 8) });
        refused.protocol.facts = serde_json::from_value(facts).expect("facts");
        refused
    };
    let text = |order: &str| format!("{HEADER}{order},C0,,2026-11-10,approved,10,MYR\n");

    let one = compare(&text("X-9"), &[refused("A-1")], &format);
    assert_eq!(one.bucket("C0"), ("status_differs", "refused_here_but_there"), "{}", one.lines);
    let both = [refused("A-1"), refused("A-2")];
    assert_eq!(compare(&text("X-9"), &both, &format).bucket("C0"), SEVERAL);
    let found = compare(&text("A-2"), &both, &format);
    assert_eq!(found.bucket("A-2"), ("status_differs", "refused_here_but_there"));
}

#[test]
fn a_conversion_that_nobody_knows_is_doubled_if_all_its_ids_come_again() {
    let text = format!(
        "{HEADER}A-1,C0,,2026-11-01,approved,10,MYR\nX-1,C1,,2026-11-20,approved,10,MYR\n\
         X-2,C1,,2026-11-20,approved,10,MYR\nX-2,C1,,2026-11-20,approved,10,MYR\n"
    );

    let found = compare(&text, &[record("A-1", "delivered", "10", AT)], &generic());

    assert_eq!(found.bucket("X-1"), ("theirs_only", "unknown_here"), "{}", found.lines);
    assert_eq!(found.bucket("X-2"), ("theirs_only", "unknown_here"), "{}", found.lines);
    assert_eq!(found.lines.matches("unknown_here_and_second_line").count(), 1);
}
