//! Files as they come, made by hand in `files`: each is read right, or refused by name.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{fs, path::Path};

use crate::common::{compared, generic, record, understand};
use postback_reconcile::{
    DateOrder,
    fault::Fault,
    format::{Format, Role, Status},
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use proptest::prelude::*;

fn bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
    fs::read(path).expect("a file")
}

fn understand_file(name: &str, hints: &Hints) -> Result<Report, Fault> {
    understand(&bytes(name), hints)
}

fn sum(report: &Report, currency: &str) -> String {
    report.understood.sums.get(currency).normalize().to_string()
}

/// The report of two lines that most files hold: 1,234.50 and 12.00 MYR at 10 and 11 o'clock.
fn is_the_usual(report: &Report, name: &str) {
    let understood = &report.understood;
    assert_eq!((understood.lines, understood.unreadable), (2, 0), "{name}: {understood:?}");
    assert_eq!(sum(report, "MYR"), "1246.5", "{name}");
    let from = understood.from.map(|at| at.to_string());
    assert_eq!(from.as_deref(), Some("2018-11-30T10:00:00Z"), "{name}");
    let statuses: Vec<_> =
        understood.statuses.iter().map(|(word, n)| (word.as_str(), *n)).collect();
    assert_eq!(statuses, [("approved", 1), ("pending", 1)], "{name}");
}

#[test]
fn encodings_delimiters_and_headers_are_found() {
    for name in [
        "utf8.csv",
        "utf8_bom.csv",
        "utf16le.csv",
        "utf16le_without_bom.csv",
        "sep_line.csv",
        "tabs.csv",
        "header_below.csv",
        "totals_row.csv",
        "one_sheet.xlsx",
    ] {
        let report = understand_file(name, &Hints::default()).expect(name);
        is_the_usual(&report, name);
    }
    let below = understand_file("header_below.csv", &Hints::default()).expect("a report");
    assert_eq!(below.understood.header_line, 4);
    let text = String::from_utf8(bytes("unreadable_lines.csv")).expect("text");
    for text in [text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
        let report = understand(text.as_bytes(), &Hints::default()).expect("a report");
        let lines: Vec<_> = report.understood.faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6], "{text:?}");
    }
    let total = understand_file("totals_row.csv", &Hints::default()).expect("a report").understood;
    assert_eq!((total.total.as_deref(), total.warnings.len()), (Some("1246.5"), 0));
    let wrong =
        understand_file("wrong_totals_row.csv", &Hints::default()).expect("a report").understood;
    assert!(wrong.warnings[0].contains("another sum"), "{:?}", wrong.warnings);
}

/// A format of one's own, in the language of the report.
fn own(columns: &[(Role, &str)], status: &[(Status, &str)]) -> Format {
    let mut format = generic();
    format.totals.push("итого".to_owned());
    format.columns = columns.iter().map(|(role, name)| (*role, vec![(*name).to_owned()])).collect();
    format.status =
        status.iter().map(|(status, word)| (*status, vec![(*word).to_owned()])).collect();
    format
}

/// The formats of reports in other languages, by their file, with the encoding.
fn of_other_languages() -> [(&'static str, &'static str, Format); 3] {
    let roles = [Role::Order, Role::Date, Role::Status, Role::Amount, Role::Currency];
    let statuses = [Status::Approved, Status::Pending];
    let own = |names: [&'static str; 5], words: [&'static str; 2]| {
        let columns: Vec<_> = roles.into_iter().zip(names).collect();
        let words: Vec<_> = statuses.into_iter().zip(words).collect();
        own(&columns, &words)
    };
    let japanese = own(["注文番号", "日付", "状態", "金額", "通貨"], ["承認", "保留"]);
    let russian =
        own(["Номер заказа", "Дата", "Статус", "Сумма", "Валюта"], ["одобрено", "ожидает"]);
    let german =
        own(["Bestellnummer", "Datum", "Status", "Betrag", "Währung"], ["bestätigt", "offen"]);
    [
        ("shift_jis.csv", "shift_jis", japanese),
        ("windows_1251.csv", "windows-1251", russian),
        ("windows_1252.csv", "windows-1252", german),
    ]
}

