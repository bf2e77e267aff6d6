//! What spreadsheets make of a report, beside the files in `files`: cells that were computed, joined,
//! hidden or cut short, and what is left of an id.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::fmt::Write;

use crate::common::{AT, HEADER, compared, generic, held, record, understand};
use postback_reconcile::{
    fault::Fault,
    shop::Shop,
    understand::{Hints, Report},
};
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet, XlsxError};

/// The report in a workbook that is written like this.
fn workbook(write: impl FnOnce(&mut Workbook) -> Result<(), XlsxError>) -> Result<Report, Fault> {
    let mut book = Workbook::new();
    write(&mut book).expect("a workbook");
    understand(&book.save_to_buffer().expect("a workbook"), &Hints::default())
}

/// Adds a sheet of these rows.
fn sheet<'a>(book: &'a mut Workbook, rows: &[[&str; 4]]) -> Result<&'a mut Worksheet, XlsxError> {
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, *cell)?;
        }
    }
    Ok(sheet)
}

const HEADINGS: [&str; 4] = ["Order ID", "Date", "Status", "Amount"];

fn faults(report: &Report) -> Vec<(u64, &'static str)> {
    report.understood.faults.clone()
}

#[test]
fn what_a_cell_shows_counts_and_one_cell_over_two_rows_is_one() {
    let report = workbook(|book| {
        let rows =
            [HEADINGS, ["A-1", "2026-11-01", "approved", ""], ["", "2026-11-20", "approved", "5"]];
        let sheet = sheet(book, &rows)?;
        sheet.write_formula(1, 3, Formula::new("=10+2.5").set_result("12.5"))?;
        sheet.merge_range(1, 0, 2, 0, "A-1", &Format::new())?;
        let day = Format::new().set_num_format("dd.mm.yyyy");
        sheet.write_number_with_format(2, 1, 46_346.0, &day)?;
        Ok(())
    })
    .expect("a report");

    assert_eq!(faults(&report), [(3, "no id")]);
    assert_eq!(report.understood.sums.get("-").normalize().to_string(), "17.5");
    let records = [record("A-1", "delivered", "12.5", AT)];
    let found = compared(&report, &records, &Shop::none(), &generic()).expect("a comparison");
    assert_eq!(found.bucket("A-1"), ("matched", ""), "{}", found.lines);
    let to = report.understood.to.map(|at| at.to_string());
    assert_eq!(to.as_deref(), Some("2026-11-01T00:00:00Z"), "of the lines that can be read");
}

#[test]
fn a_hidden_sheet_is_asked_about_like_any_other() {
    let refused = workbook(|book| {
        sheet(book, &[HEADINGS, ["A-1", "2026-11-01", "approved", "10"]])?;
        sheet(book, &[HEADINGS, ["A-2", "2026-11-01", "approved", "10"]])?.set_hidden(true);
        Ok(())
    });

    assert_eq!(refused.err(), Some(Fault::SeveralSheets("Sheet1, Sheet2".to_owned())));
}

#[test]
fn of_two_columns_with_one_heading_none_is_taken() {
    let line = "A-1,10,2026-11-01,20";
    for again in ["Amount", "AMOUNT", " amount "] {
        let text = format!("Order ID,Amount,Date,{again}\n{line}\n");
        let refused = understand(text.as_bytes(), &Hints::default()).err();
        assert_eq!(refused, Some(Fault::DoubledHeading("Amount".to_owned())), "{text}");
    }
    // Another name for the role is no second one, and what nobody reads may come twice.
    for headings in ["Order ID,Amount,Date,Total", "Order ID,Note,Date,Note"] {
        let text = format!("{headings}\n{line}\n");
        assert!(understand(text.as_bytes(), &Hints::default()).is_ok(), "{headings}");
    }
}

/// The buckets of a line with this id and of a delivery in doubt, whose line it may be; and the number of
/// decisions.
fn beside_held(order: &str) -> (String, String, u64) {
    let mut text = HEADER.to_owned();
    for (order, day) in [("MORE", "01"), (order, "10"), ("REST", "20")] {
        writeln!(text, "{order},,,2026-11-{day},pending,10,MYR").expect("text");
    }
    let report = understand(text.as_bytes(), &Hints::default()).expect("a report");
    let records = [
        held("1234567890123456", AT),
        record("MORE", "delivered", "10", AT),
        record("REST", "delivered", "10", AT),
    ];
    let found = compared(&report, &records, &Shop::none(), &generic()).expect("compared");
    let bucket = |cell: &str| found.bucket(cell).0.to_owned();
    (bucket(order), bucket("1234567890123456"), found.outcome.decisions.all())
}

