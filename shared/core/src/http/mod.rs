//! A request and an answer, as types. Sending is the runtime's.

mod answer;
mod json;
mod request;

pub use answer::{Answer, BODY_CAP, RETRY_AFTER_CAP, retry_after};
pub(crate) use json::read_clear;
pub use request::Request;
