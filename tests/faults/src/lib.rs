//! The real handlers under faults: killed at every await, cut off at every byte, failed at every
//! call of the ledger, and all of it at once.
//!
//! A [`Lifecycle`] is one order that invocations report to one network until nothing is left to do;
//! each may be killed by a [`KillPlan`]. A [`Scenario`] is many orders, several networks, all
//! sources and all faults, round by round. A [`Census`] compares what the networks hold with what
//! the ledger says. The binary `postback-soak` runs scenarios for a given time.

#![expect(clippy::expect_used, reason = "a test bed that can't be set up is a failed test")]

mod census;
mod killable;
mod lifecycle;
mod network_case;
mod scenario;
mod soak;
mod stand_in;
mod wire;

pub use census::{Census, Defect};
pub use killable::{KillPlan, Killable, Paced};
pub use lifecycle::{
    Happening, Life, Lifecycle, Redelivery, Remains, Trigger, delete_taken, invoke,
};
pub use network_case::{Ending, Line, NetworkCase, VARIANTS, order};
pub use scenario::{
    Arrival, Closing, Happened, InjectedFault, Look, Outage, Round, Scenario, Source, Tally,
};
pub use soak::{Bound, Report, soak};
pub use stand_in::{Close, Received, StandIn};
pub use wire::Wire;
