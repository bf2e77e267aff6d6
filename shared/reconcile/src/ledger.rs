//! The ledger's side: one compact entry a delivery, and indexes of its ids.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

use postback_core::{
    clock::Timestamp,
    delivery::{Proof, Record, State},
};
use rust_decimal::Decimal;

use crate::{
    format::{Format, Status},
    id,
    money::UNNAMED,
    shop::Shop,
};

mod find;
mod validated;

pub(crate) use find::{Match, Way};
pub(crate) use validated::{Called, Validated};
use validated::{Money, Said};

/// The number of bytes of a fact's digest.
const DIGEST_BYTES: usize = 8;

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
    fn of(record: &Record) -> Self {
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
            _ => Self::Open,
        }
    }
}

/// A delivery, compact: a million of them are in memory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    text: u32,
    order_len: u16,
    delivery_len: u16,
    currency: u16,
    pub(crate) attempt: u32,
    pub(crate) state: State,
    pub(crate) standing: Standing,
    /// True if the shop's cancellation is noted.
    pub(crate) is_cancelled: bool,
    /// The time of the last attempt.
    pub(crate) at: Timestamp,
    pub(crate) amount: Option<Decimal>,
    /// The refunds that the ledger and the shop's export name; `None` where an amount is not clear.
    pub(crate) refunded: Option<Decimal>,
    /// What was validated.
    pub(crate) validated: Option<Validated>,
    pub(crate) found: Found,
}

impl Entry {
    /// The amount that is left after what came back; `None` where that is not clear.
    pub(crate) fn left(&self) -> Option<Decimal> {
        let is_back = self.standing == Standing::Cancelled
            || self.validated.is_some_and(|known| !known.is_approved());
        if is_back { Some(Decimal::ZERO) } else { self.amount?.checked_sub(self.refunded?) }
    }

    /// The amount that the network owes for, by our last word: what was validated, else what was
    /// reported.
    pub(crate) fn owed(&self) -> Option<Decimal> {
        self.validated.and_then(Validated::amount).or(self.amount)
    }

    /// The amount of the report that is to be claimed back. All of it where the refunds are not clear.
    pub(crate) fn claim_back(&self) -> Decimal {
        let left = self.left().unwrap_or_default().max(Decimal::ZERO);
        self.found.net.saturating_sub(left).max(Decimal::ZERO)
    }
}

/// The lines that belong to an entry.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Found {
    /// The number of lines.
    pub(crate) lines: u32,
    /// The number of lines with a positive amount.
    pub(crate) positive: u32,
    /// The sum of their amounts.
    pub(crate) net: Decimal,
    pub(crate) has_amount: bool,
    pub(crate) status: Option<Status>,
    /// True if a line names another currency.
    pub(crate) other_currency: bool,
    /// True if a line that can't be read names it.
    pub(crate) is_named: bool,
    /// True once a row shows the entry.
    pub(crate) is_shown: bool,
}

/// The deliveries of a network.
#[derive(Debug, Default)]
pub struct Ledger {
    texts: String,
    currencies: Vec<String>,
    pub(crate) entries: Vec<Entry>,
    hasher: RandomState,
    orders: Index,
    conversions: Index,
    numbers: Index,
    shown: Index,
    money: Money,
}

/// Entries by the digest of an id.
#[derive(Debug, Default)]
struct Index(Vec<(u64, u32)>);

impl Index {
    fn add(&mut self, key: u64, entry: u32) {
        self.0.push((key, entry));
    }

    fn finish(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }

    fn get(&self, key: u64) -> impl Iterator<Item = u32> {
        let start = self.0.partition_point(|(own, _)| *own < key);
        self.0[start..].iter().take_while(move |(own, _)| *own == key).map(|(_, entry)| *entry)
    }
}

