//! `postback-bench PLAN RESULT`: reads a plan, measures packaged functions by it, and writes the
//! result; both are JSON files. `make bench` writes the plan.

#![expect(clippy::expect_used, clippy::print_stderr, reason = "a program that only measures")]

use std::{collections::BTreeMap, error::Error, fmt, fs};

use serde::{Deserialize, Serialize};
use tokio::runtime::{self, Runtime};

use crate::{
    answers::Answers,
    cores::Cores,
    function::Package,
    growth::Grown,
    load::Level,
    rounds::{Amounts, Figures},
    share::Share,
    test_bed::Delays,
};

mod answers;
mod clock;
mod cores;
mod dynamodb;
mod function;
mod growth;
mod lane;
mod load;
mod orders;
mod rounds;
mod runtime_api;
mod server;
mod services;
mod share;
mod summary;
mod test_bed;
mod tls;

/// The measurements to make.
#[derive(Debug, Deserialize)]
struct Plan {
    /// The functions to compare: ours and the peers.
    contestants: Vec<Package>,
    /// The settings by name.
    settings: BTreeMap<String, Setting>,
    /// The number of rounds; each measures everything.
    rounds: usize,
    /// The functions of all networks under load.
    #[serde(default)]
    load: Option<load::Plan>,
    /// One function with a growing ledger.
    #[serde(default)]
    growth: Option<growth::Plan>,
    /// The functions of the shop systems.
    #[serde(default)]
    answers: Option<answers::Plan>,
}

#[derive(Clone, Debug, Deserialize)]
struct Setting {
    delays: Delays,
    /// The memory in MB whose share of a core the functions have.
    memory: u32,
    amounts: Amounts,
}

/// The results.
#[derive(Debug, Default, Serialize)]
struct Measured {
    /// True if the functions had their share of a core, false if they had a core.
    shares: bool,
    /// One entry per round, by setting; the figures by the function's name.
    rounds: BTreeMap<String, Vec<BTreeMap<String, Figures>>>,
    load: Vec<Level>,
    growth: Vec<Grown>,
    answers: Vec<Answers>,
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
    let shares = Share::of(256, "trial").is_some();
    let mut result = Measured { shares, ..Measured::default() };
    cores.use_service_cores();
    let services = services(move || cores.use_service_cores())?;
    for round in 1..=plan.rounds {
        for (name, setting) in &plan.settings {
            eprintln!("Round {round} of {}: {name} …", plan.rounds);
            let round = rounds::round(&plan.contestants, setting, cores);
            let figures = services.block_on(round)?;
            result.rounds.entry(name.clone()).or_default().push(figures);
        }
    }
    if let Some(plan) = &plan.growth {
        eprintln!("A growing ledger …");
        result.growth = services.block_on(growth::measure(plan, cores))?;
    }
    if let Some(plan) = &plan.answers {
        eprintln!("The answers to shop systems …");
        result.answers = services.block_on(answers::measure(plan, cores))?;
    }
    cores.use_all_cores();
    if let Some(plan) = &plan.load {
        eprintln!("All networks under load …");
        result.load =
            self::services(move || cores.use_all_cores())?.block_on(load::measure(plan))?;
    }
    Ok(result)
}

/// The runtime of the services. The functions are started from this thread.
fn services(start: impl Fn() + Send + Sync + 'static) -> Result<Runtime, Failure> {
    let mut runtime = runtime::Builder::new_multi_thread();
    Ok(runtime.worker_threads(2).on_thread_start(start).enable_all().build()?)
}

/// The reason why a measurement failed.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
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
