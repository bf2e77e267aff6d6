//! A network's report against the ledger.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@format`] | what a network's columns and words mean: data, in the network's folder |
//! | [`understand`] | a file with its encoding, header, signs and dates found, or refused by name |
//! | [`ledger`] | the deliveries of a network, compact, and found by their ids |
//! | [`compare`] | each line of each side in one bucket, with sums that add up |
//! | [`page`] | the preview and the totals as lines for people |
//! | [`claims`] | one verdict with evidence for each line of a list of claims |
//! | [`claim_back`] | what a network took and the shop took back since |
//! | [`receipt`] | what the ledger knows of a delivery, signed, and checked without AWS |
//! | [`decide`] | decisions about held deliveries that rest on a report |
//! | [`month`] | the conversions of a month with the decision about each, or what stands in the way |
//! | [`workbook`] | those conversions as a workbook that survives its readers |
//!
//! Files are read as streams, several times, a workbook from a copy of its rows: a million lines are
//! never in memory, but those of JSON. Nothing here calls AWS, knows the time or prints.

mod amount;
pub mod bucket;
pub mod claim_back;
pub mod claims;
pub mod compare;
mod date;
pub mod decide;
pub mod fault;
pub mod format;
mod id;
mod json;
pub mod ledger;
mod line;
pub mod money;
pub mod month;
pub mod output;
pub mod page;
pub mod receipt;
mod sheet;
pub mod shop;
pub mod source;
pub mod understand;
pub mod workbook;

use std::fmt::Write;

pub use date::Order as DateOrder;
pub use line::Line;

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _infallible = write!(hex, "{byte:02x}");
    }
    hex
}
