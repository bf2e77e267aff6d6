//! What a network is: a small, pure trait. No IO, no clock, no choice at run time which one.
//!
//! A function crate holds one type that implements [`Network`]; the shell is generic over it.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::Value;

use crate::{
    clock::Timestamp,
    delivery::{Attempt, Resolution, State},
    fields::{Fault, Fields},
    http::{Answer, Request},
    order::Order,
    word::{Evidence, Reason},
};

/// One marketing network.
pub trait Network: Sized + Send + Sync + 'static {
    /// Its name in orders (`clicks.<name>`), in paths, in the ledger and in metrics.
    const NAME: &'static str;
    /// The network's own base URL, used unless the operator names another.
    const ENDPOINT: &'static str;
    /// How long one request may take, from connecting to the last byte of the answer.
    const TIMEOUT: Duration = Duration::from_secs(10);
    /// How long the network may take to show in its read-back what it has accepted.
    const LAG: Duration = Duration::from_mins(2);
    /// What is to be told: one order, or one line of it. Facts of the order only: neither the
    /// settings nor the time of the attempt, for its hash tells whether an order came back with
    /// other content.
    type Report: Serialize + Send + Sync;

    /// Reads the network's settings: the members of its secret.
    /// `None` means a fault was noted on `fields`.
    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self>;

    /// Checks the members of `clicks.<name>` of an order at the API; faults are noted on `fields`.
    /// What only this network can judge (an unknown click id) is not a fault.
    fn check_click(fields: &mut Fields<'_, '_>);

    /// What of this order is to be told.
    fn phrase(&self, order: &Order) -> Phrase<Self::Report>;

    /// The request of one attempt.
    fn request(&self, report: &Self::Report, attempt: &Attempt) -> Request;

    /// What an answer means.
    fn verdict(&self, report: &Self::Report, answer: &Answer, attempt: &Attempt) -> Reading;

    /// What is done when nobody knows whether an attempt arrived.
    fn recovery(&self, report: &Self::Report) -> Recovery<Self>;
}

/// A network that can be asked what it holds under our own id.
pub trait ReadsBack: Network {
    /// The request that asks for `report`.
    fn lookup(&self, report: &Self::Report) -> Request;

    /// What the answer to [`Self::lookup`] says.
    fn found(&self, report: &Self::Report, answer: &Answer) -> Lookup;
}

/// A network that goes on to say how far what it took has come: its verdict on the money.
pub trait Follows: Network {
    /// How many deliveries one request may ask about.
    const AT_ONCE: usize;
    /// The reference in the ledger that it is asked by.
    const REFERENCE: &'static str;

    /// The request that asks about `ids`, at most [`Self::AT_ONCE`].
    fn ask(&self, ids: &[&str]) -> Request;

    /// What the answer says, by id. What it leaves out is asked again.
    fn progress(&self, answer: &Answer) -> Result<BTreeMap<String, Progress>, Reason>;
}

/// How far a delivery has come at the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The network's own words for it.
    pub status: Evidence,
    /// Whether it is the network's last word.
    pub is_final: bool,
    /// Whether the network has dropped what it had taken: no money comes of it.
    pub is_dropped: bool,
}

/// A network that takes a second conversion under the same key for a duplicate, and says so.
pub trait Deduplicates: Network {
    /// The parameter it compares, as its document names it.
    const KEY: &'static str;
}

/// The merchant's own word that a report told twice is the lesser harm.
#[derive(Clone, Copy, Debug)]
pub struct Consent;

/// What is done about a lost answer. An unsafe one can't be named: sending again asks for a
/// network that [`Deduplicates`] or for the merchant's [`Consent`], looking up for one that
/// [`ReadsBack`].
///
/// ```compile_fail
/// use postback::network::{Network, Recovery};
/// fn resend<N: Network>() -> Recovery<N> {
///     Recovery::send_again() // does not compile: N does not say that it de-duplicates
/// }
/// ```
pub struct Recovery<N: Network> {
    resolution: Resolution,
    read_back: Option<ReadBack<N>>,
}

impl<N: Network> fmt::Debug for Recovery<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recovery").field(&self.resolution).finish()
    }
}

/// The two halves of a lookup, as plain functions.
pub(crate) struct ReadBack<N: Network> {
    pub(crate) ask: fn(&N, &N::Report) -> Request,
    pub(crate) read: fn(&N, &N::Report, &Answer) -> Lookup,
}

impl<N: Network> Recovery<N> {
    /// A person decides.
    #[must_use]
    pub const fn hold() -> Self {
        Self { resolution: Resolution::Hold, read_back: None }
    }

