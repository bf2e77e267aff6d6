//! The recovery from a lost answer, by the network's nature. An unsafe one does not compile.

use std::fmt;

use super::{Deduplicates, Network, ReadsBack};
use crate::{
    delivery::{Lookup, Recovery},
    http::{Answer, Request},
    order::OrderId,
};

/// The merchant's own word that an order reported twice is the lesser harm.
#[derive(Clone, Copy, Debug)]
pub struct Consent;

/// The delivery that a lookup asks for.
#[derive(Debug)]
pub enum Sought<'a, R> {
    /// By its report.
    Report(&'a R),
    /// By the order's id alone: today's settings can't build its report.
    Order(&'a OrderId),
}

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

/// The parts of a lookup, as plain functions.
struct ReadBack<N: Network> {
    scope: fn(&N) -> String,
    ask: fn(&N, &Sought<'_, N::Report>) -> Request,
    read: fn(&N, &Sought<'_, N::Report>, &Answer) -> Lookup,
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
        let read_back = ReadBack { scope: N::shown_scope, ask: N::lookup, read: N::found };
        Self { recovery: Recovery::LookUp, read_back: Some(read_back) }
    }

    /// The kind.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// The settings that scope what the network shows; `None` where it can't be asked.
    #[must_use]
    pub fn shown_scope(&self, network: &N) -> Option<String> {
        self.read_back.as_ref().map(|read_back| (read_back.scope)(network))
    }

    /// The request that asks the network for `sought`; `None` where it can't be asked.
    #[must_use]
    pub fn lookup_request(&self, network: &N, sought: &Sought<'_, N::Report>) -> Option<Request> {
        self.read_back.as_ref().map(|read_back| (read_back.ask)(network, sought))
    }

    /// Reads the answer to [`Self::lookup_request`].
    #[must_use]
    pub fn read_lookup(
        &self,
        network: &N,
        sought: &Sought<'_, N::Report>,
        answer: &Answer,
    ) -> Option<Lookup> {
        self.read_back.as_ref().map(|read_back| (read_back.read)(network, sought, answer))
    }
}