impl Ledger {
    /// A ledger without deliveries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of deliveries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn key(&self, kind: &str, id: &str) -> u64 {
        let mut hasher: DefaultHasher = self.hasher.build_hasher();
        kind.hash(&mut hasher);
        id.hash(&mut hasher);
        hasher.finish()
    }

    /// Adds a delivery, with what the shop's export says about its order; or what the ledger says
    /// about the validation of a delivery, in any order.
    pub fn add(&mut self, record: &Record, format: &Format, shop: &Shop) {
        let delivery = record.key().validated().unwrap_or_else(|| record.key());
        let money = self.key(&delivery.order_id, &delivery.delivery);
        self.money.add(money, record, shop);
        if record.is_validation() {
            return;
        }
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let is_cancelled = shop.is_cancelled(&record.order_id);
        let mut standing = Standing::of(record);
        if is_cancelled && matches!(standing, Standing::Confirmed | Standing::Reported) {
            standing = Standing::Cancelled;
        }
        let (amount, currency) = record.money().unwrap_or_default();
        let last = record.attempts.last().map(|attempt| attempt.started_at);
        let entry = Entry {
            text: u32::try_from(self.texts.len()).unwrap_or(u32::MAX),
            order_len: u16::try_from(record.order_id.len()).unwrap_or(u16::MAX),
            delivery_len: u16::try_from(record.delivery.len()).unwrap_or(u16::MAX),
            currency: self.currency_number(currency),
            attempt: record.protocol.attempt,
            state: record.protocol.state,
            standing,
            is_cancelled: record.protocol.cancelled.is_some() || is_cancelled,
            at: last.unwrap_or(record.protocol.first_seen_at),
            amount: amount.parse().ok(),
            refunded: Some(Decimal::ZERO),
            validated: None,
            found: Found::default(),
        };
        self.texts.push_str(&record.order_id);
        self.texts.push_str(&record.delivery);
        self.entries.push(entry);
        self.orders.add(self.key("order", &record.order_id), number);
        for name in &format.references {
            if let Some(id) = record.references.get(name) {
                self.conversions.add(self.key("reference", id), number);
            }
        }
        for name in &format.facts {
            if let Some(digest) = record.protocol.facts.get(name) {
                self.conversions.add(self.key("digest", digest), number);
            }
        }
        if let Some(damaged) = id::damaged(&record.order_id) {
            self.numbers.add(self.key("number", &damaged.number), number);
            self.shown.add(self.key("shown", &damaged.shown), number);
        }
    }

    /// Sorts the indexes, once all deliveries are added, and gives each delivery its money.
    pub fn finish(&mut self) {
        let Self { orders, conversions, numbers, shown, .. } = self;
        for index in [orders, conversions, numbers, shown] {
            index.finish();
        }
        self.money.finish();
        for number in 0..self.entries.len() {
            let entry = &self.entries[number];
            let key = self.key(self.order_id(entry), self.delivery(entry));
            let Said { validated, refunded, .. } = self.money.of(key);
            let entry = &mut self.entries[number];
            (entry.validated, entry.refunded) = (validated, refunded);
            let is_whole =
                refunded.is_some_and(|back| !back.is_zero() && entry.amount == Some(back));
            if is_whole && matches!(entry.standing, Standing::Confirmed | Standing::Reported) {
                entry.standing = Standing::Cancelled;
            }
            entry.is_cancelled |= is_whole;
        }
    }

    /// The time when a part of an order, or all of it, came back.
    pub(crate) fn came_back_at(&self, entry: &Entry) -> Option<Timestamp> {
        self.money.of(self.key(self.order_id(entry), self.delivery(entry))).came_back_at
    }

    fn currency_number(&mut self, currency: &str) -> u16 {
        let known = self.currencies.iter().position(|known| known == currency);
        let number = known.unwrap_or_else(|| {
            self.currencies.push(currency.to_owned());
            self.currencies.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    fn text(&self, start: usize, length: u16) -> &str {
        self.texts.get(start..start + usize::from(length)).unwrap_or_default()
    }

    pub(crate) fn order_id(&self, entry: &Entry) -> &str {
        self.text(entry.text as usize, entry.order_len)
    }

    pub(crate) fn delivery(&self, entry: &Entry) -> &str {
        self.text(entry.text as usize + usize::from(entry.order_len), entry.delivery_len)
    }

    pub(crate) fn currency(&self, entry: &Entry) -> &str {
        let currency = self.currencies.get(usize::from(entry.currency));
        currency.map(String::as_str).filter(|currency| !currency.is_empty()).unwrap_or(UNNAMED)
    }
}
