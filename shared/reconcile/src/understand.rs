//! The understanding of a report before anything is compared: its header, its signs, its dates.

use std::collections::BTreeMap;

use encoding_rs::UTF_8;
use postback_core::clock::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use time::UtcOffset;

use crate::{
    amount,
    date::{self, Order},
    fault::Fault,
    format::{Format, Role, Sign},
    line::Columns,
    money::Sums,
    source::{Kind, Rows, Source},
};

mod header;
mod lines;
mod survey;

use header::{Header, find_header, places};
pub(crate) use lines::BROKEN;
use survey::Survey;

/// A person's answers to what a file leaves open. Each wins over the format.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The encoding, by its label.
    pub encoding: Option<String>,
    /// The delimiter.
    pub delimiter: Option<char>,
    /// The decimal sign.
    pub decimal: Option<char>,
    /// The order of day, month and year.
    pub dates: Option<Order>,
    /// The zone of dates without one.
    pub zone: Option<String>,
    /// The currency of lines that name none.
    pub currency: Option<String>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The sign convention.
    pub sign: Option<Sign>,
}

/// A report that was understood.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) format: Format,
    pub(crate) rows: Rows,
    pub(crate) columns: Columns,
    /// True if lines may be hidden in the header, by a quotation mark that is missing.
    pub(crate) hides_lines: bool,
    /// The account of what was understood.
    pub understood: Understood,
}

