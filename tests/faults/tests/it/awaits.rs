//! The handler's future is dropped at every await point of a delivery, and the order redelivered.

use std::collections::BTreeMap;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::{delivery::State, network::Network};
use postback_faults::{KillPlan, Lifecycle, NetworkCase, Redelivery, Remains, Trigger};
use shopback::ShopBack;

/// Kills at every step once, by each trigger; then, where the first invocation was killed with the
/// answer unseen, at every later step as well.
async fn survives_every_kill<N: Network>(case: impl Fn() -> NetworkCase<N>) {
    let mut killed = 0;
    let mut remains = BTreeMap::new();
    let ways = [
        (Trigger::Queue, Redelivery::AfterTimeout),
        (Trigger::Queue, Redelivery::AfterOneSecond),
        (Trigger::Api, Redelivery::AfterTimeout),
    ];
    for (trigger, redelivery) in ways {
        let kills = kill_at_each_step(case(), trigger, redelivery, None).await;
        killed += kills.len();
        for each in &kills {
            *remains.entry(*each).or_insert(0) += 1;
        }
        if redelivery == Redelivery::AfterTimeout {
            let unseen = Remains { requests: case().lines().len(), state: Some(State::Sending) };
            let first = kills.iter().rposition(|remains| *remains == unseen);
            let first = first.expect("a kill between the answer and the settling write");
            killed += kill_at_each_step(case(), trigger, redelivery, Some(first)).await.len();
        }
    }
    println!("{}: killed at {killed} steps, leaving {remains:?}", N::NAME);
    // Before the claim, after the claim, after the answer, after the settling write.
    let some = |sent: bool, state: fn(State) -> bool| {
        remains.keys().any(|it| (it.requests > 0) == sent && it.state.is_some_and(state))
    };
    assert!(remains.contains_key(&Remains { requests: 0, state: None }), "{remains:?}");
    assert!(some(false, |state| state == State::Sending), "{remains:?}");
    assert!(some(true, |state| state == State::Sending), "{remains:?}");
    assert!(some(true, State::is_final), "{remains:?}");
}

/// Lives until one is not killed any more, each killed one step later. What each kill left.
async fn kill_at_each_step<N: Network>(
    case: NetworkCase<N>,
    trigger: Trigger,
    redelivery: Redelivery,
    first: Option<usize>,
) -> Vec<Remains> {
    let lifecycle = Lifecycle::new(case).await;
    let first = first.map(|step| u32::try_from(step).expect("few steps"));
    let mut remains = Vec::new();
    for step in first.map_or(0, |first| first + 1).. {
        let kills: Vec<_> = first.into_iter().chain([step]).collect();
        let (id, plan) = (format!("A{step}"), KillPlan::killed_at(&kills));
        let what = format!("{trigger:?}, {redelivery:?}, killed at {kills:?}");
        assert!(lifecycle.run(&id, trigger, redelivery, &plan).await, "{what}: it never ends");
        lifecycle.check(&id, &what).await;
        assert_eq!(lifecycle.unpublished(&id).await, 0, "{what}: not on the bus");
        let all = lifecycle.take_remains();
        if all.len() < kills.len() {
            break;
        }
        remains.extend(all.last().copied());
    }
    remains
}

#[tokio::test]
async fn shopback_gets_one_conversion_wherever_the_function_dies() {
    survives_every_kill::<ShopBack>(NetworkCase::shopback).await;
}

#[tokio::test]
async fn shopback_gets_one_conversion_a_line_wherever_the_function_dies() {
    survives_every_kill::<ShopBack>(NetworkCase::shopback_lines).await;
}

#[tokio::test]
async fn cpa_moe_gets_one_lead_wherever_the_function_dies() {
    survives_every_kill::<CpaMoe>(NetworkCase::cpa_moe).await;
}

#[tokio::test]
async fn cashmycell_gets_one_call_wherever_the_function_dies() {
    survives_every_kill::<CashMyCell>(NetworkCase::cashmycell).await;
}

#[tokio::test]
async fn cartstack_gets_one_call_wherever_the_function_dies() {
    survives_every_kill::<CartStack>(NetworkCase::cartstack).await;
}

#[tokio::test]
async fn cartstack_gets_a_second_call_only_where_the_merchant_consents() {
    survives_every_kill::<CartStack>(NetworkCase::cartstack_resend).await;
}
