//! The trait that a network implements: small and pure. No IO, no clock, no choice at run time.
//!
//! A function crate holds one type that implements [`Network`]; the shell is generic over it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    delivery::{Attempt, Facts, Lookup, Status, Verdict},
    fields::Fields,
    http::{Answer, Request},
    order::Order,
    redaction::{Details, Reason},
};

mod recovery;
mod settings;
mod status;
mod validation;

pub use recovery::{Consent, RecoveryPlan, Sought};
pub use settings::configure;
pub use status::{by_status, may_be_a_firewalls};
pub use validation::{Validates, ValidationPlan};

/// One marketing network.
pub trait Network: Sized + Send + Sync + 'static {
    /// Its name in orders (`clicks.<name>`), in paths, in the ledger and in metrics.
    const NAME: &'static str;
    /// The members of `clicks.<name>`: the API refuses others by name. Their values are judged by
    /// [`Self::plan`] alone.
    const CLICK: &'static [&'static str] = &[];
    /// The network's own base URL, used unless the operator names another.
    const ENDPOINT: &'static str;
    /// The time that one request may take, from connecting to the last byte of the answer.
    const TIMEOUT: Duration = Duration::from_secs(10);
    /// The time that the network may take to show in its read-back what it has accepted.
    const LAG: Duration = Duration::from_mins(2);
    /// True if it goes on to say how far what it took has come, and is asked: [`TracksStatus`].
    const TRACKS_STATUS: bool = false;
    /// The content of one report: an order, or one line of it.
    type Report: Send + Sync;

    /// Reads the network's settings: the members of its secret.
    /// `None` means a fault was noted on `fields`.
    fn configure(fields: &mut Fields<'_, '_>) -> Option<Self>;

    /// Returns the parts of this order to report.
    fn plan(&self, order: &Order) -> Plan<Self::Report>;

    /// The facts by which this network's content of `order` is recognised, beside total and
    /// currency. The order's own, before any setting: identifiers as digests, nothing personal.
    fn facts(order: &Order) -> Facts;

    /// The settings that scope the network's memory of `report`: account, offer, mode. Nothing
    /// secret. Under other settings a doubt about it can't be resolved.
    fn scope(&self, report: &Self::Report) -> String;

    /// The click by which the network takes a second conversion for a duplicate; `None` where it
    /// does not, or not for `report`.
    fn click(_report: &Self::Report) -> Option<&str> {
        None
    }

    /// The request of one attempt.
    fn request(&self, report: &Self::Report, attempt: &Attempt) -> Request;

    /// Returns the meaning of an answer.
    fn verdict(&self, report: &Self::Report, answer: &Answer, attempt: &Attempt) -> Classification;

    /// Returns the way to resolve a lost answer.
    fn recovery(&self, report: &Self::Report) -> RecoveryPlan<Self>;

    /// Returns the way to ask for a delivery whose report today's settings can't build: a doubt about
    /// it is resolved all the same. `None` where the network can't be asked.
    fn read_back(&self) -> Option<RecoveryPlan<Self>> {
        None
    }

    /// Returns the way to validate what the network took; `None` where it wants no validation, or
    /// the settings leave it off.
    fn validation(&self) -> Option<ValidationPlan<Self>> {
        None
    }
}

/// A network that can be asked what it holds under our own id.
pub trait ReadsBack: Network {
    /// The settings that scope what it shows: those of [`Network::scope`], of any report.
    fn shown_scope(&self) -> String;

    /// The request that asks for `sought`.
    fn lookup(&self, sought: &Sought<'_, Self::Report>) -> Request;

    /// Reads the answer to [`Self::lookup`].
    fn found(&self, sought: &Sought<'_, Self::Report>, answer: &Answer) -> Lookup;
}

/// A network that goes on to say how far what it took has come: its verdict on the money.
pub trait TracksStatus: Network {
    /// The most deliveries that one request may ask about.
    const AT_ONCE: usize;
    /// The reference in the ledger that it is asked by.
    const REFERENCE: &'static str;

    /// The request that asks about `ids`, at most [`Self::AT_ONCE`].
    fn ask(&self, ids: &[&str]) -> Request;

    /// Reads the answer, by id. A delivery that it leaves out is asked about again.
    fn progress(&self, answer: &Answer) -> Result<BTreeMap<String, Progress>, Reason>;
}

/// The later status of a delivery at the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The network's own words for it.
    pub status: Details,
    /// True if it is the network's last word.
    pub is_final: bool,
    /// True if the network has dropped what it had taken: no money comes of it.
    pub is_dropped: bool,
}

impl Progress {
    /// The network's last word on the money, once it has one.
    #[must_use]
    pub fn validation(&self) -> Option<Status> {
        let word = if self.is_dropped { Status::Rejected } else { Status::Approved };
        self.is_final.then_some(word)
    }
}

/// A network that takes a second conversion under the same key for a duplicate, and says so.
pub trait Deduplicates: Network {
    /// The parameter it compares, as its document names it.
    const KEY: &'static str;
}

/// The plan for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan<R> {
    /// Report these, each as a delivery of its own.
    Send(Vec<Part<R>>),
    /// Nothing to report: no click id, no e-mail, not completed. Nothing is written.
    Skip(Reason),
    /// This network can never take this order. Recorded, never sent.
    Reject(Reason),
}

impl<R> Plan<R> {
    /// The whole order as one delivery.
    #[must_use]
    pub fn order(report: R) -> Self {
        Self::Send(vec![Part { line: None, facts: Facts::none(), report }])
    }
}

/// One delivery of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<R> {
    /// The line of the order, where the network wants lines: stable over resends.
    pub line: Option<String>,
    /// The facts of this line alone.
    pub facts: Facts,
    /// The content.
    pub report: R,
}

/// A verdict with what may be kept of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The meaning.
    pub verdict: Verdict,
    /// The network's own ids for what it now holds.
    pub references: Details,
    /// The details that help a person who has to argue with the network.
    pub details: Details,
}

impl From<Verdict> for Classification {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, references: Details::none(), details: Details::none() }
    }
}
