//! The command line of a validation by mail, and of what is to be claimed back.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

/// Write a month's workbook, or list what is to be claimed back
#[derive(Debug, Subcommand)]
pub(crate) enum Validate {
    Export(Export),
    ClaimBack(ClaimBack),
}

/// List what is to be claimed back at the networks
///
/// A network took these orders, and the shop took them back since. Of a validated
/// one, the part that came back after the call; where nothing is validated, the
/// part that was cancelled or refunded after it was reported. Each has its amount and the day
/// on which it came back; the first that came back are the first.
///
/// A part that a person has acknowledged is left out (`orders settle --acknowledge`),
/// while `orders show` has all that came back.
///
/// --out writes all of them as CSV. The exit status is 6 if something is to be
/// claimed back.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ClaimBack {
    /// Of this network only
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Write them there
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) out: Option<PathBuf>,
}

/// Write the workbook with which a network validates a month
///
/// For a shop that validates by mail instead of the network's API. One row for
/// each conversion that was reported in the month, approved with what is left of
/// it or rejected: the same decision as the validating call takes, or took.
///
/// What is not decided yet, or is a person's matter, stands in the way: it is
/// listed with its reason, and no workbook is written. What a person has settled
/// without a content is not in it, and listed, too. An id that a spreadsheet
/// changes is a warning. The exit status is 6 if something stands in the way.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Export {
    /// The network
    #[arg(long)]
    pub(crate) network: String,
    /// The month, like 2026-10: by the day on which a conversion was reported
    #[arg(long)]
    pub(crate) month: String,
    /// The zone of the days, like +08:00 [default: UTC]
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) zone: Option<String>,
    /// The days until no order can be returned any more [default: those that the ledger holds; the longer ones count]
    #[arg(long, value_name = "DAYS", value_parser = value_parser!(u16).range(0..=365))]
    pub(crate) return_period_days: Option<u16>,
    /// The workbook [default: NETWORK-MONTH.xlsx]
    #[arg(long, value_name = "FILE.xlsx")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a workbook that is there
    #[arg(long)]
    pub(crate) force: bool,
}
