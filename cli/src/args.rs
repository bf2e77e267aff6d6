//! The command line.

#![expect(clippy::doc_markdown, reason = "the comments are the help, not Markdown")]

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use postback_core::{clock::Timestamp, redaction::OperatorNote};

use crate::{failure::Failure, screen::Zone, span};

mod bring;
mod check;
mod claims;
mod logs;
mod look;
mod pause;
mod reconcile;
mod redrive;
mod secret;
mod settle;
mod validate;
#[cfg(test)]
mod written;

pub(crate) use bring::{Replay, ReplayEvents, Replays};
pub(crate) use check::Check;
pub(crate) use claims::{Answer, Claims, Receipt, Verify};
pub(crate) use logs::Logs;
pub(crate) use look::{Console, Doctor, Format, List, MoneyByMonth, Show, Sort, Status};
pub(crate) use pause::{PauseNetwork, ResumeNetwork};
pub(crate) use reconcile::{Reconcile, ReportFormat};
pub(crate) use redrive::Redrive;
pub(crate) use secret::Secret;
pub(crate) use settle::Settle;
pub(crate) use validate::{ClaimBack, Export, Validate};

/// The heading of the options that every command has.
const EVERYWHERE: &str = "Options of every command";

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  an AWS service could not be reached, refused the call, or a function failed
  2  the command line, or a value on it, is wrong
  3  there is nothing of that name
  4  refused: the delivery has moved on, or leaves nothing to decide
  5  done in part
  6  something needs a person: the answer says what";

/// Shows, checks and settles what a deployed Postback reports to the networks
#[derive(Debug, Parser)]
#[command(
    name = "postback",
    version,
    arg_required_else_help = true,
    max_term_width = 80,
    after_help = EXIT_STATUS
)]
pub(crate) struct Arguments {
    /// Name of the CloudFormation stack [default: the one in samconfig.toml, else postback]
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) stack: Option<String>,
    /// AWS region [default: the environment's or the profile's]
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) region: Option<String>,
    /// AWS profile [default: AWS_PROFILE, else default]
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) profile: Option<String>,
    /// Answer in JSON, for programs; failures, too
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Show times to people in this zone, like Europe/Berlin, or at this offset from UTC, like +02:00 [default: UTC].
    /// Programs get UTC, and a time that you give is UTC unless it names its zone
    #[arg(
        long,
        global = true,
        value_name = "ZONE",
        allow_hyphen_values = true,
        default_value = "UTC",
        hide_default_value = true
    )]
    pub(crate) time_zone: Zone,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(Status),
    Console(Console),
    Doctor(Doctor),
    /// Show, list, check, settle, replay or redrive orders
    #[command(subcommand)]
    Orders(Orders),
    Money(MoneyByMonth),
    Reconcile(Box<Reconcile>),
    #[command(subcommand)]
    Validate(Validate),
    #[command(subcommand)]
    Claims(Claims),
    #[command(subcommand)]
    Receipt(Receipt),
    Logs(Logs),
    Secret(Secret),
    Pause(PauseNetwork),
    Resume(ResumeNetwork),
    /// Publish events again
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
    Replays(Replays),
    Redrive(Redrive),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    Replay(ReplayEvents),
}

/// Returns whether a command line that could not be read asks for an answer in JSON.
pub(crate) fn ask_for_json(words: &[OsString]) -> bool {
    let is_pair = |pair: &[OsString]| pair[0] == "--format" && pair[1] == "json";
    words.iter().any(|word| word == "--json" || word == "--format=json")
        || words.windows(2).any(is_pair)
}

