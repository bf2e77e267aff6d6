//! The rows of a workbook's sheet, cell by cell: the sheet is never whole in memory, the table of the
//! texts that its cells share is.

use std::io::{self, Read, Seek};

use calamine::{DataRef, Reader, Xlsx};
use zip::ZipArchive;

use crate::{fault::Fault, source::Each};

/// The bytes that a part of a workbook may unpack to, for each of its own.
const RATIO: u64 = 100;
/// The bytes that any part may unpack to.
const SMALL: u64 = 1 << 20;
/// The beginning of the table of texts, where it announces their number.
const ANNOUNCEMENT: u64 = 1_024;

fn unreadable(fault: &str) -> Fault {
    Fault::Unreadable(fault.to_owned())
}

fn bad(_: impl std::error::Error) -> Fault {
    unreadable("it is no workbook that can be read")
}

/// The names of the sheets of a workbook that is whole.
pub(crate) fn names(mut file: impl Read + Seek) -> Result<Vec<String>, Fault> {
    check(&mut file)?;
    Ok(Xlsx::new(file).map_err(bad)?.sheet_names())
}

/// Unpacks each part once. Its reader stops at a part's last cell, and would not see that a byte
/// between has changed; nor does it ask how much memory a small file fills.
fn check(file: &mut (impl Read + Seek)) -> Result<(), Fault> {
    let mut archive = ZipArchive::new(file).map_err(bad)?;
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).map_err(bad)?;
        let most = part.compressed_size().saturating_mul(RATIO).max(SMALL);
        if part.size() > most {
            return Err(unreadable("it unpacks to far more than a workbook of its size holds"));
        }
        let damaged = |_| unreadable("it is damaged: it is not the file that was packed");
        let mut head = Vec::new();
        part.by_ref().take(ANNOUNCEMENT).read_to_end(&mut head).map_err(damaged)?;
        if announced(&head).is_some_and(|texts| texts > part.size()) {
            return Err(unreadable("it announces more texts than it has"));
        }
        io::copy(&mut part, &mut io::sink()).map_err(damaged)?;
    }
    Ok(())
}

/// The number of texts that the table announces; place is made for them before one is read.
fn announced(head: &[u8]) -> Option<u64> {
    let head = String::from_utf8_lossy(head);
    let (_, behind) = head.split_once("uniqueCount=")?;
    let digits = behind.trim_start_matches(['"', '\'']);
    let end = digits.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(digits.len());
    // More digits than a number has are more texts, too.
    (end > 0).then(|| digits[..end].parse().unwrap_or(u64::MAX))
}

