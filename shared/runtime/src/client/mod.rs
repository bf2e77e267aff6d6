//! The HTTP client: one request, sent once.

pub(crate) mod connections;
mod prewarm;
mod roots;
mod send;

pub use roots::{old_roots, trust};
pub use send::{SendResult, Sender};
