//! The delivery protocol, explored by a model checker.
//!
//! The checker explores [`postback_core::delivery::step`] itself, not a description of it. Around it
//! is a small [`World`]: a ledger that takes writes by compare-and-set, a queue that delivers more
//! than once, invocations that take the dispatcher's turns and may crash between any two of them,
//! clocks that differ, a network that loses answers and shows late what it has accepted, and an
//! operator. The checker tries every order of events within the [`Bounds`].
//!
//! A [`Mutant`] takes one rule out. Each must give a counterexample, or the model proves nothing.
//!
//! | module | holds |
//! |---|---|
//! | `world` | the constants of one exploration, and the actions that a state allows |
//! | `state` | the variables: ledger, queue, invocations, network |
//! | `turns` | the state that follows an action: an invocation's turns |
//! | `network` | the network's part of an exchange |
//! | `passage` | the passage of time |
//! | `properties` | one module for each group: at most once, truth, progress |

mod clock;
mod mutant;
mod network;
mod passage;
mod properties;
mod state;
mod turns;
mod world;

pub use clock::Ticks;
pub use mutant::Mutant;
pub use properties::{DISCLAIMED, STUCK, TWICE, UNFOUNDED};
pub use state::{Action, AfterWrite, Cause, Exchange, Invocation, Kind, Meaning, State, Turn};
pub use world::{Bounds, Host, World};
