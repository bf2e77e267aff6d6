#![doc = include_str!("../README.md")]

use std::{io, process::ExitCode};

use clap::Parser;
use postback_core::clock::Timestamp;

mod account;
mod args;
mod dry_run;
mod failure;
mod invoke;
mod list;
mod redrive;
mod replay;
mod settle;
mod show;
mod span;
mod stack;
mod view;

use account::Account;
use args::{Arguments, Command};
use failure::Failure;
use view::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let mut screen = Output { json: arguments.json, out: &mut out, err: &mut err };
    match run(&arguments, &mut screen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.failure(&failure);
            ExitCode::from(failure.exit_status())
        }
    }
}

async fn run(arguments: &Arguments, screen: &mut Output<'_>) -> Result<(), Failure> {
    let now = Timestamp::system();
    let command = match &arguments.command {
        Command::Orders(command) => command,
        Command::Stack { output } => {
            let account = Account::open(arguments).await?;
            return stack::run(&account, output.as_deref(), screen);
        }
    };
    command.check(now)?;
    let account = Account::open(arguments).await?;
    match command {
        args::Orders::Show(wanted) => show::run(&account, wanted, screen).await,
        args::Orders::List(wanted) => list::run(&account, wanted, now, screen).await,
        args::Orders::Settle(wanted) => settle::run(&account, wanted, screen).await,
        args::Orders::Replay(wanted) => replay::run(&account, wanted, now, screen).await,
        args::Orders::Redrive(wanted) => redrive::run(&account, wanted, screen).await,
    }
}
