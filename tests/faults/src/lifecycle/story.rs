//! The whole life of an order: what happens to it from outside, step by step, while every
//! invocation, every decision and every sweep may be killed.

use std::time::Duration;

use postback_core::{
    delivery::{Decision, Record, Recovery, State},
    network::Network,
};
use postback_harness::{FakeSweep, INVISIBLE, order_event};
use postback_sandbox::{Fault, Rule};
use serde_json::{Value, json};
use sweep::Sweep;

use super::{Lifecycle, PAUSE, Redelivery, Trigger, key};
use crate::{KillPlan, network_case::order};

/// Something that happens to an order from outside.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The order comes, in this content, changed at this minute.
    Arrives(u8, Option<u32>),
    /// A caller posts it once and is never heard of again, whatever the answer.
    IsPostedOnce,
    /// The shop cancels it, at this minute.
    IsCancelled(Option<u32>),
    /// A person decides; a permission is followed by the order.
    IsDecided(Decision),
    /// The sweep runs.
    IsSwept,
    /// A person pauses the network, or resumes it.
    IsPaused(bool),
    /// The network's next answer about it is this.
    Meets(Fault),
    /// The network's answer after the next one is this.
    MeetsSecond(Fault),
    /// The order comes without its last item, changed at this minute.
    Shrinks(u32),
    /// Time passes, and nothing is worked off meanwhile.
    Waits(Duration),
    /// Here the story begins; nothing was killed before.
    Begins,
}

/// The facts of a life that its end is checked against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// True if the queue was worked off.
    pub ended: bool,
    /// The number of steps before the story begins.
    pub begins_at: u32,
    /// The number of permissions to send again.
    pub permits: usize,
    /// The number of requests when the cancellation was known, as long as it holds.
    pub requests_at_cancellation: Option<usize>,
}

impl<N: Network> Lifecycle<N> {
    /// Lives through `story` under `plan`, then works off the queue.
    ///
    /// # Panics
    ///
    /// If something open is not watched, or a dead claim was swept and is still sending.
    pub async fn live(
        &self,
        id: &str,
        story: &[Happening],
        (trigger, redelivery): (Trigger, Redelivery),
        plan: &KillPlan,
    ) -> Life {
        self.warm.start();
        let mut life = Life::default();
        let mut is_called_once = false;
        for happening in story {
            match happening {
                Happening::Arrives(variant, minute) => {
                    is_called_once = false;
                    let order = at(order(id, *variant), *minute);
                    self.bring(id, &order, (trigger, redelivery), plan).await;
                }
                Happening::IsPostedOnce => {
                    is_called_once = true;
                    self.post_body(id, &order(id, 0), plan).await;
                }
                Happening::IsCancelled(minute) => {
                    let cancelled = at(json!({ "order_id": id, "status": "cancelled" }), *minute);
                    self.bring(id, &cancelled, (trigger, redelivery), plan).await;
                }
                Happening::IsDecided(decision) => {
                    life.permits += usize::from(*decision == Decision::PermitSending);
                    while self.killable(plan, self.decide(id, *decision)).await.is_none() {}
                }
                Happening::IsSwept => {
                    while self.killable(plan, self.sweep()).await.is_none() {}
                    let is_dead = |record: &Record| {
                        record.protocol.state == State::Sending
                            && record.protocol.claim_expires_at <= self.bed.now()
                    };
                    let records = self.records(id).await;
                    assert!(!records.iter().any(is_dead), "{id}: swept, and still sending");
                }
                Happening::IsPaused(paused) => self.pause(*paused).await,
                Happening::Meets(fault) => self.script(id, fault, 0),
                Happening::MeetsSecond(fault) => self.script(id, fault, 1),
                Happening::Shrinks(minute) => {
                    let mut order = at(order(id, 0), Some(*minute));
                    order["items"].as_array_mut().and_then(Vec::pop);
                    self.bring(id, &order, (trigger, redelivery), plan).await;
                }
                Happening::Waits(time) => self.bed.advance(*time),
                Happening::Begins => life.begins_at = plan.steps(),
            }
            self.bed.advance(Duration::from_secs(1));
            if !is_called_once {
                self.check_watched(id, happening).await;
            }
            self.watch_cancellation(id, &mut life).await;
        }
        life.ended = self.work_off(id, redelivery, plan).await;
        self.watch_cancellation(id, &mut life).await;
        self.warm.stop();
        life
    }

