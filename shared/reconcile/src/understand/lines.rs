//! The lines of a report, one after the other.

use rust_decimal::Decimal;

use super::Report;
use crate::{
    fault::Fault,
    format::{Role, plain},
    id,
    line::{Columns, Line, Row},
    source::Kind,
};

/// The reason of a line in which others may be hidden.
pub(crate) const BROKEN: &str = "a line break in a cell: a quotation mark may be missing";

/// The headings of a column that holds a line's place in its order, and nothing else.
const PLACES: [&str; 4] = ["line", "line id", "line no", "line number"];

/// The column of a line's place in its order, among those of further ids.
pub(super) fn place(columns: &Columns, headings: &[String]) -> Option<usize> {
    let subs = columns.places.get(&Role::Sub)?;
    let is_place = |at: &&usize| PLACES.contains(&plain(&headings[**at]).as_str());
    subs.iter().find(is_place).copied()
}

impl Report {
    /// Reads the lines.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(Line<'_>) -> Result<(), Fault>,
    ) -> Result<Option<Decimal>, Fault> {
        self.each_with_place(|line, _| each(line))
    }

    /// Reads the lines, each with its place in the order if a column names it.
    pub(crate) fn each_with_place(
        &self,
        mut each: impl FnMut(Line<'_>, &str) -> Result<(), Fault>,
    ) -> Result<Option<Decimal>, Fault> {
        let mut total = None;
        self.rows.each(&mut |number, row| {
            if number <= self.understood.header_line {
                return Ok(true);
            }
            let place = self.place.and_then(|at| row.get(at)).unwrap_or_default();
            let is_broken = self.rows.kind == Kind::Csv
                && row.iter().any(|cell| cell.trim().contains(['\n', '\r']));
            let fault = is_broken.then_some(BROKEN);
            match self.columns.read(number, row, &self.format) {
                Row::Blank => {}
                Row::Total(_) if is_broken => {
                    each(Line { number, fault, ..Line::default() }, "")?;
                }
                Row::Total(sum) => total = sum.or(total),
                Row::Line(line) => {
                    each(Line { fault: fault.or(line.fault), ..line }, id::clean(place))?;
                }
            }
            Ok(true)
        })?;
        Ok(total)
    }
}
