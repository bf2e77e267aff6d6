//! The command line.

#![expect(clippy::doc_markdown, reason = "the comments are the help, not Markdown")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use postback_core::{clock::Timestamp, delivery::State, redaction::OperatorNote};

use crate::{failure::Failure, span};

/// Shows deliveries, settles them by hand, replays and redrives orders.
#[derive(Debug, Parser)]
#[command(name = "postback", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Name of the CloudFormation stack [default: the one in samconfig.toml, else postback]
    #[arg(long, global = true)]
    pub(crate) stack: Option<String>,
    /// AWS region [default: the environment's or the profile's]
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// AWS profile [default: AWS_PROFILE, else default]
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Orders and their deliveries
    #[command(subcommand)]
    Orders(Orders),
    /// Events on the bus
    #[command(subcommand)]
    Events(Events),
    /// Show the stack's outputs: the API's URL, the bus, the ledger, queues and secrets
    Stack {
        /// Show this output alone, for example ApiUrl
        output: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Orders {
    Show(Show),
    List(List),
    Settle(Settle),
    Replay(Replay),
    Redrive(Redrive),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    Replay(ReplayEvents),
}

/// Publish events again, from the ledger
///
/// For an outage of the function `publish` that was longer than 24 hours: the ledger's stream keeps its records
/// no longer. Reads the ledger and has `publish` put its events on the bus. Safe at any time: repeated events
/// keep their ids, so a consumer recognises them. After a failure, resume with --after.
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

/// Show all deliveries of an order, with every attempt
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The order's id
    pub(crate) order_id: String,
}

/// List deliveries by state
///
/// Reads the ledger from its beginning, because an index would cost a write with every delivery: one read unit
/// for 8 KB, about ten deliveries; a million deliveries cost about 0.03 USD on demand in us-east-1. It stops
/// after --limit deliveries found or --read-units spent, and shows how to continue.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct List {
    /// sending, retrying, parked, unconfirmed, delivered, accepted, skipped, rejected, withdrawn or abandoned
    #[arg(long, value_parser = state)]
    pub(crate) state: Option<State>,
    /// Of this network only
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// First seen since then: 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d ago
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Stop after so many have been found
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
    /// Stop after so many read units have been spent
    #[arg(long, default_value_t = 20_000)]
    pub(crate) read_units: u32,
    /// Continue an earlier list: the `next` that it showed
    #[arg(long)]
    pub(crate) after: Option<String>,
}

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
#[command(verbatim_doc_comment)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Settle {
    /// The order's id
    pub(crate) order_id: String,
    /// The network, or network#line, as `show` prints it
    #[arg(value_name = "NETWORK[#LINE]")]
    pub(crate) delivery: String,
    /// The network has it
    #[arg(long, group = "decision", required_unless_present_any = ["send_again", "abandon", "reopen"])]
    pub(crate) delivered: bool,
    /// Permit one more attempt, also of a rejected order: the next arrival of the order sends it
    #[arg(long, group = "decision")]
    pub(crate) send_again: bool,
    /// Give up a delivery that is in doubt: nobody will find out
    #[arg(long, group = "decision")]
    pub(crate) abandon: bool,
    /// Take the last decision back
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
        requires = "send_again",
        conflicts_with_all = ["from_archive", "delivered", "abandon", "reopen"]
    )]
    pub(crate) order: Option<PathBuf>,
    /// Take the order from the bus's archive
    #[arg(
        long,
        requires = "send_again",
        conflicts_with_all = ["delivered", "abandon", "reopen"]
    )]
    pub(crate) from_archive: bool,
}

/// Put the orders of a span of time on the bus again, from its archive
///
/// Safe at any time: an order that was reported to a network is not reported again, which costs one write unit
/// for each order and network. An order that is not in the ledger is sent. Only the networks' own rules get the
/// events.
///
/// --dry-run counts the deliveries of the span; it reads the ledger from its beginning (see `list`). With
/// --orders it predicts the effect on each order in a file.
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

/// Put dead letters back on their network's queue
///
/// First see why they are there: --dry-run shows each with its order and the delivery's state, and leaves it.
/// Fix the cause, then redrive. What was reported is not reported again. Messages that are no orders stay where
/// they are: they would come back.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Redrive {
    /// The network
    #[arg(long)]
    pub(crate) network: String,
    /// Show the messages and leave them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop after so many messages
    #[arg(long, default_value_t = 1_000)]
    pub(crate) limit: usize,
}

fn state(text: &str) -> Result<State, String> {
    let found = State::ALL.into_iter().find(|state| state.as_str() == text);
    let words = State::ALL.map(State::as_str).join(", ");
    found.ok_or_else(|| format!("one of {words}"))
}

impl Command {
    /// Checks what clap can't, before the first call to AWS.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Orders(Orders::Settle(settle)) => {
                OperatorNote::new(&settle.reason).map_err(Failure::BadReason)?;
            }
            Self::Orders(Orders::List(List { since: Some(text), .. })) => {
                span::instant("--since", text, now)?;
            }
            Self::Orders(Orders::Replay(replay)) => {
                span::Span::parse(&replay.from, replay.to.as_deref(), now)?;
            }
            Self::Events(Events::Replay(ReplayEvents { from: Some(text), .. })) => {
                span::instant("--from", text, now)?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_fits_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_decision_is_one_of_four() {
        let of = |more: &[&str]| {
            let settle = ["postback", "orders", "settle", "A-1", "net", "--reason", "r"];
            Arguments::try_parse_from(settle.iter().chain(more)).is_ok()
        };

        assert!(of(&["--delivered"]));
        assert!(of(&["--send-again", "--order", "a.json", "--attempt", "2"]));
        assert!(!of(&[]));
        assert!(of(&["--abandon"]));
        assert!(of(&["--reopen"]));
        assert!(!of(&["--delivered", "--send-again"]));
        assert!(!of(&["--abandon", "--from-archive"]));
        assert!(!of(&["--delivered", "--order", "a.json"]));
        assert!(!of(&["--send-again", "--from-archive", "--order", "a.json"]));
    }

    #[test]
    fn a_state_is_one_of_the_known_ones() {
        assert_eq!(state("unconfirmed"), Ok(State::Unconfirmed));
        assert!(state("lost").is_err_and(|words| words.contains("unconfirmed")));
    }
}
