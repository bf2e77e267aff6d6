//! The functions beside each other: every round measures all of them, turn by turn, so that what
//! else the machine does strikes all alike.

use std::{collections::BTreeMap, time::Duration};

use postback_sandbox::Network;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Failure,
    cores::Cores,
    function::{Function, Package},
    orders,
    stage::{Delays, Stage},
    summary::{median, percentile},
};

/// How much is measured in one round.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Amounts {
    /// Fresh processes.
    pub(crate) cold: usize,
    /// Single orders, in turns of twenty.
    pub(crate) warm: usize,
    /// Batches of ten, in turns of three.
    pub(crate) batches: usize,
    /// Orders that come a second time.
    pub(crate) duplicates: usize,
}

/// What one function needed in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) cold_ms: f64,
    pub(crate) warm_ms: f64,
    pub(crate) warm_p99_ms: f64,
    pub(crate) batch_ms: f64,
    pub(crate) duplicate_ms: f64,
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

/// One function's part of a round.
struct Lane<'a> {
    package: &'a Package,
    /// Of its orders, unlike any other's.
    prefix: String,
    next: usize,
    cold: Vec<Duration>,
    cold_cpu: Vec<Duration>,
    warm: Vec<Duration>,
    batch: Vec<Duration>,
    duplicate: Vec<Duration>,
    figures: Figures,
}

const TURN: usize = 20;
/// Batches in a turn: most follow one of the same function, and find the machine as it left it.
const BATCHES: usize = 3;
const BATCH: usize = 10;
const WARM_UP: usize = 30;

/// One round with these delays: figures by function's name.
pub(crate) async fn round(
    packages: &[Package],
    delays: Delays,
    amounts: Amounts,
    cores: Cores,
) -> Result<BTreeMap<String, Figures>, Failure> {
    let stage = Stage::start(delays, Some(cores)).await?;
    let mut lanes: Vec<_> = packages.iter().enumerate().map(|(at, p)| Lane::new(p, at)).collect();
    for lane in &lanes {
        stage.dynamodb.create_table(&lane.package.name, &lane.package.key)?;
    }
    for turn in 0..amounts.cold {
        for lane in lanes.iter_mut().filter(|lane| turn % lane.package.every == 0) {
            lane.cold(&stage).await?;
        }
    }
    let mut running = Vec::with_capacity(lanes.len());
    for lane in &mut lanes {
        let function = stage.function(lane.package, Network::ShopBack).await?;
        for _ in 0..WARM_UP {
            lane.order(&stage, &function).await?;
        }
        running.push(function);
    }
    let mut both: Vec<_> = lanes.iter_mut().zip(&running).collect();
    for (lane, _) in &both {
        stage.dynamodb.take_counts(&lane.package.name);
    }
    let mut cpu = vec![Duration::ZERO; both.len()];
    for _ in 0..amounts.warm / TURN {
        for (at, (lane, function)) in both.iter_mut().enumerate() {
            let before = function.cpu();
            for _ in 0..TURN {
                let took = lane.order(&stage, function).await?;
                lane.warm.push(took);
            }
            cpu[at] += function.cpu().saturating_sub(before);
        }
    }
    for (at, (lane, _)) in both.iter_mut().enumerate() {
        lane.figures.cpu_ms_per_1000 = per_1000(cpu[at], lane.warm.len());
        let counts = stage.dynamodb.take_counts(&lane.package.name);
        let per = |units: f64| units / as_f64(lane.warm.len());
        lane.figures.write_units_per_order = per(counts.write_units);
        lane.figures.read_units_per_order = per(counts.read_units);
        lane.figures.calls_per_order = each(counts.calls, lane.warm.len());
    }
    for _ in 0..amounts.duplicates / TURN {
        for (lane, function) in &mut both {
            for back in 0..TURN {
                lane.again(function, back).await?;
            }
        }
    }
    for (lane, _) in &mut both {
        let counts = stage.dynamodb.take_counts(&lane.package.name);
        let per = |units: f64| units / as_f64(lane.duplicate.len());
        lane.figures.write_units_per_duplicate = per(counts.write_units);
        lane.figures.read_units_per_duplicate = per(counts.read_units);
        lane.figures.calls_per_duplicate = each(counts.calls, lane.duplicate.len());
    }
    let mut cpu = vec![Duration::ZERO; both.len()];
    for turn in 0..amounts.batches / BATCHES {
        for (at, (lane, function)) in both.iter_mut().enumerate() {
            let before = function.cpu();
            for _ in 0..BATCHES {
                let took = lane.ten(&stage, function).await?;
                if turn > 0 {
                    lane.batch.push(took);
                }
            }
            cpu[at] += function.cpu().saturating_sub(before);
        }
    }
    for (at, (lane, function)) in both.iter_mut().enumerate() {
        lane.figures.batch_cpu_ms_per_1000 =
            per_1000(cpu[at], amounts.batches / BATCHES * BATCHES * BATCH);
        lane.figures.peak_mib = function.peak_kib().map_or(0.0, |kib| as_f64(kib) / 1024.0);
    }
    drop(both);
    for function in running {
        function.stop().await?;
    }
    stage.check(Network::ShopBack, lanes.iter().map(|lane| lane.next).sum())?;
    check_events(&stage, &lanes)?;
    Ok(lanes.into_iter().map(|lane| (lane.package.name.clone(), lane.summary())).collect())
}