#[test]
fn an_encoding_that_nothing_names_is_asked_for_and_then_read() {
    for (name, encoding, format) in of_other_languages() {
        let source = || Source::Bytes(bytes(name).into());
        let refused = Report::understand(source(), format.clone(), &Hints::default());
        assert_eq!(refused.err(), Some(Fault::UnknownEncoding), "{name}");
        let hints = Hints { encoding: Some(encoding.to_owned()), ..Hints::default() };

        let report = Report::understand(source(), format.clone(), &hints).expect(name);

        is_the_usual(&report, name);
        let of_format = Format { encoding: Some(encoding.to_owned()), ..format };
        let report = Report::understand(source(), of_format, &Hints::default()).expect(name);
        is_the_usual(&report, name);
    }
}

#[test]
fn amounts_are_read_by_the_sign_of_the_whole_file_or_asked_for() {
    let report = understand_file("amounts.csv", &Hints::default()).expect("a report");
    // The last is negative.
    assert_eq!(sum(&report, "MYR"), "1234.5");

    let ambiguous = understand_file("ambiguous_amounts.csv", &Hints::default()).err();
    assert_eq!(ambiguous, Some(Fault::AmbiguousAmounts("1.234".to_owned())));
    let with = |decimal| Hints { decimal: Some(decimal), ..Hints::default() };
    let sum_with = |decimal| {
        sum(&understand_file("ambiguous_amounts.csv", &with(decimal)).expect("a report"), "-")
    };
    assert_eq!((sum_with('.').as_str(), sum_with(',').as_str()), ("3.734", "3734"));
    let mixed = understand_file("mixed_amounts.csv", &Hints::default()).err();
    assert!(matches!(mixed, Some(Fault::MixedAmounts(_))), "{mixed:?}");
    let given = understand_file("mixed_amounts.csv", &with(',')).expect("a report").understood;
    assert_eq!(given.faults, [(3, "an amount that is none")]);
}

#[test]
fn dates_are_read_by_the_order_of_the_whole_file_or_asked_for() {
    let us = understand_file("us_dates.csv", &Hints::default()).expect("a report");
    assert_eq!(us.understood.dates, Some(DateOrder::Mdy));
    let to = us.understood.to.map(|at| at.to_string());
    assert_eq!(to.as_deref(), Some("2018-12-01T23:00:00Z"));

    let refused = understand_file("ambiguous_dates.csv", &Hints::default()).err();
    assert_eq!(refused, Some(Fault::AmbiguousDates("03/04/2018".to_owned())));
    let hints = Hints { dates: Some(DateOrder::Dmy), ..Hints::default() };
    let given = understand_file("ambiguous_dates.csv", &hints).expect("a report").understood;
    assert_eq!(given.from.map(|at| at.to_string()).as_deref(), Some("2018-04-03T00:00:00Z"));
    let mixed = understand_file("mixed_dates.csv", &Hints::default()).err();
    assert!(matches!(mixed, Some(Fault::MixedDates(_))), "{mixed:?}");
    is_the_usual(
        &understand_file("serial_dates.csv", &Hints::default()).expect("a report"),
        "serial dates",
    );
}

#[test]
fn damaged_ids_find_their_orders_or_none() {
    let at = "2018-11-30T10:00:00Z";
    let records = [
        record("00123", "delivered", "1234.5", at),
        record("123456789012345", "delivered", "1", at),
        record("00456", "delivered", "12", at),
        record("00789", "delivered", "12", at),
    ];
    let report = understand_file("ids.csv", &Hints::default()).expect("a report");

    let found = compared(&report, &records, &Shop::none(), &generic()).expect("a comparison");

    for id in ["00123", "123456789012345", "00456", "00789"] {
        assert_eq!(found.bucket(id), ("matched", ""), "{id}: {}", found.lines);
    }
    assert_eq!(found.outcome.matched_by["order id, damaged by a spreadsheet"], 2);

    // Of two orders that it could be, it is neither.
    let twin = [records.as_slice(), &[record("123457000000000", "delivered", "1", at)]].concat();
    let found = compared(&report, &twin, &Shop::none(), &generic()).expect("a comparison");
    let row = found.bucket("1.23457E+14");
    assert_eq!(row, ("unreadable", "its id is damaged and fits several orders"));

    let report = understand_file("damaged_ids.xlsx", &Hints::default()).expect("a report");
    let records = [
        record("00123", "delivered", "1234.5", at),
        record("12345678901234567890", "delivered", "12", at),
    ];
    let found = compared(&report, &records, &Shop::none(), &generic()).expect("a comparison");
    assert_eq!(found.bucket("12345678901234567890"), ("matched", ""), "{}", found.lines);
}

