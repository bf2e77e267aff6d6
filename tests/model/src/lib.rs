//! The delivery protocol, explored by a model checker.
//!
//! What is explored is [`postback_core::delivery::step`] itself, not a description of it. Around it
//! stands a small [`World`]: a ledger that takes writes by compare-and-set, a queue that delivers
//! more than once, invocations that turn like the dispatcher does and may crash between any two
//! things they do, clocks that differ, a network that loses answers and shows late what it has
//! accepted, and an operator. Every order of events within the [`Bounds`] is tried.
//!
//! A [`Mutant`] takes one rule out. Each must give a counterexample, or the model proves nothing.

mod clock;
mod mutant;
mod properties;
mod state;
mod turns;
mod world;

pub use clock::Ticks;
pub use mutant::Mutant;
pub use properties::{DISCLAIMED, STUCK, TWICE, UNFOUNDED};
pub use state::{Action, Cause, Invocation, Kind, Meaning, Outcome, Place, State, Turn};
pub use world::{Bounds, Host, World};