#[test]
fn while_an_id_is_lost_in_a_spreadsheet_nothing_is_sent_again() {
    let dates = ["2024-01-01 00:00:00", "1-Mar", "Mar-24", "01.03.2024"];
    for lost in ["#N/A", "#REF!", "########", "9.87654E+15"].into_iter().chain(dates) {
        let found = beside_held(lost);
        assert_eq!(found, ("unreadable".to_owned(), "ours_only".to_owned(), 0), "{lost}");
    }
    // In a language whose decimal sign is a comma: lost, or the one order that it fits.
    let found = beside_held("\"9,87654E+15\"");
    assert_eq!(found.2, 0, "{found:?}");
    let found = beside_held("\"1,23457E+15\"");
    assert_eq!((found.1.as_str(), found.2), ("matched", 1), "{found:?}");
    // An id that only looks like an error.
    // What is written otherwise than the order in doubt.
    for other in ["1,234,567,890,123,456", "1234 5678 9012 3456", "#1234567890123456"] {
        let cell = if other.contains(',') { format!("\"{other}\"") } else { other.to_owned() };
        let found = beside_held(&cell);
        assert_eq!((found.1.as_str(), found.2), ("ours_only", 0), "{other}: {found:?}");
    }
    for id in ["#1001", "2024-1", "MAR1"] {
        let found = beside_held(id);
        assert_eq!((found.0.as_str(), found.2), ("theirs_only", 1), "{found:?}");
    }
}

#[test]
fn a_number_of_three_places_is_never_a_thousand_times_as_much() {
    let book = || {
        let mut book = Workbook::new();
        sheet(&mut book, &[HEADINGS, ["A-1", "2026-11-01", "approved", ""]])?
            .write_number(1, 3, 1.234)?;
        book.save_to_buffer()
    };
    let book = book().expect("a workbook");

    let read = understand(&book, &Hints::default()).expect("a report");
    let comma = Hints { decimal: Some(','), ..Hints::default() };
    let refused = understand(&book, &comma).expect("a report");

    assert_eq!(read.understood.sums.get("-").normalize().to_string(), "1.234");
    assert_eq!(faults(&refused), [(2, "an amount that is none")]);
}

#[test]
fn an_id_that_became_a_date_in_its_cell_could_be_any() {
    let report = workbook(|book| {
        let rows = [
            HEADINGS,
            ["MORE", "2026-11-01", "approved", "10"],
            ["", "2026-11-20", "pending", "10"],
        ];
        let day = Format::new().set_num_format("d-mmm");
        sheet(book, &rows)?.write_number_with_format(2, 0, 45_292.0, &day)?;
        Ok(())
    })
    .expect("a report");
    let records = [held("2024-1", AT), record("MORE", "delivered", "10", AT)];

    let found = compared(&report, &records, &Shop::none(), &generic()).expect("compared");

    assert_eq!(found.bucket("2024-01-01 00:00:00").0, "unreadable", "{}", found.lines);
    assert_eq!(found.bucket("2024-1").0, "ours_only", "{}", found.lines);
    assert_eq!(found.outcome.decisions.all(), 0, "{}", found.decisions);
}

#[test]
fn a_file_that_is_cut_short_is_refused_or_names_its_last_line() {
    let whole =
        format!("{HEADER}A-1,,,2026-11-01,approved,10,MYR\nA-2,,,2026-11-20,pending,10,MYR");
    let cut = understand(&whole.as_bytes()[..whole.len() - 6], &Hints::default());
    let fault = "another number of cells than the header";
    assert_eq!(faults(&cut.expect("a report")), [(3, fault)]);
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(whole.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let cut = understand(&utf16[..utf16.len() - 1], &Hints::default()).expect("a report");
    assert_eq!(faults(&cut), [(3, "bytes that are no text in this encoding")]);

    for (bytes, code) in [
        (&b""[..], "unreadable_file"),
        (b"\xef\xbb\xbf", "no_header"),
        (b"\n\n\n", "no_header"),
        (b"PK\x03\x04", "unreadable_file"),
        (b"\xd0\xcf\x11\xe0", "unreadable_file"),
        (b"\x1f\x8b\x08\x00\x00\xff", "unknown_encoding"),
        (b"<html><table><tr><td>Order ID</td></tr></table>", "unreadable_file"),
    ] {
        let refused = understand(bytes, &Hints::default()).err().map(|fault| fault.code());
        assert_eq!(refused, Some(code), "{bytes:?}");
    }
}
