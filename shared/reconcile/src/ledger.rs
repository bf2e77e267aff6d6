//! The ledger's side: one compact entry a delivery, and indexes of its ids.

use std::{
    collections::HashSet,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
};

use postback_core::{delivery::Record, digest::sha256};

use crate::{format::Format, id, money::UNNAMED, shop::Shop};

mod attempts;
mod entry;
mod find;
mod index;
mod subs;
mod validated;

pub(crate) use attempts::span;
pub(crate) use entry::{Entry, Found, Standing};
pub(crate) use find::{Match, Way};
use index::Index;
use subs::Subs;
use validated::Money;
pub(crate) use validated::{Called, Said, Validated};

/// The number of bytes of a fact's digest.
const DIGEST_BYTES: usize = 8;
/// The kind of such a digest in the index of conversions: no reference has this name.
const DIGEST: &str = "#digest";

/// The reference that is our own id at a network. For an order id that does not fit there it is a
/// digest of it, and the ledger does not have it where no answer came.
const OUR_ID: &str = "our_id";
/// The bytes of that digest.
const OUR_ID_BYTES: usize = 20;

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
    /// What is left of the ids of held deliveries by people and programs that write them otherwise.
    held: HashSet<u64>,
    subs: Subs,
    money: Money,
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
        let (first, at) = span(record);
        let entry = Entry {
            text: u32::try_from(self.texts.len()).unwrap_or(u32::MAX),
            order_len: u16::try_from(record.order_id.len()).unwrap_or(u16::MAX),
            delivery_len: u16::try_from(record.delivery.len()).unwrap_or(u16::MAX),
            currency: self.currency_number(currency),
            attempt: record.protocol.attempt,
            state: record.protocol.state,
            standing,
            is_cancelled: record.protocol.cancelled.is_some() || is_cancelled,
            first,
            at,
            amount: amount.parse().ok(),
            found: Found::default(),
        };
        self.texts.push_str(&record.order_id);
        self.texts.push_str(&record.delivery);
        self.entries.push(entry);
        if standing == Standing::Held {
            self.held.insert(self.key("held", &id::plain(&record.order_id)));
        }
        self.index(record, number, format);
        if record.line().is_some() {
            self.subs.add(record, number);
        }
    }

    /// Adds the ids of a delivery.
    fn index(&mut self, record: &Record, number: u32, format: &Format) {
        self.orders.add(self.key("order", &record.order_id), number);
        for name in &format.references {
            if let Some(id) = record.references.get(name) {
                self.conversions.add(self.key(name, id), number);
            } else if name == OUR_ID {
                let id = format!("pb-{}", sha256(&record.order_id, OUR_ID_BYTES));
                self.conversions.add(self.key(name, &id), number);
            }
        }
        for name in &format.facts {
            if let Some(digest) = record.protocol.facts.get(name) {
                self.conversions.add(self.key(DIGEST, digest), number);
            }
        }
        if let Some(damaged) = id::damaged(&record.order_id) {
            for left in damaged.numbers() {
                self.numbers.add(self.key("number", left), number);
            }
            self.shown.add(self.key("shown", &damaged.shown), number);
        }
    }

    /// Sorts the indexes, once all deliveries are added, and gives each delivery its money.
    pub fn finish(&mut self) {
        let Self { orders, conversions, numbers, shown, .. } = self;
        for index in [orders, conversions, numbers, shown] {
            index.finish();
        }
        self.subs.finish();
        self.money.finish();
        for number in 0..self.entries.len() {
            let entry = &self.entries[number];
            let key = self.key(self.order_id(entry), self.delivery(entry));
            let refunded = self.money.of(key).refunded;
            let entry = &mut self.entries[number];
            let is_whole =
                refunded.is_some_and(|back| !back.is_zero() && entry.amount == Some(back));
            if is_whole && matches!(entry.standing, Standing::Confirmed | Standing::Reported) {
                entry.standing = Standing::Cancelled;
            }
            entry.is_cancelled |= is_whole;
        }
    }

    /// What is known about the money of a delivery. It is looked up: few of a million differ.
    pub(crate) fn said(&self, entry: &Entry) -> Said {
        self.money.of(self.key(self.order_id(entry), self.delivery(entry)))
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
