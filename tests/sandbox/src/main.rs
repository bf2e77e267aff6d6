//! `postback-sandbox [--port N] [--record N]`: runs the four networks on 127.0.0.1 until it is stopped.

use std::error::Error;
use std::io::Write;

use postback_sandbox::{Options, Sandbox};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = parse_arguments(std::env::args().skip(1))?;
    let sandbox = Sandbox::start_with(options)
        .await
        .map_err(|error| format!("cannot listen on 127.0.0.1:{}: {error}", options.port))?;
    writeln!(std::io::stdout(), "{}", sandbox.address())?;
    wait_for_signal().await?;
    Ok(())
}

async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn parse_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { port: 4580, ..Options::default() };
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let wrong = || format!("{argument} needs a number, not {value:?}");
        match argument.as_str() {
            "--port" => options.port = value.parse().map_err(|_| wrong())?,
            "--record" => options.record_limit = value.parse().map_err(|_| wrong())?,
            _ => return Err("usage: postback-sandbox [--port N] [--record N]".to_owned()),
        }
    }
    Ok(options)
}
