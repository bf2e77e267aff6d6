//! Drawn interleavings of real handler runs: orders that come by all three triggers, again and
//! with other content, faults at every layer, kills anywhere. What fails is kept and run first the
//! next time: see `proptest-regressions`.

use std::time::Duration;

use postback_faults::{
    Arrival, Census, InjectedFault, NetworkCase, Round, Scenario, VARIANTS, Way,
};
use postback_harness::Strike;
use postback_sandbox::{Answer, InjectedFault};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner},
};

/// How many orders a case has.
const ORDERS: usize = 4;
/// Networks of a case.
const PARTS: usize = 2;

fn arrival() -> impl Strategy<Value = Arrival> {
    let way = prop_oneof![
        2 => Just(Way::Bus),
        2 => (0..PARTS).prop_map(Way::Api),
        1 => (0..PARTS).prop_map(Way::DelayedOrder),
    ];
    let variant = prop_oneof![4 => Just(0), 1 => 0..VARIANTS];
    (0..ORDERS, variant, way).prop_map(|(order, variant, way)| Arrival { order, variant, way })
}

fn fault() -> impl Strategy<Value = InjectedFault> {
    prop_oneof![
        Just(InjectedFault::close_before_reading()),
        Just(InjectedFault::close_after_reading()),
        (0..20_usize).prop_map(InjectedFault::cut_body_at),
        (0..200_usize).prop_map(InjectedFault::cut_answer_at),
        select(vec![500, 502, 504]).prop_map(|status| InjectedFault::status(status).processed()),
        select(vec![429, 500, 502, 503, 521]).prop_map(InjectedFault::status),
        Just(InjectedFault::answer(Answer::of("text/html", "<html>")).processed()),
        Just(InjectedFault::redirect("https://example.com/")),
    ]
}

fn strike() -> impl Strategy<Value = Strike> {
    prop_oneof![
        20 => Just(Strike::Pass),
        8 => Just(Strike::Fail),
        8 => Just(Strike::Throttle),
        8 => Just(Strike::LoseAnswer),
        1 => Just(Strike::Hang),
        1 => Just(Strike::Stall),
    ]
}

fn trouble() -> impl Strategy<Value = InjectedFault> {
    prop_oneof![
        6 => (0..PARTS, fault()).prop_map(|(part, fault)| InjectedFault::Network(part, fault)),
        4 => vec(strike(), 1..12).prop_map(InjectedFault::Ledger),
        1 => (0..400_usize).prop_map(|at| InjectedFault::Connection(InjectedFault::cut_request_at(at))),
        1 => (0..PARTS, any::<bool>()).prop_map(|(part, late)| InjectedFault::Hang(part, late)),
        1 => (0..PARTS).prop_map(InjectedFault::QueueDown),
        1 => (0..PARTS).prop_map(InjectedFault::BusDown),
        1 => any::<bool>().prop_map(InjectedFault::WrongKeys),
        1 => (0..40_u64).prop_map(|left| InjectedFault::Hurry(Duration::from_secs(left))),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    let advance_ms = prop_oneof![3 => 0..3_000_u64, 2 => 0..200_000_u64, 1 => 0..9_000_000_u64];
    (
        vec(arrival(), 0..6),
        vec(trouble(), 0..3),
        vec((0..6_u8, 0..18_u8), 0..4),
        vec(0..5_u8, 0..6),
        advance_ms,
    )
        .prop_map(|(arrivals, troubles, kills, pace, advance_ms)| Round {
            arrivals,
            troubles,
            kills,
            pace,
            advance_ms,
        })
}

/// Plays drawn rounds on the stage that `cast` sets, and counts.
fn agree<C: Future<Output = Scenario>>(cases: u32, cast: impl Fn(u64) -> C) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/interleavings.txt");
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        max_shrink_iters: 60,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let sum = std::cell::RefCell::new(Census::default());
    let lag = 0..100_000_u64;
    let result = TestRunner::new(config).run(&(vec(round(), 1..7), lag), |(rounds, lag)| {
        let census = runtime.block_on(async {
            let mut play = cast(lag).await;
            for round in &rounds {
                play.round(round).await;
            }
            let closing = play.close().await;
            prop_assert!(closing.done, "the queues never empty");
            Ok(Census::of(&play).await)
        })?;
        prop_assert!(census.faults.is_empty(), "{:#?}", census.faults);
        sum.borrow_mut().join(census);
        Ok(())
    });
    println!("{}", sum.borrow());
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn where_a_lost_answer_is_sent_again() {
    agree(16, async |seed| {
        Scenario::new(seed)
            .await
            .with(NetworkCase::shopback())
            .await
            .with(NetworkCase::cartstack_resend())
            .await
    });
}

#[test]
fn where_a_lost_answer_is_held() {
    agree(16, async |seed| {
        Scenario::new(seed)
            .await
            .with(NetworkCase::cashmycell())
            .await
            .with(NetworkCase::cartstack())
            .await
    });
}

#[test]
fn where_a_lost_answer_is_looked_up_and_where_lines_are_held() {
    agree(16, async |seed| {
        let play = Scenario::new(seed).await.with(NetworkCase::cpa_moe()).await;
        play.stage.sandbox.change_settings(|settings| settings.cpa_moe.list_lag_ms = seed);
        play.with(NetworkCase::shopback_lines()).await
    });
}

/// Drawn once: the place in a pause that lets one order through was given, each time, to a line
/// with nothing to send, and the line behind it waited for ever.
#[tokio::test]
async fn a_pause_ends_though_the_line_before_has_nothing_to_send() {
    let mut play = Scenario::new(1).await.with(NetworkCase::shopback_lines()).await;
    let lost_then_refused = vec![
        InjectedFault::WrongKeys(false),
        InjectedFault::Network(0, InjectedFault::close_after_reading()),
    ];
    let arrivals = vec![Arrival { order: 1, variant: 0, way: Way::Bus }];
    play.round(&Round { arrivals, troubles: lost_then_refused, ..Round::default() }).await;

    let closing = play.close().await;

    let census = Census::of(&play).await;
    assert!(closing.done, "the queue never empties");
    assert_eq!(census.faults, []);
    assert_eq!(census.effects, 1, "the second line");
}
