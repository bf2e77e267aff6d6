//! A request and an answer, as types. Sending is the runtime's.

mod answer;
mod request;

pub use answer::{Answer, BODY_CAP, RETRY_AFTER_CAP, retry_after};
pub use request::Request;
