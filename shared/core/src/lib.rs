//! The pure half of Postback: no IO, no clock, no randomness.
//!
//! | module | holds |
//! |---|---|
//! | [`order`] | the shop's order, checked at the edge |
//! | [`fields`] | reading JSON members: every fault at once, never a value |
//! | [`delivery`] | the protocol: one pure function from state and event to state, and the record it is kept in |
//! | [`digest`] | digests as text |
//! | [`events`] | the events of the bus, derived from the record |
//! | [`network`] | the trait that a network implements |
//! | [`platform`] | the trait that a shop system implements |
//! | [`plausibility`] | the operator's bounds on what an order may be worth |
//! | [`http`] | a request and an answer, as types |
//! | [`problem`] | RFC 9457 errors with stable codes |
//! | [`clock`] | instants |
//! | [`redaction`] | reasons and details: text that can hold no personal data |

pub mod clock;
mod decimal;
pub mod delivery;
pub mod digest;
pub mod events;
pub mod fields;
pub mod http;
mod json;
pub mod network;
pub mod order;
pub mod platform;
pub mod plausibility;
pub mod problem;
pub mod redaction;
