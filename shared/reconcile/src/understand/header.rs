//! The header of a report: the row with the most known headings.

use std::collections::BTreeMap;

use super::Hints;
use crate::{
    fault::Fault,
    format::{Format, Role, plain},
    source::{Kind, Rows},
};

/// The rows among which the header is looked for.
const HEADER_ROWS: usize = 30;
/// The header of a table.
pub(super) struct Header {
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
    pub(super) roles: usize,
}

impl Header {
    /// Returns whether a cell holds whole lines: a quotation mark in it has no other one.
    pub(super) fn hides_lines(&self, delimiter: u8) -> bool {
        let holds = |cell: &String| cell.contains('\n') && cell.contains(char::from(delimiter));
        self.cells.iter().any(holds)
    }
}

/// Finds the header: the row with the most known headings, in the sheet and with the delimiter that
/// give it.
pub(super) fn find_header(
    rows: &mut Rows,
    format: &Format,
    hints: &Hints,
) -> Result<Header, Fault> {
    let mut ways = Vec::new();
    match rows.kind {
        Kind::Csv => {
            let given = hints.delimiter.or(format.delimiter);
            let given = given.and_then(|delimiter| u8::try_from(delimiter).ok());
            let all = given.map_or_else(|| vec![b',', b';', b'\t', b'|'], |given| vec![given]);
            ways.extend(all.into_iter().map(|delimiter| (delimiter, None)));
        }
        Kind::Xlsx => {
            let names = rows.sheets()?;
            let known = names.join(", ");
            let wanted = |name: &String| hints.sheet.as_ref().is_none_or(|sheet| sheet == name);
            ways.extend(names.into_iter().filter(wanted).map(|name| (b',', Some(name))));
            if ways.is_empty() {
                return Err(Fault::NoSheet(known));
            }
        }
        Kind::Json => ways.push((b',', None)),
    }
    let mut best: Option<(Header, (u8, Option<String>))> = None;
    let mut with_header = Vec::new();
    let mut seen = Vec::new();
    for way in ways {
        (rows.delimiter, rows.sheet) = way.clone();
        let (found, first) = header(rows, format)?;
        if first.len() > seen.len() {
            seen = first;
        }
        let Some(found) = found else { continue };
        with_header.extend(way.1.clone());
        if best.as_ref().is_none_or(|(best, _)| found.roles > best.roles) {
            best = Some((found, way));
        }
    }
    if with_header.len() > 1 {
        return Err(Fault::SeveralSheets(with_header.join(", ")));
    }
    let Some((header, way)) = best else {
        let ids = [Role::Conversion, Role::Order, Role::Email];
        let needed = ids.iter().filter_map(|role| format.columns.get(role)).flatten();
        let needed = needed.cloned().collect::<Vec<_>>().join(" or ");
        return Err(Fault::NoHeader { needed, found: seen.join(", ") });
    };
    (rows.delimiter, rows.sheet) = way;
    match doubled(&header.cells, format) {
        Some(heading) => Err(Fault::DoubledHeading(heading)),
        None => Ok(header),
    }
}

/// The heading that two columns share, if one of them would count: which one, nobody knows.
fn doubled(cells: &[String], format: &Format) -> Option<String> {
    let places = places(cells, format).into_iter().filter(|(role, _)| *role != Role::Sub);
    let counts = |at: usize| cells.get(at).map(|cell| (at, plain(cell)));
    let mut counts = places.filter_map(|(_, found)| counts(*found.first()?));
    let is_other = |(at, heading): &(usize, String)| {
        (0..).zip(cells).any(|(other, cell)| other != *at && plain(cell) == *heading)
    };
    counts.find(is_other).map(|(at, _)| cells[at].clone())
}

/// The header of the table as it is read now, and the cells of its widest first row.
fn header(rows: &Rows, format: &Format) -> Result<(Option<Header>, Vec<String>), Fault> {
    let mut best: Option<Header> = None;
    let mut widest: Vec<String> = Vec::new();
    let mut count = 0;
    rows.each(&mut |line, row| {
        count += 1;
        let cells: Vec<String> = row.iter().map(|cell| cell.trim().to_owned()).collect();
        if cells.len() > widest.len() {
            widest.clone_from(&cells);
        }
        let places = places(&cells, format);
        let has_id = [Role::Conversion, Role::Order, Role::Email]
            .iter()
            .any(|role| places.contains_key(role));
        let roles = places.len();
        if has_id && best.as_ref().is_none_or(|best| roles > best.roles) {
            best = Some(Header { line, cells, roles });
        }
        Ok(count < HEADER_ROWS)
    })?;
    Ok((best, widest))
}

/// The columns by their role. Of several for one role the name that the format lists first counts.
pub(super) fn places(cells: &[String], format: &Format) -> BTreeMap<Role, Vec<usize>> {
    let mut places: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
    for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        if let Some(role) = format.role(cell) {
            places.entry(role).or_default().push(at);
        }
    }
    for (role, found) in &mut places {
        if *role != Role::Sub {
            let names = &format.columns[role];
            let rank = |at: &usize| {
                let wanted = plain(&cells[*at]);
                names.iter().position(|name| plain(name) == wanted)
            };
            found.sort_by_key(rank);
            found.truncate(1);
        }
    }
    places
}