impl<'a> Lane<'a> {
    fn new(package: &'a Package, at: usize) -> Self {
        Self {
            package,
            prefix: format!("{at}{}", package.name.replace('_', "-")),
            next: 0,
            cold: Vec::new(),
            cold_cpu: Vec::new(),
            warm: Vec::new(),
            batch: Vec::new(),
            duplicate: Vec::new(),
            figures: Figures::default(),
        }
    }

    fn fresh(&mut self) -> Value {
        self.next += 1;
        orders::order(&self.prefix, self.next)
    }

    async fn cold(&mut self, stage: &Stage) -> Result<(), Failure> {
        let order = self.fresh();
        let function = stage.function(self.package, Network::ShopBack).await?;
        let answer = function.first_call(&orders::by_api(&order)).await?;
        self.cold.push(answer.took);
        self.cold_cpu.push(function.cpu());
        function.stop().await?;
        taken(&answer.body)?;
        stage.check_one(&self.prefix, self.next)
    }

    async fn order(&mut self, stage: &Stage, function: &Function) -> Result<Duration, Failure> {
        let order = self.fresh();
        let answer = function.call(&orders::by_api(&order)).await?;
        taken(&answer.body)?;
        stage.check_one(&self.prefix, self.next)?;
        Ok(answer.took)
    }

    /// One of the last orders, a second time. That it has no second effect is checked at the end.
    async fn again(&mut self, function: &Function, back: usize) -> Result<(), Failure> {
        let order = orders::order(&self.prefix, self.next - back);
        let answer = function.call(&orders::by_api(&order)).await?;
        taken(&answer.body)?;
        self.duplicate.push(answer.took);
        Ok(())
    }

    async fn ten(&mut self, stage: &Stage, function: &Function) -> Result<Duration, Failure> {
        let orders: Vec<_> = (0..BATCH).map(|_| self.fresh()).collect();
        let answer = function.call(&orders::by_queue(&orders)).await?;
        let failures = answer.body["batchItemFailures"].as_array();
        if failures.is_none_or(|failures| !failures.is_empty()) {
            return Err(Failure::new(format!("a batch was not taken: {}", answer.body)));
        }
        for back in 0..BATCH {
            stage.check_one(&self.prefix, self.next - back)?;
        }
        Ok(answer.took)
    }

    fn summary(self) -> Figures {
        Figures {
            cold_ms: median(&self.cold),
            cold_cpu_ms: median(&self.cold_cpu),
            warm_ms: median(&self.warm),
            warm_p99_ms: percentile(&self.warm, 99),
            batch_ms: median(&self.batch),
            duplicate_ms: median(&self.duplicate),
            ..self.figures
        }
    }
}

/// That every order of ours has one event on the bus, in batches too, and nothing had to wait.
fn check_events(stage: &Stage, lanes: &[Lane<'_>]) -> Result<(), Failure> {
    let ours = lanes.iter().filter(|lane| lane.package.name == "postback");
    let orders: usize = ours.map(|lane| lane.next).sum();
    match stage.put() {
        (events, 0) if events == orders as u64 => Ok(()),
        (events, messages) => {
            let found = format!("{events} events, {messages} messages of {orders} orders");
            Err(Failure::new(found))
        }
    }
}

/// That the API would have answered with a success.
fn taken(answer: &Value) -> Result<(), Failure> {
    if answer["statusCode"] == 200 {
        Ok(())
    } else {
        Err(Failure::new(format!("an order was not taken: {answer}")))
    }
}

fn each(calls: BTreeMap<String, u32>, orders: usize) -> BTreeMap<String, f64> {
    calls.into_iter().map(|(name, count)| (name, f64::from(count) / as_f64(orders))).collect()
}

pub(crate) fn per_1000(cpu: Duration, orders: usize) -> f64 {
    cpu.as_secs_f64() * 1000.0 * 1000.0 / as_f64(orders.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub(crate) fn as_f64(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or_default() as f64
}
