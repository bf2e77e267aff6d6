//! Many orders, several networks, all sources and all faults at once, round by round: every
//! function that is called in one round runs at the same time as all the others of it.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use postback_core::{delivery::State, network::Network};
use postback_harness::{INVISIBLE, Message, Patience, TestBed, api_event, order_event, sqs_event};
use postback_runtime::services::ORDER_DELAYED;
use serde_json::{Value, json};

use crate::{KillPlan, NetworkCase, Paced, Wire, lifecycle::delete_taken, network_case::order};

mod function;
mod injection;
mod round;

pub(crate) use function::NetworkFunction;
use function::{FunctionOf, Instance};
pub use injection::InjectedFault;
use injection::Limits;
pub use round::{Arrival, Closing, Round, Source};

/// A test bed with the functions of several networks.
pub struct Scenario {
    /// The test bed that all share.
    pub bed: TestBed,
    pub(crate) functions: Vec<Box<dyn NetworkFunction>>,
    /// Every order that came, with each content it came with.
    pub(crate) orders: Vec<(String, Vec<u8>)>,
    /// The functions that each order came to: they all have to report it.
    pub(crate) came: HashSet<(usize, String)>,
    /// The orders that the shop cancelled.
    pub(crate) cancelled: HashSet<String>,
    /// API calls that got no answer, or one that promises nothing.
    unanswered: Vec<Arrival>,
    /// Final states that a caller was answered: function, order, state.
    pub(crate) answered: Vec<(usize, String, State)>,
    /// The number of invocations, and the number of those that were killed.
    pub invocations: (u64, u64),
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("orders", &self.orders.len()).finish_non_exhaustive()
    }
}

/// One invocation of a round.
struct Run {
    function: usize,
    instance: Instance,
    event: Value,
    input: Input,
    /// True if the instance is not used again.
    once: bool,
}

/// The input of an invocation.
enum Input {
    Posted(String, Arrival),
    Received(Vec<Message>),
}

/// So long that nothing is given up because the machine is busy.
const PATIENT: Duration = Duration::from_secs(20);
/// The patience with those that are known to hang. An invocation that gives up another because of
/// it has met one more fault.
const IMPATIENT: Duration = Duration::from_millis(100);
/// The number of messages of one invocation.
const BATCH: usize = 4;
/// The most batches of one queue in one round.
const BATCHES: usize = 12;
/// The longest that a scenario may take to end after its last fault, by the test bed's clock.
const LONG: Duration = Duration::from_hours(3 * 24);

impl Scenario {
    /// An empty test bed; all randomness in the functions follows from `seed`.
    pub async fn new(seed: u64) -> Self {
        Self {
            bed: TestBed::new(seed).await,
            functions: Vec::new(),
            orders: Vec::new(),
            came: HashSet::new(),
            cancelled: HashSet::new(),
            unanswered: Vec::new(),
            answered: Vec::new(),
            invocations: (0, 0),
        }
    }

    /// Adds a network's function.
    pub async fn with<N: Network>(mut self, case: NetworkCase<N>) -> Self {
        let function = FunctionOf::new(&self.bed, case).await;
        self.functions.push(Box::new(function));
        self
    }

    /// The number of functions.
    #[must_use]
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// The number of orders that have come.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Runs one round.
    pub async fn round(&mut self, round: &Round) {
        let mut limits = self.inject(&round.faults);
        let mut runs = Vec::new();
        for arrival in &round.arrivals {
            self.arrive(arrival, &limits, &mut runs).await;
        }
        for function in 0..self.functions.len() {
            for _ in 0..BATCHES {
                let messages = self.functions[function].services().receive(BATCH, INVISIBLE);
                if messages.is_empty() {
                    break;
                }
                let event = sqs_event(&messages);
                runs.push(self.run(function, event, Input::Received(messages), &limits).await);
            }
        }
        let wires = self.run_all(runs, round, limits.time).await;
        self.end_faults(&mut limits);
        for wire in wires {
            wire.drained().await;
        }
        self.bed.advance(Duration::from_millis(round.advance_ms));
    }

    /// Ends the scenario without further faults, except for those that were scripted and not met
    /// yet: callers without an answer call again, dead letters are put back, and time passes until
    /// every queue is empty.
    pub async fn close(&mut self) -> Closing {
        self.bed.table.script([]);
        let end = self.bed.now() + LONG;
        let mut redriven = 0;
        loop {
            redriven += self.dead_letters();
            for function in &self.functions {
                function.services().redrive();
            }
            let arrivals = std::mem::take(&mut self.unanswered);
            self.round(&Round { arrivals, ..Round::default() }).await;
            let next = self.functions.iter().filter_map(|it| it.services().next_visible()).min();
            match next {
                _ if self.bed.now() > end => return Closing { done: false, redriven },
                _ if !self.unanswered.is_empty() => self.bed.advance(Duration::from_mins(1)),
                None if self.dead_letters() > 0 => self.bed.advance(Duration::from_mins(1)),
                None => return Closing { done: true, redriven },
                Some(at) => self.bed.advance_to(at),
            }
        }
    }

