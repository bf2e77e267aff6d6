//! The evidence of all lines about dates and amounts: one alone can be read in two ways.

use std::collections::BTreeMap;

use crate::{
    amount,
    date::{self, Order},
    fault::Fault,
    format::Role,
    line::Columns,
    source::Rows,
};

/// The evidence of all lines about dates and amounts.
#[derive(Default)]
pub(super) struct Survey {
    orders: BTreeMap<u8, (Order, String)>,
    ambiguous_date: Option<String>,
    signs: BTreeMap<char, String>,
    ambiguous_amount: Option<String>,
}

impl Survey {
    pub(super) fn of(rows: &Rows, columns: &Columns, header_line: u64) -> Result<Self, Fault> {
        let mut survey = Self::default();
        rows.each(&mut |line, row| {
            if line > header_line {
                survey.look(columns.cell(row, Role::Date), columns.cell(row, Role::Amount));
            }
            Ok(true)
        })?;
        Ok(survey)
    }

    fn look(&mut self, date: &str, amount: &str) {
        match date::evidence(date) {
            date::Evidence::None => {}
            date::Evidence::Order(order) => {
                self.orders.entry(order as u8).or_insert_with(|| (order, date.to_owned()));
            }
            date::Evidence::Ambiguous => {
                self.ambiguous_date.get_or_insert_with(|| date.to_owned());
            }
        }
        match amount::evidence(amount) {
            amount::Evidence::None => {}
            amount::Evidence::Sign(sign) => {
                self.signs.entry(sign).or_insert_with(|| amount.to_owned());
            }
            amount::Evidence::Ambiguous => {
                self.ambiguous_amount.get_or_insert_with(|| amount.to_owned());
            }
        }
    }

    pub(super) fn dates(&self, given: Option<Order>) -> Result<Order, Fault> {
        if let Some(given) = given {
            return Ok(given);
        }
        let mut orders = self.orders.values();
        match (orders.next(), orders.next(), &self.ambiguous_date) {
            (Some((_, one)), Some((_, other)), _) => {
                Err(Fault::MixedDates(format!("{one} and {other}")))
            }
            (Some((order, _)), None, _) => Ok(*order),
            (None, _, Some(example)) => Err(Fault::AmbiguousDates(example.clone())),
            (None, _, None) => Ok(Order::Ymd),
        }
    }

    pub(super) fn decimal(&self, given: Option<char>) -> Result<char, Fault> {
        if let Some(given) = given {
            return Ok(given);
        }
        let mut signs = self.signs.iter();
        match (signs.next(), signs.next(), &self.ambiguous_amount) {
            (Some((_, one)), Some((_, other)), _) => {
                Err(Fault::MixedAmounts(format!("{one} and {other}")))
            }
            (Some((sign, _)), None, _) => Ok(*sign),
            (None, _, Some(example)) => Err(Fault::AmbiguousAmounts(example.clone())),
            (None, _, None) => Ok('.'),
        }
    }
}
