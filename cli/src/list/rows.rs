//! The rows of a list: a table for a screen, or comma-separated values.

use postback_core::{clock::Timestamp, delivery::Record};

use super::{Validations, validation};
use crate::view::{age, fitted, reason};

const HEADINGS: [&str; 8] =
    ["order", "delivery", "state", "reason", "age", "amount", "validated", "to claim back"];

/// A table of deliveries.
pub(super) fn table(
    records: &[Record],
    validations: &Validations,
    now: Timestamp,
    width: usize,
) -> Vec<String> {
    let mut rows: Vec<_> = records.iter().map(|record| row(record, validations, now)).collect();
    let mut headings = HEADINGS.to_vec();
    // Most networks validate nothing, and most orders stay: no columns for them.
    for column in [7, 6] {
        if rows.iter().all(|row| row[column].is_empty()) {
            headings.remove(column);
            for row in &mut rows {
                row.remove(column);
            }
        }
    }
    fitted(&headings, &rows, width)
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
        validation.claim_back.map(|back| back.to_string()).unwrap_or_default(),
    ]
}

const COLUMNS: [&str; 17] = [
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
    "claim_back",
];

/// The rows as comma-separated values under a header.
pub(crate) fn csv(records: &[Record], validations: &Validations, now: Timestamp) -> Vec<u8> {
    let mut file = csv_header();
    file.extend(csv_rows(records, validations, now));
    file
}

/// The header of [`csv_rows`].
pub(super) fn csv_header() -> Vec<u8> {
    format!("{}\n", COLUMNS.join(",")).into_bytes()
}

/// The rows as comma-separated values.
pub(super) fn csv_rows(records: &[Record], validations: &Validations, now: Timestamp) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory can't fail.
    for record in records {
        let _infallible =
            writer.write_record(cells(record, validations, now).map(|cell| harmless(&cell)));
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(record: &Record, validations: &Validations, now: Timestamp) -> [String; 17] {
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
        validation.claim_back.map(|back| back.to_string()).unwrap_or_default(),
    ]
}

/// A cell that no spreadsheet runs: one that would be taken for a formula begins with an apostrophe.
pub(crate) fn harmless(cell: &str) -> String {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if runs { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{paid, validation};

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
        let records = [record];
        let shown = |validations: &Validations| table(&records, validations, Timestamp::EPOCH, 80);
        let validation = validation("delivered", Some(("approved", "9.5")));
        let validations = Validations::from([(validation.key(), validation)]);

        assert!(!shown(&Validations::new())[0].contains("validated"));
        let lines = shown(&validations);
        assert!(lines[0].ends_with("amount    validated"), "{lines:?}");
        assert!(lines[1].ends_with("10.5 EUR  approved 9.5"), "{lines:?}");
        let text = String::from_utf8(csv(&records, &validations, Timestamp::EPOCH)).expect("text");
        assert!(text.lines().nth(1).is_some_and(|row| row.ends_with(",approved,9.5,")), "{text}");
    }
}
