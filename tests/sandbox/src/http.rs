//! HTTP/1.1 as bytes. The sandbox has a server of its own, because a library would correct exactly what is checked here
//! and could not end a connection in the middle of a body.

mod answer;
mod connection;
mod head;

pub use self::answer::Answer;
pub(crate) use self::connection::{Connection, Incoming};

/// A request as it was on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Bytes that no HTTP client may write.
    pub(crate) violations: Vec<String>,
    pub(crate) keep_alive: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}
