//! `postback-bench PLAN RESULT`: measures packaged functions as the plan says, a JSON file, and
//! writes what it measured to another. `make bench` makes the plan.

#![expect(clippy::expect_used, clippy::print_stderr, reason = "a program of one purpose")]

use std::{collections::BTreeMap, error::Error, fmt, fs};

use serde::{Deserialize, Serialize};

use crate::{
    function::Package,
    growth::Grown,
    load::Level,
    rounds::{Amounts, Figures},
    stage::Delays,
};

mod clock;
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

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(plan), Some(result)) = (arguments.next(), arguments.next()) else {
        return Err("usage: postback-bench PLAN RESULT".into());
    };
    let plan: Plan = serde_json::from_str(&fs::read_to_string(plan)?)?;
    let measured = measure(&plan).await.map_err(|failure| failure.0)?;
    fs::write(result, serde_json::to_string_pretty(&measured)?)?;
    Ok(())
}

async fn measure(plan: &Plan) -> Result<Measured, Failure> {
    let mut result = Measured::default();
    for round in 1..=plan.rounds {
        for (name, setting) in &plan.settings {
            eprintln!("Round {round} of {}: {name} …", plan.rounds);
            let figures = rounds::round(&plan.contestants, setting.delays, setting.amounts).await?;
            result.rounds.entry(name.clone()).or_default().push(figures);
        }
    }
    if let Some(plan) = &plan.load {
        eprintln!("All networks under load …");
        result.load = load::measure(plan).await?;
    }
    if let Some(plan) = &plan.growth {
        eprintln!("A ledger that grows …");
        result.growth = growth::measure(plan).await?;
    }
    Ok(result)
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
