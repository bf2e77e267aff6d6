//! The real handlers and the real sender under an adversary.

#![expect(clippy::expect_used, reason = "what can't be set up is a failed test")]
#![expect(clippy::print_stdout, reason = "what has been covered is counted")]

mod awaits;
mod bytes;
mod copies;
mod interleavings;
mod killed;
mod ledger;
mod soak;
mod units;
