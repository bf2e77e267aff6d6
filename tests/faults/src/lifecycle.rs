//! One order's life at one network: taken by invocations that may be killed, redelivered until
//! nothing is left to do.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use postback_core::{
    delivery::{Key, Record, State},
    network::Network,
};
use postback_harness::{
    FakeServices, Function, INVISIBLE, Message, Patience, TIMEOUT, TestBed, api_event, sqs_event,
};
use serde_json::Value;

use crate::{Ends, KillPlan, Line, NetworkCase, Wire, network_case::order};

/// How an order comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// `POST /orders/{network}`, by a caller who repeats it until there is an answer.
    Api,
    /// A message on the queue.
    Queue,
}

/// When a message comes again whose invocation was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// One second later.
    Promptly,
    /// When its visibility timeout has run out.
    InTime,
}

/// What a killed invocation left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// How often the network had been told.
    pub told: usize,
    /// What the ledger said of the last line that it knew; `None` for nothing.
    pub state: Option<State>,
}

/// A network's function on a stage of its own; each invocation is a fresh instance.
#[derive(Debug)]
pub struct Lifecycle<N: Network> {
    /// The stage.
    pub stage: TestBed,
    /// The function's services.
    pub world: FakeServices,
    /// How long it waits for others.
    pub patience: Patience,
    /// Who plays.
    pub role: NetworkCase<N>,
    wire: Wire,
    ledger: Function<N>,
    left: Mutex<Vec<Left>>,
}

/// When a caller without an answer calls again.
const PAUSE: Duration = Duration::from_secs(10);

/// So long that nobody is given up because the machine is busy.
const PATIENT: Patience =
    Patience { network: Duration::from_secs(20), ledger: Duration::from_secs(20) };

/// The longest that a life may last, by the stage's clock.
const LONG: Duration = Duration::from_hours(10 * 24);

impl<N: Network> Lifecycle<N> {
    /// A stage for one network.
    pub async fn new(role: NetworkCase<N>) -> Self {
        let stage = TestBed::new(1).await;
        role.prepare(&stage.sandbox);
        let wire = Wire::to(stage.sandbox.address()).await;
        let endpoint = wire.endpoint(N::NAME);
        let ledger = stage.function_at::<N>(&endpoint, &role.secret.to_string()).await;
        let world = ledger.services.clone();
        let (patience, left) = (PATIENT, Mutex::default());
        Self { stage, world, patience, role, wire, ledger, left }
    }

    /// Takes the order `id` to the network under `fate`, until nothing is left to do. `false`: it
    /// never ends.
    pub async fn live(&self, id: &str, trigger: Trigger, again: Again, fate: &KillPlan) -> bool {
        match trigger {
            Trigger::Queue => self.ledger.enqueue(&order(id, 0)),
            Trigger::Api => {
                while !self.post(id, fate).await {
                    self.stage.advance(PAUSE);
                }
            }
        }
        self.work_off(id, again, fate).await
    }

