//! The delivery that a line belongs to.

use postback_core::{delivery::parts, digest::sha256};

use super::{DIGEST, DIGEST_BYTES, Ledger, Standing};
use crate::{
    format::{Format, Role},
    id,
    line::Line,
    shop::Shop,
};

/// The entry that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    One(u32, Way),
    None,
    /// It fits several.
    Several,
    /// The id is damaged, and fits several.
    Damaged,
    /// A spreadsheet has made a number without its last digits of the id, or a date, and it fits none; or
    /// it is a held delivery's but for signs and capital letters.
    Lost,
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
    /// Finds the delivery that a line belongs to: by the network's id of the conversion, then by
    /// the order's id, then by what a spreadsheet leaves of it. Never by its amount.
    pub(crate) fn find(&self, line: &Line<'_>, format: &Format, shop: &Shop) -> Match {
        let own = self.by_own_id(line.order, format);
        let is_unclear = !own.is_empty() && self.has_twin(line.order);
        let mut several = false;
        for way in [Way::Conversion, Way::Order, Way::Email, Way::Damaged] {
            let found = match way {
                Way::Conversion => match self.of_conversion(line, &own, format) {
                    Some(found) => found,
                    None => return Match::Several,
                },
                Way::Order if is_unclear => return Match::Damaged,
                Way::Order => own.clone(),
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
        if several {
            return Match::Several;
        }
        if [line.conversion, line.order].into_iter().any(id::is_lost) || self.may_be_held(line) {
            Match::Lost
        } else {
            Match::None
        }
    }

    /// The entries of the network's id; `None` if the line names an order of another entry.
    fn of_conversion(&self, line: &Line<'_>, own: &[u32], format: &Format) -> Option<Vec<u32>> {
        let found = self.by_conversion(line.conversion, format);
        if found.is_empty() || own.is_empty() {
            return Some(found);
        }
        let own = if self.has_twin(line.order) { self.by_number(line.order) } else { own.to_vec() };
        let both: Vec<_> = found.into_iter().filter(|number| own.contains(number)).collect();
        (!both.is_empty()).then_some(both)
    }

    /// The one entry among those found: of several the line's place and sub ids say which.
    fn only(&self, mut found: Vec<u32>, line: &Line<'_>) -> Result<Option<u32>, ()> {
        found.sort_unstable();
        found.dedup();
        let entry = |number: &u32| &self.entries[*number as usize];
        let place_of = |number: &u32| parts(self.delivery(entry(number))).1;
        let is_there = |number: &u32| entry(number).standing != Standing::NotThere;
        if found.iter().any(|number| place_of(number).is_some()) {
            // The item of the order itself is no line of it.
            found.retain(|number| place_of(number).is_some() || is_there(number));
            if !line.place.is_empty() {
                found.retain(|number| place_of(number) == Some(line.place));
                if found.is_empty() {
                    return Err(());
                }
            }
        }
        if found.len() > 1 && line.place.is_empty() && !line.subs.is_empty() {
            keep_if_any(&mut found, |number| self.subs.may_have(*number, &line.subs));
        }
        // A click that several orders used: the network has the one that it did not refuse.
        keep_if_any(&mut found, is_there);
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(()),
        }
    }

    fn by_conversion(&self, id: &str, format: &Format) -> Vec<u32> {
        if id.is_empty() {
            return Vec::new();
        }
        let mut found = self.by_reference(id, Role::Conversion, format);
        if !format.facts.is_empty() {
            let digest = sha256(id, DIGEST_BYTES);
            found.extend(self.conversions.get(self.key(DIGEST, &digest)));
        }
        found
    }

    /// Returns whether a line's order may be one that is held, written otherwise: `1,001`, `a-1`.
    fn may_be_held(&self, line: &Line<'_>) -> bool {
        let plain = id::plain(line.order);
        !plain.is_empty() && self.held.contains(&self.key("held", &plain))
    }

    /// The entries with this id under a reference that is of this column. A reference is of the
    /// column that may have its name as the heading; of both if neither may.
    fn by_reference(&self, id: &str, role: Role, format: &Format) -> Vec<u32> {
        let names = format.references.iter();
        let names = names.filter(|name| format.role(name).is_none_or(|own| own == role));
        names.flat_map(|name| self.conversions.get(self.key(name, id))).collect()
    }

    /// The entries of an order, by its id or by a reference that stands for it.
    fn by_own_id(&self, id: &str, format: &Format) -> Vec<u32> {
        if id.is_empty() {
            return Vec::new();
        }
        let mut found = self.by_reference(id, Role::Order, format);
        found.extend(self.by_order(id));
        found
    }

    fn by_order(&self, id: &str) -> impl Iterator<Item = u32> {
        let found = self.orders.get(self.key("order", id));
        found.filter(move |number| self.order_id(&self.entries[*number as usize]) == id)
    }

    fn by_number(&self, id: &str) -> Vec<u32> {
        let Some(damaged) = id::damaged(id) else { return Vec::new() };
        if damaged.is_shown {
            return self.shown.get(self.key("shown", &damaged.shown)).collect();
        }
        let numbers = damaged.numbers();
        numbers.flat_map(|number| self.numbers.get(self.key("number", number))).collect()
    }

    /// Returns whether the id may be what a spreadsheet left of another order's.
    fn has_twin(&self, id: &str) -> bool {
        let is_other = |number: u32| self.order_id(&self.entries[number as usize]) != id;
        id::may_be_left(id) && self.by_number(id).into_iter().any(is_other)
    }
}

/// Keeps those that fit, if there are any.
fn keep_if_any(found: &mut Vec<u32>, fits: impl Fn(&u32) -> bool) {
    if found.len() > 1 && found.iter().any(&fits) {
        found.retain(fits);
    }
}
