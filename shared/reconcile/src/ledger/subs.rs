//! The further ids with which the lines of orders were reported, where the ledger keeps them.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use postback_core::delivery::Record;

use crate::id;

/// The ids that were reported with a line, by its entry.
#[derive(Debug, Default)]
pub(super) struct Subs(Vec<(u32, u64)>);

impl Subs {
    /// Adds what a line was reported with. Where an earlier attempt reported something else nothing
    /// is known.
    pub(super) fn add(&mut self, record: &Record, entry: u32) {
        let reported = record.protocol.reported.as_ref().filter(|reported| !reported.differs);
        let ids = reported.into_iter().flat_map(|reported| reported.ids.values());
        self.0.extend(ids.map(|id| (entry, key(id))));
    }

    pub(super) fn finish(&mut self) {
        self.0.sort_unstable();
    }

    /// Returns whether a row with these ids can be the entry's: all of them were reported with it,
    /// or nothing is known of them. A number alone says nothing: the quantity of one line is the
    /// place of another.
    pub(super) fn may_have(&self, entry: u32, subs: &[&str]) -> bool {
        let start = self.0.partition_point(|(own, _)| *own < entry);
        let own = self.0[start..].iter().take_while(|(own, _)| *own == entry);
        let mut own: Vec<_> = own.map(|(_, key)| *key).collect();
        let is_unknown = own.is_empty();
        // Each counts as often as it was reported.
        let has = |sub: &&str| {
            let at = own.iter().position(|own| *own == key(sub));
            at.map(|at| own.swap_remove(at)).is_some()
        };
        is_unknown || subs.iter().all(has)
    }
}

/// A digest of an id; the same for one number however a spreadsheet writes it.
fn key(id: &str) -> u64 {
    let id = id::clean(id);
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    match id::damaged(id) {
        Some(damaged) => hasher.hash_one((true, damaged.rounded)),
        None => hasher.hash_one((false, id)),
    }
}
