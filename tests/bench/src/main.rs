//! `postback-bench PLAN RESULT`: measures packaged functions as the plan says, a JSON file, and
//! writes what it measured to another. `make bench` makes the plan.

#![expect(clippy::expect_used, clippy::print_stderr, reason = "a program of one purpose")]

use std::{collections::BTreeMap, error::Error, fmt, fs};

use serde::{Deserialize, Serialize};
use tokio::runtime::{self, Runtime};

use crate::{
    cores::Cores,
    function::Package,
    growth::Grown,
    load::Level,
    rounds::{Amounts, Figures},
    stage::Delays,
};

mod clock;
mod cores;
mod dynamodb;
mod function;
mod growth;
mod load;
mod orders;
mod rounds;
mod runtime_api;
mod server;
mod services;
mod stage;
mod summary;

/// What is to be measured.
#[derive(Debug, Deserialize)]
struct Plan {
    /// Side by side: ours and the peers.
    contestants: Vec<Package>,
    /// By name, with the delays of each.
    settings: BTreeMap<String, Setting>,
    /// How often all of it is measured.
    rounds: usize,
    /// The functions of all networks under load, by the network's name.
    #[serde(default)]
    load: Option<load::Plan>,
    /// One function on a ledger that grows.
    #[serde(default)]
    growth: Option<growth::Plan>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Setting {
    delays: Delays,
    amounts: Amounts,
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
struct Measured {
    /// By setting: one entry a round, by function's name.
    rounds: BTreeMap<String, Vec<BTreeMap<String, Figures>>>,
    load: Vec<Level>,
    growth: Vec<Grown>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(plan), Some(result)) = (arguments.next(), arguments.next()) else {
        return Err("usage: postback-bench PLAN RESULT".into());
    };
    let plan: Plan = serde_json::from_str(&fs::read_to_string(plan)?)?;
    let measured = measure(&plan).map_err(|failure| failure.0)?;
    fs::write(result, serde_json::to_string_pretty(&measured)?)?;
    Ok(())
}

fn measure(plan: &Plan) -> Result<Measured, Failure> {
    let cores = Cores::of_this_machine();
    let mut result = Measured::default();
    cores.serve();
    let services = services(move || cores.serve())?;
    for round in 1..=plan.rounds {
        for (name, setting) in &plan.settings {
            eprintln!("Round {round} of {}: {name} …", plan.rounds);
            let round = rounds::round(&plan.contestants, setting.delays, setting.amounts, cores);
            let figures = services.block_on(round)?;
            result.rounds.entry(name.clone()).or_default().push(figures);
        }
    }
    if let Some(plan) = &plan.growth {
        eprintln!("A ledger that grows …");
        result.growth = services.block_on(growth::measure(plan, cores))?;
    }
    cores.share();
    if let Some(plan) = &plan.load {
        eprintln!("All networks under load …");
        result.load = self::services(move || cores.share())?.block_on(load::measure(plan))?;
    }
    Ok(result)
}

/// What the services run on. The functions are started from this thread.
fn services(start: impl Fn() + Send + Sync + 'static) -> Result<Runtime, Failure> {
    let mut runtime = runtime::Builder::new_multi_thread();
    Ok(runtime.worker_threads(2).on_thread_start(start).enable_all().build()?)
}

/// Why nothing could be measured.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}
