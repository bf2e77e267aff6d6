//! Many orders, all networks, all triggers and all faults at once, round by round: every function
//! that is called in one round runs at the same time as all the others of it.

use std::{collections::HashSet, time::Duration};

use futures_util::future::{LocalBoxFuture, join_all};
use postback_core::{
    clock::Timestamp,
    delivery::{Fingerprint, Record, State},
    fields::UnknownFields,
    network::{Network, Plan, configure},
    order::Order,
};
use postback_harness::{
    FakeServices, Function, INVISIBLE, Message, Patience, Strike, TIMEOUT, TestBed, api_event,
    sqs_event,
};
use serde_json::{Value, json};

use crate::{
    KillPlan, Line, NetworkCase, Paced, Wire,
    lifecycle::{delete_taken, key},
    network_case::{Ends, order},
};

/// A stage with several networks on it.
pub struct Scenario {
    /// What all share.
    pub stage: TestBed,
    pub(crate) parts: Vec<Box<dyn Part>>,
    /// Every order that came, with each content it came with.
    pub(crate) orders: Vec<(String, Vec<u8>)>,
    /// Which orders came to which parts: all of them are to be told there.
    pub(crate) came: HashSet<(usize, String)>,
    /// API calls that got no answer, or one that promises nothing.
    unanswered: Vec<Arrival>,
    /// Final states that a caller was told: part, order, state.
    pub(crate) told: Vec<(usize, String, State)>,
    /// How many invocations there were, and how many of them were killed.
    pub invocations: (u64, u64),
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("orders", &self.orders.len()).finish_non_exhaustive()
    }
}

/// What happens in one round.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// The orders that come.
    pub arrivals: Vec<Arrival>,
    /// What goes wrong.
    pub troubles: Vec<InjectedFault>,
    /// Which of the round's invocations are killed, and at which step.
    pub kills: Vec<(u8, u8)>,
    /// How the invocations give way to each other.
    pub pace: Vec<u8>,
    /// How much time passes after it, in milliseconds.
    pub advance_ms: u64,
}

/// One coming of an order.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Which order.
    pub order: usize,
    /// With which content.
    pub variant: u8,
    /// By which way.
    pub way: Way,
}

/// The three triggers.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// `POST /orders/{network}` of this part.
    Api(usize),
    /// An event on the bus, for all parts.
    Bus,
    /// A message of this part's function to itself.
    DelayedOrder(usize),
}

/// What goes wrong in a round.
#[derive(Clone, Debug)]
pub enum InjectedFault {
    /// The next request to this part's network meets this fault.
    Network(usize, postback_sandbox::Fault),
    /// This part's network does not answer while the round lasts; it takes what it is sent at once
    /// or when the round is over.
    Hang(usize, bool),
    /// The next connection to any network meets this fault.
    Connection(postback_sandbox::Fault),
    /// The next calls of the ledger meet these.
    Ledger(Vec<Strike>),
    /// This part's queue takes nothing while the round lasts.
    QueueDown(usize),
    /// The networks refuse the functions' keys while the round lasts. `true`: then the secrets get
    /// a new version, as they would if the functions' side had been wrong.
    WrongKeys(bool),
    /// The invocations have this little time.
    Hurry(Duration),
}

/// How a play has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Whether every queue is empty.
    pub done: bool,
    /// How many messages had been given up and were put back by hand.
    pub redriven: usize,
}

/// One network's function on the stage, whichever network it is.
pub(crate) trait Part {
    fn name(&self) -> &'static str;
    fn at(&self) -> postback_sandbox::Network;
    fn ends(&self) -> Ends;
    fn lines(&self) -> Vec<Line>;
    fn key(&self, order_id: &str) -> String;
    fn world(&self) -> &FakeServices;
    fn idle(&mut self) -> &mut Vec<Instance>;
    fn contents(&self, order: &Value) -> Vec<Fingerprint>;
    fn secret(&self) -> String;
    fn start<'a>(&'a self, stage: &'a TestBed, patience: Patience) -> LocalBoxFuture<'a, Instance>;
    fn record<'a>(
        &'a self,
        id: &'a str,
        line: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Option<Record>>;
}

/// A running instance with its own wire.
pub(crate) struct Instance {
    function: Box<dyn Callable>,
    wire: Wire,
}