impl Arguments {
    /// Returns whether the answer is for programs.
    pub(crate) const fn is_json(&self) -> bool {
        let format = match &self.command {
            Command::Orders(Orders::List(List { format, .. }))
            | Command::Money(MoneyByMonth { format, .. }) => Some(*format),
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
            Self::Pause(PauseNetwork { why: Some(why), .. })
            | Self::Resume(ResumeNetwork { why, .. }) => {
                OperatorNote::new(why).map_err(Failure::BadReason)?;
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
                check.between(now)?;
            }
            Self::Orders(Orders::Replay(replay)) => {
                span::Span::parse(&replay.from, replay.to.as_deref(), now)?;
            }
            Self::Events(Events::Replay(replay)) => {
                instant("--from", &replay.from)?;
            }
            Self::Logs(logs) => {
                instant("--since", &logs.since)?;
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
    fn every_help_fits_into_eighty_columns() {
        fn check(command: &mut clap::Command) {
            let help = command.render_long_help().to_string();
            let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{}: {wide:#?}", command.get_name());
            command.get_subcommands_mut().for_each(check);
        }
        let mut command = Arguments::command();
        command.build();
        check(&mut command);
    }

    #[test]
    fn a_wrong_command_line_is_answered_as_it_asks_for() {
        let asks =
            |line: &str| ask_for_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());

        for line in
            ["list --json --state lost", "list --format=json", "list --format json --state lost"]
        {
            assert!(asks(line), "{line}");
        }
        for line in ["list", "list --format csv json", "list --reason json --format", "json"] {
            assert!(!asks(line), "{line}");
        }
    }

    #[test]
    fn a_decision_is_one_of_five() {
        let of = |more: &[&str]| {
            let settle = ["postback", "orders", "settle", "A-1", "net", "--reason", "r"];
            Arguments::try_parse_from(settle.iter().chain(more)).map_err(|error| error.to_string())
        };

        assert!(of(&["--delivered"]).is_ok());
        assert!(of(&["--send-again", "--order", "a.json", "--attempt", "2"]).is_ok());
        assert!(of(&["--abandon"]).is_ok());
        assert!(of(&["--reopen"]).is_ok());
        assert!(of(&["--acknowledge", "--attempt", "1", "--conflicts", "2"]).is_ok());
        assert!(of(&["--delivered", "--send-again"]).is_err());
        assert!(of(&["--abandon", "--from-archive"]).is_err());
        assert!(of(&["--acknowledge", "--reopen"]).is_err());
        assert!(of(&["--acknowledge", "--from-archive"]).is_err());
        assert!(of(&["--delivered", "--conflicts", "1"]).is_err());
        assert!(of(&["--delivered", "--order", "a.json"]).is_err());
        assert!(of(&["--send-again", "--from-archive", "--order", "a.json"]).is_err());
        // Without any, all five are named.
        let missing = of(&[]).expect_err("no decision");
        for decision in ["--delivered", "--send-again", "--abandon", "--reopen", "--acknowledge"] {
            assert!(missing.contains(decision), "{missing}");
        }
    }

    #[test]
    fn a_decision_is_about_one_delivery_or_about_those_of_a_file() {
        let of = |more: &[&str]| {
            let settle = ["postback", "orders", "settle", "--reason", "r"];
            Arguments::try_parse_from(settle.iter().chain(more)).is_ok()
        };

        assert!(of(&["A-1", "net", "--delivered"]));
        assert!(!of(&["--delivered"]) && !of(&["A-1", "--delivered"]));
        assert!(of(&["--from", "decisions.csv", "--yes"]));
        assert!(of(&["--from", "decisions.csv", "--dry-run", "--report", "report.csv"]));
        assert!(!of(&["A-1", "net", "--from", "decisions.csv"]));
        assert!(!of(&["--from", "decisions.csv", "--delivered"]));
        assert!(!of(&["A-1", "net", "--delivered", "--yes"]));
    }

    #[test]
    fn a_span_that_holds_nothing_is_refused_before_the_first_call() {
        let of = |more: &[&str]| {
            let words = ["postback", "orders"].iter().chain(more);
            let arguments = Arguments::try_parse_from(words).expect("arguments");
            arguments.command.check(Timestamp::from_millis(1_795_256_100_000))
        };

        assert_eq!(of(&["list", "--since", "7d", "--until", "1d"]), Ok(()));
        let empty = Err(Failure::EmptySpan { from: "--since", to: "--until" });
        assert_eq!(of(&["list", "--since", "1d", "--until", "7d"]), empty);
        let wrong = |option| Err(Failure::BadInstant { option });
        assert_eq!(of(&["list", "--until", "soon"]), wrong("--until"));
        let between = |from, to| of(&["check", "a.csv", "--reported-between", from, to]);
        assert_eq!(between("7d", "1d"), Ok(()));
        assert_eq!(between("7d", "soon"), wrong("--reported-between TO"));
        assert!(matches!(between("1d", "7d"), Err(Failure::EmptySpan { .. })));
    }
}
