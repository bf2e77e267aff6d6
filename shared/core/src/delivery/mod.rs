//! The delivery protocol: one pure function from a delivery, an event and the time to the next
//! delivery and the action that follows.
//!
//! [`step`] is the only place where a delivery changes state. The dispatcher runs it, the model
//! checker explores it, and the ledger writes its result by compare-and-set, so that it always
//! decides on the item as stored.

mod duplicate;
mod event;
mod facts;
mod policy;
mod proof;
mod record;
mod state;
mod step;
mod verdict;
mod view;

pub use duplicate::{Judgement, Others, judge};
pub use event::{Arrival, Attempt, Decision, Event, Jitter, Open, Planned, Step, Then};
pub use facts::Facts;
pub use policy::{Policy, RETENTION, Recovery};
pub use proof::{IfAbsent, Proof};
pub use record::{
    AttemptRecord, Attribute, CancellationRecord, CancellationWord, ConflictRecord, DecisionRecord,
    FORMAT, History, Key, LookupRecord, Note, Record, Stamp, StatusRecord,
};
pub use state::{Cancellation, Claim, Delivery, Doubt, Permission, State, Undecided};
pub use step::{ByLines, Lines, by_lines, step};
pub use verdict::{Lookup, Scope, Verdict};
pub use view::{DecisionView, DeliveryView, PartialView};