/// The account of what was understood of a report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Understood {
    /// The format's name.
    pub format: String,
    /// The SHA-256 of the file.
    pub digest: String,
    /// `csv`, `xlsx` or `json`.
    pub kind: &'static str,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding of a text.
    pub encoding: String,
    /// The delimiter of a CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The line of the header.
    pub header_line: u64,
    /// The headings, by their role.
    pub columns: BTreeMap<Role, Vec<String>>,
    /// The headings without a role.
    pub unused: Vec<String>,
    /// The decimal sign.
    pub decimal: char,
    /// The order of day, month and year.
    pub dates: Option<Order>,
    /// The zone of dates without one.
    pub zone: String,
    /// The sign convention.
    pub sign: Sign,
    /// The number of lines.
    pub lines: u64,
    /// The number of lines that can't be read.
    pub unreadable: u64,
    /// The first lines that can't be read, with the reason.
    pub faults: Vec<(u64, &'static str)>,
    /// The count of lines by the network's word for the status.
    pub statuses: BTreeMap<String, u64>,
    /// The sums of the file by currency; `-` where none is named.
    pub sums: Sums,
    /// The sum that a row of totals names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// The earliest date of a line that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The latest date of a line that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The unreadable lines that are named in the preview.
const FAULTS: usize = 20;
/// The status words that are counted each.
const WORDS: usize = 50;

impl Understood {
    /// The first instant of a day, like `2026-11-21`, in the report's zone; `None` if it is no day.
    #[must_use]
    pub fn day(&self, text: &str) -> Option<Timestamp> {
        Timestamp::parse(&format!("{text}T00:00:00Z"))?;
        date::parse(text, Order::Ymd, date::zone(&self.zone)?)
    }
}

impl Report {
    /// Reads a report through and finds out how it is to be read. A file that can be read in two ways
    /// is refused.
    pub fn understand(source: Source, format: Format, hints: &Hints) -> Result<Self, Fault> {
        let kind = source.kind()?;
        let encoding = match kind {
            Kind::Csv => source.encoding(hints.encoding.as_deref(), format.encoding.as_deref())?,
            _ => UTF_8,
        };
        let mut rows = Rows { source, kind, encoding, delimiter: b',', sheet: None, copy: None };
        let header = find_header(&mut rows, &format, hints)?;
        rows.copy()?;
        let zone = hints.zone.as_deref().or(format.zone.as_deref()).unwrap_or("UTC");
        let zone = date::zone(zone).ok_or_else(|| Fault::BadZone(zone.to_owned()))?;
        let currency = currency(hints.currency.as_deref(), &format)?;
        let mut columns = Columns {
            places: places(&header.cells, &format),
            width: header.cells.len(),
            is_fixed: kind == Kind::Csv,
            decimal: '.',
            dates: Order::Ymd,
            zone,
            currency,
        };
        let survey = Survey::of(&rows, &columns, header.line)?;
        columns.decimal = survey.decimal(hints.decimal.or(format.decimal))?;
        columns.dates = survey.dates(hints.dates.or(format.dates))?;
        let mut format = format;
        format.sign = hints.sign.unwrap_or(format.sign);
        let hides_lines = kind == Kind::Csv && header.hides_lines(rows.delimiter);
        let understood = Understood::default();
        let mut report = Self { format, rows, columns, hides_lines, understood };
        report.describe(&header)?;
        Ok(report)
    }

    /// The format.
    #[must_use]
    pub const fn format(&self) -> &Format {
        &self.format
    }

    fn describe(&mut self, header: &Header) -> Result<(), Fault> {
        let Self { format, rows, columns, .. } = self;
        let name = |places: &Vec<usize>| {
            places.iter().map(|place| header.cells[*place].clone()).collect::<Vec<_>>()
        };
        let used: Vec<_> = columns.places.values().flatten().copied().collect();
        let unused = header.cells.iter().enumerate();
        let unused = unused.filter(|(at, cell)| !used.contains(at) && !cell.is_empty());
        let is_csv = rows.kind == Kind::Csv;
        self.understood = Understood {
            format: format.title.clone(),
            digest: rows.source.digest()?,
            kind: match rows.kind {
                Kind::Csv => "csv",
                Kind::Xlsx => "xlsx",
                Kind::Json => "json",
            },
            sheet: rows.sheet.clone(),
            encoding: rows.encoding.name().to_owned(),
            delimiter: is_csv.then(|| char::from(rows.delimiter)),
            header_line: header.line,
            columns: columns.places.iter().map(|(role, places)| (*role, name(places))).collect(),
            unused: unused.map(|(_, cell)| cell.clone()).collect(),
            decimal: columns.decimal,
            dates: columns.places.contains_key(&Role::Date).then_some(columns.dates),
            zone: zone_text(columns.zone),
            sign: format.sign,
            ..Understood::default()
        };
        self.count()
    }

    /// Counts and sums the lines as they are read.
    fn count(&mut self) -> Result<(), Fault> {
        let mut counted = self.understood.clone();
        let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
        let mut sum = Decimal::ZERO;
        let total = self.each(|line| {
            counted.lines += 1;
            if let Some(fault) = line.fault {
                counted.unreadable += 1;
                if counted.faults.len() < FAULTS {
                    counted.faults.push((line.number, fault));
                }
            }
            counted.sums.add(line.currency, line.amount);
            sum = sum.saturating_add(line.amount.unwrap_or_default());
            // A line that can't be read may have another date than it seems.
            let date = line.date.filter(|_| line.fault.is_none());
            counted.from = counted.from.into_iter().chain(date).min();
            counted.to = counted.to.into_iter().chain(date).max();
            let word = line.status.map_or("-", crate::format::Status::as_str);
            if let Some(count) = statuses.get_mut(word) {
                *count += 1;
            } else if statuses.len() < WORDS {
                statuses.insert(word.to_owned(), 1);
            }
            Ok(())
        })?;
        if counted.lines == 0 {
            return Err(Fault::Empty);
        }
        counted.statuses = statuses;
        counted.total = total.map(|total| total.normalize().to_string());
        if total.is_some_and(|total| total != sum) {
            let warning = "The row of totals names another sum than its lines have.";
            counted.warnings.push(warning.to_owned());
        }
        for (role, what) in [(Role::Amount, "amounts"), (Role::Date, "dates")] {
            if !counted.columns.contains_key(&role) {
                counted.warnings.push(format!("The report has no {what}: they are not compared."));
            }
        }
        self.understood = counted;
        Ok(())
    }
}

/// The currency of lines that name none: the one that is given, else the format's.
fn currency(given: Option<&str>, format: &Format) -> Result<Option<&'static str>, Fault> {
    let named = given.map(|text| ("--currency", text));
    let named = named.or(format.currency.as_deref().map(|text| (format.title.as_str(), text)));
    let Some((by, text)) = named else { return Ok(None) };
    let known = amount::currency(text).map(Some);
    known.ok_or_else(|| Fault::BadFormat {
        format: by.to_owned(),
        fault: format!("{text} is no code of a currency, like MYR"),
    })
}

pub(crate) fn zone_text(zone: UtcOffset) -> String {
    let (hours, minutes, _) = zone.as_hms();
    let sign = if hours < 0 || minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", hours.unsigned_abs(), minutes.unsigned_abs())
}
