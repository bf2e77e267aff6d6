//! The HTTP client: one request, sent once.

pub(crate) mod connections;
mod prewarm;
mod send;

pub use send::{SendResult, Sender};
