//! The rows of a list: a table for a screen, or comma-separated values.

use postback_core::{clock::Timestamp, delivery::Record};

use super::{Found, Validations, validation};
use crate::view::{age, fitted, reason};

/// The width of a screen where nothing says another.
const WIDTH: usize = 80;

/// The characters of a line: those that the shell exports, or 80.
pub(crate) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.unwrap_or(WIDTH).max(40)
}

const HEADINGS: [&str; 7] = ["order", "delivery", "state", "reason", "age", "amount", "validated"];

/// The table with the totals below; what is not whole says so first.
pub(super) fn table(
    found: &Found,
    validations: &Validations,
    now: Timestamp,
    complete: bool,
    width: usize,
) -> Vec<String> {
    let mut lines = Vec::new();
    if !complete {
        lines.push("PART OF THE LEDGER ONLY: there may be more than this.".to_owned());
    }
    if found.totals.count == 0 {
        let whole = "Nothing found. The whole ledger was read.";
        lines.push(if complete { whole } else { "Nothing found in this part." }.to_owned());
        return lines;
    }
    let rows: Vec<_> = found.shown.iter().map(|record| row(record, validations, now)).collect();
    // Most networks validate nothing: no column for them.
    let columns = HEADINGS.len() - usize::from(rows.iter().all(|row| row[6].is_empty()));
    lines.extend(fitted(&HEADINGS[..columns], &rows, width));
    lines.push(String::new());
    lines.extend(found.totals.lines());
    lines
}

fn row(record: &Record, validations: &Validations, now: Timestamp) -> Vec<String> {
    let validation = validation(record, validations);
    let validated = match (validation.status, validation.amount) {
        ("none", _) => String::new(),
        (status, Some(amount)) => format!("{status} {amount}"),
        (status, None) => status.to_owned(),
    };
    let money = record.money().map(|(amount, currency)| format!("{amount} {currency}"));
    vec![
        record.order_id.clone(),
        record.delivery.clone(),
        record.protocol.state.as_str().to_owned(),
        reason(record),
        age(now.since(record.protocol.first_seen_at)),
        money.unwrap_or_default(),
        validated,
    ]
}

const COLUMNS: [&str; 16] = [
    "order_id",
    "network",
    "line",
    "state",
    "reason",
    "proof",
    "attempt",
    "in_doubt",
    "held",
    "amount",
    "currency",
    "age_seconds",
    "first_seen_at",
    "updated_at",
    "validation",
    "validated_amount",
];

/// The rows as comma-separated values under a header.
pub(crate) fn csv(records: &[Record], validations: &Validations, now: Timestamp) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory can't fail.
    let _infallible = writer.write_record(COLUMNS);
    for record in records {
        let _infallible =
            writer.write_record(cells(record, validations, now).map(|cell| harmless(&cell)));
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(record: &Record, validations: &Validations, now: Timestamp) -> [String; 16] {
    let validation = validation(record, validations);
    let protocol = &record.protocol;
    let (amount, currency) = record.money().unwrap_or_default();
    [
        record.order_id.clone(),
        record.network().to_owned(),
        record.line().unwrap_or_default().to_owned(),
        protocol.state.as_str().to_owned(),
        protocol.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
        protocol.proof.as_ref().map(crate::view::word).unwrap_or_default(),
        protocol.attempt.to_string(),
        protocol.in_doubt().to_string(),
        (record.is_held() || record.is_validation_for_a_person()).to_string(),
        amount.to_owned(),
        currency.to_owned(),
        now.since(protocol.first_seen_at).as_secs().to_string(),
        protocol.first_seen_at.to_string(),
        record.updated_at.to_string(),
        validation.status.to_owned(),
        validation.amount.map(|amount| amount.to_string()).unwrap_or_default(),
    ]
}

/// A cell that no spreadsheet runs: one that would be taken for a formula begins with an apostrophe.
pub(crate) fn harmless(cell: &str) -> String {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if runs { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        args::{Arguments, Command, Orders},
        fixtures::{paid, validation},
    };

    #[test]
    fn values_are_whole_and_run_in_no_spreadsheet() {
        let mut record = paid("net#2", "parked", "1499", "INR");
        record.order_id = "=cmd(\"x\"),1".to_owned();

        let text =
            String::from_utf8(csv(&[record], &Validations::new(), Timestamp::EPOCH)).expect("text");

        let mut read = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(read.headers().expect("a header"), COLUMNS.as_slice());
        let row = read.records().next().expect("a row").expect("values");
        assert_eq!(&row[0], "'=cmd(\"x\"),1");
        assert_eq!((&row[1], &row[2], &row[9], &row[10]), ("net", "2", "1499", "INR"));
    }

    #[test]
    fn what_is_validated_has_a_column_if_anything_is() {
        let record = paid("net", "delivered", "10.5", "EUR");
        let line = Arguments::try_parse_from(["postback", "orders", "list"]).expect("a line");
        let Command::Orders(Orders::List(wanted)) = &line.command else { panic!("no list") };
        let mut found = Found::new(wanted);
        found.add(record.clone());
        let shown = |found: &Found, validations: &Validations| {
            table(found, validations, Timestamp::EPOCH, true, 80)
        };
        let validation = validation("delivered", Some(("approved", "9.5")));
        let validations = Validations::from([(validation.key(), validation)]);

        assert!(!shown(&found, &Validations::new())[0].contains("validated"));
        let lines = shown(&found, &validations);
        assert!(lines[0].ends_with("amount    validated"), "{lines:?}");
        assert!(lines[1].ends_with("10.5 EUR  approved 9.5"), "{lines:?}");
        let text = String::from_utf8(csv(&[record], &validations, Timestamp::EPOCH)).expect("text");
        assert!(text.lines().nth(1).is_some_and(|row| row.ends_with(",approved,9.5")), "{text}");
    }
}
