//! The command line of claims and receipts.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ReportFormat;

/// Answer a network's claims of missing cashback
#[derive(Debug, Subcommand)]
pub(crate) enum Claims {
    Answer(Answer),
}

/// Answer a network's list of missing cashback
///
/// FILE is CSV, XLSX or JSON with an order id in each line, and a date and an
/// amount where the network names them. Each line gets one verdict with its
/// evidence
///   reported           and confirmed or accepted by the network
///   other_amount       reported with another amount than claimed
///   held, open         in doubt until a person decides; not settled yet
///   refused            by the network, or not reported, and why
///   no_click           the order came without a click id of this network
///   click_used         another order of the shop holds the click
///   cancelled          cancelled or refunded, and when
///   unknown            not in the ledger
///   outside_retention  older than the ledger keeps
///   unreadable         the line
///
/// --receipts writes a signed receipt for each order that the ledger holds, which
/// the network checks with `receipt verify`; it needs the stack's key
/// (ReceiptKey=yes).
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Answer {
    /// The list of claims
    pub(crate) file: PathBuf,
    /// The network that claims
    #[arg(long)]
    pub(crate) network: String,
    /// Write the answers to this CSV
    #[arg(long, value_name = "CSV")]
    pub(crate) out: Option<PathBuf>,
    /// Write signed receipts to this file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) receipts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: ReportFormat,
}

/// Check signed receipts of deliveries
#[derive(Debug, Subcommand)]
pub(crate) enum Receipt {
    Verify(Verify),
    /// Show the public key that receipts are checked with, PEM
    Key,
}

/// Check signed receipts, without AWS
///
/// A receipt names its order by a digest: with --order it is checked, too. The
/// exit status is 6 if one does not pass.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Verify {
    /// The receipts, one a line
    pub(crate) file: PathBuf,
    /// The public key, PEM or DER
    #[arg(long, value_name = "PUBLIC")]
    pub(crate) key: PathBuf,
    /// The order that each must be about
    #[arg(long, value_name = "ORDER_ID")]
    pub(crate) order: Option<String>,
}
