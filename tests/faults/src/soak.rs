//! Orders without end, on every core, with faults at every layer.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use fastrand::Rng;
use postback_harness::Strike;
use postback_sandbox::{Answer, Fault as Broken};

use crate::{Arrival, Census, InjectedFault, NetworkCase, Round, Scenario, VARIANTS, Way};

/// When a soak ends.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// After so many orders.
    Orders(u64),
    /// After so much time. The plays under way are finished.
    Time(Duration),
}

/// What came of a soak.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// All plays together.
    pub census: Census,
    /// How many invocations there were, and how many of them were killed.
    pub invocations: (u64, u64),
    /// How many messages had to be put back by hand.
    pub redriven: u64,
    /// How many plays did not come to an end.
    pub endless: u64,
}

/// Orders of one play.
const ORDERS: usize = 100;

/// How often something is said.
const PROGRESS: Duration = Duration::from_secs(5);

/// Plays on `lanes` threads until `bound`; `say` is told how far it is. The same seed plays the
/// same plays, as far as the machine's own timing lets them be the same.
///
/// # Panics
///
/// When a play does.
pub fn soak(bound: Bound, lanes: usize, seed: u64, say: impl Fn(&str) + Sync) -> Report {
    let report = Mutex::new(Report::default());
    let (next, over, running) = (AtomicU64::new(0), AtomicBool::new(false), AtomicU64::new(0));
    let plays = |_| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let enough = match bound {
                Bound::Orders(orders) => number * ORDERS as u64 >= orders,
                Bound::Time(_) => over.load(Ordering::Relaxed),
            };
            if enough {
                break;
            }
            let one = block_on(act(seed.wrapping_add(number)));
            let mut all = report.lock().unwrap_or_else(PoisonError::into_inner);
            all.join(one);
        }
        running.fetch_sub(1, Ordering::Relaxed);
    };
    running.store(lanes as u64, Ordering::Relaxed);
    thread::scope(|scope| {
        for lane in 0..lanes {
            let plays = &plays;
            scope.spawn(move || plays(lane));
        }
        let progress = || say(&report.lock().unwrap_or_else(PoisonError::into_inner).to_string());
        block_on(watch(bound, &over, &running, progress));
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Says how far it is, and when it is over, by the machine's clock.
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
        self.invocations.0 += other.invocations.0;
        self.invocations.1 += other.invocations.1;
        self.redriven += other.redriven;
        self.endless += other.endless;
    }

    /// Whether nothing was told twice, lost or untrue.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.census.faults.is_empty() && self.endless == 0
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.census.fmt(f)
    }
}

/// One play: its orders come in over some rounds, then it is closed and counted.
async fn act(seed: u64) -> Report {
    let mut rng = Rng::with_seed(seed);
    let play = Scenario::new(seed)
        .await
        .with(NetworkCase::shopback())
        .await
        .with(NetworkCase::cpa_moe())
        .await;
    let mut play = play.with(NetworkCase::cashmycell()).await.with(NetworkCase::cartstack()).await;
    play.stage.sandbox.change_settings(|settings| {
        // Less than what the network is given to show what it has.
        settings.cpa_moe.list_lag_ms = rng.u64(0..100_000);
    });
    while play.orders() < ORDERS {
        let round = draw(&mut rng, &play);
        play.round(&round).await;
    }
    let closing = play.close().await;
    Report {
        census: Census::of(&play).await,
        invocations: play.invocations,
        redriven: closing.redriven as u64,
        endless: u64::from(!closing.done),
    }
}

fn draw(rng: &mut Rng, play: &Scenario) -> Round {
    let mut round = Round { advance_ms: pause(rng), ..Round::default() };
    for _ in 0..rng.usize(1..12) {
        let fresh = play.orders() + rng.usize(0..4);
        // Most orders are new ones, some come again.
        let order = if rng.u8(..) < 180 { fresh } else { rng.usize(0..=fresh) };
        let variant = if rng.u8(..) < 230 { 0 } else { rng.u8(0..VARIANTS) };
        for _ in 0..=rng.usize(0..8) / 5 {
            round.arrivals.push(Arrival { order, variant, way: way(rng, play.parts()) });
        }
    }
    if rng.u8(..) < 160 {
        round.troubles.push(trouble(rng, play.parts()));
    }
    if rng.u8(..) < 160 {
        round.kills = (0..rng.u8(1..6)).map(|_| (rng.u8(0..12), rng.u8(0..30))).collect();
    }
    round.pace = (0..rng.usize(0..6)).map(|_| rng.u8(0..5)).collect();
    round
}

fn way(rng: &mut Rng, parts: usize) -> Way {
    match rng.u8(0..8) {
        0 => Way::DelayedOrder(rng.usize(0..parts)),
        1..4 => Way::Api(rng.usize(0..parts)),
        _ => Way::Bus,
    }
}

/// Milliseconds: mostly seconds, sometimes minutes, seldom hours.
fn pause(rng: &mut Rng) -> u64 {
    match rng.u8(0..10) {
        0..6 => rng.u64(0..5_000),
        6..9 => rng.u64(0..200_000),
        _ => rng.u64(0..20_000_000),
    }
}

fn trouble(rng: &mut Rng, parts: usize) -> InjectedFault {
    let part = rng.usize(0..parts);
    match rng.u8(0..16) {
        0..6 => InjectedFault::Network(part, broken(rng)),
        6 => InjectedFault::Connection(Broken::cut_request_at(rng.usize(0..400))),
        7..11 => InjectedFault::Ledger((0..rng.usize(1..14)).map(|_| strike(rng)).collect()),
        11 => InjectedFault::QueueDown(part),
        12 | 13 => InjectedFault::WrongKeys(rng.bool()),
        14 => InjectedFault::Hurry(Duration::from_secs(rng.u64(0..40))),
        _ => InjectedFault::Hang(part, rng.bool()),
    }
}

fn broken(rng: &mut Rng) -> Broken {
    match rng.u8(0..12) {
        0 => Broken::close_before_reading(),
        1 | 2 => Broken::close_after_reading(),
        3 => Broken::cut_body_at(rng.usize(0..20)),
        4 => Broken::cut_answer_at(rng.usize(0..200)),
        5 => Broken::status(500).processed(),
        6 => Broken::status(503),
        7 => Broken::answer(Answer::status(429).with_header("retry-after", "7")),
        8 => Broken::status(502),
        9 => Broken::answer(Answer::of("text/html", "<html>")).processed(),
        10 => Broken::status(521),
        _ => Broken::redirect("https://example.com/"),
    }
}

fn strike(rng: &mut Rng) -> Strike {
    match rng.u8(0..40) {
        0..16 => Strike::Pass,
        16..24 => Strike::Fail,
        24..31 => Strike::Throttle,
        31..39 => Strike::LoseAnswer,
        _ if rng.bool() => Strike::Hang,
        _ => Strike::Stall,
    }
}
