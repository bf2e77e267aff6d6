//! `MINUTES=5 postback-soak`, or `ORDERS=100000 postback-soak`; `SEED` and `LANES` besides. Twice
//! as many lanes as cores, because a lane whose network hangs only waits.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{env, process::ExitCode, str::FromStr, thread, time::Duration};

use postback_faults::{Bound, soak};

fn main() -> ExitCode {
    let time = Bound::Time(Duration::from_secs_f64(60.0 * number("MINUTES", 1.0)));
    let orders = number("ORDERS", 0);
    let bound = if orders > 0 { Bound::Orders(orders) } else { time };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let report =
        soak(bound, number("LANES", 2 * cores), number("SEED", 1), |line| println!("{line}"));
    for (defect, what) in report.census.defects.iter().take(20) {
        println!("{defect:?}: {what}");
    }
    for left in report.left.iter().take(20) {
        println!("never at rest: {left}");
    }
    let (invocations, killed) = report.invocations;
    println!("invocations {invocations}, killed {killed}, redriven {}", report.redriven);
    println!("{}", report.tally);
    println!("{}", report.census.ends());
    for kind in report.tally.missing() {
        println!("did not happen: {kind}");
    }
    println!("{report}");
    let is_whole = report.tally.missing().is_empty();
    if report.is_clean() && is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number<T: FromStr>(name: &str, otherwise: T) -> T {
    env::var(name).ok().and_then(|value| value.trim().parse().ok()).unwrap_or(otherwise)
}
