//! The command line of the commands that only look.

use std::net::Ipv4Addr;

use clap::{Args, ValueEnum};
use postback_core::delivery::State;
use rust_decimal::Decimal;

/// Show what needs a person, on one screen
///
/// Reads the ledger's index of what waits, never the whole ledger, so it may be
/// called every minute. Counts what waits (open, and not being sent), what of it
/// waits for a person, has no message any more and is in doubt, by network, with
/// the money and the oldest age; orders of the last day whose clicks no network
/// knows; then the dead letters, the queues that are stopped and the alarms that
/// are on. A delivery whose sender died while it was sent is in the index once
/// its message or the hourly sweep has found it. Who waits at a terminal is shown
/// after two seconds what was found so far.
///
/// The exit status is 0 if nothing needs a person and 6 if something does. It is
/// 1 if a part could not be read, which is named; what was found is shown.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Status {
    /// Show all of it, also what is more than a screen of 24, or LINES, lines
    #[arg(long)]
    pub(crate) all: bool,
}

/// Find what is wrong with the deployment, without reporting an order
///
/// Compares the stack with itself: clocks, secrets, rules, queues, alarms,
/// addresses, aliases, keys, the functions' version, the ledger and the ids in
/// it. Each finding comes with its cure. Asks a network only where that is
/// harmless: a list that it shows (docs/doctor.md). What may not be asked for is
/// a finding of its own, so that no finding means that all was asked.
///
/// The exit status is 0 without a finding and 6 with one.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Doctor {
    /// The address that the networks have on their list: compared with those of the VPC
    #[arg(long, value_name = "IP")]
    pub(crate) address: Option<Ipv4Addr>,
}

/// Show what needs a person, orders and money in a browser on this machine
///
/// Serves pages on 127.0.0.1 with your own AWS credentials; nothing is deployed.
/// Open the URL that it prints: it is good for one browser. Without --write the
/// pages only show. docs/console.md describes them.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Console {
    /// Permit decisions, pauses, replays and redrives
    #[arg(long)]
    pub(crate) write: bool,
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
}

/// Show all deliveries of an order, with every attempt; or that it concerned no network
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The order's id
    pub(crate) order_id: String,
}

/// List deliveries
///
/// With --open, --held, --claim-back, --conflicts, or no --state but retrying,
/// parked and unconfirmed, it reads the ledger's index of what waits alone, within
/// seconds. Else it reads the whole ledger, because an index of all would cost a
/// write with every delivery: one read unit for 8 KB, about ten deliveries; a
/// million deliveries cost about 0.02 USD on demand in us-east-1. It always counts
/// all that match, with their money. The table shows 100 of them unless --limit
/// says otherwise; CSV and JSON hold all.
///
/// 24 shares are read at once, so without --sort the rows come in no order; the
/// first are shown while the rest is read. With --read-units it is read from the
/// beginning and may stop earlier: the answer says so first, and the exit status
/// is 5.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct List {
    /// sending, retrying, parked, unconfirmed, delivered, accepted, skipped, rejected, withdrawn or abandoned; may be
    /// given several times
    #[arg(long, value_parser = state)]
    pub(crate) state: Vec<State>,
    /// Only what is not final; without what is being sent just now, which --state sending finds
    #[arg(long, conflicts_with_all = ["state", "held"])]
    pub(crate) open: bool,
    /// Only what waits for a person
    #[arg(long, conflicts_with = "state")]
    pub(crate) held: bool,
    /// Only what is to be claimed back, and no person has acknowledged; the sum is of that part
    #[arg(long, conflicts_with_all = ["state", "open", "held", "conflicts"])]
    pub(crate) claim_back: bool,
    /// Only what came again with other content that no decision has answered
    #[arg(long)]
    pub(crate) conflicts: bool,
    /// Of this reason only, as `list` shows it
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Of this network only
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Only orders whose id contains this, or whose id at the network, or click, is this
    #[arg(long, value_name = "TEXT")]
    pub(crate) find: Option<String>,
    /// Only what is about this amount or more, in whatever currency
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) min_amount: Option<Decimal>,
    /// First seen since then: 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d ago
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// First seen before then
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// The order of the rows [default: none]
    #[arg(long, conflicts_with = "after")]
    pub(crate) sort: Option<Sort>,
    /// The form of the answer; --json is short for json
    #[arg(long, default_value = "table")]
    pub(crate) format: Format,
    /// Show so many [default: 100 in a table, all in CSV and JSON]
    #[arg(long)]
    pub(crate) limit: Option<usize>,
    /// Stop after so many read units have been spent [default: read to the end]
    #[arg(long)]
    pub(crate) read_units: Option<u32>,
    /// Continue a list with --read-units: the `next` that it showed
    #[arg(long)]
    pub(crate) after: Option<String>,
}

/// Show the money by month, network and currency
///
/// Reads the whole ledger (see `orders list`). By the month in which an order was
/// first seen: what was reported, validated, is to be validated, was turned down;
/// what is to be claimed back, and what a person has acknowledged of that; what is
/// in doubt, waits, was rejected, withdrawn, skipped or given up. In brackets is
/// the number of deliveries. Without --network also the orders of the last 30 days
/// that concerned no network. What a network pays is in its report alone
/// (`reconcile`).
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct MoneyByMonth {
    /// Of this network only
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// The form of the answer; --json is short for json
    #[arg(long, default_value = "table")]
    pub(crate) format: Format,
}

/// The rows of a table where nobody asks for more.
const TABLE_ROWS: usize = 100;

impl List {
    /// Returns whether the ledger's index of what waits holds all that is wanted.
    pub(crate) fn is_waiting(&self) -> bool {
        let of_states = !self.state.is_empty() && self.state.iter().all(|it| it.is_waiting());
        self.open || self.held || self.claim_back || self.conflicts || of_states
    }

    /// The most deliveries that are shown.
    pub(crate) fn most(&self) -> usize {
        let whole = if self.format == Format::Table { TABLE_ROWS } else { usize::MAX };
        self.limit.unwrap_or(whole)
    }
}

/// The order of the rows of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// The oldest first
    Age,
    /// The largest first, by currency
    Amount,
    /// The last change first
    Change,
    /// By the order's id
    Order,
    /// By state, then reason
    State,
}

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for a screen of 80, or COLUMNS, characters: long cells are cut
    Table,
    /// One JSON object
    Json,
    /// Comma-separated values with a header, nothing cut
    Csv,
}

pub(crate) fn state(text: &str) -> Result<State, String> {
    let found = State::ALL.into_iter().find(|state| state.as_str() == text);
    let words = State::ALL.map(State::as_str).join(", ");
    found.ok_or_else(|| format!("one of {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_one_of_the_known_ones() {
        assert_eq!(state("unconfirmed"), Ok(State::Unconfirmed));
        assert!(state("lost").is_err_and(|words| words.contains("unconfirmed")));
    }
}
