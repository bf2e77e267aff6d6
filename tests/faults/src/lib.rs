//! The real handlers under an adversary: killed at every await, cut off at every byte, failed at
//! every call of the ledger, and all of it at once.
//!
//! A [`Lifecycle`] is one order taken to one network by invocations that may be killed; a [`Scenario`] is
//! many orders, all networks, all triggers and all faults; the [`Census`] compares what the
//! networks hold with what the ledger says. `postback-soak` plays for as long as it is told.

#![expect(clippy::expect_used, reason = "a stage that can't be set up is a failed test")]

mod census;
mod killable;
mod lifecycle;
mod network_case;
mod scenario;
mod soak;
mod stand_in;
mod wire;

pub use census::{Census, Fault};
pub use killable::{KillPlan, Killable, Paced};
pub use lifecycle::{Again, Left, Lifecycle, Trigger, delete_taken, invoke};
pub use network_case::{Ends, Line, NetworkCase, VARIANTS, order};
pub use scenario::{Arrival, Closing, InjectedFault, Round, Scenario, Way};
pub use soak::{Bound, Report, soak};
pub use stand_in::{Close, Seen, StandIn};
pub use wire::Wire;
