//! The rows of a workbook's sheet, cell by cell: the sheet is never whole in memory, the table of the
//! texts that its cells share is.

use std::io::{Read, Seek};

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use crate::{fault::Fault, source::Each};

fn bad(error: &XlsxError) -> Fault {
    let fault = match error {
        XlsxError::Password => "it is protected by a password",
        _ => "it is no workbook that can be read",
    };
    Fault::Unreadable(fault.to_owned())
}

/// The names of the sheets.
pub(crate) fn names(file: impl Read + Seek) -> Result<Vec<String>, Fault> {
    let book = Xlsx::new(file).map_err(|error| bad(&error))?;
    Ok(book.sheet_names())
}

/// Reads the rows of a sheet.
pub(crate) fn each(file: impl Read + Seek, sheet: &str, each: Each<'_>) -> Result<(), Fault> {
    let mut book = Xlsx::new(file).map_err(|error| bad(&error))?;
    let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| bad(&error))?;
    let mut current = 0;
    let mut row: Vec<String> = Vec::new();
    loop {
        let cell = cells.next_cell().map_err(|error| bad(&error))?;
        let line = cell.as_ref().map(|cell| u64::from(cell.get_position().0) + 1);
        let is_whole = line != Some(current) && !row.is_empty();
        if is_whole && !each(current, &csv::StringRecord::from(std::mem::take(&mut row)))? {
            return Ok(());
        }
        let (Some(cell), Some(line)) = (cell, line) else { return Ok(()) };
        current = line;
        let column = usize::try_from(cell.get_position().1).unwrap_or(usize::MAX).min(1 << 14);
        if row.len() <= column {
            row.resize(column + 1, String::new());
        }
        row[column] = text(cell.get_value());
    }
}

/// The text of a cell; a number without the digits that a spreadsheet does not show.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => self::number(*number),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// The most decimal places of a number.
const PLACES: usize = 10;

fn number(number: f64) -> String {
    // 15 significant digits: what the arithmetic of floats adds behind them is no part of an amount.
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    let text = rounded.to_string();
    match text.split_once('.') {
        Some((_, places)) if places.len() > PLACES => format!("{rounded:.PLACES$}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_a_spreadsheet_shows_it() {
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(1_499.0), "1499");
        assert_eq!(number(100.0 / 3.0), "33.3333333333");
        assert_eq!(number(1.234_567_890_123_456_8e19), "12345678901234600000");
    }
}
