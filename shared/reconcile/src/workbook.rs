//! A month's conversions as a workbook, for a network that validates by mail: one sheet, its header in
//! the first row, and no cell that a spreadsheet runs or changes.

use std::collections::BTreeSet;

use postback_core::clock::Timestamp;
use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::{
    fault::Fault,
    month::{Conversion, Period},
};

/// The name of the sheet.
const SHEET: &str = "conversions";
/// The amounts that a spreadsheet keeps whole: 15 digits.
const WHOLE: u128 = 1_000_000_000_000_000;

/// Writes the conversions in their order. The bytes depend on nothing else than what is given.
pub fn workbook(
    conversions: &[Conversion],
    period: &Period,
    created: Timestamp,
) -> Result<Vec<u8>, Fault> {
    write(conversions, period, created).map_err(|error| Fault::Unwritable(error.to_string()))
}

fn write(
    conversions: &[Conversion],
    period: &Period,
    created: Timestamp,
) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let created = ExcelDateTime::from_timestamp(created.as_secs())?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let mut sheet = Sheet::new(book.add_worksheet().set_name(SHEET)?);
    let names: BTreeSet<&str> =
        conversions.iter().flat_map(|it| it.ids.keys()).map(String::as_str).collect();
    sheet.text("order id")?;
    for name in &names {
        sheet.text(name)?;
    }
    for heading in ["amount", "currency", "date", "zone", "status"] {
        sheet.text(heading)?;
    }
    let zone = period.zone();
    for conversion in conversions {
        sheet.end_row();
        sheet.text(&conversion.order_id)?;
        for name in &names {
            sheet.text(conversion.ids.get(*name).map_or("", String::as_str))?;
        }
        sheet.amount(conversion.amount)?;
        sheet.text(&conversion.currency)?;
        sheet.text(&period.local(conversion.at))?;
        sheet.text(&zone)?;
        sheet.text(conversion.status.as_str())?;
    }
    book.save_to_buffer()
}

/// The sheet, written cell by cell.
struct Sheet<'a> {
    cells: &'a mut Worksheet,
    row: u32,
    column: u16,
    text: Format,
    /// The formats of numbers by their places.
    numbers: Vec<Format>,
}

impl<'a> Sheet<'a> {
    fn new(cells: &'a mut Worksheet) -> Self {
        let number = |places: usize| match places {
            0 => Format::new().set_num_format("0"),
            _ => Format::new().set_num_format(format!("0.{}", "0".repeat(places))),
        };
        let numbers = (0..=15).map(number).collect();
        Self { cells, row: 0, column: 0, text: Format::new().set_num_format("@"), numbers }
    }

    const fn end_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// Writes a cell of the type text: whatever it begins with, a spreadsheet runs it not and takes it
    /// for no number.
    fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        self.cells.write_string_with_format(self.row, self.column, text, &self.text)?;
        self.column += 1;
        Ok(())
    }

    /// Writes a number with its places; as text, where a spreadsheet would round it.
    fn amount(&mut self, amount: Decimal) -> Result<(), XlsxError> {
        let text = amount.to_string();
        let places = usize::try_from(amount.scale()).unwrap_or(usize::MAX);
        let is_whole = amount.mantissa().unsigned_abs() < WHOLE;
        let number = text.parse::<f64>().ok().filter(|_| is_whole).zip(self.numbers.get(places));
        let Some((number, format)) = number else { return self.text(&text) };
        self.cells.write_number_with_format(self.row, self.column, number, format)?;
        self.column += 1;
        Ok(())
    }
}
