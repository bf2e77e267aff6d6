//! The delivery protocol, explored by a model checker.
//!
//! What is explored is [`postback_core::delivery::step`] and
//! [`postback_core::delivery::judge`] themselves, not a description of them. Around them stands a
//! small [`World`]: a shop that completes, corrects and cancels its orders, a ledger that takes
//! writes by compare-and-set, queues that deliver late, in any order and more than once, invocations
//! that turn like the dispatcher does and may crash between any two things they do, clocks that
//! differ, settings that change, a network that loses answers and shows late what it has accepted,
//! a person and a sweep. Every order of events within the [`Bounds`] is tried.
//!
//! A [`Mutant`] takes one rule out. Each must give a counterexample, or the model proves nothing.
//!
//! [`validation`] is a world of its own: a delivery that was reported, and the call that approves or
//! rejects it. [`lines`] is that of an order by lines, [`publication`] that of the events: the ledger's
//! stream, and the function that puts them on the bus.
//!
//! One assumption is not explored, because nobody can check it: where a network de-duplicates,
//! nobody but this ledger's orders reports under the same key.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod begin;
mod clock;
mod ghost;
pub mod lines;
mod mutant;
mod network;
mod properties;
pub mod publication;
mod script;
mod shared;
mod state;
mod turns;
pub mod validation;
mod world;

pub use clock::Ticks;
pub use mutant::Mutant;
pub use properties::{
    ABANDONED, CANCELLED, CONTENT, DISCLAIMED, End, IMPLAUSIBLE, LAPSED, OUTDATED, OVERTAKEN,
    REFUSED, STUCK, TWICE, UNBELIEVED, UNFOUNDED, UNWATCHED, WITHHELD,
};
pub use script::{Plan, Script, Word};
pub use shared::Shared;
pub use state::{
    Act, Action, Cause, Effect, Invocation, Kind, Meaning, Message, Order, Outcome, State, Turn,
};
pub use world::{Bounds, Host, Person, World};