trait Callable {
    fn call<'a>(&'a self, event: &'a Value, deadline: Timestamp) -> LocalBoxFuture<'a, Value>;
}

impl<N: Network> Callable for Function<N> {
    fn call<'a>(&'a self, event: &'a Value, deadline: Timestamp) -> LocalBoxFuture<'a, Value> {
        Box::pin(async move { self.call(event, deadline).await.expect("an answer") })
    }
}

struct Actor<N: Network> {
    role: NetworkCase<N>,
    function: Function<N>,
    idle: Vec<Instance>,
}

impl<N: Network> Part for Actor<N> {
    fn name(&self) -> &'static str {
        N::NAME
    }

    fn at(&self) -> postback_sandbox::Network {
        self.role.at
    }

    fn ends(&self) -> Ends {
        self.role.ends
    }

    fn lines(&self) -> Vec<Line> {
        self.role.lines()
    }

    fn key(&self, order_id: &str) -> String {
        self.role.key(order_id)
    }

    fn world(&self) -> &FakeServices {
        &self.function.services
    }

    fn idle(&mut self) -> &mut Vec<Instance> {
        &mut self.idle
    }

    fn secret(&self) -> String {
        self.role.secret.to_string()
    }

    fn contents(&self, order: &Value) -> Vec<Fingerprint> {
        let network = configure::<N>(&self.secret()).expect("settings");
        let order = Order::read(order, UnknownFields::Deny).expect("an order");
        let Plan::Send(told) = network.plan(&order) else { return Vec::new() };
        told.iter().map(|told| Fingerprint::of(&told.report)).collect()
    }

    fn start<'a>(&'a self, stage: &'a TestBed, patience: Patience) -> LocalBoxFuture<'a, Instance> {
        Box::pin(async move {
            let wire = Wire::to(stage.sandbox.address()).await;
            let (endpoint, world) = (wire.endpoint(N::NAME), self.function.services.clone());
            let function = stage.instance_with::<N>(&endpoint, world, patience).await;
            Instance { function: Box::new(function), wire }
        })
    }

    fn record<'a>(
        &'a self,
        id: &'a str,
        line: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Option<Record>> {
        Box::pin(async move { self.function.record_of(&key::<N>(id, line)).await })
    }
}

/// One invocation of a round.
struct Run {
    part: usize,
    instance: Instance,
    event: Value,
    why: Why,
    /// Whether the instance is not used again.
    once: bool,
}

enum Why {
    Posted(String, Arrival),
    Received(Vec<Message>),
}

/// Long enough that nobody is given up because the machine is busy.
const PATIENT: Duration = Duration::from_secs(20);
/// For those who are known to hang. Whoever else is given up by it is one more fault.
const IMPATIENT: Duration = Duration::from_millis(100);
/// How many messages an invocation is given.
const BATCH: usize = 4;
/// How many batches of one queue are received in one round.
const BATCHES: usize = 12;
/// How long, by the stage's clock, a play may take to end once nothing goes wrong any more.
const LONG: Duration = Duration::from_hours(3 * 24);

impl Scenario {
    /// An empty stage; all chance in the functions follows from `seed`.
    pub async fn new(seed: u64) -> Self {
        Self {
            stage: TestBed::new(seed).await,
            parts: Vec::new(),
            orders: Vec::new(),
            came: HashSet::new(),
            unanswered: Vec::new(),
            told: Vec::new(),
            invocations: (0, 0),
        }
    }

    /// Puts a network's function on the stage.
    pub async fn with<N: Network>(mut self, role: NetworkCase<N>) -> Self {
        role.prepare(&self.stage.sandbox);
        let endpoint = self.stage.sandbox.endpoint(role.at);
        let function = self.stage.function_at::<N>(&endpoint, &role.secret.to_string()).await;
        self.parts.push(Box::new(Actor { role, function, idle: Vec::new() }));
        self
    }

