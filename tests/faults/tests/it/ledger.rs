//! A ledger that fails, throttles, hangs, or answers after having written, at every call.

use std::time::Duration;

use postback_core::network::Network;
use postback_faults::{KillPlan, Lifecycle, NetworkCase, Redelivery, Trigger};
use postback_harness::Strike;

/// The client tries three times: it gets over one strike, three are a failed call, and six are two
/// failed calls in a row.
const LENGTHS: [usize; 3] = [1, 3, 6];

/// Strikes the ledger's calls of one lifecycle from every one of them on, until a strike comes too late
/// to matter.
async fn survives_every_strike<N: Network>(
    case: NetworkCase<N>,
    triggers: &[Trigger],
    strikes: &[Strike],
) -> usize {
    let mut lifecycle = Lifecycle::new(case).await;
    if strikes == IN_TIME {
        lifecycle.patience.ledger = Duration::from_millis(100);
    }
    let mut count = 0;
    for trigger in triggers {
        for strike in strikes {
            for length in LENGTHS {
                for first in 0.. {
                    count += 1;
                    let id = format!("A{count}");
                    let script = vec![Strike::Pass; first].into_iter().chain(vec![*strike; length]);
                    lifecycle.bed.table.script(script);
                    let what = format!("{trigger:?}, {strike:?} {length} times from {first}");

                    let plan = KillPlan::default();
                    let mut done =
                        lifecycle.run(&id, *trigger, Redelivery::AfterTimeout, &plan).await;

                    let left = lifecycle.bed.table.script_left();
                    lifecycle.bed.table.script([]);
                    // On a busy machine the ledger is given up more often than it was struck.
                    while !lifecycle.services.dead_letters().is_empty() && strikes == IN_TIME {
                        lifecycle.services.redrive();
                        done = lifecycle.work_off(&id, Redelivery::AfterTimeout, &plan).await;
                    }
                    assert!(done, "{}: {what}: it never ends", N::NAME);
                    assert!(lifecycle.services.dead_letters().is_empty(), "{}: {what}", N::NAME);
                    lifecycle.check(&id, &format!("{}: {what}", N::NAME)).await;
                    if length == 1 && strikes != IN_TIME {
                        is_none_the_worse(&lifecycle, &id, &what).await;
                    }
                    if left >= length {
                        break;
                    }
                }
            }
        }
    }
    println!("{}: struck in {count} ways", N::NAME);
    count
}

/// The client gets over one failed call itself, and recognises a write that it has repeated as its
/// own.
async fn is_none_the_worse<N: Network>(lifecycle: &Lifecycle<N>, id: &str, what: &str) {
    for (effects, record) in lifecycle.deliveries(id).await {
        let protocol = record.expect("a record").protocol;
        let end = (effects, protocol.attempt, protocol.state.is_final());
        assert_eq!(end, (1, 1, true), "{}: {what}: {protocol:?}", N::NAME);
    }
    assert_eq!(lifecycle.requests(id), lifecycle.case.lines().len(), "{}: {what}", N::NAME);
}

const AT_ONCE: [Strike; 3] = [Strike::Fail, Strike::Throttle, Strike::LoseAnswer];
const IN_TIME: [Strike; 2] = [Strike::Hang, Strike::Stall];
const BOTH: [Trigger; 2] = [Trigger::Api, Trigger::Queue];

#[tokio::test]
async fn shopback_survives_a_ledger_that_fails() {
    survives_every_strike(NetworkCase::shopback(), &BOTH, &AT_ONCE).await;
}

#[tokio::test]
async fn cpa_moe_survives_a_ledger_that_fails() {
    survives_every_strike(NetworkCase::cpa_moe(), &BOTH, &AT_ONCE).await;
}

#[tokio::test]
async fn cashmycell_survives_a_ledger_that_fails() {
    survives_every_strike(NetworkCase::cashmycell(), &BOTH, &AT_ONCE).await;
}

#[tokio::test]
async fn cartstack_survives_a_ledger_that_fails() {
    survives_every_strike(NetworkCase::cartstack(), &BOTH, &AT_ONCE).await;
    survives_every_strike(
        NetworkCase::cartstack_resend(),
        &[Trigger::Queue],
        &[Strike::LoseAnswer],
    )
    .await;
}

#[tokio::test]
async fn lines_survive_a_ledger_that_fails() {
    let strikes = [Strike::Fail, Strike::LoseAnswer];
    survives_every_strike(NetworkCase::shopback_lines(), &BOTH, &strikes).await;
}

#[tokio::test]
async fn all_survive_a_ledger_that_hangs() {
    tokio::join!(
        survives_every_strike(NetworkCase::shopback(), &BOTH, &IN_TIME),
        survives_every_strike(NetworkCase::cpa_moe(), &BOTH, &IN_TIME),
        survives_every_strike(NetworkCase::cashmycell(), &BOTH, &IN_TIME),
        survives_every_strike(NetworkCase::cartstack(), &BOTH, &IN_TIME),
    );
}
