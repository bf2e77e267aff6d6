//! A delivery as a comparison needs it, and the lines that belong to it.

use postback_core::{
    clock::Timestamp,
    delivery::{Proof, Record, State},
};
use rust_decimal::Decimal;

use super::{Said, Validated};
use crate::{
    format::{Sign, Status},
    line::Line,
};

/// The ledger's word for a delivery, as far as a report can agree with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The network has it, by its own word.
    Confirmed,
    /// The network has it, as far as anybody knows.
    Reported,
    /// In doubt, until a person decides.
    Held,
    /// On its way, or it resolves itself.
    Open,
    /// It waits, and the network certainly has nothing of it.
    NotSent,
    /// A person gave it up.
    Abandoned,
    /// The shop withdrew it before it was reported.
    Withdrawn,
    /// The network has it, and the shop cancelled or refunded it since.
    Cancelled,
    /// The network does not have it, by its own word or by ours.
    NotThere,
}

impl Standing {
    pub(super) fn of(record: &Record) -> Self {
        match record.protocol.state {
            State::Delivered | State::Accepted if record.protocol.cancelled.is_some() => {
                Self::Cancelled
            }
            State::Delivered if record.protocol.proof != Some(Proof::Operator) => Self::Confirmed,
            State::Delivered | State::Accepted => Self::Reported,
            State::Withdrawn => Self::Withdrawn,
            State::Abandoned => Self::Abandoned,
            State::Rejected | State::Skipped => Self::NotThere,
            _ if record.is_held_in_doubt() => Self::Held,
            _ if record.protocol.is_certainly_absent() => Self::NotSent,
            _ => Self::Open,
        }
    }
}

/// A delivery, compact: a million of them are in memory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) text: u32,
    pub(super) order_len: u16,
    pub(super) delivery_len: u16,
    pub(super) currency: u16,
    pub(crate) attempt: u32,
    pub(crate) state: State,
    pub(crate) standing: Standing,
    /// True if the shop's cancellation is noted.
    pub(crate) is_cancelled: bool,
    /// The time of the first attempt that may have been processed.
    pub(crate) first: Timestamp,
    /// The time of the last attempt.
    pub(crate) at: Timestamp,
    pub(crate) amount: Option<Decimal>,
    pub(crate) found: Found,
}

impl Entry {
    /// The amount that is left after what came back; `None` where that is not clear.
    pub(crate) fn left(&self, said: &Said) -> Option<Decimal> {
        let is_back = self.standing == Standing::Cancelled
            || said.validated.is_some_and(|known| !known.is_approved());
        if is_back { Some(Decimal::ZERO) } else { self.amount?.checked_sub(said.refunded?) }
    }

    /// The amount that the network owes for, by our last word: what was validated, else what was
    /// reported.
    pub(crate) fn owed(&self, said: &Said) -> Option<Decimal> {
        said.validated.and_then(Validated::amount).or(self.amount)
    }

    /// The amount of the report that is to be claimed back. All of it where the refunds are not clear.
    /// A report without its amount has taken what the network owes for.
    pub(crate) fn claim_back(&self, said: &Said) -> Decimal {
        let left = self.left(said).unwrap_or_default().max(Decimal::ZERO);
        let theirs = self.found.amount().or_else(|| self.owed(said)).unwrap_or_default();
        theirs.saturating_sub(left).max(Decimal::ZERO)
    }
}

/// The lines that belong to an entry.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Found {
    /// The number of lines.
    pub(crate) lines: u32,
    /// The line that stands for the entry where lines do not add up; 0 if there is none.
    main: u32,
    /// The number of lines with a positive amount.
    pub(crate) positive: u32,
    /// The sum of their amounts.
    net: Decimal,
    has_amount: bool,
    /// True if a line has none, although the report has amounts.
    pub(crate) lacks_amount: bool,
    pub(crate) status: Option<Status>,
    /// True if a line names another currency.
    pub(crate) other_currency: bool,
    /// True if a line has a negative amount although lines do not add up.
    pub(crate) is_reversed: bool,
    /// True if a line that can't be read names it.
    pub(crate) is_named: bool,
    /// True once a row shows the entry.
    pub(crate) is_shown: bool,
}

impl Found {
    /// Takes a line that can be read. Where lines do not add up the first that is not rejected
    /// stands for the entry: a network may list the tries that it refused, too.
    pub(crate) fn add(&mut self, line: &Line<'_>, sign: Sign, other_currency: bool) {
        self.lines += 1;
        let is_negative = line.amount.is_some_and(|amount| amount < Decimal::ZERO);
        match sign {
            Sign::Ledger => self.take(line, is_negative, other_currency),
            Sign::Lines if is_negative => self.is_reversed = true,
            Sign::Lines => {
                let is_rejected = |status| status == Some(Status::Rejected);
                if self.main == 0 || is_rejected(self.status) && !is_rejected(line.status) {
                    let Self { lines, is_reversed, is_named, .. } = *self;
                    *self = Self { lines, is_reversed, is_named, ..Self::default() };
                    self.main = number(line);
                    self.take(line, is_negative, other_currency);
                }
            }
        }
    }

    /// The sum of the amounts; `None` where a line has none.
    pub(crate) fn amount(&self) -> Option<Decimal> {
        (self.has_amount && !self.lacks_amount).then_some(self.net)
    }

    /// Returns whether this line stands for the entry.
    pub(crate) fn is_main(&self, line: &Line<'_>) -> bool {
        self.main == 0 || self.main == number(line)
    }

    /// Adds what the line says. A reversal says nothing about the status.
    fn take(&mut self, line: &Line<'_>, is_negative: bool, other_currency: bool) {
        self.other_currency |= other_currency;
        if !is_negative {
            self.status = line.status.or(self.status);
        }
        self.lacks_amount |= line.lacks_amount;
        if let Some(amount) = line.amount {
            self.has_amount = true;
            self.net = self.net.saturating_add(amount);
            self.positive += u32::from(amount > Decimal::ZERO);
        }
    }
}

fn number(line: &Line<'_>) -> u32 {
    u32::try_from(line.number).unwrap_or(u32::MAX)
}