/// Reads the rows of a sheet.
pub(crate) fn each(file: impl Read + Seek, sheet: &str, each: Each<'_>) -> Result<(), Fault> {
    let mut book = Xlsx::new(file).map_err(bad)?;
    let mut cells = book.worksheet_cells_reader(sheet).map_err(bad)?;
    let mut current = 0;
    let mut row: Vec<String> = Vec::new();
    let mut last = None;
    loop {
        let cell = cells.next_cell().map_err(bad)?;
        let at = cell.as_ref().map(calamine::Cell::get_position);
        if at.is_some() && at <= last {
            // One would stand in the place of another.
            return Err(unreadable("its cells are not in order: open it and save it anew"));
        }
        last = at;
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
        // Else it could be read as a number of thousands.
        Some((_, places)) if places.len() == 3 => text + "0",
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    const TEXTS: &str =
        r#"<sst uniqueCount="2"><si><t>Order ID</t></si><si><t>A-1001</t></si></sst>"#;
    const CELLS: &str =
        r#"<c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c>"#;

    /// A workbook of one sheet with these texts and cells, packed or as it is.
    fn book(texts: &str, cells: &str, method: CompressionMethod) -> Vec<u8> {
        let relation = |id: u8, kind: &str, target: &str| {
            let base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
            format!(r#"<Relationship Id="r{id}" Type="{base}/{kind}" Target="{target}"/>"#)
        };
        let relations = |all: &str| {
            let base = "http://schemas.openxmlformats.org/package/2006/relationships";
            format!(r#"<Relationships xmlns="{base}">{all}</Relationships>"#)
        };
        let of_book = relation(1, "worksheet", "worksheets/sheet1.xml")
            + &relation(2, "sharedStrings", "sharedStrings.xml");
        let sheets =
            r#"<workbook><sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>"#;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [
            ("[Content_Types].xml", "<Types/>".to_owned()),
            ("_rels/.rels", relations(&relation(1, "officeDocument", "xl/workbook.xml"))),
            ("xl/workbook.xml", sheets.to_owned()),
            ("xl/_rels/workbook.xml.rels", relations(&of_book)),
            ("xl/sharedStrings.xml", texts.to_owned()),
            (
                "xl/worksheets/sheet1.xml",
                format!(
                    r#"<worksheet><sheetData><row r="1">{cells}</row></sheetData></worksheet>"#
                ),
            ),
        ] {
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).expect("a part");
            zip.write_all(text.as_bytes()).expect("written");
        }
        zip.finish().expect("a workbook").into_inner()
    }

    /// The first cells of its rows.
    fn first_cells(book: &[u8]) -> Result<Vec<String>, Fault> {
        let names = names(Cursor::new(book))?;
        let mut cells = Vec::new();
        each(Cursor::new(book), &names[0], &mut |_, row| {
            cells.push(row[0].to_owned());
            Ok(true)
        })?;
        Ok(cells)
    }

    #[test]
    fn a_byte_that_changed_on_its_way_is_noticed() {
        let book = book(TEXTS, CELLS, CompressionMethod::Stored);
        assert_eq!(
            first_cells(&book).as_deref(),
            Ok(&["Order ID", "A-1001"].map(str::to_owned)[..])
        );
        for was in ["A-1001", "<v>1</v>"] {
            let at = book.windows(was.len()).position(|bytes| bytes == was.as_bytes());
            let mut changed = book.clone();
            changed[at.expect("there") + 3] ^= 1;

            let damaged = "it is damaged: it is not the file that was packed";
            assert_eq!(first_cells(&changed), Err(unreadable(damaged)), "{was}");
        }
        assert!(first_cells(&book[..book.len() - 30]).is_err());
    }

    #[test]
    fn a_small_file_does_not_fill_the_memory() {
        let blanks = " ".repeat(2 * usize::try_from(SMALL).expect("a length"));
        let bomb = TEXTS.replace("A-1001", &blanks);
        let refused = first_cells(&book(&bomb, CELLS, CompressionMethod::Deflated));
        let far_more = "it unpacks to far more than a workbook of its size holds";
        assert_eq!(refused, Err(unreadable(far_more)));

        for count in ["9999999999", "99999999999999999999999"] {
            let announced = TEXTS.replace("\"2\"", &format!("\"{count}\""));
            let refused = first_cells(&book(&announced, CELLS, CompressionMethod::Deflated));
            assert_eq!(refused, Err(unreadable("it announces more texts than it has")));
        }
    }

    #[test]
    fn a_formula_without_its_result_is_an_empty_cell() {
        let cells = CELLS.replace(r#" t="s"><v>1</v>"#, "><f>B1&amp;B2</f>");
        let read = first_cells(&book(TEXTS, &cells, CompressionMethod::Deflated)).expect("cells");
        assert_eq!(read, ["Order ID", ""]);
    }

    #[test]
    fn no_cell_stands_in_the_place_of_another() {
        for again in ["A2", "A1"] {
            let cells = format!(r#"{CELLS}</row><row r="3"><c r="{again}" t="s"><v>0</v></c>"#);
            let refused = first_cells(&book(TEXTS, &cells, CompressionMethod::Deflated));
            let order = "its cells are not in order: open it and save it anew";
            assert_eq!(refused, Err(unreadable(order)), "{again}");
        }
    }

    #[test]
    fn a_number_is_written_as_a_spreadsheet_shows_it() {
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(1_499.0), "1499");
        assert_eq!(number(100.0 / 3.0), "33.3333333333");
        assert_eq!(number(1.234), "1.2340");
        assert_eq!(number(1.234_567_890_123_456_8e19), "12345678901234600000");
    }
}
