//! The real handlers under an adversary: killed at every await, cut off at every byte, failed at
//! every call of the ledger, and all of it at once.
//!
//! A [`Life`] is one order taken to one network by invocations that may be killed; a [`Play`] is
//! many orders, all networks, all triggers and all faults; the [`Census`] compares what the
//! networks hold with what the ledger says. `postback-soak` plays for as long as it is told.

#![expect(clippy::expect_used, reason = "a stage that can't be set up is a failed test")]

mod cast;
mod census;
mod life;
mod mortal;
mod play;
mod soak;
mod stand_in;
mod wire;

pub use cast::{Ends, Line, Role, VARIANTS, order};
pub use census::{Census, Fault};
pub use life::{Again, Left, Life, Trigger, delete_taken, invoke};
pub use mortal::{Fate, Mortal, Paced};
pub use play::{Arrival, Closing, Play, Round, Trouble, Way};
pub use soak::{Bound, Report, soak};
pub use stand_in::{Close, Seen, StandIn};
pub use wire::Wire;
