//! The workbook as a network's script reads it: every sheet, the header somewhere at the top, ids that
//! go through floats, dates that are dropped where they can't be read, and sums over lines.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{collections::BTreeMap, io::Cursor};

use crate::common::conversions::{DAYS_30, conversion, decide, instant, line, october};
use calamine::{Data, Reader, Xlsx};
use postback_core::{clock::Timestamp, delivery::Record};
use postback_reconcile::{month::Decided, workbook::workbook};
use rust_decimal::Decimal;
use serde_json::json;

const NOW: &str = "2026-12-20T00:00:00Z";

/// A pending conversion at the network, and what the file makes of it.
#[derive(Clone, Debug)]
struct Pending {
    order_id: String,
    sub: String,
    amount: Decimal,
    at: Timestamp,
    decided: Option<(String, Decimal)>,
}

/// A row as the script understands it.
struct Row {
    order_id: String,
    sub: Option<String>,
    amount: Decimal,
    at: Timestamp,
    status: String,
}

/// The counts of what the script decided by itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Own {
    dropped: usize,
    created: usize,
    by_default: usize,
    by_sums: usize,
}

/// `str(int(float(x)))`, where that works.
fn through_float(id: &str) -> String {
    match id.parse::<f64>() {
        Ok(number) if number.is_finite() => format!("{:.0}", number.trunc()),
        _ => id.to_owned(),
    }
}

fn open(bytes: &[u8]) -> Xlsx<Cursor<&[u8]>> {
    Xlsx::new(Cursor::new(bytes)).expect("a workbook")
}

/// The rows of all sheets, and the number of those that are dropped.
fn rows(bytes: &[u8]) -> (Vec<Row>, usize) {
    let (mut book, mut found, mut dropped) = (open(bytes), Vec::new(), 0);
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).expect("a sheet");
        let mut lines = range.rows();
        let texts = |row: &[Data]| row.iter().map(ToString::to_string).collect::<Vec<_>>();
        let Some(header) =
            lines.by_ref().take(15).map(texts).find(|it| it.contains(&"order id".into()))
        else {
            continue;
        };
        for row in lines {
            let cell = |name: &str| {
                let column = header.iter().position(|heading| heading == name)?;
                row.get(column).map(ToString::to_string)
            };
            let text = |name: &str| cell(name).expect(name);
            let Some(at) = Timestamp::parse(&format!("{}Z", text("date"))) else {
                dropped += 1;
                continue;
            };
            found.push(Row {
                order_id: through_float(&text("order id")),
                sub: cell("sub_id_2").filter(|sub| !sub.is_empty()).map(|sub| through_float(&sub)),
                amount: text("amount").parse().expect("an amount"),
                at,
                status: text("status"),
            });
        }
    }
    (found, dropped)
}

/// Approves those lines whose sum is the amount, and rejects the others.
fn by_sums(lines: &mut [&mut Pending], amount: Decimal) {
    let sum = |lines: &[&mut Pending], chosen: u32| -> Decimal {
        lines
            .iter()
            .enumerate()
            .filter(|(n, _)| chosen >> n & 1 == 1)
            .map(|(_, it)| it.amount)
            .sum()
    };
    let chosen = (0..1 << lines.len()).find(|chosen| sum(lines, *chosen) == amount).unwrap_or(0);
    for (n, line) in lines.iter_mut().enumerate() {
        let status = if chosen >> n & 1 == 1 { "approved" } else { "rejected" };
        line.decided = Some((status.to_owned(), line.amount));
    }
}

/// The script: decides about what is pending by the file.
fn validate(bytes: &[u8], pending: &mut [Pending]) -> Own {
    let (rows, dropped) = rows(bytes);
    let mut own = Own { dropped, ..Own::default() };
    let end = rows.iter().map(|row| row.at).max();
    for row in rows {
        let is_it = |it: &&mut Pending| {
            it.order_id == row.order_id && row.sub.as_ref().is_none_or(|sub| *sub == it.sub)
        };
        let mut lines: Vec<_> = pending.iter_mut().filter(is_it).collect();
        match lines.as_mut_slice() {
            [] => own.created += 1,
            [line] => line.decided = Some((row.status, row.amount)),
            lines => {
                own.by_sums += 1;
                by_sums(lines, row.amount);
            }
        }
    }
    for missing in pending.iter_mut().filter(|it| it.decided.is_none() && Some(it.at) <= end) {
        missing.decided = Some(("approved".to_owned(), missing.amount));
        own.by_default += 1;
    }
    own
}

/// What the network holds of these records, all of it pending.
fn pending(records: &[Record]) -> Vec<Pending> {
    let of = |record: &Record| {
        let reported = record.protocol.reported.as_ref().expect("a report");
        Pending {
            order_id: reported.ids["reference"].clone(),
            sub: reported.ids.get("sub_id_2").cloned().unwrap_or_default(),
            amount: reported.amount,
            at: reported.completed_at,
            decided: None,
        }
    };
    records.iter().map(of).collect()
}

fn month(records: &[Record]) -> (Decided, Vec<u8>) {
    // What a workbook validates has its return period in the ledger.
    let is_kept = |record: &Record| {
        record.protocol.reported.as_ref().is_some_and(|it| it.workbook_days.is_some())
    };
    let given = (!records.iter().all(is_kept)).then_some(DAYS_30);
    let decided = decide(records, given, NOW);
    assert_eq!(decided.in_the_way, []);
    let bytes = workbook(&decided.conversions, &october(), instant(NOW)).expect("a workbook");
    (decided, bytes)
}

