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
use postback_faults::{KillPlan, Lifecycle, NetworkCase, Redelivery};
use postback_harness::{Strike, TIMEOUT};
use postback_sandbox::{Fault, Rule};
use shopback::ShopBack;

/// The end of an order: requests, effects, state, reason, proof.
type End = (usize, usize, State, Option<&'static str>, Option<Proof>);

const RESOLVED_BY_DUPLICATE: End = (2, 1, State::Delivered, None, Some(Proof::Duplicate));
const RESOLVED_BY_LOOKUP: End = (1, 1, State::Delivered, None, Some(Proof::Lookup));
const HELD: End = (1, 1, State::Unconfirmed, Some("sender_died"), None);

async fn ends_as<N: Network>(lifecycle: &Lifecycle<N>, id: &str, end: &End) {
    let (requests, effects, state, reason, proof) = *end;
    let deliveries = lifecycle.deliveries(id).await;
    let record = deliveries[0].1.as_ref().expect("a record");
    let protocol = &record.protocol;

    assert_eq!(
        (lifecycle.requests(id), deliveries[0].0),
        (requests, effects),
        "{}: requests, effects",
        N::NAME
    );
    assert_eq!((protocol.state, protocol.proof), (state, proof), "{}", N::NAME);
    if let Some(reason) = reason {
        assert_eq!(protocol.reason.as_ref().map(Reason::as_str), Some(reason));
    }
    let event = format!("postback.{}", state.as_str());
    let published = lifecycle.bed.published().await;
    assert!(published.iter().any(|(kind, _)| *kind == event), "{event} is not on the bus");
    assert!(lifecycle.services.dead_letters().is_empty());
}

async fn killed_before_the_settling_write<N: Network>(case: NetworkCase<N>, end: &End) {
    let lifecycle = Lifecycle::new(case).await;
    let (_, event) = lifecycle.receive("A1");
    // The claim, and the use of the click beside it.
    let before = vec![Strike::Pass; 1 + usize::from(lifecycle.case.keeps_clicks())];
    lifecycle.bed.table.script(before.into_iter().chain([Strike::Hang; 3]));

    lifecycle.invoke_until(&event, lifecycle.bed.table.wait_for_strikes(1)).await;
    lifecycle.bed.table.script([]);
    let (effects, record) = lifecycle.deliveries("A1").await.remove(0);
    assert_eq!((lifecycle.requests("A1"), effects), (1, 1), "answered");
    assert_eq!(record.map(|record| record.protocol.state), Some(State::Sending), "not settled");
    let done = lifecycle.work_off("A1", Redelivery::AfterTimeout, &KillPlan::default()).await;

    assert!(done);
    ends_as(&lifecycle, "A1", end).await;
}

#[tokio::test]
async fn killed_between_the_answer_and_the_settling_write_then_redelivered() {
    killed_before_the_settling_write(NetworkCase::shopback(), &RESOLVED_BY_DUPLICATE).await;
    killed_before_the_settling_write(NetworkCase::cpa_moe(), &RESOLVED_BY_LOOKUP).await;
    killed_before_the_settling_write(NetworkCase::cashmycell(), &HELD).await;
    killed_before_the_settling_write(NetworkCase::cartstack(), &HELD).await;
}

async fn killed_while_the_network_hangs<N: Network>(case: NetworkCase<N>, end: &End) {
    let lifecycle = Lifecycle::new(case).await;
    let (at, key) = (lifecycle.case.at, lifecycle.case.key("A1"));
    lifecycle.bed.sandbox.script(Rule::on(at, Fault::hang())).expect("a rule");
    let started = lifecycle.bed.now();
    let (messages, event) = lifecycle.receive("A1");

    // One second after the first delivery, while its sender still waits.
    let meanwhile = async {
        lifecycle.bed.sandbox.wait_for_received(at, &key, 1).await;
        lifecycle.bed.advance(Duration::from_secs(1));
        let copy = lifecycle.instance().await;
        copy.enqueue(&postback_faults::order("A1", 0));
        copy.work().await;
        assert_eq!(lifecycle.requests("A1"), 1, "{}: a copy beside the living sender", N::NAME);
    };
    lifecycle.invoke_until(&event, Box::pin(meanwhile)).await;

    // One second after Lambda has killed it.
    lifecycle.bed.advance_to(started + TIMEOUT + Duration::from_secs(1));
    lifecycle.services.show(&messages[0].id);
    lifecycle.instance().await.work().await;
    assert_eq!(lifecycle.requests("A1"), 1, "{}: one second after the timeout", N::NAME);

    assert!(lifecycle.work_off("A1", Redelivery::AfterTimeout, &KillPlan::default()).await);
    ends_as(&lifecycle, "A1", end).await;
}

#[tokio::test]
async fn a_network_that_hangs_past_the_timeout_has_one_request_when_the_message_comes_again() {
    killed_while_the_network_hangs::<ShopBack>(NetworkCase::shopback(), &RESOLVED_BY_DUPLICATE)
        .await;
    killed_while_the_network_hangs::<CpaMoe>(NetworkCase::cpa_moe(), &RESOLVED_BY_LOOKUP).await;
    killed_while_the_network_hangs::<CashMyCell>(NetworkCase::cashmycell(), &HELD).await;
    killed_while_the_network_hangs::<CartStack>(NetworkCase::cartstack(), &HELD).await;
}
