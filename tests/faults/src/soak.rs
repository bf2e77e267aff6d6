//! Scenarios without end, on every core, with faults at every layer.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use fastrand::Rng;

use crate::{Census, NetworkCase, Scenario, Tally};

mod draw;

/// The end of a soak.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// After this many orders.
    Orders(u64),
    /// After this much time. The scenarios under way are finished.
    Time(Duration),
}

/// The result of a soak.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The counts of all scenarios together.
    pub census: Census,
    /// The number of each kind of event.
    pub tally: Tally,
    /// The number of invocations, and the number of those that were killed.
    pub invocations: (u64, u64),
    /// The number of dead letters that were put back by hand.
    pub redriven: u64,
    /// What never came to rest.
    pub left: Vec<String>,
}

/// The number of orders of one scenario.
const ORDERS: usize = 100;

/// The time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs scenarios on `lanes` threads until `bound` and reports progress to `print`. The same seed
/// gives the same scenarios, as far as the machine's own timing allows it.
///
/// # Panics
///
/// If a scenario does.
pub fn soak(bound: Bound, lanes: usize, seed: u64, print: impl Fn(&str) + Sync) -> Report {
    let report = Mutex::new(Report::default());
    let (next, over, running) = (AtomicU64::new(0), AtomicBool::new(false), AtomicU64::new(0));
    let scenarios = |_| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let enough = match bound {
                Bound::Orders(orders) => number * ORDERS as u64 >= orders,
                Bound::Time(_) => over.load(Ordering::Relaxed),
            };
            if enough {
                break;
            }
            let one = block_on(run_scenario(seed.wrapping_add(number)));
            let mut all = report.lock().unwrap_or_else(PoisonError::into_inner);
            all.join(one);
        }
        running.fetch_sub(1, Ordering::Relaxed);
    };
    running.store(lanes as u64, Ordering::Relaxed);
    thread::scope(|scope| {
        for lane in 0..lanes {
            let scenarios = &scenarios;
            scope.spawn(move || scenarios(lane));
        }
        let progress = || print(&report.lock().unwrap_or_else(PoisonError::into_inner).to_string());
        block_on(watch(bound, &over, &running, progress));
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Reports progress, and sets `over` when the time is up by the machine's clock.
async fn watch(bound: Bound, over: &AtomicBool, running: &AtomicU64, progress: impl Fn()) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut passed = Duration::ZERO;
    while running.load(Ordering::Relaxed) > 0 {
        ticks.tick().await;
        passed += ticks.period();
        if matches!(bound, Bound::Time(time) if passed >= time) {
            over.store(true, Ordering::Relaxed);
        }
        if passed.as_millis().is_multiple_of(PROGRESS.as_millis()) {
            progress();
        }
    }
}

impl Report {
    fn join(&mut self, other: Self) {
        self.census.join(other.census);
        self.tally.join(&other.tally);
        self.invocations.0 += other.invocations.0;
        self.invocations.1 += other.invocations.1;
        self.redriven += other.redriven;
        self.left.extend(other.left);
    }

    /// Returns true if nothing was reported twice, lost or untrue, and everything came to rest.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.census.defects.is_empty() && self.left.is_empty()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.census.fmt(f)
    }
}

/// Runs one scenario: its orders come over some rounds, then it is closed and counted.
async fn run_scenario(seed: u64) -> Report {
    let mut rng = Rng::with_seed(seed);
    let scenario = Scenario::new(seed)
        .await
        .with(NetworkCase::shopback())
        .await
        .with(NetworkCase::cpa_moe())
        .await;
    let mut scenario =
        scenario.with(NetworkCase::cashmycell()).await.with(NetworkCase::cartstack()).await;
    scenario.bed.sandbox.change_settings(|settings| {
        // Less than what the network is given to show what it has.
        settings.cpa_moe.list_lag_ms = rng.u64(0..100_000);
    });
    while scenario.orders() < ORDERS {
        draw::events(&mut rng, &mut scenario).await;
    }
    let closing = scenario.close().await;
    Report {
        census: Census::of(&scenario).await,
        tally: scenario.tally.clone(),
        invocations: scenario.invocations,
        redriven: closing.redriven as u64,
        left: closing.left,
    }
}