#[test]
fn two_sheets_are_asked_about() {
    let several = understand_file("two_sheets.xlsx", &Hints::default()).err();
    assert_eq!(several, Some(Fault::SeveralSheets("November, October".to_owned())));
    let with = |sheet: &str| Hints { sheet: Some(sheet.to_owned()), ..Hints::default() };
    is_the_usual(
        &understand_file("two_sheets.xlsx", &with("November")).expect("a report"),
        "November",
    );
    let missing = understand_file("two_sheets.xlsx", &with("May")).err();
    assert_eq!(missing, Some(Fault::NoSheet("November, October".to_owned())));
}

#[test]
fn unreadable_lines_are_named_and_get_no_action() {
    let report = understand_file("unreadable_lines.csv", &Hints::default()).expect("a report");

    let faults = &report.understood.faults;
    assert_eq!(
        faults.as_slice(),
        [
            (3, "a date that is none"),
            (4, "another number of cells than the header"),
            (5, "a status that the format does not name"),
            (6, "no id"),
        ]
    );
    let at = "2018-11-30T10:00:00Z";
    let records = [
        record("00123", "delivered", "1234.5", at),
        record("A-2", "unconfirmed", "12", "2018-11-01T10:00:00Z"),
    ];
    let found = compared(&report, &records, &Shop::none(), &generic()).expect("a comparison");
    assert_eq!(found.bucket("A-2").0, "unreadable");
    assert_eq!(found.outcome.decisions.all(), 0, "{}", found.decisions);
}

#[test]
fn no_cell_that_is_written_is_run_by_a_spreadsheet() {
    let report = understand_file("formulas.csv", &Hints::default()).expect("a report");
    let records = [record("@cmd", "delivered", "12", "2018-11-30T10:00:00Z")];

    let found = compared(&report, &records, &Shop::none(), &generic()).expect("a comparison");

    for file in [&found.lines, &found.disputes, &found.decisions] {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_bytes());
        for row in reader.records() {
            for cell in &row.expect("a row") {
                assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
            }
        }
    }
    assert!(found.lines.contains("'@cmd") && found.lines.contains("(12)"), "{}", found.lines);
}

#[test]
fn what_is_no_report_is_refused_by_name() {
    let code =
        |name: &str| understand_file(name, &Hints::default()).err().map(|fault| fault.code());

    assert_eq!(code("web_page.xls"), Some("unreadable_file"));
    assert_eq!(code("another_networks.csv"), Some("no_header"));
    assert_eq!(code("no_lines.csv"), Some("empty_report"));
    let report = understand_file("utf8.csv", &Hints::default()).expect("a report");
    let others = [record("Z-1", "delivered", "1", "2018-11-30T10:00:00Z")];
    let foreign = compared(&report, &others, &Shop::none(), &generic()).err();
    assert!(matches!(foreign, Some(Fault::Foreign { lines: 2, .. })), "{foreign:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_any_bytes_in_it_is_read_or_refused(
        file in 0_usize..8,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        more in proptest::collection::vec(any::<char>(), 0..40),
        at in any::<prop::sample::Index>(),
    ) {
        let names = [
            "utf8.csv", "amounts.csv", "us_dates.csv", "ids.csv", "utf16le.csv", "windows_1251.csv",
            "one_sheet.xlsx", "serial_dates.csv",
        ];
        let mut bytes = bytes(names[file]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let more: String = more.into_iter().collect();
        let at = at.index(bytes.len());
        bytes.splice(at..at, more.into_bytes());
        let records = [record("00123", "delivered", "1234.5", "2018-11-30T10:00:00Z")];

        if let Ok(report) = understand(&bytes, &Hints::default()) {
            let _either = compared(&report, &records, &Shop::none(), &generic());
        }
    }
}
