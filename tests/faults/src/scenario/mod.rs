//! Many orders, several networks, all sources and all faults at once, round by round: every
//! function that is called in one round runs at the same time as all the others of it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures_util::future::join_all;
use postback_core::{clock::Timestamp, delivery::State, network::Network};
use postback_harness::{INVISIBLE, Message, Patience, TestBed, sqs_event};
use serde_json::Value;

use crate::{KillPlan, NetworkCase, Paced, Wire, lifecycle::delete_taken};

mod arrivals;
mod function;
mod injection;
mod outage;
mod person;
mod round;
mod tally;

pub(crate) use arrivals::{Story, order_of, shares_click};
pub(crate) use function::NetworkFunction;
use function::{FunctionOf, Instance};
pub use injection::InjectedFault;
use injection::Limits;
pub use outage::Outage;
pub use person::Look;
pub use round::{Arrival, Closing, Round, Source};
pub use tally::{Happened, Tally};

/// A test bed with the functions of several networks.
pub struct Scenario {
    /// The test bed that all share.
    pub bed: TestBed,
    pub(crate) functions: Vec<Box<dyn NetworkFunction>>,
    /// The shop's words about every order.
    pub(crate) stories: Vec<Story>,
    /// The functions whose settings have changed, and the settings in force.
    pub(crate) settings: HashMap<usize, usize>,
    /// The deliveries about which a person decided.
    pub(crate) decided: HashSet<(usize, String)>,
    /// The number of each kind of event.
    pub tally: Tally,
    /// The outages and their ends.
    outages: Vec<(Outage, Timestamp)>,
    /// Decisions whose order was not brought: function, order, variant.
    half_done: Vec<(usize, String, u8)>,
    /// The requests that the network had got when the ledger was first seen to know of a cancellation.
    pub(crate) requests_when_cancelled: HashMap<(usize, String), usize>,
    /// API calls that got no answer, or one that promises nothing.
    unanswered: Vec<Arrival>,
    /// Final states that a caller was answered: function, order, state.
    pub(crate) answered: Vec<(usize, String, State)>,
    /// The number of invocations, and the number of those that were killed.
    pub invocations: (u64, u64),
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("orders", &self.stories.len()).finish_non_exhaustive()
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
            stories: Vec::new(),
            settings: HashMap::new(),
            decided: HashSet::new(),
            tally: Tally::default(),
            outages: Vec::new(),
            half_done: Vec::new(),
            requests_when_cancelled: HashMap::new(),
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
        self.stories.len()
    }

    /// Runs one round.
    pub async fn round(&mut self, round: &Round) {
        self.end_outages();
        self.tally.add(Happened::Kill, round.kills.len());
        let mut limits = self.inject(&round.faults);
        let mut runs = Vec::new();
        for arrival in &round.arrivals {
            runs.extend(self.arrive(arrival, &limits).await);
        }
        for function in 0..self.functions.len() {
            for _ in 0..BATCHES {
                let messages = self.functions[function].services().receive(BATCH, INVISIBLE);
                if messages.is_empty() {
                    break;
                }
                let event = sqs_event(&messages);
                runs.extend(self.run(function, event, Input::Received(messages), &limits).await);
            }
        }
        let wires = self.run_all(runs, round, limits.time).await;
        self.end_faults(&mut limits);
        for wire in wires {
            wire.drained().await;
        }
        self.note_cancellations().await;
        self.bed.advance(Duration::from_millis(round.advance_ms));
    }

    /// Ends the scenario without further faults, except for those that were scripted and not met
    /// yet: callers without an answer call again, a person brings what is still to be brought, dead
    /// letters are put back, and time passes until every queue is empty.
    pub async fn close(&mut self) -> Closing {
        self.bed.table.script([]);
        self.outages.clear();
        self.end_outages();
        self.restore_settings();
        let (began, mut redriven) = (self.bed.now(), 0);
        loop {
            redriven += self.dead_letters();
            for function in &self.functions {
                function.services().redrive();
            }
            self.bring_half_done();
            let arrivals = std::mem::take(&mut self.unanswered);
            self.round(&Round { arrivals, ..Round::default() }).await;
            let next = self.functions.iter().filter_map(|it| it.services().next_visible()).min();
            match next {
                _ if self.bed.now() > began + LONG => {
                    return Closing { left: self.left(), redriven };
                }
                _ if !self.unanswered.is_empty() => self.bed.advance(Duration::from_mins(1)),
                None if self.dead_letters() > 0 => self.bed.advance(Duration::from_mins(1)),
                None => return Closing { left: Vec::new(), redriven },
                Some(at) => self.bed.advance_to(at),
            }
            if self.bed.now() > began + LONG / 3 {
                self.settle_changed_settings().await;
            }
        }
    }

    fn left(&self) -> Vec<String> {
        let of = |function: &dyn NetworkFunction| {
            let services = function.services();
            let messages = services.queue().into_iter().map(|message| format!("{message:?}"));
            let letters = services.dead_letters().into_iter().map(|letter| format!("{letter:?}"));
            messages.chain(letters).collect::<Vec<_>>()
        };
        let calls = self.unanswered.iter().map(|arrival| format!("{arrival:?}"));
        self.functions.iter().flat_map(|it| of(it.as_ref())).chain(calls).collect()
    }

    fn dead_letters(&self) -> usize {
        self.functions.iter().map(|function| function.services().dead_letters().len()).sum()
    }

    /// An invocation to be run; `None` if no instance can be started.
    async fn run(
        &mut self,
        function: usize,
        event: Value,
        input: Input,
        limits: &Limits,
    ) -> Option<Run> {
        let hangs = limits.hanging.contains(&function);
        let once = hangs || limits.ledger_hangs;
        let idle = if once { None } else { self.functions[function].idle().pop() };
        let instance = if let Some(instance) = idle {
            instance
        } else if self.is_down(Outage::Secrets) {
            // It can't start: the message comes again, and so does the caller.
            self.note(function, input, None);
            return None;
        } else {
            let with = |hangs| if hangs { IMPATIENT } else { PATIENT };
            let patience = Patience { network: with(hangs), ledger: with(limits.ledger_hangs) };
            self.functions[function].start(&self.bed, patience).await
        };
        Some(Run { function, instance, event, input, once })
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
