//! The command line.

#![expect(clippy::doc_markdown, reason = "the comments are the help, not Markdown")]

use clap::{Parser, Subcommand};
use postback_core::{clock::Timestamp, redaction::OperatorNote};

use crate::{failure::Failure, span};

mod bring;
mod check;
mod look;
mod redrive;
mod settle;

pub(crate) use bring::{Replay, ReplayEvents};
pub(crate) use check::Check;
pub(crate) use look::{Doctor, Format, List, Show, Sort, Status};
pub(crate) use redrive::Redrive;
pub(crate) use settle::Settle;

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
    /// Answer in JSON, for programs; failures, too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(Status),
    Doctor(Doctor),
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
    Check(Check),
    Settle(Settle),
    Replay(Replay),
    Redrive(Redrive),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    Replay(ReplayEvents),
}

impl Arguments {
    /// Returns whether the answer is for programs.
    pub(crate) const fn is_json(&self) -> bool {
        let format = match &self.command {
            Command::Orders(Orders::List(List { format, .. })) => Some(*format),
            _ => None,
        };
        self.json || matches!(format, Some(Format::Json))
    }
}

impl Command {
    /// Checks what clap can't, before the first call to AWS.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Failure> {
        let instant = |option, text: &Option<String>| {
            text.as_deref().map(|text| span::instant(option, text, now)).transpose()
        };
        match self {
            Self::Orders(Orders::Settle(settle)) => {
                OperatorNote::new(&settle.reason).map_err(Failure::BadReason)?;
            }
            Self::Orders(Orders::List(list)) => {
                let since = instant("--since", &list.since)?;
                let until = instant("--until", &list.until)?;
                if since.zip(until).is_some_and(|(since, until)| since >= until) {
                    return Err(Failure::EmptySpan { from: "--since", to: "--until" });
                }
            }
            Self::Orders(Orders::Check(check)) => {
                if let Some(from) = &check.from {
                    span::Span::parse(from, check.to.as_deref(), now)?;
                }
            }
            Self::Orders(Orders::Replay(replay)) => {
                span::Span::parse(&replay.from, replay.to.as_deref(), now)?;
            }
            Self::Events(Events::Replay(replay)) => {
                instant("--from", &replay.from)?;
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
            Arguments::try_parse_from(settle.iter().chain(more)).map_err(|error| error.to_string())
        };

        assert!(of(&["--delivered"]).is_ok());
        assert!(of(&["--send-again", "--order", "a.json", "--attempt", "2"]).is_ok());
        assert!(of(&["--abandon"]).is_ok());
        assert!(of(&["--reopen"]).is_ok());
        assert!(of(&["--delivered", "--send-again"]).is_err());
        assert!(of(&["--abandon", "--from-archive"]).is_err());
        assert!(of(&["--delivered", "--order", "a.json"]).is_err());
        assert!(of(&["--send-again", "--from-archive", "--order", "a.json"]).is_err());
        // Without any, all four are named.
        let missing = of(&[]).expect_err("no decision");
        for decision in ["--delivered", "--send-again", "--abandon", "--reopen"] {
            assert!(missing.contains(decision), "{missing}");
        }
    }

    #[test]
    fn a_span_that_holds_nothing_is_refused_before_the_first_call() {
        let of = |more: &[&str]| {
            let list = ["postback", "orders", "list"];
            let arguments = Arguments::try_parse_from(list.iter().chain(more)).expect("arguments");
            arguments.command.check(Timestamp::from_millis(1_795_256_100_000))
        };

        assert_eq!(of(&["--since", "7d", "--until", "1d"]), Ok(()));
        let empty = Err(Failure::EmptySpan { from: "--since", to: "--until" });
        assert_eq!(of(&["--since", "1d", "--until", "7d"]), empty);
        assert_eq!(of(&["--until", "soon"]), Err(Failure::BadInstant { option: "--until" }));
    }
}
