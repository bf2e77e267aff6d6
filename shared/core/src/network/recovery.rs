//! The recovery from a lost answer, by the network's nature. An unsafe one does not compile.

use std::fmt;

use super::{Deduplicates, Network, ReadsBack};
use crate::{
    delivery::{Lookup, Recovery},
    http::{Answer, Request},
};

/// The merchant's own word that an order reported twice is the lesser harm.
#[derive(Clone, Copy, Debug)]
pub struct Consent;

/// The way to resolve a lost answer. An unsafe one can't be named: sending again asks for a
/// network that [`Deduplicates`] or for the merchant's [`Consent`], looking up for one that
/// [`ReadsBack`].
///
/// ```compile_fail
/// use postback_core::network::{Network, RecoveryPlan};
/// fn resend<N: Network>() -> RecoveryPlan<N> {
///     RecoveryPlan::send_again() // does not compile: N does not say that it de-duplicates
/// }
/// ```
pub struct RecoveryPlan<N: Network> {
    recovery: Recovery,
    read_back: Option<ReadBack<N>>,
}

impl<N: Network> fmt::Debug for RecoveryPlan<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecoveryPlan").field(&self.recovery).finish()
    }
}

/// The two halves of a lookup, as plain functions.
struct ReadBack<N: Network> {
    ask: fn(&N, &N::Report) -> Request,
    read: fn(&N, &N::Report, &Answer) -> Lookup,
}

impl<N: Network> RecoveryPlan<N> {
    /// A person decides.
    #[must_use]
    pub const fn hold() -> Self {
        Self { recovery: Recovery::Hold, read_back: None }
    }

    /// Send again: the network's "duplicate" is the proof.
    #[must_use]
    pub const fn send_again() -> Self
    where
        N: Deduplicates,
    {
        Self { recovery: Recovery::SendAgain, read_back: None }
    }

    /// Send again though nothing de-duplicates, because the merchant has chosen so.
    #[must_use]
    pub const fn send_again_by_consent(_: Consent) -> Self {
        Self { recovery: Recovery::SendOnceMore, read_back: None }
    }

    /// Ask the network, once it has had time to show it.
    #[must_use]
    pub fn look_up() -> Self
    where
        N: ReadsBack,
    {
        let read_back = ReadBack { ask: N::lookup, read: N::found };
        Self { recovery: Recovery::LookUp, read_back: Some(read_back) }
    }

    /// The kind.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// The request that asks the network for `report`; `None` where it can't be asked.
    #[must_use]
    pub fn lookup_request(&self, network: &N, report: &N::Report) -> Option<Request> {
        self.read_back.as_ref().map(|read_back| (read_back.ask)(network, report))
    }

    /// Reads the answer to [`Self::lookup_request`].
    #[must_use]
    pub fn read_lookup(&self, network: &N, report: &N::Report, answer: &Answer) -> Option<Lookup> {
        self.read_back.as_ref().map(|read_back| (read_back.read)(network, report, answer))
    }
}
