//! A list on its way to a screen or a file: the first rows are shown while the rest is read.

use postback_core::{
    clock::Timestamp,
    delivery::{DeliveryView, PartialView, Record},
};
use serde::Serialize;

use super::{
    Found, Totals,
    rows::{csv_header, csv_rows, table},
    validation, validations,
};
use crate::{
    account::Account,
    args::{Format, List},
    failure::Failure,
    scan::{PART, Read},
    screen::width,
    view::{Output, left_out},
};

/// The rows of a file that are written at once.
const ROWS_AT_ONCE: usize = 1_000;

#[derive(Serialize)]
struct View<'a> {
    deliveries: Vec<DeliveryView<'a>>,
    totals: &'a Totals,
    /// False if --limit left some of them out.
    shown_all: bool,
    read: usize,
    read_units: f64,
    /// True if the ledger, or its index of what waits, was read to its end.
    complete: bool,
    next: Option<String>,
}

pub(super) struct Listing<'a> {
    account: &'a Account,
    format: Format,
    is_sorted: bool,
    /// True if the index of what waits is read in place of the ledger.
    is_of_index: bool,
    now: Timestamp,
    pub(super) found: Found,
    /// True if the ledger is read in its own order.
    pub(super) is_in_order: bool,
    /// The items of the orders shown that this version can't read.
    partial: Vec<PartialView>,
}

impl<'a> Listing<'a> {
    pub(super) fn new(account: &'a Account, wanted: &List, now: Timestamp, json: bool) -> Self {
        let format = if json { Format::Json } else { wanted.format };
        Self {
            account,
            format,
            is_sorted: wanted.sort.is_some(),
            is_of_index: wanted.is_waiting(),
            now,
            found: Found::new(&List { format, ..wanted.clone() }),
            is_in_order: false,
            partial: Vec::new(),
        }
    }

    /// Adds deliveries that were read, and shows what can be shown of them.
    pub(super) async fn add(
        &mut self,
        records: Vec<Record>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        for record in records {
            self.found.add(record);
        }
        let is_due = match self.format {
            Format::Csv => self.found.shown.len() >= ROWS_AT_ONCE,
            Format::Table => self.found.is_full(),
            Format::Json => false,
        };
        if is_due && !self.is_sorted { self.show(output).await } else { Ok(()) }
    }

    /// Shows the first rows, if there are any by now, and how far the reading is.
    pub(super) async fn show_progress(
        &mut self,
        read: &Read,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        if self.format == Format::Table && !self.is_sorted && self.found.taken == 0 {
            self.show(output).await?;
        }
        output.progress(&format!("{}, {} found", read.so_far(), self.found.totals.count));
        Ok(())
    }

    /// Shows the rows that were not shown so far.
    async fn show(&mut self, output: &mut Output<'_>) -> Result<(), Failure> {
        let is_first = self.found.taken == 0;
        let records = self.found.take();
        if records.is_empty() {
            return Ok(());
        }
        let (validations, partial) = validations(self.account, &records).await?;
        self.partial.extend(partial);
        if self.format == Format::Csv {
            if is_first {
                output.raw(&csv_header());
            }
            output.raw(&csv_rows(&records, &validations, self.now));
        } else {
            output.lines(&table(&records, &validations, self.now, width()));
        }
        Ok(())
    }

    /// Shows the rest, and what was found altogether. Returns the place to go on from, if there is one.
    pub(super) async fn end(
        &mut self,
        read: &Read,
        output: &mut Output<'_>,
    ) -> Result<Option<String>, Failure> {
        self.found.finish();
        let next = self.found.next().filter(|_| self.is_in_order);
        let (all, shown) = (self.found.totals.count, self.found.count_shown());
        match self.format {
            Format::Json => self.end_json(read, next.clone(), output).await?,
            Format::Csv => {
                if self.found.count_shown() == 0 {
                    output.raw(&csv_header());
                }
                self.show(output).await?;
                if all > shown {
                    output.raw(format!("CUT: {shown} of {all} rows\n").as_bytes());
                }
                output.raw(&read.last_lines());
            }
            Format::Table => self.end_table(read, output).await?,
        }
        if all > shown {
            output.note(&match &next {
                Some(next) => format!("{shown} of {all} are shown: continue with --after '{next}'"),
                None => format!("{shown} of {all} are shown: show more with --limit"),
            });
        }
        for partial in &self.partial {
            output.note(&left_out(partial));
        }
        // What is sorted has no place in the ledger.
        Ok(next.or_else(|| read.next.clone()).filter(|_| !self.is_sorted))
    }

    async fn end_table(&mut self, read: &Read, output: &mut Output<'_>) -> Result<(), Failure> {
        let complete = read.next.is_none();
        if !complete {
            output.lines(&[PART.to_owned()]);
        }
        if self.found.totals.count == 0 {
            let words = match (complete, self.is_of_index) {
                (false, _) => "Nothing found in this part.",
                (true, true) => "Nothing found. All that waits was read.",
                (true, false) => "Nothing found. The whole ledger was read.",
            };
            output.lines(&[words.to_owned()]);
            return Ok(());
        }
        self.show(output).await?;
        output.lines(&[vec![String::new()], self.found.totals.lines()].concat());
        Ok(())
    }

    async fn end_json(
        &mut self,
        read: &Read,
        next: Option<String>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let (validations, partial) = validations(self.account, &self.found.shown).await?;
        self.partial.extend(partial);
        let delivery = |record| DeliveryView {
            validation: validation(record, &validations),
            ..DeliveryView::for_operator(record)
        };
        let view = View {
            deliveries: self.found.shown.iter().map(delivery).collect(),
            totals: &self.found.totals,
            shown_all: self.found.totals.count == self.found.shown.len(),
            read: read.items,
            read_units: read.units,
            complete: read.next.is_none(),
            next: next.or_else(|| read.next.clone()),
        };
        output.answer(&[], &view);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