    /// Send again: the network's "duplicate" is the proof.
    #[must_use]
    pub const fn send_again() -> Self
    where
        N: Deduplicates,
    {
        Self { resolution: Resolution::SendAgain, read_back: None }
    }

    /// Send again though nothing de-duplicates, because the merchant has chosen so.
    #[must_use]
    pub const fn send_again_by_consent(_: Consent) -> Self {
        Self { resolution: Resolution::SendAgain, read_back: None }
    }

    /// Ask the network, once it has had time to show it.
    #[must_use]
    pub fn look_up() -> Self
    where
        N: ReadsBack,
    {
        let read_back = ReadBack { ask: N::lookup, read: N::found };
        Self { resolution: Resolution::LookUp, read_back: Some(read_back) }
    }

    /// Which of the three it is.
    #[must_use]
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    pub(crate) const fn read_back(&self) -> Option<&ReadBack<N>> {
        self.read_back.as_ref()
    }
}

/// What phrasing an order gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phrase<R> {
    /// These are to be told, each its own delivery.
    Tell(Vec<Told<R>>),
    /// Nothing to report: no click id, no e-mail, not completed. Nothing is written.
    Skip(Reason),
    /// This network can never take this order. Recorded, never sent.
    Reject(Reason),
}

impl<R> Phrase<R> {
    /// The whole order as one delivery.
    #[must_use]
    pub fn order(report: R) -> Self {
        Self::Tell(vec![Told { line: None, report }])
    }
}

/// One delivery of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<R> {
    /// Which line of the order, where the network wants lines: stable over resends.
    pub line: Option<String>,
    /// What is told.
    pub report: R,
}

/// What an attempt's answer means (see the network's README for which answer means which).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The network confirmed it.
    Delivered(Proof),
    /// Success from a network that never confirms, or the best that can still be learned.
    Accepted(Option<Reason>),
    /// Nothing to report.
    Skipped(Reason),
    /// This order can never pass.
    Rejected {
        /// Why.
        reason: Reason,
        /// Whether the refusal is about the order itself, so that every earlier attempt must have
        /// met it too. `false`: it is about the moment (a cap, an unknown text) and says nothing
        /// of an earlier attempt whose answer was lost.
        standing: bool,
    },
    /// A setting is wrong. Kept, and sent once it is mended.
    Parked {
        /// What is wrong.
        reason: Reason,
        /// Whether every order would fail, or only those like this one.
        scope: Scope,
        /// Whether it is tried now and then although no setting has changed: the other side may
        /// have been mended.
        probe: bool,
    },
    /// Certainly not processed: send again later.
    Retry {
        /// Why.
        reason: Reason,
        /// The least wait that the network asked for.
        after: Option<Duration>,
        /// Whether a byte of it may have reached the network.
        sent: bool,
    },
    /// May have been processed.
    Unconfirmed {
        /// What happened.
        reason: Reason,
        /// What a clean "not there" of a lookup means.
        if_absent: IfAbsent,
    },
}

impl Verdict {
    /// A refusal of the order itself.
    #[must_use]
    pub const fn rejected(reason: &'static str) -> Self {
        Self::Rejected { reason: Reason::new(reason), standing: true }
    }

    /// A refusal that depends on the moment.
    #[must_use]
    pub const fn rejected_now(reason: &'static str) -> Self {
        Self::Rejected { reason: Reason::new(reason), standing: false }
    }

    /// A setting is wrong for every order: the network is paused.
    #[must_use]
    pub const fn parked(reason: &'static str) -> Self {
        Self::Parked { reason: Reason::new(reason), scope: Scope::Network, probe: true }
    }

    /// A setting is wrong for orders like this one only; others go on.
    #[must_use]
    pub const fn parked_alone(reason: &'static str) -> Self {
        Self::Parked { reason: Reason::new(reason), scope: Scope::Delivery, probe: true }
    }

    /// Nobody knows what is wrong with this order: it is not tried again before a setting changes
    /// or a person decides.
    #[must_use]
    pub const fn parked_until_mended(reason: &'static str) -> Self {
        Self::Parked { reason: Reason::new(reason), scope: Scope::Delivery, probe: false }
    }

    /// Answered, certainly not processed.
    #[must_use]
    pub const fn retry(reason: &'static str, after: Option<Duration>) -> Self {
        Self::Retry { reason: Reason::new(reason), after, sent: true }
    }

    /// May have been processed; if a lookup finds nothing, it was not.
    #[must_use]
    pub const fn unconfirmed(reason: &'static str) -> Self {
        Self::Unconfirmed { reason: Reason::new(reason), if_absent: IfAbsent::SendAgain }
    }

