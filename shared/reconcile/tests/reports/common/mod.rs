//! Records and reports for the tests of this crate.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]

use std::{cell::RefCell, fmt::Write as _, io::Write, rc::Rc};

use postback_core::{clock::Timestamp, delivery::Record};
use postback_reconcile::{
    compare::{DISPUTES, Files, LINES, Options, Outcome, compare},
    decide::DECISIONS,
    fault::Fault,
    format::Format,
    ledger::Ledger,
    output::Table,
    shop::Shop,
    source::Source,
    understand::{Hints, Report},
};
use serde_json::json;

pub(crate) mod conversions;

/// The time of the deliveries.
pub(crate) const AT: &str = "2026-11-10T10:00:00Z";
/// The header of the reports.
pub(crate) const HEADER: &str = "Order ID,Conversion ID,Line,Date,Status,Amount,Currency\n";

/// A report of these lines: order, status, amount. It covers November until the 20th.
pub(crate) fn report(lines: &[(&str, &str, &str)], format: &Format) -> Report {
    let mut text = HEADER.to_owned();
    for (n, (order, status, amount)) in lines.iter().enumerate() {
        let day = if n == 0 { 1 } else { 20 };
        writeln!(text, "{order},C{n},,2026-11-{day:02},{status},{amount},MYR").expect("text");
    }
    Report::understand(Source::Bytes(text.as_bytes().into()), format.clone(), &Hints::default())
        .expect("a report")
}

/// A delivery in doubt that a person decides about.
pub(crate) fn held(order_id: &str, at: &str) -> Record {
    let mut held = record(order_id, "unconfirmed", "10", at);
    held.protocol.proof = None;
    held
}

/// A delivery of an order at the network `net`.
pub(crate) fn record(order_id: &str, state: &str, amount: &str, at: &str) -> Record {
    let record = json!({
        "order_id": order_id, "delivery": "net", "format": 1, "version": 2, "write_id": "0",
        "state_version": 2, "state_at": at, "state": state, "attempt": 1,
        "proof": (state == "delivered").then_some("response"),
        "facts": { "amount": amount, "currency": "MYR" },
        "first_seen_at": at, "claim_expires_at": at, "not_before": at, "updated_at": at,
        "expires_at": 0,
        "attempts": { "entries": [{ "number": 1, "started_at": at }] },
    });
    serde_json::from_value(record).expect("a record")
}

/// The validation of a delivery whose call said this; `state` is its own.
pub(crate) fn validation(order_id: &str, state: &str, call: (&str, &str)) -> Record {
    let mut validation = record(order_id, state, "10", AT);
    "net!validation".clone_into(&mut validation.delivery);
    validation.protocol.reported = serde_json::from_value(json!({
        "amount": "10", "currency": "MYR", "completed_at": AT, "ids": {},
    }))
    .expect("a report");
    validation.protocol.validation = serde_json::from_value(json!({
        "of_version": 2, "lock_at": AT, "standing": "reported",
        "call": { "status": call.0, "amount": call.1 },
    }))
    .expect("a validation");
    validation
}

/// The record with these refunds.
pub(crate) fn refunded(mut record: Record, refunds: &[(&str, &str)]) -> Record {
    let refunds = refunds.iter().map(|(id, amount)| {
        ((*id).to_owned(), json!({ "amount": amount, "at": "2026-11-18T00:00:00Z" }))
    });
    let refunds = refunds.collect::<serde_json::Map<_, _>>();
    record.protocol.refunds = serde_json::from_value(refunds.into()).expect("refunds");
    record
}

/// The format whose columns have plain names.
pub(crate) fn generic() -> Format {
    Format::generic().expect("a format")
}

/// Reads a report.
pub(crate) fn understand(bytes: &[u8], hints: &Hints) -> Result<Report, Fault> {
    Report::understand(Source::Bytes(bytes.into()), generic(), hints)
}

/// The deliveries of a test.
pub(crate) fn ledger(records: &[Record], format: &Format, shop: &Shop) -> Ledger {
    let mut ledger = Ledger::new();
    for record in records {
        ledger.add(record, format, shop);
    }
    ledger.finish();
    ledger
}

/// Bytes that several hold.
#[derive(Clone, Default)]
pub(crate) struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("text")
    }
}

/// A comparison with its three files.
pub(crate) struct Compared {
    pub(crate) outcome: Outcome,
    pub(crate) lines: String,
    pub(crate) disputes: String,
    pub(crate) decisions: String,
}

impl Compared {
    /// The row of the file of lines that holds this cell.
    pub(crate) fn row(&self, cell: &str) -> &str {
        let holds = |row: &&str| row.split(',').any(|own| own == cell);
        self.lines.lines().find(holds).unwrap_or_default()
    }

    /// The bucket and the reason of the first row that holds this cell.
    pub(crate) fn bucket(&self, cell: &str) -> (&str, &str) {
        let mut cells = self.row(cell).split(',');
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    }
}

/// Compares a report with deliveries.
pub(crate) fn compared(
    report: &Report,
    records: &[Record],
    shop: &Shop,
    format: &Format,
) -> Result<Compared, Fault> {
    compared_between([None, None], report, records, shop, format)
}

/// The same of a report that covers the time between these instants.
pub(crate) fn compared_between(
    [from, to]: [Option<Timestamp>; 2],
    report: &Report,
    records: &[Record],
    shop: &Shop,
    format: &Format,
) -> Result<Compared, Fault> {
    let [lines, disputes, decisions] = [(); 3].map(|()| Shared::default());
    let table = |to: &Shared, headings: &[&str]| {
        Table::new(Box::new(to.clone()), headings).expect("a table")
    };
    let mut files = Files {
        lines: Some(table(&lines, &LINES)),
        disputes: Some(table(&disputes, &DISPUTES)),
        decisions: Some(table(&decisions, &DECISIONS)),
    };
    let options = Options { network: "net".to_owned(), from, to };
    let mut ledger = ledger(records, format, shop);
    let outcome = compare(report, &mut ledger, shop, &options, &mut files)?;
    for table in [files.lines, files.disputes, files.decisions].into_iter().flatten() {
        table.finish().expect("written");
    }
    Ok(Compared {
        outcome,
        lines: lines.text(),
        disputes: disputes.text(),
        decisions: decisions.text(),
    })
}
