//! The functions compared: every round measures all of them in turn, so that other work on the
//! machine affects them alike.

use std::{collections::BTreeMap, time::Duration};

use postback_sandbox::Network;
use serde::{Deserialize, Serialize};

use crate::{
    Failure, Setting, clock,
    cores::Cores,
    function::{Function, Package},
    lane::{BATCH, Lane},
    test_bed::TestBed,
};

/// The amounts to measure in one round.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Amounts {
    /// Fresh processes.
    pub(crate) cold: usize,
    /// Single orders, in turns of twenty.
    pub(crate) warm: usize,
    /// Batches of ten, in turns of three.
    pub(crate) batches: usize,
    /// Orders that come a second time at once.
    pub(crate) duplicates: usize,
    /// Pauses in seconds, after each of which every function takes an order, and one a second time
    /// that it took before.
    #[serde(default)]
    pub(crate) pauses: Vec<u64>,
}

/// The figures of one function in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) cold_ms: f64,
    pub(crate) warm_ms: f64,
    pub(crate) warm_p99_ms: f64,
    pub(crate) batch_ms: f64,
    pub(crate) duplicate_ms: f64,
    /// An order after a pause, by its seconds.
    pub(crate) after_pause_ms: BTreeMap<u64, f64>,
    /// A duplicate whose order came before all pauses.
    pub(crate) late_duplicate_ms: f64,
    pub(crate) cpu_ms_per_1000: f64,
    pub(crate) batch_cpu_ms_per_1000: f64,
    pub(crate) cold_cpu_ms: f64,
    pub(crate) peak_mib: f64,
    pub(crate) calls_per_order: BTreeMap<String, f64>,
    pub(crate) write_units_per_order: f64,
    pub(crate) read_units_per_order: f64,
    pub(crate) calls_per_duplicate: BTreeMap<String, f64>,
    pub(crate) write_units_per_duplicate: f64,
    pub(crate) read_units_per_duplicate: f64,
}

