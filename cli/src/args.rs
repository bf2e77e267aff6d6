//! What can be written on the command line.

#![expect(clippy::doc_markdown, reason = "it is read as the help, not as Markdown")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use postback_core::{clock::Timestamp, delivery::State, redaction::OperatorNote};

use crate::{failure::Failure, span};

/// Looks at deliveries, settles them by hand, replays and redrives orders.
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
    /// Orders and what has become of them
    #[command(subcommand)]
    Orders(Orders),
    /// Show what the stack has: the API's URL, the bus, the ledger, queues and secrets
    Stack {
        /// Show this output alone, bare: ApiUrl, say
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

/// Show all deliveries of an order, with every attempt
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The order's id
    pub(crate) order_id: String,
}

/// List deliveries by state
///
/// Reads the ledger from its beginning, since an index would cost a write with every delivery: one read unit
/// for 8 KB, about ten deliveries; a million deliveries cost about 0.03 USD on demand in us-east-1. It stops
/// after --limit deliveries found or --read-units spent and says how to go on.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct List {
    /// sending, delivered, accepted, skipped, rejected, parked, retrying or unconfirmed
    #[arg(long, value_parser = state)]
    pub(crate) state: Option<State>,
    /// Of this network only
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// First heard of since then: 2026-11-21, 2026-11-21T10:15:00Z, or 90m, 24h, 7d ago
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Stop after so many have been found
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
    /// Stop after so many read units have been spent
    #[arg(long, default_value_t = 20_000)]
    pub(crate) read_units: u32,
    /// Go on where an earlier list stopped: what it gave as `next`
    #[arg(long)]
    pub(crate) after: Option<String>,
}

/// Settle an unconfirmed or parked delivery by hand
///
/// Look at the network first: its portal says whether the order is there. Then say --delivered or --send-again.
/// The decision counts for what you saw: if the delivery has been tried again meanwhile, it is refused. On a
/// terminal the delivery is shown and you are asked; elsewhere say with --attempt which attempt you saw.
///
/// It is recorded in the ledger with your AWS identity, the time and your reason.
///
/// The ledger holds no orders, so to send an unconfirmed one again say where it is: --order FILE, or
/// --from-archive if it came over the bus. What is sent is what was told before, or nothing: an order with
/// other content is refused. A parked order is still on its queue and comes by itself within 15 minutes.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Settle {
    /// The order's id
    pub(crate) order_id: String,
    /// The network, or network#line, as `show` has it
    #[arg(value_name = "NETWORK[#LINE]")]
    pub(crate) delivery: String,
    /// The network has it
    #[arg(long, conflicts_with = "send_again", required_unless_present = "send_again")]
    pub(crate) delivered: bool,
    /// The network does not have it: send it again
    #[arg(long)]
    pub(crate) send_again: bool,
    /// Why, in one line of at most 200 characters. Kept in the ledger: no customer data.
    #[arg(long)]
    pub(crate) reason: String,
    /// The number of the last attempt as you saw it
    #[arg(long)]
    pub(crate) attempt: Option<u32>,
    /// The order as it was sent, JSON; - is standard input
    #[arg(long, value_name = "FILE", requires = "send_again", conflicts_with_all = ["delivered", "from_archive"])]
    pub(crate) order: Option<PathBuf>,
    /// Take the order from the bus's archive
    #[arg(long, requires = "send_again", conflicts_with = "delivered")]
    pub(crate) from_archive: bool,
}

/// Put the orders of a span of time on the bus again, from its archive
///
/// Safe at any time: what a network was told it is not told again, which costs one write unit for each order
/// and network. What the ledger does not know is sent. Only the networks' own rules get the events.
///
/// --dry-run says what the ledger holds of the span; it reads the ledger from its beginning (see `list`). With
/// --orders it says of each order in a file what would become of it.
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
    /// Say what would happen, and do nothing
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
/// Mend the cause, then redrive. What was told is not told again. Messages that are no orders stay where they
/// are: they would come back.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Redrive {
    /// The network
    #[arg(long)]
    pub(crate) network: String,
    /// Show what is there and leave it
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

impl Orders {
    /// What clap can't check, before anything is asked of AWS.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Settle(settle) => {
                OperatorNote::new(&settle.reason).map_err(Failure::BadReason)?;
            }
            Self::List(List { since: Some(text), .. }) => {
                span::instant("--since", text, now)?;
            }
            Self::Replay(replay) => {
                span::Span::read(&replay.from, replay.to.as_deref(), now)?;
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
    fn a_decision_is_one_of_two() {
        let of = |more: &[&str]| {
            let settle = ["postback", "orders", "settle", "A-1", "net", "--reason", "r"];
            Arguments::try_parse_from(settle.iter().chain(more)).is_ok()
        };

        assert!(of(&["--delivered"]));
        assert!(of(&["--send-again", "--order", "a.json", "--attempt", "2"]));
        assert!(!of(&[]));
        assert!(!of(&["--delivered", "--send-again"]));
        assert!(!of(&["--delivered", "--order", "a.json"]));
        assert!(!of(&["--send-again", "--from-archive", "--order", "a.json"]));
    }

    #[test]
    fn a_state_is_one_of_the_eight() {
        assert_eq!(state("unconfirmed"), Ok(State::Unconfirmed));
        assert!(state("lost").is_err_and(|words| words.contains("unconfirmed")));
    }
}
