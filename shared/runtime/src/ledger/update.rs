//! The only compare-and-set loop: decide on the record as held, write, and decide anew if somebody
//! else wrote first.

use postback_core::delivery::Record;

use super::{Ledger, LedgerError, Put};

/// The number of times a write is decided anew.
const MAX_STALE_WRITES: u32 = 64;

/// A decision on a record.
#[derive(Clone, Debug)]
pub enum Change<T> {
    /// This record is to be written.
    Write(Box<Record>, T),
    /// Nothing is to be written.
    Keep(T),
}

/// The result of an update.
#[derive(Clone, Debug)]
pub struct Updated<T> {
    /// The record that the decision was taken on.
    pub before: Option<Record>,
    /// The record that the ledger holds now.
    pub after: Option<Record>,
    /// The rest of the decision.
    pub value: T,
}

impl<T> Updated<T> {
    /// Returns whether anything was written.
    #[must_use]
    pub fn wrote(&self) -> bool {
        let version = |record: &Option<Record>| record.as_ref().map(|record| record.version);
        version(&self.before) != version(&self.after)
    }

    /// Returns whether the delivery's state changed.
    #[must_use]
    pub fn changed_state(&self) -> bool {
        let version = |record: &Option<Record>| record.as_ref().map(|record| record.state_version);
        version(&self.before) != version(&self.after)
    }
}

/// The reason that an update failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// The ledger gave no usable answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Others wrote again and again.
    #[error("the delivery is being changed by too many at once")]
    Contended,
}

impl Ledger {
    /// Writes what `decide` returns for the record as held. If somebody else wrote first, `decide`
    /// is asked again about the record as it is then.
    ///
    /// `held` is the record as far as the caller knows: a wrong guess costs one refused write,
    /// which brings the record along.
    pub async fn update<T>(
        &self,
        mut held: Option<Record>,
        mut decide: impl FnMut(Option<&Record>) -> Change<T>,
    ) -> Result<Updated<T>, UpdateError> {
        for _ in 0..=MAX_STALE_WRITES {
            let (record, value) = match decide(held.as_ref()) {
                Change::Keep(value) => {
                    return Ok(Updated { before: held.clone(), after: held, value });
                }
                Change::Write(record, value) => (record, value),
            };
            let expected = held.as_ref().map(|record| record.version);
            match self.put(&record, expected).await? {
                Put::Written => {
                    return Ok(Updated { before: held, after: Some(*record), value });
                }
                Put::Stale(actual) => held = actual.map(|record| *record),
            }
        }
        Err(UpdateError::Contended)
    }
}
