//! The delivery that a line belongs to.

use postback_core::digest::sha256;

use super::{DIGEST_BYTES, Ledger, Standing};
use crate::{format::Format, id, line::Line, shop::Shop};

/// The entry that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    One(u32, Way),
    None,
    /// It fits several.
    Several,
    /// The id is damaged, and fits several.
    Damaged,
}

/// The way in which a line was matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Conversion,
    Order,
    Email,
    Damaged,
}

impl Way {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Conversion => "conversion id",
            Self::Order => "order id",
            Self::Email => "e-mail address in the shop's export",
            Self::Damaged => "order id, damaged by a spreadsheet",
        }
    }
}

impl Ledger {
    /// Finds the delivery that a line belongs to: by the network's id of the conversion, then by the
    /// order's id, then by what a spreadsheet leaves of it. Never by its amount.
    pub(crate) fn find(&self, line: &Line<'_>, format: &Format, shop: &Shop) -> Match {
        let mut several = false;
        for way in [Way::Conversion, Way::Order, Way::Email, Way::Damaged] {
            let found = match way {
                Way::Conversion => self.by_conversion(line, format),
                Way::Order => self.by_order(line.order),
                Way::Email => shop.orders_of(line.email).flat_map(|id| self.by_order(id)).collect(),
                // A damaged id is looked for only where nothing else fits.
                Way::Damaged if !several => self.by_number(line.order),
                Way::Damaged => Vec::new(),
            };
            match self.only(found, line) {
                Ok(Some(entry)) => return Match::One(entry, way),
                Ok(None) => {}
                Err(()) if way == Way::Damaged => return Match::Damaged,
                Err(()) => several = true,
            }
        }
        if several { Match::Several } else { Match::None }
    }

    /// The one entry among those found: of several the line's order and sub ids say which.
    fn only(&self, mut found: Vec<u32>, line: &Line<'_>) -> Result<Option<u32>, ()> {
        let entry = |number: &u32| &self.entries[*number as usize];
        found.sort_unstable();
        found.dedup();
        if found.len() > 1 && !line.order.is_empty() {
            let of_order: Vec<_> = found
                .iter()
                .copied()
                .filter(|number| self.order_id(entry(number)) == line.order)
                .collect();
            if !of_order.is_empty() {
                found = of_order;
            }
        }
        if found.len() > 1 && !line.subs.is_empty() {
            let is_line = |number: &u32| {
                let line_id = self.delivery(entry(number)).split_once('#').map(|(_, line)| line);
                line_id.is_some_and(|line_id| line.subs.contains(&line_id))
            };
            let of_line: Vec<_> = found.iter().copied().filter(is_line).collect();
            if !of_line.is_empty() {
                found = of_line;
            }
        }
        if found.len() > 1 {
            // A click that several orders used: the network has the one that it did not refuse.
            found.retain(|number| entry(number).standing != Standing::NotThere);
        }
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(()),
        }
    }

    fn by_conversion(&self, line: &Line<'_>, format: &Format) -> Vec<u32> {
        let mut found = Vec::new();
        if !format.references.is_empty() {
            let ids = [line.conversion, line.order].into_iter().filter(|id| !id.is_empty());
            found.extend(ids.flat_map(|id| self.conversions.get(self.key("reference", id))));
        }
        if !format.facts.is_empty() && !line.conversion.is_empty() {
            let digest = sha256(line.conversion, DIGEST_BYTES);
            found.extend(self.conversions.get(self.key("digest", &digest)));
        }
        found
    }

    fn by_order(&self, id: &str) -> Vec<u32> {
        if id.is_empty() {
            return Vec::new();
        }
        let found = self.orders.get(self.key("order", id));
        found.filter(|number| self.order_id(&self.entries[*number as usize]) == id).collect()
    }

    fn by_number(&self, id: &str) -> Vec<u32> {
        let Some(damaged) = id::damaged(id) else { return Vec::new() };
        if damaged.is_shown {
            return self.shown.get(self.key("shown", &damaged.shown)).collect();
        }
        self.numbers.get(self.key("number", &damaged.number)).collect()
    }
}
