//! Load: thousands of orders to all four networks, with a growing number of instances.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use postback_sandbox::Network;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{
    Failure, clock,
    function::{Function, Package},
    orders,
    rounds::{as_f64, per_1000},
    summary::{median, percentile},
    test_bed::{Delays, TestBed},
};

/// The measurements to make.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plan {
    /// The functions by the network's name.
    functions: BTreeMap<String, Package>,
    delays: Delays,
    /// The numbers of instances of each function, one level each.
    instances: Vec<usize>,
    /// The number of orders for each network at each level.
    orders: usize,
}

/// The result with this number of instances.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Level {
    /// Instances of each function.
    instances: usize,
    orders: usize,
    orders_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_ms_per_1000: f64,
    write_units_per_order: f64,
}

pub(crate) async fn measure(plan: &Plan) -> Result<Vec<Level>, Failure> {
    let mut levels = Vec::new();
    for instances in &plan.instances {
        levels.push(level(plan, *instances).await?);
    }
    Ok(levels)
}

async fn level(plan: &Plan, instances: usize) -> Result<Level, Failure> {
    let test_bed = Arc::new(TestBed::start(plan.delays, None, None).await?);
    let mut running = Vec::new();
    for (name, package) in &plan.functions {
        let network = Network::named(name).ok_or_else(|| Failure::new("no such network"))?;
        test_bed.dynamodb.create_table(&package.name, &package.key)?;
        for instance in 0..instances {
            let function = test_bed.function(package, network).await?;
            function.first_call(&orders::by_api(&orders::order("l", instance))).await?;
            running.push((instance, function));
        }
    }
    let share = plan.orders / instances;
    let started = clock::now();
    let mut at_work = JoinSet::new();
    for (instance, function) in running {
        at_work.spawn(work(function, instances + instance * share, share));
    }
    let (mut took, mut cpu) = (Vec::new(), Duration::ZERO);
    while let Some(worked) = at_work.join_next().await {
        let (of_one, cpu_of_one) = worked??;
        took.extend(of_one);
        cpu += cpu_of_one;
    }
    let whole = clock::now().duration_since(started);
    let orders = took.len();
    let mut write_units = 0.0;
    for (name, package) in &plan.functions {
        let network = Network::named(name).ok_or_else(|| Failure::new("no such network"))?;
        test_bed.check(network, instances + instances * share)?;
        write_units += test_bed.dynamodb.take_counts(&package.name).write_units;
    }
    let reported = orders + plan.functions.len() * instances;
    let waiting = test_bed.waiting();
    if waiting != 0 {
        let found = format!("{waiting} of {reported} orders had to wait");
        return Err(Failure::new(found));
    }
    Ok(Level {
        instances,
        orders,
        orders_per_second: as_f64(orders) / whole.as_secs_f64(),
        p50_ms: median(&took),
        p99_ms: percentile(&took, 99),
        cpu_ms_per_1000: per_1000(cpu, orders),
        write_units_per_order: write_units / as_f64(reported),
    })
}

async fn work(
    function: Function,
    first: usize,
    count: usize,
) -> Result<(Vec<Duration>, Duration), Failure> {
    let before = function.cpu();
    let mut took = Vec::with_capacity(count);
    for number in first..first + count {
        let answer = function.call(&orders::by_api(&orders::order("l", number))).await?;
        if answer.body["statusCode"] != 200 {
            return Err(Failure::new(format!("an order was not accepted: {}", answer.body)));
        }
        took.push(answer.took);
    }
    let cpu = function.cpu().saturating_sub(before);
    function.stop().await?;
    Ok((took, cpu))
}
