//! Drawn interleavings of real handler runs: orders that come by all three triggers, again and
//! with other content, faults at every layer, kills anywhere. What fails is kept and run first the
//! next time: see `proptest-regressions`.

use std::time::Duration;

use postback_faults::{
    Arrival, Census, InjectedFault, NetworkCase, Round, Scenario, Source, VARIANTS,
};
use postback_harness::Strike;
use postback_sandbox::{Answer, Fault};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner},
};

/// The number of orders of a case.
const ORDERS: usize = 4;
/// The number of networks of a case.
const FUNCTIONS: usize = 2;

fn arrival() -> impl Strategy<Value = Arrival> {
    let source = prop_oneof![
        2 => Just(Source::Bus),
        2 => (0..FUNCTIONS).prop_map(Source::Api),
        1 => (0..FUNCTIONS).prop_map(Source::DelayedOrder),
    ];
    let variant = prop_oneof![4 => Just(0), 1 => 0..VARIANTS];
    (0..ORDERS, variant, source).prop_map(|(order, variant, source)| Arrival {
        order,
        variant,
        source,
    })
}

fn network_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::close_before_reading()),
        Just(Fault::close_after_reading()),
        (0..20_usize).prop_map(Fault::cut_body_at),
        (0..200_usize).prop_map(Fault::cut_answer_at),
        select(vec![500, 502, 504]).prop_map(|status| Fault::status(status).processed()),
        select(vec![429, 500, 502, 503, 521]).prop_map(Fault::status),
        Just(Fault::answer(Answer::of("text/html", "<html>")).processed()),
        Just(Fault::redirect("https://example.com/")),
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

fn injected_fault() -> impl Strategy<Value = InjectedFault> {
    prop_oneof![
        6 => (0..FUNCTIONS, network_fault()).prop_map(|(function, fault)| InjectedFault::Network(function, fault)),
        4 => vec(strike(), 1..12).prop_map(InjectedFault::Ledger),
        1 => (0..400_usize).prop_map(|at| InjectedFault::Connection(Fault::cut_request_at(at))),
        1 => (0..FUNCTIONS, any::<bool>()).prop_map(|(function, late)| InjectedFault::Hang(function, late)),
        1 => (0..FUNCTIONS).prop_map(InjectedFault::QueueDown),
        1 => any::<bool>().prop_map(InjectedFault::WrongKeys),
        1 => (0..40_u64).prop_map(|left| InjectedFault::Hurry(Duration::from_secs(left))),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    let advance_ms = prop_oneof![3 => 0..3_000_u64, 2 => 0..200_000_u64, 1 => 0..9_000_000_u64];
    (
        vec(arrival(), 0..6),
        vec(injected_fault(), 0..3),
        vec((0..6_u8, 0..18_u8), 0..4),
        vec(0..5_u8, 0..6),
        advance_ms,
    )
        .prop_map(|(arrivals, faults, kills, pace, advance_ms)| Round {
            arrivals,
            faults,
            kills,
            pace,
            advance_ms,
        })
}

/// Runs drawn rounds in the scenario that `set_up` makes, and counts.
fn agree<C: Future<Output = Scenario>>(cases: u32, set_up: impl Fn(u64) -> C) {
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
            let mut scenario = set_up(lag).await;
            for round in &rounds {
                scenario.round(round).await;
            }
            let closing = scenario.close().await;
            prop_assert!(closing.left.is_empty(), "never at rest: {:#?}", closing.left);
            Ok(Census::of(&scenario).await)
        })?;
        prop_assert!(census.defects.is_empty(), "{:#?}", census.defects);
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
        let scenario = Scenario::new(seed).await.with(NetworkCase::cpa_moe()).await;
        scenario.bed.sandbox.change_settings(|settings| settings.cpa_moe.list_lag_ms = seed);
        scenario.with(NetworkCase::shopback_lines()).await
    });
}

/// Drawn once: the place in a pause that lets one order through was given, each time, to a line
/// with nothing to send, and the line behind it waited for ever.
#[tokio::test]
async fn a_pause_ends_though_the_line_before_has_nothing_to_send() {
    let mut scenario = Scenario::new(1).await.with(NetworkCase::shopback_lines()).await;
    let lost_then_refused = vec![
        InjectedFault::WrongKeys(false),
        InjectedFault::Network(0, Fault::close_after_reading()),
    ];
    let arrivals = vec![Arrival { order: 1, variant: 0, source: Source::Bus }];
    scenario.round(&Round { arrivals, faults: lost_then_refused, ..Round::default() }).await;

    let closing = scenario.close().await;

    let census = Census::of(&scenario).await;
    assert_eq!(closing.left, Vec::<String>::new(), "never at rest");
    assert_eq!(census.defects, []);
    assert_eq!(census.effects, 1, "the second line");
}