    /// How many functions are on the stage.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How many orders have come.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Plays one round.
    pub async fn round(&mut self, round: &Round) {
        let mut limits = self.make_trouble(&round.troubles);
        let mut runs = Vec::new();
        for arrival in &round.arrivals {
            self.arrive(arrival, &limits, &mut runs).await;
        }
        for part in 0..self.parts.len() {
            for _ in 0..BATCHES {
                let messages = self.parts[part].world().receive(BATCH, INVISIBLE);
                if messages.is_empty() {
                    break;
                }
                let event = sqs_event(&messages);
                runs.push(self.run(part, event, Why::Received(messages), &limits).await);
            }
        }
        let graves = self.play(runs, round, limits.time).await;
        self.end_trouble(&mut limits);
        for wire in graves {
            wire.drained().await;
        }
        self.stage.advance(Duration::from_millis(round.advance_ms));
    }

    /// Nothing goes wrong any more, except what has been scripted and not met yet: callers without
    /// an answer call again, given up messages are put back, and time goes on until every queue is
    /// empty.
    pub async fn close(&mut self) -> Closing {
        self.stage.table.script([]);
        let end = self.stage.now() + LONG;
        let mut redriven = 0;
        loop {
            redriven += self.given_up();
            for part in &self.parts {
                part.world().redrive();
            }
            let arrivals = std::mem::take(&mut self.unanswered);
            self.round(&Round { arrivals, ..Round::default() }).await;
            let next = self.parts.iter().filter_map(|part| part.world().next_visible()).min();
            match next {
                _ if self.stage.now() > end => return Closing { done: false, redriven },
                _ if !self.unanswered.is_empty() => self.stage.advance(Duration::from_mins(1)),
                None if self.given_up() > 0 => self.stage.advance(Duration::from_mins(1)),
                None => return Closing { done: true, redriven },
                Some(at) => self.stage.advance_to(at),
            }
        }
    }

    /// How many messages are with the dead letters.
    fn given_up(&self) -> usize {
        self.parts.iter().map(|part| part.world().dead_letters().len()).sum()
    }

    async fn arrive(&mut self, arrival: &Arrival, limits: &Limits, runs: &mut Vec<Run>) {
        let Arrival { order: number, variant, way } = *arrival;
        let id = format!("A{number}");
        match self.orders.iter_mut().find(|(known, _)| *known == id) {
            Some((_, variants)) if variants.contains(&variant) => {}
            Some((_, variants)) => variants.push(variant),
            None => self.orders.push((id.clone(), vec![variant])),
        }
        let order = order(&id, variant);
        let parts = match way {
            Way::Bus => 0..self.parts.len(),
            Way::Api(part) | Way::DelayedOrder(part) => part..part + 1,
        };
        self.came.extend(parts.map(|part| (part, id.clone())));
        match way {
            Way::Bus => {
                for part in &self.parts {
                    part.world().enqueue(postback_harness::order_event(&order).to_string());
                }
            }
            Way::DelayedOrder(part) => {
                let due = json!({
                    "detail-type": "postback.due", "detail": order,
                    "not_before_ms": self.stage.now().as_millis(),
                });
                self.parts[part].world().enqueue(due.to_string());
            }
            Way::Api(part) => {
                let path = format!("/orders/{}", self.parts[part].name());
                let event = api_event("POST", &path, &order.to_string());
                runs.push(self.run(part, event, Why::Posted(id, *arrival), limits).await);
            }
        }
    }

    async fn run(&mut self, part: usize, event: Value, why: Why, limits: &Limits) -> Run {
        let hangs = limits.hanging.contains(&part);
        let once = hangs || limits.ledger_hangs;
        let idle = if once { None } else { self.parts[part].idle().pop() };
        let instance = if let Some(instance) = idle {
            instance
        } else {
            let with = |hangs| if hangs { IMPATIENT } else { PATIENT };
            let patience = Patience { network: with(hangs), ledger: with(limits.ledger_hangs) };
            self.parts[part].start(&self.stage, patience).await
        };
        Run { part, instance, event, why, once }
    }

    /// Runs all of it at the same time. The wires of the instances that are no more.
    async fn play(&mut self, runs: Vec<Run>, round: &Round, time: Duration) -> Vec<Wire> {
        let deadline = self.stage.now() + time;
        let ends = runs.iter().enumerate().map(|(number, run)| {
            let kills = round.kills.iter().filter(|(which, _)| usize::from(*which) == number);
            let kills: Vec<_> = kills.map(|(_, step)| u32::from(*step)).collect();
            let fate = KillPlan::killed_at(&kills);
            let mut pace = round.pace.clone();
            if !pace.is_empty() {
                pace.rotate_left(number % round.pace.len());
            }
            Paced::new(fate.guard(run.instance.function.call(&run.event, deadline)), pace)
        });
        let ends = join_all(ends).await;
        let mut graves = Vec::new();
        for (run, end) in runs.into_iter().zip(ends) {
            self.invocations.0 += 1;
            self.invocations.1 += u64::from(end.is_none());
            if end.is_none() || run.once {
                drop(run.instance.function);
                graves.push(run.instance.wire);
            } else {
                self.parts[run.part].idle().push(run.instance);
            }
            self.note(run.part, run.why, end);
        }
        graves
    }

