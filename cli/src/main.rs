#![doc = include_str!("../README.md")]

use std::{env, io, process::ExitCode};

use clap::Parser;
use postback_core::clock::Timestamp;

mod account;
mod args;
mod check;
mod claims;
mod console;
mod doctor;
mod dry_run;
mod events;
mod failure;
#[cfg(test)]
mod fixtures;
mod invoke;
mod list;
mod logs;
mod money;
mod networks;
mod pause;
mod receipt;
mod reconcile;
mod redrive;
mod replay;
mod replays;
mod scan;
mod screen;
mod secret;
mod settle;
mod show;
mod span;
mod stack;
mod status;
mod validate;
mod view;
mod watch;

use account::Account;
use args::{Arguments, Check, Claims, Command, Events, Orders, Receipt, Validate};
use failure::Failure;
use screen::{Terminal, Zone};
use view::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let zone = arguments.time_zone;
    let mut out = Terminal::new(io::stdout().lock(), zone);
    let mut err = Terminal::new(io::stderr().lock(), zone);
    let mut output = Output { json: arguments.is_json(), out: &mut out, err: &mut err };
    match Box::pin(run(&arguments, &mut output)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_status())
        }
    }
}

/// Answers a command line that is wrong, or that asks for help: in JSON if it asks for that.
fn refuse(error: &clap::Error) -> ExitCode {
    let json = args::ask_for_json(&env::args_os().collect::<Vec<_>>());
    if !json || !error.use_stderr() {
        error.exit();
    }
    let (mut out, mut err) = (Vec::new(), Terminal::new(io::stderr().lock(), Zone::default()));
    let failure = Failure::Usage(error.render().to_string().trim().to_owned());
    Output { json, out: &mut out, err: &mut err }.failure(&failure);
    ExitCode::from(failure.exit_status())
}

async fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let now = Timestamp::system();
    arguments.command.check(now)?;
    if let Command::Orders(Orders::Check(wanted @ Check { offline: true, .. })) = &arguments.command
    {
        return check::offline(wanted, now, output).await;
    }
    if let Command::Receipt(Receipt::Verify(wanted)) = &arguments.command {
        return receipt::verify(wanted, output);
    }
    if let Command::Reconcile(wanted) = &arguments.command
        && wanted.preview
    {
        return reconcile::preview(wanted, output);
    }
    let account = Account::open(arguments);
    match &arguments.command {
        Command::Doctor(wanted) => Box::pin(doctor::run(arguments, wanted, account, output)).await,
        Command::Status(wanted) => status::run(&account.await?, wanted, now, output).await,
        Command::Console(wanted) => {
            console::run(account.await?, wanted, arguments.time_zone, output).await
        }
        Command::Orders(wanted) => Box::pin(orders(&account.await?, wanted, now, output)).await,
        Command::Money(wanted) => money::run(&account.await?, wanted, output).await,
        Command::Reconcile(wanted) => reconcile::run(&account.await?, wanted, now, output).await,
        Command::Validate(Validate::Export(wanted)) => {
            validate::run(&account.await?, wanted, now, output).await
        }
        Command::Validate(Validate::ClaimBack(wanted)) => {
            validate::claim_back::run(&account.await?, wanted, output).await
        }
        Command::Claims(Claims::Answer(wanted)) => {
            claims::run(&account.await?, wanted, now, output).await
        }
        Command::Receipt(Receipt::Key | Receipt::Verify(_)) => {
            receipt::key(&account.await?, output).await
        }
        Command::Events(Events::Replay(wanted)) => {
            events::run(&account.await?, wanted, now, output).await
        }
        Command::Logs(wanted) => logs::run(&account.await?, wanted, now, output).await,
        Command::Secret(wanted) => secret::run(&account.await?, wanted, output).await,
        Command::Pause(wanted) => pause::run_pause(&account.await?, wanted, output).await,
        Command::Resume(wanted) => pause::run_resume(&account.await?, wanted, output).await,
        Command::Stack { output: name } => stack::run(&account.await?, name.as_deref(), output),
    }
}

async fn orders(
    account: &Account,
    wanted: &Orders,
    now: Timestamp,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match wanted {
        Orders::Show(wanted) => show::run(account, wanted, output).await,
        Orders::List(wanted) => list::run(account, wanted, now, output).await,
        Orders::Check(wanted) => check::online(account, wanted, now, output).await,
        Orders::Settle(wanted) => settle::run(account, wanted, output).await,
        Orders::Replay(wanted) => replay::run(account, wanted, now, output).await,
        Orders::Replays(wanted) => replays::run(account, wanted, output).await,
        Orders::Redrive(wanted) => redrive::run(account, wanted, now, output).await,
    }
}