    /// A person pauses the network, or resumes it; the functions know it after some seconds.
    async fn pause(&self, paused: bool) {
        self.bed.pause(N::NAME, paused).await;
        self.bed.advance(Duration::from_secs(5));
    }

    /// The network answers so about the order, after this number of requests.
    fn script(&self, id: &str, fault: &Fault, after: u64) {
        let rule = Rule::on(self.case.at, fault.clone()).order(self.case.key(id)).after(after);
        self.bed.sandbox.script(rule).expect("a rule");
    }

    /// Brings an order or a cancellation once: by the queue, or by a caller who repeats it until
    /// there is an answer.
    async fn bring(
        &self,
        id: &str,
        body: &Value,
        (trigger, redelivery): (Trigger, Redelivery),
        plan: &KillPlan,
    ) {
        if trigger == Trigger::Api {
            while !self.post_body(id, body, plan).await {
                self.bed.advance(PAUSE);
            }
            return;
        }
        let mut event = order_event(body);
        event["detail-type"] = json!(format!("order.{}", body["status"].as_str().unwrap_or("")));
        self.services.enqueue(event.to_string());
        let messages = self.services.receive(10, INVISIBLE);
        self.take(id, &messages, redelivery, plan).await;
    }

    /// Runs `future` under `plan`; if it is killed, somebody starts it again after a pause.
    async fn killable<T>(&self, plan: &KillPlan, future: impl Future<Output = T>) -> Option<T> {
        let result = plan.clone().guard(Box::pin(future)).await;
        if result.is_none() {
            self.bed.advance(PAUSE);
        }
        result
    }

    /// A person's decision about each delivery of the order, as the tool writes it.
    async fn decide(&self, id: &str, decision: Decision) {
        for record in self.records(id).await {
            self.bed.decide(&record.key(), decision).await;
        }
        if decision == Decision::PermitSending {
            tokio::task::yield_now().await;
            self.services.enqueue(order_event(&order(id, 0)).to_string());
            tokio::task::yield_now().await;
        }
    }

    async fn sweep(&self) {
        let deadline = self.bed.now() + Duration::from_mins(5);
        Sweep::new(FakeSweep::new(&self.bed)).sweep(deadline).await.expect("a sweep");
    }

    /// The records of the order's deliveries.
    async fn records(&self, id: &str) -> Vec<Record> {
        let deliveries = self.deliveries(id).await.into_iter();
        deliveries.filter_map(|(_, record)| record).collect()
    }

    /// Checks that every open delivery has a message on the queue, or is a person's matter.
    async fn check_watched(&self, id: &str, after: &Happening) {
        if self.services.queue().iter().any(|message| message.body.contains(id)) {
            return;
        }
        for record in self.records(id).await {
            let delivery = &record.protocol;
            let recovery = delivery.doubt.as_ref().map(|doubt| doubt.recovery);
            let is_held = match recovery {
                Some(Recovery::Hold) => delivery.state != State::Sending,
                // Reopened: who did that brings the order.
                Some(_) => record.decisions.count() > 0,
                None => false,
            };
            let is_watched = delivery.state.is_final() || is_held;
            assert!(is_watched, "{id}: nobody watches it after {after:?}: {record:#?}");
        }
    }

    /// Notes the number of requests once the cancellation is known, as long as it holds.
    async fn watch_cancellation(&self, id: &str, life: &mut Life) {
        let record = self.ledger.record_of(&key::<N>(id, None)).await;
        let is_known = record.is_some_and(|record| record.protocol.cancelled.is_some());
        life.requests_at_cancellation = match life.requests_at_cancellation {
            _ if !is_known => None,
            None => Some(self.requests(id)),
            known => known,
        };
    }
}

fn at(mut order: Value, minute: Option<u32>) -> Value {
    if let Some(minute) = minute {
        order["updated_at"] = json!(format!("2026-11-21T10:{minute:02}:00Z"));
    }
    order
}
