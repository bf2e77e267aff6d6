//! The number of each kind of event, so that a reader sees that each happened.

use std::{collections::BTreeMap, fmt};

/// A kind of event in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happened {
    /// An order came for the first time.
    Order,
    /// The same order came again.
    Repetition,
    /// It came with other content and no version.
    OtherContent,
    /// It came as a later version.
    Correction,
    /// It used the click of another order.
    SharedClick,
    /// The shop cancelled it.
    Cancellation,
    /// It came as completed after that.
    CompletionAfterCancellation,
    /// A person confirmed a delivery.
    Confirmed,
    /// A person permitted sending again.
    Permitted,
    /// A person gave a delivery up.
    Abandoned,
    /// A person took a decision back.
    Reopened,
    /// A person acknowledged other content, or an unclear refusal.
    Acknowledged,
    /// A decision came too late: the delivery had moved on.
    DecidedTooLate,
    /// A decision was written and its order not brought until later.
    HalfDone,
    /// The settings of a function changed.
    SettingChange,
    /// The sweep went over the ledger.
    Sweep,
    /// The ledger was missing for a time.
    LedgerOutage,
    /// The secrets were missing for a time.
    SecretsOutage,
    /// The queues took nothing for a time.
    QueueOutage,
    /// Calls of the ledger failed, hung or lost their answers.
    LedgerFault,
    /// A network did not answer as it should.
    NetworkFault,
    /// An invocation was killed at one of its awaits, if it got so far.
    Kill,
}

impl Happened {
    /// All kinds.
    pub const ALL: [Self; 22] = [
        Self::Order,
        Self::Repetition,
        Self::OtherContent,
        Self::Correction,
        Self::SharedClick,
        Self::Cancellation,
        Self::CompletionAfterCancellation,
        Self::Confirmed,
        Self::Permitted,
        Self::Abandoned,
        Self::Reopened,
        Self::Acknowledged,
        Self::DecidedTooLate,
        Self::HalfDone,
        Self::SettingChange,
        Self::Sweep,
        Self::LedgerOutage,
        Self::SecretsOutage,
        Self::QueueOutage,
        Self::LedgerFault,
        Self::NetworkFault,
        Self::Kill,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Order => "orders",
            Self::Repetition => "repetitions",
            Self::OtherContent => "other contents",
            Self::Correction => "corrections",
            Self::SharedClick => "orders of a shared click",
            Self::Cancellation => "cancellations",
            Self::CompletionAfterCancellation => "completions after a cancellation",
            Self::Confirmed => "confirmed",
            Self::Permitted => "sending again permitted",
            Self::Abandoned => "abandoned",
            Self::Reopened => "reopened",
            Self::Acknowledged => "acknowledged",
            Self::DecidedTooLate => "decided too late",
            Self::HalfDone => "decisions whose order came later",
            Self::SettingChange => "setting changes",
            Self::Sweep => "sweeps",
            Self::LedgerOutage => "ledger outages",
            Self::SecretsOutage => "secrets outages",
            Self::QueueOutage => "queue outages",
            Self::LedgerFault => "ledger faults",
            Self::NetworkFault => "network faults",
            Self::Kill => "kills",
        }
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// The number of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Happened, u64>);

impl Tally {
    pub(super) fn add(&mut self, kind: Happened, count: usize) {
        *self.0.entry(kind).or_default() += count as u64;
    }

    /// The number of this kind.
    #[must_use]
    pub fn count(&self, kind: Happened) -> u64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// The kinds that never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<Happened> {
        Happened::ALL.into_iter().filter(|kind| self.count(*kind) == 0).collect()
    }

    /// Adds another tally.
    pub fn join(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Happened::ALL.map(|kind| format!("{kind} {}", self.count(kind)));
        f.write_str(&counts.join(", "))
    }
}
