//! The command line of what brings orders or events again: replays and redrives.

use std::path::PathBuf;

use clap::Args;

/// Put the orders of a span of time on the bus again, from its archive
///
/// Safe at any time: an order that was reported to a network is not reported
/// again, which costs one write unit for each order and network. An order that is
/// not in the ledger is sent. Only the networks' own rules get the events. The
/// replay's description in EventBridge keeps your AWS identity and your reason.
///
/// --dry-run counts the deliveries of the span; it reads the ledger from its
/// beginning (see `list`). With --orders it predicts the effect on each order in
/// a file.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Replay {
    /// Beginning: 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d ago
    #[arg(long)]
    pub(crate) from: String,
    /// End [default: now]
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// To this network only; may be given several times [default: all]
    #[arg(long)]
    pub(crate) network: Vec<String>,
    /// The reason, for the record. No names of customers
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    pub(crate) why: Option<String>,
    /// Show what would happen, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A file of orders to look up for a dry run: one JSON object a line, or a JSON array
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub(crate) orders: Option<PathBuf>,
    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// The archive [default: the bus's name]
    #[arg(long)]
    pub(crate) archive: Option<String>,
    /// Stop reading the ledger after so many read units
    #[arg(long, default_value_t = 20_000)]
    pub(crate) read_units: u32,
}

/// Show how far replays are, who started each and why
///
/// EventBridge keeps a replay for 90 days after it has ended.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Replays {
    /// Only this one, as `orders replay` named it [default: all of the archive]
    pub(crate) name: Option<String>,
    /// The archive [default: the bus's name]
    #[arg(long)]
    pub(crate) archive: Option<String>,
}

/// Publish events again, from the ledger
///
/// For an outage of the function `publish` that was longer than 24 hours: the
/// ledger's stream keeps its records no longer. Reads the ledger and has
/// `publish` put its events on the bus. Safe at any time: repeated events keep
/// their ids, so a consumer recognises them. After a failure, resume with
/// --after.
///
/// Without --order it reads the ledger from its beginning (see `orders list`).
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReplayEvents {
    /// Events since then only: 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d ago [default: all]
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Of this order only
    #[arg(long, value_name = "ORDER_ID", conflicts_with_all = ["after", "read_units"])]
    pub(crate) order: Option<String>,
    /// Of this network only
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Resume an earlier replay: the `next` that it showed
    #[arg(long)]
    pub(crate) after: Option<String>,
    /// Stop after so many read units have been spent
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) read_units: u32,
}