    /// The state it leads to where nothing is in doubt, and why: for logs.
    #[must_use]
    pub fn words(&self) -> (&'static str, Option<&str>) {
        let (state, reason) = match self {
            Self::Delivered(_) => (State::Delivered, None),
            Self::Accepted(reason) => (State::Accepted, reason.as_ref()),
            Self::Skipped(reason) => (State::Skipped, Some(reason)),
            Self::Rejected { reason, .. } => (State::Rejected, Some(reason)),
            Self::Parked { reason, .. } => (State::Parked, Some(reason)),
            Self::Retry { reason, .. } => (State::Retrying, Some(reason)),
            Self::Unconfirmed { reason, .. } => (State::Unconfirmed, Some(reason)),
        };
        (state.as_str(), reason.map(Reason::as_str))
    }

    /// Whether nothing more should be sent to the network for now.
    #[must_use]
    pub const fn pauses_the_network(&self) -> bool {
        matches!(self, Self::Parked { scope: Scope::Network, .. })
    }
}

/// What makes a delivery certain.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The network's own answer to the attempt.
    Response,
    /// Its "duplicate" of our own earlier attempt.
    Duplicate,
    /// Found when asked.
    Lookup,
    /// A person's word.
    Operator,
}

impl Proof {
    /// The word in the ledger, the API, the events and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Duplicate => "duplicate",
            Self::Lookup => "lookup",
            Self::Operator => "operator",
        }
    }
}

/// How far a wrong setting reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every order would fail (key, IP list, moved URL): stop sending to the network.
    Network,
    /// Only orders like this one (its offer): park it alone.
    Delivery,
}

/// What a clean "not there" means for an unconfirmed delivery.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum IfAbsent {
    /// It never arrived: send again.
    #[default]
    SendAgain,
    /// The network holds somebody else's: rejected as `duplicate_elsewhere`.
    Reject,
}

/// A verdict with what may be kept of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it means.
    pub verdict: Verdict,
    /// The network's own ids for what it now holds.
    pub references: Evidence,
    /// What helps a person who has to argue with the network.
    pub evidence: Evidence,
}

impl From<Verdict> for Reading {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, references: Evidence::none(), evidence: Evidence::none() }
    }
}

/// What a lookup gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is there.
    Found {
        /// The network's own ids for it.
        references: Evidence,
    },
    /// A clean, whole answer that does not hold it.
    Absent,
    /// The question was not answered.
    Failed {
        /// Why not.
        reason: Reason,
    },
}

/// The settings of a network, as read from its secret.
#[derive(Clone)]
pub struct Configured<N> {
    /// The network with its settings.
    pub network: Arc<N>,
    /// Which version of the secret they are.
    pub version: String,
    /// When they were read.
    pub read_at: Timestamp,
}

impl<N> fmt::Debug for Configured<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Reads a network's settings from the JSON text of its secret.
pub fn configure<N: Network>(json: &str) -> Result<N, Vec<Fault>> {
    let value: Value = serde_json::from_str(json).map_err(|_| {
        let detail = "the secret must be a JSON object";
        vec![Fault { pointer: String::new(), code: "not_json", detail: detail.into() }]
    })?;
    let settings = crate::fields::read(&value, crate::fields::Unknown::Refused, N::configure);
    settings.map_err(|faults| faults.into_iter().map(without_foreign_name).collect())
}

/// The name of a member that is no setting may be the key itself, pasted in the wrong place: it is
/// shown only if it looks like the name of a setting.
fn without_foreign_name(fault: Fault) -> Fault {
    let (parent, name) = fault.pointer.rsplit_once('/').unwrap_or_default();
    let fits = |b: u8| b.is_ascii_lowercase() || b == b'_';
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_name =
        name.len() <= 24 && digits <= 1 && name.bytes().all(|b| fits(b) || b.is_ascii_digit());
    if fault.code != "unknown_member" || is_name {
        return fault;
    }
    let pointer = parent.to_owned();
    Fault { pointer, detail: "has a member that is no setting".into(), ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_unknown_setting_is_shown_unless_it_may_be_a_key() {
        let shown = |pointer: &str| {
            let detail = "is not a member of this object".into();
            let fault = Fault { pointer: pointer.to_owned(), code: "unknown_member", detail };
            without_foreign_name(fault).pointer
        };

        assert_eq!(shown("/ofer_id"), "/ofer_id");
        assert_eq!(shown("/adv_sub6"), "/adv_sub6");
        assert_eq!(shown("/070a632e2b574ca894d90610c7da97bc"), "");
        assert_eq!(shown("/offer_by_country/aVerySecretKey"), "/offer_by_country");
    }
}
