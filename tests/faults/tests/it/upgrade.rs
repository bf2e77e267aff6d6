//! Functions of this version and of a later one take turns on one ledger: half of the invocations
//! each.

use std::collections::BTreeMap;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::network::Network;
use postback_faults::{KillPlan, Lifecycle, NetworkCase, Redelivery, Trigger};
use postback_harness::{LATER_WRITE, Later};
use serde_json::Value;
use shopback::ShopBack;

use crate::life::{cancellations, corrections, decisions, sweeps};

/// Takes turns through all stories, by both ways, and in both orders of the turns.
async fn take_turns<N: Network>(case: impl Fn() -> NetworkCase<N>, later: Later) {
    let lifecycle = Lifecycle::taking_turns(case(), later).await;
    let (mut count, plan) = (0, KillPlan::default());
    // The tool of this version decides about no item of a later format.
    let decisions = if later == Later::Attribute { decisions() } else { Vec::new() };
    let stories = [cancellations(), corrections(), decisions, sweeps()];
    for (name, story) in stories.into_iter().flatten() {
        for trigger in [Trigger::Queue, Trigger::Api] {
            for first in 0..2 {
                // Who takes the first invocation of this order.
                if lifecycle.invocations() % 2 != first {
                    drop(lifecycle.instance().await);
                }
                count += 1;
                let id = format!("A{count}");
                let way = (trigger, Redelivery::AfterTimeout);
                let life = lifecycle.live(&id, &story, way, &plan).await;
                let what = format!("{} {later:?}: {name}, {trigger:?}, first {first}", N::NAME);
                lifecycle.check_life(&id, life, &what).await;
            }
        }
    }
    nothing_is_lost(&lifecycle.bed.table.stream(), later);
}

/// Asserts that no write of this version is over a higher format, and none loses what it does not
/// know.
fn nothing_is_lost(stream: &[Value], later: Later) {
    let mut held: BTreeMap<String, Value> = BTreeMap::new();
    let (mut own, mut kept) = (0, 0);
    for write in stream {
        let (keys, new) = (&write["dynamodb"]["Keys"], &write["dynamodb"]["NewImage"]);
        let before = held.insert(keys.to_string(), new[LATER_WRITE].clone()).unwrap_or_default();
        let is_later = !new[LATER_WRITE].is_null() && new[LATER_WRITE] == new["write_id"];
        if is_later {
            continue;
        }
        assert_eq!(new[LATER_WRITE], before, "an attribute was lost: {new}");
        own += 1;
        kept += u32::from(!before.is_null());
    }
    assert!(own > 0, "this version wrote nothing");
    assert!(own < stream.len(), "the later version wrote nothing");
    // A later attribute survives this version's writes; over a higher format it never writes.
    assert_eq!(
        kept > 0,
        later == Later::Attribute,
        "{kept} writes over those of the later version"
    );
}

macro_rules! take_turns {
    ($($name:ident: $network:ty, $case:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                for later in [Later::Attribute, Later::State] {
                    take_turns::<$network>(NetworkCase::$case, later).await;
                }
            }
        )*
    };
}

take_turns! {
    two_versions_take_turns_at_shopback: ShopBack, shopback;
    two_versions_take_turns_at_lines: ShopBack, shopback_lines;
    two_versions_take_turns_at_cpa_moe: CpaMoe, cpa_moe;
    two_versions_take_turns_at_cashmycell: CashMyCell, cashmycell;
    two_versions_take_turns_at_cartstack: CartStack, cartstack;
}