    /// What the killed invocations since the last time left behind.
    pub fn left(&self) -> Vec<Left> {
        std::mem::take(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the event of the order `id` on the queue and receives it: the batch, as its event.
    #[must_use]
    pub fn receive(&self, id: &str) -> (Vec<Message>, Value) {
        self.ledger.enqueue(&order(id, 0));
        let messages = self.world.receive(1, INVISIBLE);
        let event = sqs_event(&messages);
        (messages, event)
    }

    /// Posts the order `id` once. Whether it was answered with a promise.
    ///
    /// # Panics
    ///
    /// When the answer is a 503 that says nothing was sent, and something was.
    pub async fn post(&self, id: &str, fate: &KillPlan) -> bool {
        let before = self.told(id);
        let body = order(id, 0).to_string();
        let event = api_event("POST", &format!("/orders/{}", N::NAME), &body);
        let Some(answer) = self.invoke(&event, fate).await else {
            self.leave(id).await;
            return false;
        };
        let body = answer["body"].as_str().unwrap_or_default();
        let said: Value = serde_json::from_str(body).expect("JSON");
        if said["code"] == "ledger_unavailable" {
            assert_eq!(answer["statusCode"], 503, "{body}");
            assert_eq!(self.told(id), before, "told, and answered: {body}");
        }
        answer["statusCode"].as_u64().is_some_and(|status| status < 300)
    }

    /// Works off the queue, which only the order `id` is on, as far as time has to go on for it.
    pub async fn work_off(&self, id: &str, again: Again, fate: &KillPlan) -> bool {
        let end = self.stage.now() + LONG;
        loop {
            let messages = self.world.receive(10, INVISIBLE);
            match self.world.next_visible() {
                _ if !messages.is_empty() => self.take(id, &messages, again, fate).await,
                None => return true,
                Some(at) if at > end => return false,
                Some(at) => self.stage.advance_to(at),
            }
        }
    }

    async fn take(&self, id: &str, messages: &[Message], again: Again, fate: &KillPlan) {
        if let Some(answer) = self.invoke(&sqs_event(messages), fate).await {
            return delete_taken(&self.world, messages, &answer);
        }
        self.leave(id).await;
        if again == Again::Promptly {
            self.stage.advance(Duration::from_secs(1));
            for message in messages {
                self.world.show(&message.id);
            }
        }
    }

    async fn leave(&self, id: &str) {
        let ends = self.ends(id).await;
        let state = ends.iter().rev().find_map(|(_, record)| Some(record.as_ref()?.protocol.state));
        let left = Left { told: self.told(id), state };
        self.left.lock().unwrap_or_else(PoisonError::into_inner).push(left);
    }

    /// One invocation of a fresh instance, whose connections end with it. `None`: it was killed.
    ///
    /// # Panics
    ///
    /// When the handler fails: it has an answer for everything.
    pub async fn invoke(&self, event: &Value, fate: &KillPlan) -> Option<Value> {
        let function = self.instance().await;
        let end = invoke(&self.stage, &function, event, fate).await;
        drop(function);
        self.wire.drained().await;
        end
    }

    /// One invocation of a fresh instance that is killed when `moment` has come.
    ///
    /// # Panics
    ///
    /// When it ends by itself before.
    pub async fn invoke_until(&self, event: &Value, moment: impl Future<Output = ()>) {
        let function = self.instance().await;
        tokio::select! {
            biased;
            () = moment => {}
            answer = function.call(event, self.stage.now() + TIMEOUT) => panic!("{answer:?}"),
        }
        drop(function);
        self.wire.drained().await;
    }

    /// How often the network was told of an order: requests, whatever they met.
    #[must_use]
    pub fn told(&self, id: &str) -> usize {
        let received = self.stage.sandbox.received_for(self.role.at, &self.role.key(id));
        received.iter().filter(|received| received.call != "list").count()
    }

    /// One more instance of the function, on the same wire.
    pub async fn instance(&self) -> Function<N> {
        let (endpoint, world) = (self.wire.endpoint(N::NAME), self.world.clone());
        self.stage.instance_with::<N>(&endpoint, world, self.patience).await
    }

    /// Checks that an order has ended as its network lets it end.
    ///
    /// # Panics
    ///
    /// When it has not.
    pub async fn check(&self, id: &str, what: &str) {
        let told = self.told(id);
        for (effects, record) in self.ends(id).await {
            let record = record.unwrap_or_else(|| panic!("{what}: nothing in the ledger"));
            let protocol = &record.protocol;
            let is_there = matches!(protocol.state, State::Delivered | State::Accepted);
            let fits = match self.role.ends {
                Ends::Delivered => protocol.state == State::Delivered && effects == 1,
                Ends::Held => {
                    told <= self.role.lines().len()
                        && (is_there && effects == 1
                            || protocol.state == State::Unconfirmed && effects <= 1)
                }
                Ends::Consented => {
                    protocol.state == State::Delivered
                        && (1..=protocol.attempt as usize).contains(&effects)
                }
            };
            assert!(fits, "{what}: told {told} times, {effects} effects, {record:#?}");
        }
        assert_eq!(self.stage.sandbox.violations(), [], "{what}");
    }

    /// How many of an order's deliveries ended without a word of it on the bus.
    pub async fn untold(&self, id: &str) -> usize {
        let (bus, ends) = (self.stage.published().await, self.ends(id).await);
        let untold = ends.iter().zip(self.role.lines()).filter(|((_, record), line)| {
            let state = record.as_ref().map_or("none", |record| record.protocol.state.as_str());
            let kind = format!("postback.{state}");
            !bus.iter().any(|(known, said)| {
                *known == kind
                    && said["order_id"] == id
                    && said["line"].as_str() == line.name.as_deref()
            })
        });
        untold.count()
    }

    /// The deliveries of an order: what the network holds of each, and what the ledger says.
    pub async fn ends(&self, id: &str) -> Vec<(usize, Option<Record>)> {
        let held = self.stage.sandbox.held(self.role.at, &self.role.key(id));
        let mut ends = Vec::new();
        for Line { name, amount } in self.role.lines() {
            let effects = held.iter().filter(|effect| amount.is_none() || effect.amount == amount);
            let key = key::<N>(id, name.as_deref());
            ends.push((effects.count(), self.ledger.record_of(&key).await));
        }
        ends
    }
}

/// One invocation, of a function that is not used again if it is killed: then `None`.
///
/// # Panics
///
/// When the handler fails: it has an answer for everything.
pub async fn invoke<N: Network>(
    stage: &TestBed,
    function: &Function<N>,
    event: &Value,
    fate: &KillPlan,
) -> Option<Value> {
    let call = function.call(event, stage.now() + TIMEOUT);
    fate.clone().guard(Box::pin(call)).await.map(|answer| answer.expect("an answer"))
}

/// Deletes what an answer to a batch does not name as failed.
pub fn delete_taken(world: &FakeServices, messages: &[Message], answer: &Value) {
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    let failed: Vec<_> = failures.filter_map(|one| one["itemIdentifier"].as_str()).collect();
    for message in messages.iter().filter(|message| !failed.contains(&message.id.as_str())) {
        world.delete(&message.id);
    }
}

/// The ledger's key of a delivery.
pub(crate) fn key<N: Network>(id: &str, line: Option<&str>) -> Key {
    let delivery = match line {
        None => N::NAME.to_owned(),
        Some(line) => format!("{}#{line}", N::NAME),
    };
    Key { order_id: id.to_owned(), delivery }
}
