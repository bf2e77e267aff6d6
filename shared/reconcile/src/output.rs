//! The files that are written: no cell of them is run by a spreadsheet.

use std::io::Write;

use rust_decimal::Decimal;

use crate::fault::Fault;

/// A CSV whose cells are harmless.
pub struct Table<'a>(csv::Writer<Box<dyn Write + 'a>>);

impl<'a> Table<'a> {
    /// A table with its headings written.
    pub fn new(to: Box<dyn Write + 'a>, headings: &[&str]) -> Result<Self, Fault> {
        let mut table = Self(csv::Writer::from_writer(to));
        table.0.write_record(headings).map_err(|error| unwritable(&error))?;
        Ok(table)
    }

    /// Writes a row.
    pub fn row(&mut self, cells: &[&str]) -> Result<(), Fault> {
        for cell in cells {
            let written = if runs(cell) {
                self.0.write_field(format!("'{cell}"))
            } else {
                self.0.write_field(cell)
            };
            written.map_err(|error| unwritable(&error))?;
        }
        self.0.write_record(None::<&[u8]>).map_err(|error| unwritable(&error))
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<(), Fault> {
        self.0.flush().map_err(|error| Fault::Unwritable(error.kind().to_string()))
    }
}

fn unwritable(error: &csv::Error) -> Fault {
    match error.kind() {
        csv::ErrorKind::Io(error) => Fault::Unwritable(error.kind().to_string()),
        _ => Fault::Unwritable("rows of several widths".to_owned()),
    }
}

/// Returns whether a spreadsheet would take the cell for a formula, or its first sign for a guard.
fn runs(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\''])
}

/// An amount for a cell: a negative one in brackets, because a minus in front is a formula's beginning.
pub(crate) fn amount(amount: Option<Decimal>) -> String {
    match amount.map(|amount| amount.normalize()) {
        Some(amount) if amount.is_sign_negative() => format!("({})", amount.abs()),
        Some(amount) => amount.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        let mut bytes = Vec::new();
        let mut table = Table::new(Box::new(&mut bytes), &["id"]).expect("a table");
        for cell in ["=cmd()", "+1", "-1", "@x", "\tx", "'x", "A-1"] {
            table.row(&[cell]).expect("a row");
        }
        table.finish().expect("written");

        let text = String::from_utf8(bytes).expect("text");
        let cells: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(cells, ["'=cmd()", "'+1", "'-1", "'@x", "'\tx", "''x", "A-1"]);
        assert_eq!(amount(Some("-12.50".parse().expect("a decimal"))), "(12.5)");
    }
}
