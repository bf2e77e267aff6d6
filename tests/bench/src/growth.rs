//! One function with a growing ledger: the cost of an order must stay the same.

use postback_sandbox::Network;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Failure,
    cores::Cores,
    function::Package,
    orders,
    rounds::{as_f64, per_1000},
    summary::{median, percentile},
    test_bed::{Delays, TestBed},
};

/// The measurements to make.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plan {
    function: Package,
    /// The numbers of items in the ledger.
    items: Vec<usize>,
    orders: usize,
}

/// The cost of an order with this number of items in the ledger.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Grown {
    items: usize,
    warm_ms: f64,
    warm_p99_ms: f64,
    cpu_ms_per_1000: f64,
    calls_per_order: f64,
    write_units_per_order: f64,
}

pub(crate) async fn measure(plan: &Plan, cores: Cores) -> Result<Vec<Grown>, Failure> {
    let mut grown = Vec::new();
    for items in &plan.items {
        grown.push(measure_with(plan, *items, cores).await?);
    }
    Ok(grown)
}

async fn measure_with(plan: &Plan, items: usize, cores: Cores) -> Result<Grown, Failure> {
    let table = &plan.function.name;
    let test_bed = TestBed::start(Delays::default(), Some(cores), None).await?;
    test_bed.dynamodb.create_table(table, &plan.function.key)?;
    let function = test_bed.function(&plan.function, Network::ShopBack).await?;
    let mut next = 0;
    for _ in 0..30 {
        next += 1;
        function.call(&orders::by_api(&orders::order("g", next))).await?;
    }
    let key = json!({
        "order_id": { "S": orders::id("g", next) },
        "delivery": { "S": Network::ShopBack.name() },
    });
    let sample = test_bed.dynamodb.get(table, &key)?;
    let sample = sample.ok_or_else(|| Failure::new("the ledger has no item of an order"))?;
    test_bed.dynamodb.fill(table, &sample, items.saturating_sub(next))?;
    test_bed.dynamodb.take_counts(table);
    let before = function.cpu();
    let mut warm = Vec::with_capacity(plan.orders);
    for _ in 0..plan.orders {
        next += 1;
        let answer = function.call(&orders::by_api(&orders::order("g", next))).await?;
        warm.push(answer.took);
    }
    let cpu = function.cpu().saturating_sub(before);
    let counts = test_bed.dynamodb.take_counts(table);
    function.stop().await?;
    test_bed.check(Network::ShopBack, next)?;
    Ok(Grown {
        items,
        warm_ms: median(&warm),
        warm_p99_ms: percentile(&warm, 99),
        cpu_ms_per_1000: per_1000(cpu, plan.orders),
        calls_per_order: f64::from(counts.calls.values().sum::<u32>()) / as_f64(plan.orders),
        write_units_per_order: counts.write_units / as_f64(plan.orders),
    })
}
