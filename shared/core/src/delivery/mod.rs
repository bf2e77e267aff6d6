//! The delivery protocol: one pure function from a delivery, an event and the time to the next
//! delivery and the action that follows.
//!
//! [`step`] is the only place where a delivery changes state. The dispatcher runs it, the model
//! checker explores it, and the ledger writes its result by compare-and-set, so that it always
//! decides on the item as stored.

mod event;
mod policy;
mod proof;
mod record;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod verdict;
mod view;

pub use event::{Attempt, Decision, Event, Jitter, Step, Then};
pub use policy::{Policy, RETENTION, Recovery};
pub use proof::{IfAbsent, Proof};
pub use record::{
    AttemptRecord, ConflictRecord, DecisionRecord, History, Key, LookupRecord, Note, Record, Stamp,
    StatusRecord,
};
pub use state::{Delivery, Fingerprint, State};
pub use step::step;
pub use verdict::{Lookup, Scope, Verdict};
pub use view::{DecisionView, DeliveryView};
