//! The options of `orders redrive`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Put dead letters back on their network's queue, and faulty orders of the bus
/// on intake's
///
/// First see why they are there: --dry-run shows each with its order, its faults
/// and the delivery's state, and leaves it. Fix the cause, then redrive. What was
/// reported is not reported again. Messages that are no orders and faulty orders
/// stay where they are: they would come back. Encrypted events stay, too: redrive
/// does not decrypt. A faulty order of the bus is sent corrected with --message
/// and --order, an encrypted one decrypted. What nobody needs is deleted by its id
/// with --discard.
#[derive(Args, Debug, Default)]
#[command(verbatim_doc_comment, group(ArgGroup::new("where").required(true)))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Redrive {
    /// The dead letters of this network
    #[arg(long, group = "where")]
    pub(crate) network: Option<String>,
    /// The faulty orders of the bus, and its own dead letters
    #[arg(long, group = "where")]
    pub(crate) bus: bool,
    /// The messages of the network's status queue that could not be read
    #[arg(long, requires = "network")]
    pub(crate) status: bool,
    /// Put the order of --order on the bus in place of the message of this id
    #[arg(
        long,
        value_name = "ID",
        requires = "bus",
        requires = "order",
        conflicts_with = "dry_run"
    )]
    pub(crate) message: Option<String>,
    /// The corrected order, JSON; - is standard input
    #[arg(long, value_name = "FILE", requires = "message")]
    pub(crate) order: Option<PathBuf>,
    /// Delete the message of this id for good, and touch no other; may be given again
    #[arg(long, value_name = "ID", conflicts_with_all = ["message", "dry_run"])]
    pub(crate) discard: Vec<String>,
    /// Delete without asking
    #[arg(long, requires = "discard")]
    pub(crate) yes: bool,
    /// Show the messages and leave them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop after so many messages
    #[arg(long, default_value_t = 1_000)]
    pub(crate) limit: usize,
}
