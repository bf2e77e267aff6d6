//! Entries by the digest of an id, sorted.

/// Entries by the digest of an id.
#[derive(Debug, Default)]
pub(super) struct Index(Vec<(u64, u32)>);

impl Index {
    pub(super) fn add(&mut self, key: u64, entry: u32) {
        self.0.push((key, entry));
    }

    pub(super) fn finish(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }

    pub(super) fn get(&self, key: u64) -> impl Iterator<Item = u32> {
        let start = self.0.partition_point(|(own, _)| *own < key);
        self.0[start..].iter().take_while(move |(own, _)| *own == key).map(|(_, entry)| *entry)
    }
}
