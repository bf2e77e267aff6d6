//! The command line of a person's decision.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Decide about a delivery by hand
///
/// Look at the network first: its portal shows whether it has the order. Then give --delivered or --send-again;
/// --abandon gives up a delivery in doubt, --reopen takes the last decision back. The decision applies to the attempt that you
/// saw: if there has been another one since, it is refused. On a terminal the tool shows the delivery and asks;
/// elsewhere give with --attempt the attempt that you saw.
///
/// The ledger records the decision with your AWS identity, the time and your reason.
///
/// The ledger does not hold the order's content. To send an order again, give it with --order FILE, or with
/// --from-archive if it came over the bus. An order with other content than reported before is refused. A parked
/// order is still on its queue and is sent within 15 minutes. The permission to send holds for seven days.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment, group(ArgGroup::new("decision").required(true)))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Settle {
    /// The order's id
    pub(crate) order_id: String,
    /// The network, or network#line, as `show` prints it
    #[arg(value_name = "NETWORK[#LINE]")]
    pub(crate) delivery: String,
    /// The network has it
    #[arg(long, group = "decision")]
    pub(crate) delivered: bool,
    /// Permit one more attempt, also of a rejected order: the next arrival of the order sends it
    #[arg(long, group = "decision")]
    pub(crate) send_again: bool,
    /// Give up a delivery that is in doubt: nobody will find out
    #[arg(long, group = "decision")]
    pub(crate) abandon: bool,
    /// Take the last decision back. What can go on by itself then needs its order, by --order or
    /// --from-archive
    #[arg(long, group = "decision")]
    pub(crate) reopen: bool,
    /// The reason, in one line of at most 200 characters. The ledger keeps it: no customer data.
    #[arg(long)]
    pub(crate) reason: String,
    /// The number of the last attempt as you saw it
    #[arg(long)]
    pub(crate) attempt: Option<u32>,
    /// The order as it was sent, JSON; - is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["from_archive", "delivered", "abandon"]
    )]
    pub(crate) order: Option<PathBuf>,
    /// Take the order from the bus's archive
    #[arg(long, conflicts_with_all = ["delivered", "abandon"])]
    pub(crate) from_archive: bool,
}
