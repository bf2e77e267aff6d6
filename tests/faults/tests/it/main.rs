//! The real handlers, the real sender and the real client of the ledger under faults.

#![expect(clippy::expect_used, reason = "a test bed that can't be set up is a failed test")]
#![expect(clippy::print_stdout, reason = "the covered cases are counted")]

mod awaits;
mod bytes;
mod copies;
mod interleavings;
mod killed;
mod ledger;
mod life;
mod month;
mod month_reconciled;
mod soak;
mod units;
mod upgrade;
