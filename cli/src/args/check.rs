//! The command line of `orders check`.

use std::path::PathBuf;

use clap::Args;
use postback_core::clock::Timestamp;

use crate::{failure::Failure, span::Span};

/// Compare the shop's export with the ledger
///
/// FILE is CSV or JSON, one order a line. A CSV has a header whose names are the
/// paths of the order's members: order_id, total, customer.email,
/// clicks.shopback.transaction_id, items.0.sku; an empty cell is an absent
/// member. Each order is read as `POST /orders` reads it; the file is read line
/// by line, and the ledger asked for each order.
///
/// For each order and network the result is one of
///   alike       reported with this total
///   otherwise   reported, but with another total, or cancelled since: what it
///               was and is
///   open        not decided yet: the state and its reason
///   skipped     not reported, and why
///   never seen  it concerns the network, and the ledger does not hold it
///   contradicts FILE has it above with another total, which is the one judged;
///               or cancels it, so that it is not sent
///   repeated    FILE has it above with the same total
///   left out    the network's settings leave it out: why. Nothing is sent
///   invalid     the order has faults; it was completed more than a day ahead, or
///               before the ledger's memory
///
/// --send then sends what was never seen, to those networks alone, as POST
/// /orders/{network} does, with the clicks of its click_cookie. A second run
/// sends nothing. The ledger keeps nothing of what is left out: the network's
/// function is asked about each order that was never seen.
///
/// --reported-between looks the other way: of what was reported in that time it
/// lists each delivery whose amount is another one than FILE's, with both amounts
/// and their difference, and each that FILE does not hold.
///
/// The exit status is 6 if something was reported otherwise, never seen and not
/// sent, contradicts another line, or is invalid.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Check {
    /// The export, CSV or JSON lines
    pub(crate) file: PathBuf,
    /// Only read the orders and show the networks that each concerns; no AWS account is needed
    #[arg(long, conflicts_with_all = ["send", "from", "to"])]
    pub(crate) offline: bool,
    /// Send what was never seen
    #[arg(long)]
    pub(crate) send: bool,
    /// Do not ask before sending
    #[arg(long, requires = "send")]
    pub(crate) yes: bool,
    /// Also list what the ledger holds as reported since then, and FILE does not hold: 2026-11-21, or 7d (ago)
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// The end of that time [default: now]
    #[arg(long, requires = "from")]
    pub(crate) to: Option<String>,
    /// List only what was reported between these times with another total than FILE's, or is not in FILE
    #[arg(
        long,
        num_args = 2,
        value_names = ["FROM", "TO"],
        conflicts_with_all = ["offline", "send", "from"]
    )]
    pub(crate) reported_between: Vec<String>,
    /// Write every order and network to this CSV, alike ones too
    #[arg(long, value_name = "CSV")]
    pub(crate) out: Option<PathBuf>,
    /// Show at most so many lines of what is not alike
    #[arg(long, default_value_t = 1_000)]
    pub(crate) limit: usize,
}

impl Check {
    /// The time of what was reported and is looked at alone.
    pub(crate) fn between(&self, now: Timestamp) -> Result<Option<Span>, Failure> {
        let names = ["--reported-between FROM", "--reported-between TO"];
        match self.reported_between.as_slice() {
            [from, to] => Span::of(names, from, Some(to), now).map(Some),
            _ => Ok(None),
        }
    }
}
