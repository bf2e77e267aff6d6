//! The lines of a report, one after the other.

use rust_decimal::Decimal;

use super::Report;
use crate::{
    fault::Fault,
    line::{Line, Row},
    source::Kind,
};

/// The reason of a line in which others may be hidden.
pub(crate) const BROKEN: &str = "a line break in a cell: a quotation mark may be missing";

impl Report {
    /// Reads the lines.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(Line<'_>) -> Result<(), Fault>,
    ) -> Result<Option<Decimal>, Fault> {
        let mut total = None;
        self.rows.each(&mut |number, row| {
            if number <= self.understood.header_line {
                return Ok(true);
            }
            let is_broken = self.rows.kind == Kind::Csv
                && row.iter().any(|cell| cell.trim().contains(['\n', '\r']));
            let fault = is_broken.then_some(BROKEN);
            match self.columns.parse_row(number, row, &self.format) {
                Row::Blank => {}
                Row::Total(_) if is_broken => {
                    each(Line { number, fault, ..Line::default() })?;
                }
                Row::Total(sum) => total = sum.or(total),
                Row::Line(line) => {
                    each(Line { fault: fault.or(line.fault), ..line })?;
                }
            }
            Ok(true)
        })?;
        Ok(total)
    }
}
