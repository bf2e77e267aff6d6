//! The shop's words and the settings: what the world is given.

use std::sync::LazyLock;

use postback_core::{
    clock::Timestamp,
    delivery::{Facts, Planned},
    redaction::Reason,
};

use crate::clock::{NOW, TICK};

/// One message of the shop about its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The order is completed.
    Complete {
        /// The number of the version, where the shop names one.
        version: Option<u8>,
        /// The content.
        content: u8,
    },
    /// The order is cancelled.
    Cancel {
        /// The number of the version, where the shop names one.
        version: Option<u8>,
    },
}

impl Word {
    /// The number of the version.
    #[must_use]
    pub const fn version(self) -> Option<u8> {
        match self {
            Self::Complete { version, .. } | Self::Cancel { version } => version,
        }
    }
}

/// The plan for the order under some settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The request can be built, under settings of this scope.
    Send(&'static str),
    /// There is nothing to report.
    Skip,
    /// The network can never take it.
    Reject,
}

impl Plan {
    pub(crate) fn planned(self) -> Planned {
        match self {
            Self::Send(scope) => Planned::Send(scope.to_owned()),
            Self::Skip => Planned::Skip(Reason::new("no_click")),
            Self::Reject => Planned::Reject(Reason::new("no_offer")),
        }
    }
}

/// What happens to the world from outside.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The number of orders; more than one share a click.
    pub orders: u8,
    /// The shop's words about each of them. All are on the queue from the start, and come in any
    /// order.
    pub words: &'static [Word],
    /// The words that come by a direct call instead.
    pub calls: &'static [usize],
    /// The plans under the settings, one after the other.
    pub settings: &'static [Plan],
    /// The content that exceeds a bound of the operator's.
    pub implausible: Option<u8>,
    /// The content that can't be built once the settings have changed.
    pub unplannable: Option<u8>,
    /// The number of the settings from which on nothing is sent again after a lost answer.
    pub holds_from: Option<u8>,
}

/// One order, completed once.
pub(crate) const ONCE: Word = Word::Complete { version: None, content: 0 };

impl Script {
    /// One order, completed once, under settings that don't change.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            orders: 1,
            words: &[ONCE],
            calls: &[],
            settings: &[Plan::Send("a")],
            implausible: None,
            unplannable: None,
            holds_from: None,
        }
    }

    /// These words about one order.
    #[must_use]
    pub const fn of(words: &'static [Word]) -> Self {
        Self { words, ..Self::plain() }
    }

    /// Returns whether the word completes the order with the content that exceeds a bound.
    pub(crate) fn is_implausible(&self, word: Word) -> bool {
        matches!(word, Word::Complete { content, .. } if Some(content) == self.implausible)
    }

    /// The latest completion: what an archive gives.
    pub(crate) fn latest(&self) -> Option<usize> {
        let words = self.words.iter().enumerate();
        let completions = words.filter(|(_, word)| matches!(word, Word::Complete { .. }));
        completions.max_by_key(|(_, word)| word.version()).map(|(what, _)| what)
    }
}

/// The `updated_at` of a version.
pub(crate) fn updated_at(version: Option<u8>) -> Option<Timestamp> {
    version.map(|number| NOW - TICK * 10_000 + TICK * u32::from(number))
}

/// The facts of a content, built once: they are compared often.
pub(crate) fn facts(content: u8) -> &'static Facts {
    static FACTS: LazyLock<[Facts; 3]> =
        LazyLock::new(|| ["0", "1", "2"].map(|amount| Facts::none().digest("amount", amount)));
    &FACTS[usize::from(content.min(2))]
}