/// A month with whole and part refunds, cancellations, lines, and ids that begin like a formula.
fn october_of_a_shop() -> Vec<Record> {
    let refund = |amount: &str| json!({ "refunds": { "r1": { "amount": amount } } });
    let at = "2026-10-07T08:00:00Z";
    vec![
        conversion("A-1", "2026-10-01T00:00:00Z", json!({})),
        conversion("A-2", "2026-10-02T10:00:00Z", refund("40.25")),
        conversion("A-3", "2026-10-03T10:00:00Z", json!({ "cancelled": { "at": at } })),
        line("B-1", Some("1"), "10", at, refund("10")),
        line("B-1", Some("2"), "20", at, json!({})),
        // The smaller amount is the sum of two other lines: no hint to a reader who adds up.
        line("B-1", Some("3"), "45.75", at, refund("15.75")),
        conversion("=cmd()", "2026-10-08T10:00:00Z", json!({})),
        conversion("+1-2", "2026-10-08T10:00:00Z", json!({})),
        conversion("4711", "2026-10-31T23:59:59Z", json!({})),
    ]
}

#[test]
fn nothing_changes_on_its_way_through_a_lossy_reader() {
    let mut records = october_of_a_shop();
    records.push(conversion("A-9", "2026-11-01T00:00:00Z", json!({})));
    nothing_changes(&records);
    // The same of a shop without the network's API: what it reported is kept, and nothing is called.
    for record in &mut records {
        let reported = record.protocol.reported.as_mut().expect("a report");
        reported.workbook_days = Some(45);
        assert!(!record.wants_validation());
    }
    let early = decide(&records, None, "2026-11-18T00:00:00Z");
    assert!(early.in_the_way.iter().any(|it| it.reason == "return_period"), "{early:?}");
    nothing_changes(&records);
}

/// Has the script read the workbook of these conversions, all but the last of which are of October.
fn nothing_changes(records: &[Record]) {
    let (decided, bytes) = month(records);
    let mut there = pending(records);

    let own = validate(&bytes, &mut there);

    assert_eq!(own, Own::default());
    let said = decided.conversions.iter().map(|it| {
        let sub = it.ids.get("sub_id_2").cloned().unwrap_or_default();
        ((it.order_id.clone(), sub), (it.status.as_str().to_owned(), it.amount))
    });
    let said: BTreeMap<_, _> = said.collect();
    assert_eq!(said.len(), records.len() - 1);
    for Pending { order_id, sub, decided, .. } in there {
        let key = (order_id, sub);
        assert_eq!(decided.as_ref(), said.get(&key), "{key:?}");
    }
    let amount = |order: &str, sub: &str| said[&(order.to_owned(), sub.to_owned())].clone();
    let text = |(status, amount): (String, Decimal)| format!("{status} {amount}");
    assert_eq!(text(amount("A-2", "")), "approved 60.25");
    assert_eq!(text(amount("A-3", "")), "rejected 100.50");
    assert_eq!(text(amount("B-1", "3")), "approved 30.00");
}

#[test]
fn the_sheet_has_texts_and_plain_numbers_in_order() {
    let mut records = october_of_a_shop();
    records.reverse();
    let (_, bytes) = month(&records);
    let (_, again) = month(&october_of_a_shop());
    let mut book = open(&bytes);

    assert_eq!(bytes, again);
    assert_eq!(book.sheet_names(), ["conversions"]);
    let formulas = book.worksheet_formula("conversions").expect("formulas");
    assert!(formulas.rows().flatten().all(String::is_empty));
    let range = book.worksheet_range("conversions").expect("a sheet");
    let header: Vec<_> =
        range.rows().next().expect("a header").iter().map(Data::to_string).collect();
    assert_eq!(header, ["order id", "sub_id_2", "amount", "currency", "date", "zone", "status"]);
    assert_eq!(range.start(), Some((0, 0)));
    let text = |text: &str| Data::String(text.to_owned());
    let last = range.rows().next_back().expect("a row");
    assert_eq!((&last[0], &last[1]), (&text("4711"), &Data::Empty));
    assert_eq!((&last[2], &last[3]), (&Data::Float(100.5), &text("EUR")));
    assert_eq!((&last[4], &last[5]), (&text("2026-10-31T23:59:59"), &text("+00:00")));
    let orders: Vec<_> = range.rows().skip(1).map(|row| row[0].to_string()).collect();
    assert_eq!(orders[..3], ["A-1", "A-2", "A-3"]);
    assert!(orders.contains(&"=cmd()".to_owned()) && orders.contains(&"+1-2".to_owned()));
}

#[test]
fn an_amount_that_a_spreadsheet_would_round_is_a_text() {
    let at = "2026-10-07T08:00:00Z";
    let (_, bytes) = month(&[line("A-1", None, "12345678901234.56", at, json!({}))]);

    let range = open(&bytes).worksheet_range("conversions").expect("a sheet");

    assert_eq!(range.get((1, 1)), Some(&Data::String("12345678901234.56".to_owned())));
}

#[test]
fn the_ids_that_a_lossy_reader_changes_are_named() {
    let ids =
        ["00123", "123", "1e5", "12345678901234567890", "123456789012345", "A-1", "12.0", "0x1f"];
    let at = "2026-10-07T08:00:00Z";
    let records: Vec<_> = ids.iter().map(|id| conversion(id, at, json!({}))).collect();
    let (decided, bytes) = month(&records);

    let named: Vec<_> = decided.warnings.iter().map(|it| it.order_id.as_str()).collect();

    assert_eq!(named, ["00123", "12.0", "12345678901234567890", "1e5"]);
    // Those are not found by such a reader; the others are.
    let own = validate(&bytes, &mut pending(&records));
    assert_eq!(own.by_default, named.len());
}
