//! What happens in a scenario, drawn.

use std::time::Duration;

use fastrand::Rng;
use postback_harness::Strike;
use postback_sandbox::{Answer, Fault};

use crate::{Arrival, InjectedFault, Outage, Round, Scenario, Source, VARIANTS};

/// The number of versions of an order.
const VERSIONS: u8 = 4;

/// One round, and what people, the sweep and AWS do around it.
pub(super) async fn events(rng: &mut Rng, scenario: &mut Scenario) {
    if rng.u8(..) < 8 {
        let outage = rng.choice([Outage::Ledger, Outage::Secrets, Outage::Queues]);
        let time = Duration::from_secs(rng.u64(30..3_600));
        scenario.begin_outage(outage.unwrap_or(Outage::Ledger), time);
    }
    if rng.u8(..) < 20 {
        scenario.change_settings(rng.usize(0..scenario.functions()), rng.usize(0..3));
    }
    if rng.u8(..) < 30 {
        scenario.sweep().await;
    }
    let mut looks = Vec::new();
    for _ in 0..rng.usize(0..4) {
        looks.extend(scenario.look(rng).await);
    }
    let round = draw(rng, scenario);
    // Some decide before the delivery moves on, others after.
    let (early, late): (Vec<_>, Vec<_>) = looks.into_iter().partition(|_| rng.bool());
    for look in early {
        scenario.decide(&look, rng.u8(0..4) > 0).await;
    }
    scenario.round(&round).await;
    for look in late {
        scenario.decide(&look, rng.u8(0..4) > 0).await;
    }
}

fn draw(rng: &mut Rng, scenario: &Scenario) -> Round {
    let mut round = Round { advance_ms: pause(rng), ..Round::default() };
    for _ in 0..rng.usize(1..12) {
        let fresh = scenario.orders() + rng.usize(0..4);
        // Most orders are new ones, some come again.
        let order = if rng.u8(..) < 180 { fresh } else { rng.usize(0..=fresh) };
        let variant = match rng.u8(..) {
            0..190 => 0,
            190..210 => rng.u8(0..VARIANTS),
            _ => rng.u8(0..VARIANTS * VERSIONS),
        };
        for _ in 0..=rng.usize(0..8) / 5 {
            let source = source(rng, scenario.functions());
            round.arrivals.push(Arrival { order, variant, source });
        }
    }
    if rng.u8(..) < 160 {
        round.faults.push(injected_fault(rng, scenario.functions()));
    }
    if rng.u8(..) < 160 {
        round.kills = (0..rng.u8(1..6)).map(|_| (rng.u8(0..12), rng.u8(0..30))).collect();
    }
    round.pace = (0..rng.usize(0..6)).map(|_| rng.u8(0..5)).collect();
    round
}

fn source(rng: &mut Rng, functions: usize) -> Source {
    match rng.u8(0..8) {
        0 if rng.bool() => Source::Cancellation,
        0 => Source::DelayedOrder(rng.usize(0..functions)),
        1..4 => Source::Api(rng.usize(0..functions)),
        _ => Source::Bus,
    }
}

/// A pause in milliseconds: mostly seconds, sometimes minutes, seldom hours.
fn pause(rng: &mut Rng) -> u64 {
    match rng.u8(0..10) {
        0..6 => rng.u64(0..5_000),
        6..9 => rng.u64(0..200_000),
        _ => rng.u64(0..20_000_000),
    }
}

fn injected_fault(rng: &mut Rng, functions: usize) -> InjectedFault {
    let function = rng.usize(0..functions);
    match rng.u8(0..16) {
        0..6 => InjectedFault::Network(function, network_fault(rng)),
        6 => InjectedFault::Connection(Fault::cut_request_at(rng.usize(0..400))),
        7..11 => InjectedFault::Ledger((0..rng.usize(1..14)).map(|_| strike(rng)).collect()),
        11 => InjectedFault::QueueDown(function),
        12 | 13 => InjectedFault::WrongKeys(rng.bool()),
        14 => InjectedFault::Hurry(Duration::from_secs(rng.u64(0..40))),
        _ => InjectedFault::Hang(function, rng.bool()),
    }
}

fn network_fault(rng: &mut Rng) -> Fault {
    match rng.u8(0..14) {
        0 => Fault::close_before_reading(),
        1 | 2 => Fault::close_after_reading(),
        3 => Fault::cut_body_at(rng.usize(0..20)),
        4 => Fault::cut_answer_at(rng.usize(0..200)),
        5 => Fault::status(500).processed(),
        6 => Fault::status(503),
        7 => Fault::answer(Answer::status(429).with_header("retry-after", "7")),
        8 => Fault::status(502),
        9 => Fault::answer(Answer::of("text/html", "<html>")).processed(),
        10 => Fault::status(521),
        // A refusal, also of an order whose answer was lost before.
        11 => Fault::status(400),
        12 => Fault::status(422),
        _ => Fault::redirect("https://example.com/"),
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
