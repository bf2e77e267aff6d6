//! The lifecycle of one order at one network: invocations that may be killed take it, and messages
//! come again until nothing is left to do.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use postback_core::{
    delivery::{Key, State},
    network::Network,
};
use postback_harness::{
    FakeServices, Function, INVISIBLE, Later, Message, Patience, TIMEOUT, TestBed, api_event,
    sqs_event,
};
use serde_json::Value;

use self::warm::Warm;
use crate::{KillPlan, NetworkCase, Wire, network_case::order};

mod checks;
mod story;
mod warm;

pub use story::{Happening, Life};

/// The way by which an order comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// `POST /orders/{network}`, by a caller who repeats it until there is an answer.
    Api,
    /// A message on the queue.
    Queue,
}

/// The time at which the message of a killed invocation comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// One second later.
    AfterOneSecond,
    /// After its visibility timeout.
    AfterTimeout,
}

/// The remains of a killed invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remains {
    /// The number of requests that the network had got.
    pub requests: usize,
    /// The state of the last line that the ledger knew; `None` for no record.
    pub state: Option<State>,
}

/// A network's function on a test bed of its own; each invocation is a fresh instance.
#[derive(Debug)]
pub struct Lifecycle<N: Network> {
    /// The test bed.
    pub bed: TestBed,
    /// The function's services.
    pub services: FakeServices,
    /// The time that the function waits for others.
    pub patience: Patience,
    /// The network and its settings.
    pub case: NetworkCase<N>,
    wire: Wire,
    ledger: Function<N>,
    /// The ledger's endpoint for the functions of a later version, which take every second
    /// invocation; and the number of invocations.
    turns: (Option<(String, Later)>, AtomicU64),
    warm: Warm<N>,
    remains: Mutex<Vec<Remains>>,
}

/// The pause of a caller without an answer.
const PAUSE: Duration = Duration::from_secs(10);

/// So long that nothing is given up because the machine is busy.
const PATIENT: Patience =
    Patience { network: Duration::from_secs(20), ledger: Duration::from_secs(20) };

/// The longest lifecycle, by the test bed's clock.
const LONG: Duration = Duration::from_hours(10 * 24);

impl<N: Network> Lifecycle<N> {
    /// A test bed for one network.
    pub async fn new(case: NetworkCase<N>) -> Self {
        let bed = TestBed::new(1).await;
        case.prepare(&bed.sandbox);
        let wire = Wire::to(bed.sandbox.address()).await;
        let endpoint = wire.endpoint(N::NAME);
        let ledger = bed.function_at::<N>(&endpoint, &case.secret.to_string()).await;
        let services = ledger.services.clone();
        let (turns, warm, remains) = (Default::default(), Warm::default(), Mutex::default());
        Self { bed, services, patience: PATIENT, case, wire, ledger, turns, warm, remains }
    }

    /// A test bed for one network, where functions of this version and of a later one take turns.
    pub async fn taking_turns(case: NetworkCase<N>, later: Later) -> Self {
        let mut lifecycle = Self::new(case).await;
        let at = lifecycle.bed.table.later_endpoint(later).await;
        let (endpoint, services) = (lifecycle.wire.endpoint(N::NAME), lifecycle.services.clone());
        let reader = lifecycle.bed.instance_on::<N>(&at, &endpoint, services, PATIENT).await;
        Self { ledger: reader, turns: (Some((at, later)), AtomicU64::new(0)), ..lifecycle }
    }

    /// The number of invocations so far.
    pub fn invocations(&self) -> u64 {
        self.turns.1.load(Ordering::Relaxed)
    }

    /// Delivers the order `id` under `plan` until nothing is left to do. Returns false if it never
    /// ends.
    pub async fn run(
        &self,
        id: &str,
        trigger: Trigger,
        redelivery: Redelivery,
        plan: &KillPlan,
    ) -> bool {
        match trigger {
            Trigger::Queue => self.ledger.enqueue(&order(id, 0)),
            Trigger::Api => {
                while !self.post(id, plan).await {
                    self.bed.advance(PAUSE);
                }
            }
        }
        self.work_off(id, redelivery, plan).await
    }