    fn dead_letters(&self) -> usize {
        self.functions.iter().map(|function| function.services().dead_letters().len()).sum()
    }

    async fn arrive(&mut self, arrival: &Arrival, limits: &Limits, runs: &mut Vec<Run>) {
        let Arrival { order: number, variant, source } = *arrival;
        let id = format!("A{number}");
        if matches!(source, Source::Cancellation) {
            return self.cancel(id);
        }
        match self.orders.iter_mut().find(|(known, _)| *known == id) {
            Some((_, variants)) if variants.contains(&variant) => {}
            Some((_, variants)) => variants.push(variant),
            None => self.orders.push((id.clone(), vec![variant])),
        }
        let order = order(&id, variant);
        let functions = match source {
            Source::Bus | Source::Cancellation => 0..self.functions.len(),
            Source::Api(function) | Source::DelayedOrder(function) => function..function + 1,
        };
        self.came.extend(functions.map(|function| (function, id.clone())));
        match source {
            Source::Cancellation => {}
            Source::Bus => {
                for function in &self.functions {
                    function.services().enqueue(order_event(&order).to_string());
                }
            }
            Source::DelayedOrder(function) => {
                let delayed = json!({
                    "detail-type": ORDER_DELAYED, "detail": order,
                    "not_before_ms": self.bed.now().as_millis(),
                });
                self.functions[function].services().enqueue(delayed.to_string());
            }
            Source::Api(function) => {
                let path = format!("/orders/{}", self.functions[function].name());
                let event = api_event("POST", &path, &order.to_string());
                runs.push(self.run(function, event, Input::Posted(id, *arrival), limits).await);
            }
        }
    }

    fn cancel(&mut self, id: String) {
        let mut event = order_event(&json!({ "order_id": id, "status": "cancelled" }));
        event["detail-type"] = json!("order.cancelled");
        for function in &self.functions {
            function.services().enqueue(event.to_string());
        }
        if !self.orders.iter().any(|(known, _)| *known == id) {
            self.orders.push((id.clone(), Vec::new()));
        }
        self.cancelled.insert(id);
    }

    async fn run(&mut self, function: usize, event: Value, input: Input, limits: &Limits) -> Run {
        let hangs = limits.hanging.contains(&function);
        let once = hangs || limits.ledger_hangs;
        let idle = if once { None } else { self.functions[function].idle().pop() };
        let instance = if let Some(instance) = idle {
            instance
        } else {
            let with = |hangs| if hangs { IMPATIENT } else { PATIENT };
            let patience = Patience { network: with(hangs), ledger: with(limits.ledger_hangs) };
            self.functions[function].start(&self.bed, patience).await
        };
        Run { function, instance, event, input, once }
    }

    /// Runs all invocations at the same time. Returns the wires of the instances that have ended.
    async fn run_all(&mut self, runs: Vec<Run>, round: &Round, time: Duration) -> Vec<Wire> {
        let deadline = self.bed.now() + time;
        let calls = runs.iter().enumerate().map(|(number, run)| {
            let kills = round.kills.iter().filter(|(which, _)| usize::from(*which) == number);
            let kills: Vec<_> = kills.map(|(_, step)| u32::from(*step)).collect();
            let plan = KillPlan::killed_at(&kills);
            let mut pace = round.pace.clone();
            if !pace.is_empty() {
                pace.rotate_left(number % round.pace.len());
            }
            Paced::new(plan.guard(run.instance.function.call(&run.event, deadline)), pace)
        });
        let answers = join_all(calls).await;
        let mut wires = Vec::new();
        for (run, answer) in runs.into_iter().zip(answers) {
            self.invocations.0 += 1;
            self.invocations.1 += u64::from(answer.is_none());
            if answer.is_none() || run.once {
                drop(run.instance.function);
                wires.push(run.instance.wire);
            } else {
                self.functions[run.function].idle().push(run.instance);
            }
            self.note(run.function, run.input, answer);
        }
        wires
    }

    fn note(&mut self, function: usize, input: Input, answer: Option<Value>) {
        match (input, answer) {
            (Input::Received(messages), Some(answer)) => {
                delete_taken(self.functions[function].services(), &messages, &answer);
            }
            (Input::Received(_), None) => {}
            (Input::Posted(_, arrival), None) => self.unanswered.push(arrival),
            (Input::Posted(id, arrival), Some(answer)) => {
                let body = answer["body"].as_str().unwrap_or_default();
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                let state = serde_json::from_value::<State>(body["state"].clone());
                match (answer["statusCode"].as_u64(), state) {
                    (Some(200), Ok(state)) => self.answered.push((function, id, state)),
                    (Some(202 | 409), _) => {}
                    _ => self.unanswered.push(arrival),
                }
            }
        }
    }
}
