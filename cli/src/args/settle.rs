//! The command line of a person's decision.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use rust_decimal::Decimal;

/// Decide about a delivery by hand
///
/// Look at the network first: its portal shows whether it has the order. Then
/// give --delivered or --send-again; --abandon gives up a delivery in doubt, or
/// one that is parked as implausible; --reopen takes the last decision back.
/// --acknowledge says that you dealt with other content under the same id, with
/// an unclear refusal, or with money to claim back (of the validation, where
/// there is one): it changes nothing, in whatever state, but `status` shows it no
/// more. What comes after that, or comes back after that, is shown again. The
/// decision applies to the attempt that you saw: if there has been another one
/// since, it is refused.
/// On a terminal the tool shows the delivery and asks; elsewhere give with
/// --attempt the attempt that you saw.
///
/// --from takes many decisions from a file that `reconcile` wrote: it shows
/// counts and money, asks once, and records with each the digest of the network's
/// report. Orders to send again come by one replay (--from-archive), or each by
/// one message (--order FILE, one order a line). A second run changes nothing.
/// The whole file is refused if the report can't show a delivery: it is another
/// network's, too young, or of another time.
///
/// The ledger records the decision with your AWS identity, the time and your
/// reason.
///
/// The ledger does not hold the order's content. To send an order again, give it
/// with --order FILE, or with --from-archive if it came over the bus. An order
/// with other content than reported before is refused. A parked order is still on
/// its queue and is sent within 15 minutes. The permission to send holds for
/// seven days.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    group(ArgGroup::new("decision").required(true)),
    override_usage = "\
postback orders settle DECISION --reason REASON [OPTIONS] ID NETWORK
       postback orders settle --from DECISIONS --reason REASON [OPTIONS]"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Settle {
    /// The order's id
    #[arg(
        required_unless_present = "from",
        conflicts_with = "from",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) order_id: String,
    /// The network, or network#line, as `show` prints it; with !validation behind it the validation of that delivery
    #[arg(
        value_name = "NETWORK[#LINE][!validation]",
        required_unless_present = "from",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) delivery: String,
    /// Record all decisions of this file, which `reconcile --out` wrote, with the report as their evidence
    #[arg(long, group = "decision", value_name = "DECISIONS", conflicts_with = "attempt")]
    pub(crate) from: Option<PathBuf>,
    /// With --from: refuse the file unless it rests on this report
    #[arg(long, value_name = "FILE", conflicts_with_all = ["delivered", "send_again", "abandon", "reopen", "acknowledge"])]
    pub(crate) report: Option<PathBuf>,
    /// With --from: show what would be recorded, and change nothing
    #[arg(long, conflicts_with_all = ["delivered", "send_again", "abandon", "reopen", "acknowledge"])]
    pub(crate) dry_run: bool,
    /// With --from: do not ask
    #[arg(
        long,
        conflicts_with_all = ["delivered", "send_again", "abandon", "reopen", "acknowledge", "dry_run"]
    )]
    pub(crate) yes: bool,
    /// The network has it
    #[arg(long, group = "decision")]
    pub(crate) delivered: bool,
    /// Permit one more attempt, also of a rejected order: the next arrival of the order sends it
    #[arg(long, group = "decision")]
    pub(crate) send_again: bool,
    /// Give up a delivery that is in doubt, because nobody will find out, or one that is implausible
    #[arg(long, group = "decision")]
    pub(crate) abandon: bool,
    /// Take the last decision back. What can go on by itself then needs its order, by --order or
    /// --from-archive
    #[arg(long, group = "decision")]
    pub(crate) reopen: bool,
    /// The other content that came, the unclear refusal or the money to claim back was dealt with
    #[arg(long, group = "decision")]
    pub(crate) acknowledge: bool,
    /// The reason, in one line of at most 200 characters. The ledger keeps it: no customer data.
    #[arg(long)]
    pub(crate) reason: String,
    /// The number of the last attempt as you saw it
    #[arg(long)]
    pub(crate) attempt: Option<u32>,
    /// With --acknowledge: the number of other contents as you saw it
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["delivered", "send_again", "abandon", "reopen", "from"]
    )]
    pub(crate) conflicts: Option<u32>,
    /// With --acknowledge: the sum behind `came back` in `orders show`, all that came back after the network took it
    #[arg(
        long,
        value_name = "AMOUNT",
        conflicts_with_all = ["delivered", "send_again", "abandon", "reopen", "from"]
    )]
    pub(crate) came_back: Option<Decimal>,
    /// The order as it was sent, JSON; - is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["from_archive", "delivered", "abandon", "acknowledge"]
    )]
    pub(crate) order: Option<PathBuf>,
    /// Take the order from the bus's archive
    #[arg(long, conflicts_with_all = ["delivered", "abandon", "acknowledge"])]
    pub(crate) from_archive: bool,
}