/// A lane and its running function.
type Running<'a, 'p> = (&'a mut Lane<'p>, &'a Function);

const TURN: usize = 20;
/// Batches in a turn: most follow one of the same function, and find the machine as it left it.
const BATCHES: usize = 3;
const WARM_UP: usize = 30;

/// Measures one round with these delays; returns the figures by the function's name.
pub(crate) async fn round(
    packages: &[Package],
    setting: &Setting,
    cores: Cores,
) -> Result<BTreeMap<String, Figures>, Failure> {
    let amounts = &setting.amounts;
    let test_bed = TestBed::start(setting.delays, Some(cores), Some(setting.memory)).await?;
    let mut lanes: Vec<_> = packages.iter().enumerate().map(|(at, p)| Lane::new(p, at)).collect();
    for lane in &lanes {
        test_bed.dynamodb.create_table(&lane.package.name, &lane.package.key)?;
    }
    for turn in 0..amounts.cold {
        for lane in lanes.iter_mut().filter(|lane| turn % lane.package.every == 0) {
            lane.cold(&test_bed).await?;
        }
    }
    let functions = start_warm(&test_bed, &mut lanes).await?;
    let mut running: Vec<_> = lanes.iter_mut().zip(&functions).collect();
    single_orders(&test_bed, &mut running, amounts.warm).await?;
    duplicates(&test_bed, &mut running, amounts.duplicates).await?;
    batches(&test_bed, &mut running, amounts.batches).await?;
    pauses(&test_bed, &mut running, &amounts.pauses).await?;
    drop(running);
    for function in functions {
        function.stop().await?;
    }
    test_bed.check(Network::ShopBack, lanes.iter().map(|lane| lane.last).sum())?;
    match test_bed.waiting() {
        0 => {}
        waiting => return Err(Failure::new(format!("{waiting} orders had to wait"))),
    }
    Ok(lanes.into_iter().map(|lane| (lane.package.name.clone(), lane.summary())).collect())
}

/// Starts each lane's function and calls it until it is warm.
async fn start_warm(test_bed: &TestBed, lanes: &mut [Lane<'_>]) -> Result<Vec<Function>, Failure> {
    let mut functions = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let function = test_bed.function(lane.package, Network::ShopBack).await?;
        for _ in 0..WARM_UP {
            lane.order(test_bed, &function).await?;
        }
        functions.push(function);
    }
    Ok(functions)
}

async fn single_orders(
    test_bed: &TestBed,
    running: &mut [Running<'_, '_>],
    amount: usize,
) -> Result<(), Failure> {
    for (lane, _) in &*running {
        test_bed.dynamodb.take_counts(&lane.package.name);
    }
    let mut cpu = vec![Duration::ZERO; running.len()];
    for _ in 0..amount / TURN {
        for (at, (lane, function)) in running.iter_mut().enumerate() {
            let before = function.cpu();
            for _ in 0..TURN {
                let took = lane.order(test_bed, function).await?;
                lane.warm.push(took);
            }
            cpu[at] += function.cpu().saturating_sub(before);
        }
    }
    for (at, (lane, _)) in running.iter_mut().enumerate() {
        lane.figures.cpu_ms_per_1000 = per_1000(cpu[at], lane.warm.len());
        let counts = test_bed.dynamodb.take_counts(&lane.package.name);
        let per = |units: f64| units / as_f64(lane.warm.len());
        lane.figures.write_units_per_order = per(counts.write_units);
        lane.figures.read_units_per_order = per(counts.read_units);
        lane.figures.calls_per_order = per_order(counts.calls, lane.warm.len());
    }
    Ok(())
}

async fn duplicates(
    test_bed: &TestBed,
    running: &mut [Running<'_, '_>],
    amount: usize,
) -> Result<(), Failure> {
    for _ in 0..amount / TURN {
        for (lane, function) in &mut *running {
            for back in 0..TURN {
                lane.repeat(function, back).await?;
            }
        }
    }
    for (lane, _) in running {
        let counts = test_bed.dynamodb.take_counts(&lane.package.name);
        let per = |units: f64| units / as_f64(lane.duplicate.len());
        lane.figures.write_units_per_duplicate = per(counts.write_units);
        lane.figures.read_units_per_duplicate = per(counts.read_units);
        lane.figures.calls_per_duplicate = per_order(counts.calls, lane.duplicate.len());
    }
    Ok(())
}

async fn batches(
    test_bed: &TestBed,
    running: &mut [Running<'_, '_>],
    amount: usize,
) -> Result<(), Failure> {
    let mut cpu = vec![Duration::ZERO; running.len()];
    for turn in 0..amount / BATCHES {
        for (at, (lane, function)) in running.iter_mut().enumerate() {
            let before = function.cpu();
            for _ in 0..BATCHES {
                let took = lane.batch(test_bed, function).await?;
                if turn > 0 {
                    lane.batches.push(took);
                }
            }
            cpu[at] += function.cpu().saturating_sub(before);
        }
    }
    for (at, (lane, function)) in running.iter_mut().enumerate() {
        lane.figures.batch_cpu_ms_per_1000 = per_1000(cpu[at], amount / BATCHES * BATCHES * BATCH);
        lane.figures.peak_mib = function.peak_kib().map_or(0.0, |kib| as_f64(kib) / 1024.0);
    }
    Ok(())
}

/// All functions have the same pause; the turn after it begins with another one each time.
async fn pauses(
    test_bed: &TestBed,
    running: &mut [Running<'_, '_>],
    pauses: &[u64],
) -> Result<(), Failure> {
    for (turn, pause) in pauses.iter().enumerate() {
        clock::wait_since(clock::now(), Duration::from_secs(*pause)).await;
        let first = turn % running.len();
        running.rotate_left(first);
        for (lane, function) in &mut *running {
            let took = lane.order(test_bed, function).await?;
            lane.after_pause.entry(*pause).or_default().push(took);
        }
        running.rotate_right(first);
    }
    if !pauses.is_empty() {
        for (lane, function) in running {
            let took = lane.repeat_first(function).await?;
            lane.figures.late_duplicate_ms = took.as_secs_f64() * 1000.0;
        }
    }
    Ok(())
}

fn per_order(calls: BTreeMap<String, u32>, orders: usize) -> BTreeMap<String, f64> {
    calls.into_iter().map(|(name, count)| (name, f64::from(count) / as_f64(orders))).collect()
}

pub(crate) fn per_1000(cpu: Duration, orders: usize) -> f64 {
    cpu.as_secs_f64() * 1000.0 * 1000.0 / as_f64(orders.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub(crate) fn as_f64(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or_default() as f64
}
