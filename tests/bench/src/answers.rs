//! The time of an answer to a shop system, which gives up on one that is late.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Failure,
    cores::Cores,
    function::Package,
    summary::{median, percentile},
    test_bed::{Delays, TestBed},
};

/// The measurements to make.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plan {
    shop_systems: Vec<ShopSystem>,
    delays: Delays,
    /// The memory in MB whose share of a core the functions have.
    memory: u32,
}

/// The function of a shop system, and its messages: signed, each about an order of its own.
#[derive(Clone, Debug, Deserialize)]
struct ShopSystem {
    function: Package,
    /// Each meets a fresh process.
    cold: Vec<Value>,
    /// They meet one process, after those that make it warm.
    warm: Vec<Value>,
}

/// The times of the answers to one shop system.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Answers {
    name: String,
    cold_ms: f64,
    warm_ms: f64,
    warm_p99_ms: f64,
    longest_ms: f64,
}

const WARM_UP: usize = 10;

pub(crate) async fn measure(plan: &Plan, cores: Cores) -> Result<Vec<Answers>, Failure> {
    let mut answers = Vec::new();
    for one in &plan.shop_systems {
        answers.push(answers_to(one, plan, cores).await?);
    }
    Ok(answers)
}

async fn answers_to(one: &ShopSystem, plan: &Plan, cores: Cores) -> Result<Answers, Failure> {
    let package = &one.function;
    let test_bed = TestBed::start(plan.delays, Some(cores), Some(plan.memory)).await?;
    test_bed.dynamodb.create_table(&package.name, &package.key)?;
    let mut cold = Vec::with_capacity(one.cold.len());
    for message in &one.cold {
        let function = test_bed.shop_system(package).await?;
        let answer = function.first_call(message).await?;
        function.stop().await?;
        check_taken(&answer.body)?;
        cold.push(answer.took);
    }
    let function = test_bed.shop_system(package).await?;
    let mut warm = Vec::with_capacity(one.warm.len());
    for message in &one.warm {
        let answer = function.call(message).await?;
        check_taken(&answer.body)?;
        warm.push(answer.took);
    }
    function.stop().await?;
    let warm = warm.get(WARM_UP..).unwrap_or_default();
    Ok(Answers {
        name: package.name.clone(),
        cold_ms: median(&cold),
        warm_ms: median(warm),
        warm_p99_ms: percentile(warm, 99),
        longest_ms: percentile(&[&cold, warm].concat(), 100),
    })
}

/// Fails unless the order was taken and put on the bus.
fn check_taken(answer: &Value) -> Result<(), Failure> {
    if answer["statusCode"] == 202 {
        Ok(())
    } else {
        Err(Failure::new(format!("a message was not taken: {answer}")))
    }
}