    fn note(&mut self, part: usize, why: Why, end: Option<Value>) {
        match (why, end) {
            (Why::Received(messages), Some(answer)) => {
                delete_taken(self.parts[part].world(), &messages, &answer);
            }
            (Why::Received(_), None) => {}
            (Why::Posted(_, arrival), None) => self.unanswered.push(arrival),
            (Why::Posted(id, arrival), Some(answer)) => {
                let body = answer["body"].as_str().unwrap_or_default();
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                let state = serde_json::from_value::<State>(body["state"].clone());
                match (answer["statusCode"].as_u64(), state) {
                    (Some(200), Ok(state)) => self.told.push((part, id, state)),
                    (Some(202 | 409), _) => {}
                    _ => self.unanswered.push(arrival),
                }
            }
        }
    }

    fn make_trouble(&self, troubles: &[InjectedFault]) -> Limits {
        let mut limits =
            Limits { time: TIMEOUT, hanging: Vec::new(), ledger_hangs: false, wrong_keys: None };
        let sandbox = &self.stage.sandbox;
        for trouble in troubles {
            match trouble {
                InjectedFault::Network(part, fault) => {
                    let rule = postback_sandbox::Rule::on(self.parts[*part].at(), fault.clone());
                    sandbox.script(rule).expect("a rule");
                }
                InjectedFault::Hang(part, late) => {
                    let hang = postback_sandbox::Fault::hang();
                    let hang = if *late { hang.processed_late() } else { hang };
                    sandbox.outage(self.parts[*part].at(), Some(hang)).expect("an outage");
                    limits.hanging.push(*part);
                }
                InjectedFault::Connection(fault) => {
                    let rule = postback_sandbox::Rule::on_connection(fault.clone());
                    sandbox.script(rule).expect("a rule");
                }
                InjectedFault::Ledger(strikes) => {
                    self.stage.table.script(strikes.iter().copied());
                    let hangs = |strike: &Strike| matches!(strike, Strike::Hang | Strike::Stall);
                    limits.ledger_hangs = strikes.iter().any(hangs);
                }
                InjectedFault::QueueDown(part) => self.parts[*part].world().queue_down(true),
                InjectedFault::WrongKeys(rotate) => {
                    self.change_keys("0");
                    limits.wrong_keys = Some(*rotate);
                }
                InjectedFault::Hurry(time) => limits.time = *time,
            }
        }
        limits
    }

    fn end_trouble(&self, limits: &mut Limits) {
        for part in limits.hanging.drain(..) {
            self.stage.sandbox.outage(self.parts[part].at(), None).expect("no outage");
        }
        if limits.ledger_hangs {
            self.stage.table.script([]);
        }
        if let Some(rotate) = limits.wrong_keys.take() {
            self.change_keys("");
            for part in self.parts.iter().filter(|_| rotate) {
                part.world().rotate(&part.secret());
            }
        }
        self.stage.sandbox.release();
        for part in &self.parts {
            part.world().queue_down(false);
        }
    }

    /// The networks take other keys: the right ones with `suffix`.
    fn change_keys(&self, suffix: &str) {
        let right = postback_sandbox::Accounts::default();
        self.stage.sandbox.change_accounts(|accounts| {
            accounts.cpa_moe.key = format!("{}{suffix}", right.cpa_moe.key);
            accounts.cartstack.key = format!("{}{suffix}", right.cartstack.key);
            accounts.shopback.security_token = format!("{}{suffix}", right.shopback.security_token);
        });
    }
}

/// What a round's troubles change for its invocations.
struct Limits {
    time: Duration,
    hanging: Vec<usize>,
    ledger_hangs: bool,
    wrong_keys: Option<bool>,
}
