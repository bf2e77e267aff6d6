//! The real handlers in one process: an embedded `DynamoDB` behind a proxy that can fail, the
//! sandbox of the networks, the real publisher over the table's stream, and a queue, a bus and a
//! clock in memory.
//!
//! A [`TestBed`] holds what all functions of one test share; a [`Function`] is one network's function
//! on it, called with real API Gateway and SQS events.

#![expect(clippy::expect_used, reason = "a test bed that can't be set up is a failed test")]

mod aws;
mod events;
mod fake_services;
mod fake_sweep;
mod function;
mod published;
mod table;
mod test_bed;

pub use aws::FakeAws;
pub use events::{api_event, order_event, sqs_event};
pub use fake_services::{DeadLetter, FakeServices, Message};
pub use fake_sweep::FakeSweep;
pub use function::{Answer, Function, INVISIBLE, TIMEOUT};
pub use published::{RecordingBus, publish_to};
pub use table::{Call, LATER_WRITE, Later, Strike, Table, Units, as_later};
pub use test_bed::{Patience, TestBed};
