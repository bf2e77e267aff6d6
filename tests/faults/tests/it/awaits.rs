//! The handler's future is dropped at every await point of a delivery, and the order redelivered.

use std::collections::BTreeMap;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::{delivery::State, network::Network};
use postback_faults::{Again, KillPlan, Left, Lifecycle, NetworkCase, Trigger};
use shopback::ShopBack;

/// Kills at every step once, by each trigger; then, of a life whose first invocation was killed
/// with the answer unseen, at every later step.
async fn survives_every_kill<N: Network>(role: impl Fn() -> NetworkCase<N>) {
    let mut killed = 0;
    let mut left = BTreeMap::new();
    let ways = [
        (Trigger::Queue, Again::InTime),
        (Trigger::Queue, Again::Promptly),
        (Trigger::Api, Again::InTime),
    ];
    for (trigger, again) in ways {
        let kills = kill_at_each_step(role(), trigger, again, None).await;
        killed += kills.len();
        for each in &kills {
            *left.entry(*each).or_insert(0) += 1;
        }
        if again == Again::InTime {
            let unseen = Left { told: role().lines().len(), state: Some(State::Sending) };
            let first = kills.iter().rposition(|left| *left == unseen);
            let first = first.expect("a kill between the answer and the settling write");
            killed += kill_at_each_step(role(), trigger, again, Some(first)).await.len();
        }
    }
    println!("{}: killed at {killed} steps, leaving {left:?}", N::NAME);
    // Before the claim, after the claim, after the answer, after the settling write.
    let some = |told: bool, state: fn(State) -> bool| {
        left.keys().any(|left| (left.told > 0) == told && left.state.is_some_and(state))
    };
    assert!(left.contains_key(&Left { told: 0, state: None }), "{left:?}");
    assert!(some(false, |state| state == State::Sending), "{left:?}");
    assert!(some(true, |state| state == State::Sending), "{left:?}");
    assert!(some(true, State::is_final), "{left:?}");
}

/// Lives until one is not killed any more, each killed one step later. What each kill left.
async fn kill_at_each_step<N: Network>(
    role: NetworkCase<N>,
    trigger: Trigger,
    again: Again,
    first: Option<usize>,
) -> Vec<Left> {
    let life = Lifecycle::new(role).await;
    let first = first.map(|step| u32::try_from(step).expect("few steps"));
    let mut left = Vec::new();
    for step in first.map_or(0, |first| first + 1).. {
        let kills: Vec<_> = first.into_iter().chain([step]).collect();
        let (id, fate) = (format!("A{step}"), KillPlan::killed_at(&kills));
        let what = format!("{trigger:?}, again {again:?}, killed at {kills:?}");
        assert!(life.live(&id, trigger, again, &fate).await, "{what}: it never ends");
        life.check(&id, &what).await;
        assert_eq!(life.untold(&id).await, 0, "{what}: the bus has not heard of it");
        let all = life.left();
        if all.len() < kills.len() {
            break;
        }
        left.extend(all.last().copied());
    }
    left
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
async fn cartstack_is_told_again_only_where_the_merchant_asks_for_it() {
    survives_every_kill::<CartStack>(NetworkCase::cartstack_resend).await;
}
