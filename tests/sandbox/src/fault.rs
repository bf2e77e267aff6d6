//! The faults: everything that can go wrong between a request and its answer.

mod json;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::json::FaultJson;
use crate::http::Answer;

/// A failure, and whether the network processes the request all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FaultJson", into = "FaultJson")]
pub struct Fault {
    pub(crate) kind: Kind,
    pub(crate) processed: Processed,
}

/// The time at which the network processes the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processed {
    /// On arrival, as without the fault.
    Yes,
    /// Never.
    No,
    /// After the delay or the hang has ended, even if the caller has left.
    Late,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    OnConnection(ConnectionFault),
    Delay(Duration),
    Hang,
    CloseBeforeReading,
    CloseAfterReading,
    CutBodyAt(usize),
    CutAnswerAt(usize),
    Answer(Answer),
}

/// A fault that comes before the request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionFault {
    AtAccept,
    CutAfter(usize),
}

impl Fault {
    const fn new(kind: Kind, processed: Processed) -> Self {
        Self { kind, processed }
    }

    /// The answer comes after `delay`. The network processes the request on arrival.
    #[must_use]
    pub const fn delay(delay: Duration) -> Self {
        Self::new(Kind::Delay(delay), Processed::Yes)
    }

    /// No answer until the release. The network processes the request on arrival.
    #[must_use]
    pub const fn hang() -> Self {
        Self::new(Kind::Hang, Processed::Yes)
    }

    /// The next connection is reset before a byte of it is read.
    #[must_use]
    pub const fn close_at_accept() -> Self {
        Self::new(Kind::OnConnection(ConnectionFault::AtAccept), Processed::No)
    }

    /// The next connection is reset after this number of its bytes was read.
    #[must_use]
    pub const fn cut_request_at(bytes: usize) -> Self {
        Self::new(Kind::OnConnection(ConnectionFault::CutAfter(bytes)), Processed::No)
    }

    /// The connection is reset. The network never processes the request.
    #[must_use]
    pub const fn close_before_reading() -> Self {
        Self::new(Kind::CloseBeforeReading, Processed::No)
    }

    /// The connection ends in place of an answer. The network processes the request.
    #[must_use]
    pub const fn close_after_reading() -> Self {
        Self::new(Kind::CloseAfterReading, Processed::Yes)
    }

    /// The connection ends after this number of bytes of the true answer's body. The network processes the request.
    #[must_use]
    pub const fn cut_body_at(bytes: usize) -> Self {
        Self::new(Kind::CutBodyAt(bytes), Processed::Yes)
    }

    /// The connection ends after this number of bytes of the true answer, head included. The network processes the
    /// request.
    #[must_use]
    pub const fn cut_answer_at(bytes: usize) -> Self {
        Self::new(Kind::CutAnswerAt(bytes), Processed::Yes)
    }

    /// This answer in place of the true one. The network does not process the request.
    #[must_use]
    pub const fn answer(answer: Answer) -> Self {
        Self::new(Kind::Answer(answer), Processed::No)
    }

    /// A bare status in place of the true answer. The network does not process the request.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::answer(Answer::status(status))
    }

    /// A 302 to `location`. The network does not process the request.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::answer(Answer::status(302).with_header("location", location))
    }

    /// The same fault, and the network processes the request on arrival.
    #[must_use]
    pub const fn processed(mut self) -> Self {
        self.processed = Processed::Yes;
        self
    }

    /// The same fault, and the network does not process the request: a delay or a hang then ends without an answer. A
    /// cut answer stays processed, because the network has already answered.
    #[must_use]
    pub const fn not_processed(mut self) -> Self {
        self.processed = match self.kind {
            Kind::CutBodyAt(_) | Kind::CutAnswerAt(_) => Processed::Yes,
            _ => Processed::No,
        };
        self
    }

    /// The same delay or hang, and the network processes the request when it ends. Other faults do not wait: the network
    /// processes those requests on arrival.
    #[must_use]
    pub const fn processed_late(mut self) -> Self {
        self.processed = match self.kind {
            Kind::Delay(_) | Kind::Hang => Processed::Late,
            _ => Processed::Yes,
        };
        self
    }

    pub(crate) const fn on_connection(&self) -> Option<ConnectionFault> {
        match self.kind {
            Kind::OnConnection(fault) => Some(fault),
            _ => None,
        }
    }
}
