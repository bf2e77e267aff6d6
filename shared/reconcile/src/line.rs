//! A line of a report, read.

use std::collections::BTreeMap;

use postback_core::clock::Timestamp;
use rust_decimal::Decimal;
use time::UtcOffset;

use crate::{
    amount,
    date::{self, Order},
    format::{Format, Role, Status},
    id,
};

/// The columns of a report, and the way in which its cells are read.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) places: BTreeMap<Role, Vec<usize>>,
    pub(crate) width: usize,
    /// True if a row of another width is damaged.
    pub(crate) is_fixed: bool,
    pub(crate) decimal: char,
    pub(crate) dates: Order,
    pub(crate) zone: UtcOffset,
    pub(crate) currency: Option<&'static str>,
}

/// A row of a report.
#[derive(Debug)]
pub(crate) enum Row<'a> {
    /// Nothing stands in it.
    Blank,
    /// The totals of the lines, with their amount.
    Total(Option<Decimal>),
    /// A line.
    Line(Line<'a>),
}

/// A line of a report.
#[derive(Clone, Debug, Default)]
pub struct Line<'a> {
    /// The number of the line in the file.
    pub number: u64,
    /// The network's id of the conversion.
    pub conversion: &'a str,
    /// The order's id.
    pub order: &'a str,
    /// The place in its order, if a column names it.
    pub place: &'a str,
    /// Further ids.
    pub subs: Vec<&'a str>,
    /// The customer's e-mail address.
    pub email: &'a str,
    /// The date.
    pub date: Option<Timestamp>,
    /// The status.
    pub status: Option<Status>,
    /// The amount.
    pub amount: Option<Decimal>,
    /// True if the report has amounts, and the line's is empty.
    pub lacks_amount: bool,
    /// The currency.
    pub currency: Option<&'static str>,
    /// The reason that it can't be read.
    pub fault: Option<&'static str>,
}

impl Columns {
    pub(crate) fn cell<'a>(&self, row: &'a csv::StringRecord, role: Role) -> &'a str {
        let place = self.places.get(&role).and_then(|places| places.first());
        place.and_then(|place| row.get(*place)).unwrap_or_default().trim()
    }

    /// Parses a row. What can't be read is named, and its other cells stand.
    pub(crate) fn parse_row<'a>(
        &self,
        number: u64,
        row: &'a csv::StringRecord,
        format: &Format,
    ) -> Row<'a> {
        let mut cells = row.iter().map(str::trim).filter(|cell| !cell.is_empty());
        let Some(first) = cells.next() else { return Row::Blank };
        let amount = self.cell(row, Role::Amount);
        let written = amount::parse(amount, self.decimal);
        let read = |role| id::clean(self.cell(row, role));
        let (conversion, order) = (read(Role::Conversion), read(Role::Order));
        let email = self.cell(row, Role::Email);
        let is_label = |id: &str| id.is_empty() || format.is_total(id);
        if format.is_total(first) && is_label(conversion) && is_label(order) && email.is_empty() {
            return Row::Total(written.ok().flatten().map(|written| written.amount));
        }
        let place = read(Role::Line);
        let mut line = Line { number, conversion, order, place, email, ..Line::default() };
        let subs = self.places.get(&Role::Sub).into_iter().flatten();
        let subs = subs.filter_map(|place| row.get(*place)).map(id::clean);
        line.subs = subs.filter(|id| !id.is_empty()).collect();
        let mut fault = |fault: &'static str| line.fault = line.fault.or(Some(fault));
        if self.is_fixed && self.is_of_another_width(row) {
            fault("another number of cells than the header");
        }
        if let Some(why) = of_ids(conversion, order, email) {
            fault(why);
        }
        if row.iter().any(|cell| cell.contains('\u{fffd}')) {
            fault("bytes that are no text in this encoding");
        }
        match &written {
            Ok(Some(written)) => line.amount = Some(written.amount),
            Ok(None) => line.lacks_amount = self.places.contains_key(&Role::Amount),
            Err(()) => fault("an amount that is none"),
        }
        let date = self.cell(row, Role::Date);
        if !date.is_empty() {
            line.date = date::parse(date, self.dates, self.zone);
            if line.date.is_none() {
                fault("a date that is none");
            }
        }
        let word = self.cell(row, Role::Status);
        if !word.is_empty() {
            line.status = format.status(word);
            if line.status.is_none() {
                fault("a status that the format does not name");
            }
        }
        let named = self.cell(row, Role::Currency);
        line.currency = amount::currency(named).filter(|_| !named.is_empty());
        if !named.is_empty() && line.currency.is_none() {
            fault("a currency that is none");
        }
        let own = written.ok().flatten().and_then(|written| written.currency);
        line.currency = line.currency.or(own).or(self.currency);
        Row::Line(line)
    }

    fn is_of_another_width(&self, row: &csv::StringRecord) -> bool {
        let more = row.iter().skip(self.width).any(|cell| !cell.trim().is_empty());
        more || row.len() < self.width
    }
}

/// The reason that nothing identifies a line.
fn of_ids(conversion: &str, order: &str, email: &str) -> Option<&'static str> {
    if [conversion, order].into_iter().any(id::is_error) {
        return Some("an error of a spreadsheet in the place of an id");
    }
    [conversion, order, email].iter().all(|id| id.is_empty()).then_some("no id")
}
