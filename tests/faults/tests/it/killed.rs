//! Killed between the network's answer and the settling write; killed while the network hangs.

use std::time::Duration;

use cartstack::CartStack;
use cashmycell::CashMyCell;
use cpa_moe::CpaMoe;
use postback_core::{
    delivery::{Proof, State},
    network::Network,
    redaction::Reason,
};
use postback_faults::{Again, KillPlan, Lifecycle, NetworkCase};
use postback_harness::{Strike, TIMEOUT};
use postback_sandbox::{Fault, Rule};
use shopback::ShopBack;

/// What has come of an order: requests, effects, state, why, proof.
type End = (usize, usize, State, Option<&'static str>, Option<Proof>);

const RESOLVED_BY_DUPLICATE: End = (2, 1, State::Delivered, None, Some(Proof::Duplicate));
const RESOLVED_BY_LOOKUP: End = (1, 1, State::Delivered, None, Some(Proof::Lookup));
const HELD: End = (1, 1, State::Unconfirmed, Some("sender_died"), None);

async fn ends_as<N: Network>(life: &Lifecycle<N>, id: &str, end: &End) {
    let (told, effects, state, reason, proof) = *end;
    let ends = life.ends(id).await;
    let record = ends[0].1.as_ref().expect("a record");
    let said = &record.protocol;

    assert_eq!((life.told(id), ends[0].0), (told, effects), "{}: requests, effects", N::NAME);
    assert_eq!((said.state, said.proof), (state, proof), "{}", N::NAME);
    if let Some(reason) = reason {
        assert_eq!(said.reason.as_ref().map(Reason::as_str), Some(reason));
    }
    let event = format!("postback.{}", state.as_str());
    assert!(life.world.bus().iter().any(|(kind, _)| *kind == event), "{event} is on the bus");
    assert!(life.world.dead_letters().is_empty());
}

async fn killed_before_the_settling_write<N: Network>(role: NetworkCase<N>, end: &End) {
    let life = Lifecycle::new(role).await;
    let (_, event) = life.receive("A1");
    life.stage.table.script([Strike::Pass, Strike::Hang, Strike::Hang, Strike::Hang]);

    life.invoke_until(&event, life.stage.table.wait_for_strikes(1)).await;
    life.stage.table.script([]);
    let (effects, record) = life.ends("A1").await.remove(0);
    assert_eq!((life.told("A1"), effects), (1, 1), "answered");
    assert_eq!(record.map(|record| record.protocol.state), Some(State::Sending), "not settled");
    let done = life.work_off("A1", Again::InTime, &KillPlan::default()).await;

    assert!(done);
    ends_as(&life, "A1", end).await;
}

#[tokio::test]
async fn killed_between_the_answer_and_the_settling_write_then_redelivered() {
    killed_before_the_settling_write(NetworkCase::shopback(), &RESOLVED_BY_DUPLICATE).await;
    killed_before_the_settling_write(NetworkCase::cpa_moe(), &RESOLVED_BY_LOOKUP).await;
    killed_before_the_settling_write(NetworkCase::cashmycell(), &HELD).await;
    killed_before_the_settling_write(NetworkCase::cartstack(), &HELD).await;
}

async fn killed_while_the_network_hangs<N: Network>(role: NetworkCase<N>, end: &End) {
    let life = Lifecycle::new(role).await;
    let (at, key) = (life.role.at, life.role.key("A1"));
    life.stage.sandbox.script(Rule::on(at, Fault::hang())).expect("a rule");
    let started = life.stage.now();
    let (messages, event) = life.receive("A1");

    // One second after the first delivery, while its sender still waits.
    let meanwhile = async {
        life.stage.sandbox.wait_for_received(at, &key, 1).await;
        life.stage.advance(Duration::from_secs(1));
        let copy = life.instance().await;
        copy.enqueue(&postback_faults::order("A1", 0));
        copy.work().await;
        assert_eq!(life.told("A1"), 1, "{}: a copy beside the living sender", N::NAME);
    };
    life.invoke_until(&event, Box::pin(meanwhile)).await;

    // One second after Lambda has killed it.
    life.stage.advance_to(started + TIMEOUT + Duration::from_secs(1));
    life.world.show(&messages[0].id);
    life.instance().await.work().await;
    assert_eq!(life.told("A1"), 1, "{}: one second after the timeout", N::NAME);

    assert!(life.work_off("A1", Again::InTime, &KillPlan::default()).await);
    ends_as(&life, "A1", end).await;
}

#[tokio::test]
async fn a_network_that_hangs_past_the_timeout_has_one_request_when_the_message_comes_again() {
    killed_while_the_network_hangs::<ShopBack>(NetworkCase::shopback(), &RESOLVED_BY_DUPLICATE)
        .await;
    killed_while_the_network_hangs::<CpaMoe>(NetworkCase::cpa_moe(), &RESOLVED_BY_LOOKUP).await;
    killed_while_the_network_hangs::<CashMyCell>(NetworkCase::cashmycell(), &HELD).await;
    killed_while_the_network_hangs::<CartStack>(NetworkCase::cartstack(), &HELD).await;
}
