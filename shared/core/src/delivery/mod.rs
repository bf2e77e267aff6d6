//! The delivery protocol: one pure function from a delivery, an event and the time to the next
//! delivery and the action that follows.
//!
//! [`step`] is the only place where a delivery changes state. The dispatcher runs it, the model
//! checker explores it, and the ledger writes its result by compare-and-set, so that it always
//! decides on the item as stored.

mod cancellation;
mod duplicate;
mod event;
mod facts;
mod policy;
mod proof;
mod record;
mod refunds;
mod reported;
#[cfg(test)]
mod samples;
mod state;
mod step;
mod validation;
mod verdict;
mod view;

pub use cancellation::Cancellation;
pub use duplicate::{Judgement, Others, judge};
pub use event::{
    Arrival, Attempt, Decision, Due, Event, Followed, Jitter, Open, Planned, Step, Then,
};
pub use facts::{DIGEST_BYTES, Facts};
pub use policy::{Policy, RETENTION, Recovery};
pub use proof::{IfAbsent, Proof};
pub use record::{
    AttemptRecord, Attribute, CameBack, CancellationRecord, CancellationWord, ClaimBackReason,
    ConflictRecord, DecisionRecord, FORMAT, History, Key, LookupRecord, Note, Record, Stamp,
    StatusRecord, UNCLEAR_REFUSALS, WAITING, Written, parts,
};
pub use refunds::{RefundEntry, Refunds};
pub use reported::{Call, Reported, Standing, Status, Validation};
pub use state::{Claim, Delivery, Doubt, Permission, State, Undecided};
pub(crate) use state::{IMPLAUSIBLE, ORDER_UNKNOWN};
pub use step::{ByLines, Lines, by_lines, is_void, step};
pub use validation::{OrderFacts, Terms, Validated, validate};
pub use verdict::{Lookup, Scope, Verdict};
pub use view::{DecisionView, DeliveryView, MoneyStanding, PartialView, ValidationView, views};