    /// Takes the remains of the invocations killed since the last call.
    pub fn take_remains(&self) -> Vec<Remains> {
        std::mem::take(&mut self.remains.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the event of the order `id` on the queue and receives it. Returns the batch and its
    /// event.
    #[must_use]
    pub fn receive(&self, id: &str) -> (Vec<Message>, Value) {
        self.ledger.enqueue(&order(id, 0));
        let messages = self.services.receive(1, INVISIBLE);
        let event = sqs_event(&messages);
        (messages, event)
    }

    /// Posts the order `id` once. Returns true if the answer promises that it is taken care of.
    ///
    /// # Panics
    ///
    /// If the answer is a 503 that says nothing was sent, and something was.
    pub async fn post(&self, id: &str, plan: &KillPlan) -> bool {
        self.post_body(id, &order(id, 0), plan).await
    }

    async fn post_body(&self, id: &str, body: &Value, plan: &KillPlan) -> bool {
        let before = self.requests(id);
        let event = api_event("POST", &format!("/orders/{}", N::NAME), &body.to_string());
        let Some(answer) = self.invoke(&event, plan).await else {
            self.record_remains(id).await;
            return false;
        };
        let text = answer["body"].as_str().unwrap_or_default();
        let body: Value = serde_json::from_str(text).expect("JSON");
        if body["code"] == "ledger_unavailable" {
            assert_eq!(answer["statusCode"], 503, "{body}");
            assert_eq!(self.requests(id), before, "something was sent: {body}");
        }
        answer["statusCode"].as_u64().is_some_and(|status| status < 300 || status == 409)
    }

    /// Works off the queue, which holds only the order `id`, and lets time pass as it waits. Returns
    /// false if it never ends.
    pub async fn work_off(&self, id: &str, redelivery: Redelivery, plan: &KillPlan) -> bool {
        let end = self.bed.now() + LONG;
        loop {
            let messages = self.services.receive(10, INVISIBLE);
            match self.services.next_visible() {
                _ if !messages.is_empty() => self.take(id, &messages, redelivery, plan).await,
                None => return true,
                Some(at) if at > end => return false,
                Some(at) => self.bed.advance_to(at),
            }
        }
    }

    async fn take(&self, id: &str, messages: &[Message], redelivery: Redelivery, plan: &KillPlan) {
        if let Some(answer) = self.invoke(&sqs_event(messages), plan).await {
            return delete_taken(&self.services, messages, &answer);
        }
        self.record_remains(id).await;
        if redelivery == Redelivery::AfterOneSecond {
            self.bed.advance(Duration::from_secs(1));
            for message in messages {
                self.services.show(&message.id);
            }
        }
    }

    async fn record_remains(&self, id: &str) {
        let deliveries = self.deliveries(id).await;
        let mut latest = deliveries.iter().rev();
        let state = latest.find_map(|(_, record)| Some(record.as_ref()?.protocol.state));
        let remains = Remains { requests: self.requests(id), state };
        self.remains.lock().unwrap_or_else(PoisonError::into_inner).push(remains);
    }

    /// Calls an instance once. Unless a whole life is lived, it is a fresh one and its connections
    /// end with it. Returns `None` if it was killed.
    ///
    /// # Panics
    ///
    /// If the handler fails: it has an answer for everything.
    pub async fn invoke(&self, event: &Value, plan: &KillPlan) -> Option<Value> {
        let function = match self.warm.take() {
            Some(function) => function,
            None => self.instance().await,
        };
        let answer = invoke(&self.bed, &function, event, plan).await;
        if answer.is_some() && self.warm.is_on() && self.turns.0.is_none() {
            self.warm.keep(function);
            return answer;
        }
        drop(function);
        self.wire.drained().await;
        answer
    }

    /// Calls a fresh instance once and kills it when `moment` has come.
    ///
    /// # Panics
    ///
    /// If it ends by itself before.
    pub async fn invoke_until(&self, event: &Value, moment: impl Future<Output = ()>) {
        let function = self.instance().await;
        tokio::select! {
            biased;
            () = moment => {}
            answer = function.call(event, self.bed.now() + TIMEOUT) => panic!("{answer:?}"),
        }
        drop(function);
        self.wire.drained().await;
    }

    /// One more instance of the function, on the same wire.
    pub async fn instance(&self) -> Function<N> {
        let (endpoint, services) = (self.wire.endpoint(N::NAME), self.services.clone());
        let (later, invocations) = &self.turns;
        let turn = invocations.fetch_add(1, Ordering::Relaxed);
        match later {
            Some((at, _)) if turn % 2 == 1 => {
                self.bed.instance_on::<N>(at, &endpoint, services, self.patience).await
            }
            _ => self.bed.instance_with::<N>(&endpoint, services, self.patience).await,
        }
    }
}

/// Calls a function once. Returns `None` if it was killed; then it is not to be used again.
///
/// # Panics
///
/// If the handler fails: it has an answer for everything.
pub async fn invoke<N: Network>(
    bed: &TestBed,
    function: &Function<N>,
    event: &Value,
    plan: &KillPlan,
) -> Option<Value> {
    let call = function.call(event, bed.now() + TIMEOUT);
    plan.clone().guard(Box::pin(call)).await.map(|answer| answer.expect("an answer"))
}

/// Deletes the messages that the answer to a batch does not name as failed.
pub fn delete_taken(services: &FakeServices, messages: &[Message], answer: &Value) {
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    let failed: Vec<_> = failures.filter_map(|one| one["itemIdentifier"].as_str()).collect();
    for message in messages.iter().filter(|message| !failed.contains(&message.id.as_str())) {
        services.delete(&message.id);
    }
}

/// The ledger's key of a delivery.
pub(crate) fn key<N: Network>(id: &str, line: Option<&str>) -> Key {
    Key::known(id.to_owned(), N::NAME, line)
}
