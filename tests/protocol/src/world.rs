//! The world around the protocol: what can happen, and what comes of it.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use postback::{
    clock::Timestamp,
    delivery::{Attempt, Decision, Delivery, Event, Fingerprint, Policy, Resolution, Step, Then},
    network::{IfAbsent, Lookup, Proof, Verdict},
    word::{Evidence, Reason},
};

use crate::mutant::{Mutant, mutated};

/// One tick of the world's clock: long against everything that counts in seconds.
const TICK: Duration = Duration::from_mins(1);
/// Now, always: when time passes, everything else moves into the past. 2026-11-21T10:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
/// How many ticks an invocation may live.
const LIFE: Ticks = 2;
/// Further back than this, one instant is like another.
const PAST: Ticks = 5;
/// More messages on the queue than this are like this many.
const MOST_MESSAGES: u8 = 3;

/// What is told, as a digest that is quickly compared.
static CONTENT: LazyLock<Fingerprint> =
    LazyLock::new(|| serde_json::from_str("\"o\"").unwrap_or_else(|_| Fingerprint::of(&"order")));

/// A span of the world's time.
pub type Ticks = u8;

const fn ticks(count: u8) -> Duration {
    TICK.saturating_mul(count as u32)
}

/// The instant from which nothing can be told from what came before.
fn long_ago() -> Timestamp {
    NOW - ticks(PAST)
}

/// The same instant seen one tick later.
fn older(instant: Timestamp) -> Timestamp {
    (instant - TICK).max(long_ago())
}

/// What ends a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Its host: no byte leaves after the deadline, as in Lambda.
    KillsAtTheDeadline,
    /// Only the request's own timeout: no byte leaves later than that after the last look at the
    /// clock.
    LetsItRun,
}

/// How far the world is explored.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many invocations there may be.
    pub starts: u8,
    /// How many of them may be direct calls, which come again only if the caller likes.
    pub calls: u8,
    /// How many invocations may have a clock that is ahead of the others'.
    pub ahead: u8,
    /// How many may live at once, without the operator.
    pub at_once: usize,
    /// How often the operator looks.
    pub looks: u8,
    /// What the network may do with an attempt.
    pub outcomes: &'static [Outcome],
    /// How often it may answer that a setting is wrong.
    pub wrong_settings: u8,
    /// Whether the network may hold somebody else's conversion, so that all of ours are
    /// duplicates to it.
    pub elsewhere: bool,
}

/// The world: everything that does not change while it is explored.
#[derive(Clone, Debug)]
pub struct World {
    /// The protocol's numbers.
    pub policy: Policy,
    /// How far it is explored.
    pub bounds: Bounds,
    /// What ends a sender.
    pub host: Host,
    /// The rule that is taken out.
    pub mutant: Option<Mutant>,
    /// How far clocks really are apart, in ticks.
    skew: Ticks,
    /// How long the network really takes to show what it has accepted, in ticks.
    lag: Ticks,
}

impl World {
    /// A world with a network of this resolution and all rules in force.
    #[must_use]
    pub fn new(resolution: Resolution, bounds: Bounds) -> Self {
        let policy = Policy {
            need: ticks(1),
            skew: ticks(1),
            lag: ticks(1),
            backoff: ticks(1),
            backoff_cap: ticks(1),
            attempts: 3,
            budget: ticks(200),
            park: ticks(1),
            ..Policy::new(resolution, TICK, TICK)
        };
        Self { policy, bounds, host: Host::KillsAtTheDeadline, mutant: None, skew: 1, lag: 1 }
    }

    /// The same world with another host.
    #[must_use]
    pub fn on(self, host: Host) -> Self {
        Self { host, ..self }
    }

    /// The same world without one rule.
    #[must_use]
    pub fn without(mut self, mutant: Mutant) -> Self {
        match mutant {
            Mutant::SkewIgnored => self.policy.skew = Duration::ZERO,
            Mutant::LagIgnored => self.policy.lag = Duration::ZERO,
            _ => {}
        }
        Self { mutant: Some(mutant), ..self }
    }

    fn lacks(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Whether the network takes a second conversion under our key for a duplicate.
    pub(crate) fn deduplicates(&self) -> bool {
        self.policy.resolution == Resolution::SendAgain
    }
}

/// All that is true at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What the ledger holds.
    pub ledger: Option<Arc<Delivery>>,
    /// How many messages are on the queue. Each may come at any time, and more than once.
    pub queue: u8,
    /// The invocations that live, in an order that does not matter.
    pub running: Vec<Invocation>,
    /// The version of the settings.
    pub settings: u8,
    /// How many conversions of ours the network holds.
    pub effects: u8,
    /// How long the network may still not show it.
    pub hidden: Ticks,
    /// Whether the network holds somebody else's conversion.
    pub elsewhere: bool,
    /// Whether a byte of ours ever reached the network.
    pub reached: bool,
    /// Whether anybody was promised that the delivery is carried on.
    pub promised: bool,
    starts: u8,
    calls: u8,
    ahead: u8,
    looks: u8,
    wrong_settings: u8,
}

/// One run of a function, or an operator at work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Invocation {
    /// What began it.
    pub kind: Kind,
    /// How far its clock is ahead of the true time.
    pub ahead: Ticks,
    /// When it is ended, by its own clock.
    pub deadline: Timestamp,
    /// The settings it read.
    pub settings: u8,
    /// Until when it holds the network for paused.
    pub paused: Option<Timestamp>,
    /// What it believes the ledger to hold.
    pub held: Option<Arc<Delivery>>,
    /// Whether the ledger still holds that: what the version tells.
    pub current: bool,
    /// Where it is.
    pub turn: Turn,
}

/// What began an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message, which comes again unless the invocation ends well.
    Message,
    /// A direct call.
    Call,
    /// A person who has looked at the delivery and at the network.
    Operator,
}

/// Where an invocation is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// A write is on its way.
    Write {
        /// What it comes of: decided anew if the write is refused.
        cause: Cause,
        /// What is written; `None` when it is certain to be refused.
        next: Option<Arc<Delivery>>,
        /// What is done once it stands.
        place: Place,
    },
    /// The claim stands; the request's bytes leave until then, to the very tick, if at all.
    Send {
        /// Which attempt.
        attempt: Attempt,
        /// By its own clock.
        until: Timestamp,
    },
    /// About to ask the network.
    Ask,
    /// All is written. Whether the order is about to be put back on the queue.
    FollowUp(bool),
}

/// What is done once a write stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Send.
    Send(Attempt),
    /// Ask the network.
    Ask,
    /// Decide again at once.
    Again,
    /// End, and come back or not.
    FollowUp(bool),
}

/// What an invocation decides on: an event in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The order has come.
    Arrival,
    /// The attempt has come to this.
    Settled(u32, Meaning),
    /// The network was asked then, and shows it, does not show it (`Some(false)`) or did not answer.
    LookedUp(Timestamp, Option<bool>),
    /// A person has decided.
    Decided(Decision),
}

/// A verdict in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// Confirmed, or accepted by a network that never confirms.
    Success,
    /// A duplicate of our own.
    OurDuplicate,
    /// A duplicate of somebody else's.
    DuplicateElsewhere,
    /// A duplicate; whose is for a lookup to say.
    DuplicateOfWhom,
    /// No answer.
    Lost,
    /// Not one byte left.
    NotSent,
    /// Certainly not processed.
    NotNow,
    /// A setting is wrong.
    WrongSetting,
    /// Refused, by reason of the moment.
    Refused,
    /// Nothing to report.
    Nothing,
}

/// What the network does with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not one byte leaves.
    NotSent,
    /// It is processed and answered.
    Answered,
    /// It is processed, and the answer is lost.
    AnswerLost,
    /// It is lost on its way, which nobody can tell from the above.
    RequestLost,
    /// It is asked to come again.
    NotNow,
    /// It is told that a setting is wrong.
    WrongSetting,
    /// It is refused now.
    Refused,
    /// It is told that there is nothing to report.
    Nothing,
}

/// What can happen. Invocations and messages are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes.
    Tick,
    /// An invocation begins.
    Begin {
        /// With a message, or by a direct call.
        kind: Kind,
        /// How far its clock is ahead.
        ahead: Ticks,
        /// Whether the queue keeps the message and delivers it again.
        copy: bool,
        /// Whether the running function holds the network for paused.
        paused: bool,
    },
    /// An operator looks at the delivery and at the network.
    Look,
    /// The settings are changed.
    Mend,
    /// The write arrives.
    Land(usize),
    /// The write of an outcome fails; whether it stands all the same.
    WriteFails(usize, bool),
    /// The bytes leave, if at all.
    Send(usize, Outcome),
    /// No byte left in time.
    TimeOut(usize),
    /// The network is asked; whether it shows it, `None` when it does not answer.
    Ask(usize, Option<bool>),
    /// The order is put back if need be, and the invocation ends well.
    End(usize),
    /// The invocation dies.
    Crash(usize),
}

impl Invocation {
    fn clock(&self) -> Timestamp {
        NOW + ticks(self.ahead)
    }

    /// Whether time may pass before its next turn. An answer is acted on, or lost with the
    /// invocation, before its age can no longer be told.
    fn may_wait(&self) -> bool {
        !matches!(
            self.turn,
            Turn::Write { cause: Cause::LookedUp(asked, _), .. } if asked <= long_ago()
        )
    }

    fn event(&self, cause: Cause) -> Event {
        let chance = 0;
        let settings = self.settings.to_string();
        match cause {
            Cause::Arrival => Event::Arrive {
                content: CONTENT.clone(),
                deadline: self.deadline,
                settings,
                paused: self.paused.map(|until| (until, Reason::new("key"))),
            },
            Cause::Settled(attempt, meaning) => {
                Event::Settle { attempt, verdict: meaning.verdict(), settings, chance }
            }
            Cause::LookedUp(asked, shown) => {
                let lookup = match shown {
                    Some(true) => Lookup::Found { references: Evidence::none() },
                    Some(false) => Lookup::Absent,
                    None => Lookup::Failed { reason: Reason::new("lost") },
                };
                Event::LookedUp { asked, lookup, deadline: self.deadline, chance }
            }
            Cause::Decided(decision) => Event::Decide(decision),
        }
    }
}

impl Meaning {
    fn verdict(self) -> Verdict {
        let reason = Reason::new("model");
        match self {
            Self::Success => Verdict::Delivered(Proof::Response),
            Self::OurDuplicate => Verdict::Delivered(Proof::Duplicate),
            Self::DuplicateElsewhere => Verdict::rejected("duplicate_elsewhere"),
            Self::DuplicateOfWhom => Verdict::Unconfirmed { reason, if_absent: IfAbsent::Reject },
            Self::Lost => Verdict::unconfirmed("model"),
            Self::NotSent => Verdict::Retry { reason, after: None, sent: false },
            Self::NotNow => Verdict::retry("model", Some(TICK)),
            Self::WrongSetting => Verdict::parked("model"),
            Self::Refused => Verdict::rejected_now("model"),
            Self::Nothing => Verdict::Skipped(reason),
        }
    }
}

impl World {
    pub(crate) fn first(&self) -> Vec<State> {
        let bounds = &self.bounds;
        let queued: &[u8] = if bounds.calls > 0 { &[1, 0] } else { &[1] };
        let elsewhere: &[bool] = if bounds.elsewhere { &[false, true] } else { &[false] };
        let state = |queue: u8, elsewhere: bool| State {
            ledger: None,
            queue,
            running: Vec::new(),
            settings: 1,
            effects: 0,
            hidden: 0,
            elsewhere,
            reached: false,
            promised: queue > 0,
            starts: bounds.starts,
            calls: bounds.calls,
            ahead: bounds.ahead,
            looks: bounds.looks,
            wrong_settings: bounds.wrong_settings,
        };
        queued
            .iter()
            .flat_map(|queue| elsewhere.iter().map(|elsewhere| state(*queue, *elsewhere)))
            .collect()
    }

    pub(crate) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        if state.running.iter().all(Invocation::may_wait) {
            actions.push(Action::Tick);
        }
        if state.settings == 1 && state.wrong_settings < self.bounds.wrong_settings {
            actions.push(Action::Mend);
        }
        if state.looks > 0 && state.ledger.as_ref().is_some_and(|delivery| is_open(delivery)) {
            actions.push(Action::Look);
        }
        self.beginnings(state, actions);
        for (i, invocation) in state.running.iter().enumerate() {
            self.turns(state, i, invocation, actions);
        }
    }

    fn beginnings(&self, state: &State, actions: &mut Vec<Action>) {
        let alive = state.running.iter().filter(|run| run.kind != Kind::Operator).count();
        if state.starts == 0 || alive >= self.bounds.at_once {
            return;
        }
        let bad = state.settings == 1 && state.wrong_settings < self.bounds.wrong_settings;
        let pauses: &[bool] = if bad { &[false, true] } else { &[false] };
        for ahead in 0..=if state.ahead > 0 { self.skew } else { 0 } {
            for &paused in pauses {
                if state.queue > 0 {
                    for copy in [false, true] {
                        let kind = Kind::Message;
                        actions.push(Action::Begin { kind, ahead, copy, paused });
                    }
                }
                if state.calls > 0 {
                    let kind = Kind::Call;
                    actions.push(Action::Begin { kind, ahead, copy: false, paused });
                }
            }
        }
    }

    fn turns(&self, state: &State, i: usize, invocation: &Invocation, actions: &mut Vec<Action>) {
        match &invocation.turn {
            Turn::Write { cause, .. } => {
                actions.push(Action::Land(i));
                // For a message it is like a crash.
                if invocation.kind == Kind::Call && matches!(cause, Cause::Settled(..)) {
                    actions.push(Action::WriteFails(i, false));
                    actions.push(Action::WriteFails(i, true));
                }
            }
            Turn::Send { until, .. } if invocation.clock() <= *until => {
                let likely = |outcome: &Outcome| match outcome {
                    Outcome::WrongSetting => invocation.settings == 1 && state.wrong_settings > 0,
                    // What is there can't be "nothing".
                    Outcome::Nothing | Outcome::Refused => state.effects == 0,
                    _ => true,
                };
                let outcomes = self.bounds.outcomes.iter().copied().filter(likely);
                actions.extend(outcomes.map(|outcome| Action::Send(i, outcome)));
            }
            Turn::Send { .. } if self.host == Host::LetsItRun => actions.push(Action::TimeOut(i)),
            Turn::Send { .. } => {}
            Turn::Ask => {
                if state.effects > 0 {
                    actions.push(Action::Ask(i, Some(true)));
                }
                if state.effects == 0 || state.hidden > 0 {
                    actions.push(Action::Ask(i, Some(false)));
                }
                actions.push(Action::Ask(i, None));
            }
            Turn::FollowUp(_) => actions.push(Action::End(i)),
        }
        actions.push(Action::Crash(i));
    }

    pub(crate) fn after(&self, last: &State, action: Action) -> State {
        let mut state = last.clone();
        match action {
            Action::Tick => pass(&mut state),
            Action::Mend => state.settings = 2,
            Action::Begin { kind, ahead, copy, paused } => {
                self.begin(&mut state, kind, ahead, copy, paused);
            }
            Action::Look => self.look(&mut state),
            Action::Land(i) => self.land(&mut state, i),
            Action::WriteFails(i, stands) => {
                let mut invocation = state.running.remove(i);
                if let Turn::Write { next: Some(next), .. } = &invocation.turn
                    && stands
                    && invocation.current
                {
                    state.ledger = Some(Arc::clone(next));
                    self.outdate(&mut state);
                }
                invocation.turn = Turn::FollowUp(true);
                go_on(&mut state, invocation);
            }
            Action::Send(i, outcome) => self.send(&mut state, i, outcome),
            Action::TimeOut(i) => {
                let mut invocation = state.running.remove(i);
                if let Turn::Send { attempt, .. } = invocation.turn {
                    self.decide(&mut invocation, Cause::Settled(attempt.number, Meaning::Lost));
                }
                go_on(&mut state, invocation);
            }
            Action::Ask(i, shown) => {
                let mut invocation = state.running.remove(i);
                let asked = invocation.clock();
                self.decide(&mut invocation, Cause::LookedUp(asked, shown));
                go_on(&mut state, invocation);
            }
            Action::End(i) => {
                let invocation = state.running.remove(i);
                if invocation.turn == Turn::FollowUp(true) {
                    put_back(&mut state);
                }
            }
            Action::Crash(i) => {
                if state.running.remove(i).kind == Kind::Message {
                    put_back(&mut state);
                }
            }
        }
        state.running.sort_unstable();
        state
    }

    fn begin(&self, state: &mut State, kind: Kind, ahead: Ticks, copy: bool, paused: bool) {
        match kind {
            Kind::Message if !copy => state.queue -= 1,
            Kind::Call => state.calls -= 1,
            Kind::Message | Kind::Operator => {}
        }
        let mut invocation = Invocation {
            kind,
            ahead,
            deadline: NOW + ticks(ahead + LIFE),
            settings: state.settings,
            paused: paused.then(|| NOW + ticks(ahead + 1)),
            held: state.ledger.clone(),
            current: true,
            turn: Turn::Ask,
        };
        self.decide(&mut invocation, Cause::Arrival);
        // One that has nothing to do is gone at once and changes nothing.
        if !matches!(invocation.turn, Turn::FollowUp(_)) {
            state.starts = state.starts.saturating_sub(1);
            state.ahead = state.ahead.saturating_sub(ahead);
        }
        go_on(state, invocation);
    }

    /// The operator sees the delivery and the truth.
    fn look(&self, state: &mut State) {
        state.looks -= 1;
        let decision = if state.effects > 0 { Decision::Delivered } else { Decision::SendAgain };
        let mut operator = Invocation {
            kind: Kind::Operator,
            ahead: 0,
            deadline: long_ago(),
            settings: state.settings,
            paused: None,
            held: state.ledger.clone(),
            current: true,
            turn: Turn::Ask,
        };
        self.decide(&mut operator, Cause::Decided(decision));
        go_on(state, operator);
    }

    /// One turn of the courier: asks the protocol, then writes or does what it says.
    fn decide(&self, invocation: &mut Invocation, cause: Cause) {
        let event = invocation.event(cause);
        let now = invocation.clock();
        let held = invocation.held.as_deref();
        let Step { next, then } = mutated(self.mutant, held, &event, &self.policy, now);
        let place = match then {
            Then::Send(attempt) => Place::Send(Attempt { at: long_ago(), ..attempt }),
            Then::LookUp => Place::Ask,
            Then::Wait(until) if next.is_some() && until <= now && cause == Cause::Arrival => {
                Place::Again
            }
            Then::Wait(_) => Place::FollowUp(true),
            Then::Rest | Then::Conflict => Place::FollowUp(false),
        };
        invocation.turn = match (next, place) {
            (Some(next), place) => {
                let next = Some(Arc::new(essence(next)));
                Turn::Write { cause, next, place }
            }
            (None, Place::Ask) => Turn::Ask,
            (None, Place::FollowUp(wait)) => Turn::FollowUp(wait),
            (None, Place::Send(_) | Place::Again) => {
                unreachable!("the protocol neither sends nor goes on without a write")
            }
        };
    }

    fn land(&self, state: &mut State, i: usize) {
        let mut invocation = state.running.remove(i);
        let Turn::Write { cause, next, place } = invocation.turn.clone() else {
            unreachable!("only a write lands")
        };
        let unwritten = self.lacks(Mutant::IntentDropped) && matches!(place, Place::Send(_));
        match next {
            Some(next) if unwritten => invocation.held = Some(next),
            Some(next) if invocation.current || self.lacks(Mutant::FenceDropped) => {
                state.ledger = Some(Arc::clone(&next));
                self.outdate(state);
                invocation.held = Some(next);
                invocation.current = true;
            }
            _ => {
                invocation.held.clone_from(&state.ledger);
                invocation.current = true;
                // A person who finds that it has moved on looks again.
                if invocation.kind == Kind::Operator && !self.lacks(Mutant::DecisionNotFenced) {
                    return;
                }
                self.decide(&mut invocation, cause);
                go_on(state, invocation);
                return;
            }
        }
        let now = invocation.clock();
        match place {
            Place::Again => self.decide(&mut invocation, Cause::Arrival),
            Place::Ask => invocation.turn = Turn::Ask,
            Place::FollowUp(wait) => invocation.turn = Turn::FollowUp(wait),
            Place::Send(attempt) => {
                let in_time = now + self.policy.need <= invocation.deadline;
                if in_time || self.lacks(Mutant::DeadlineNotChecked) {
                    let until = match self.host {
                        Host::KillsAtTheDeadline => invocation.deadline,
                        Host::LetsItRun => now + self.policy.need,
                    };
                    invocation.turn = Turn::Send { attempt, until };
                } else {
                    let cause = Cause::Settled(attempt.number, Meaning::NotSent);
                    self.decide(&mut invocation, cause);
                }
            }
        }
        go_on(state, invocation);
    }

    /// The ledger has been written: what others believe of it is old.
    fn outdate(&self, state: &mut State) {
        for other in &mut state.running {
            other.current = false;
            if let Turn::Write { next, place, .. } = &mut other.turn
                && !self.lacks(Mutant::FenceDropped)
                && !self.lacks(Mutant::IntentDropped)
            {
                *next = None;
                *place = Place::Again;
                other.held = None;
            }
        }
    }

    fn send(&self, state: &mut State, i: usize, outcome: Outcome) {
        let mut invocation = state.running.remove(i);
        let Turn::Send { attempt, .. } = invocation.turn else {
            unreachable!("only a claim sends")
        };
        let meaning = match outcome {
            Outcome::NotSent => Meaning::NotSent,
            Outcome::Answered => self.process(state, &attempt),
            Outcome::AnswerLost => {
                self.process(state, &attempt);
                Meaning::Lost
            }
            Outcome::RequestLost => Meaning::Lost,
            Outcome::NotNow => Meaning::NotNow,
            Outcome::WrongSetting => {
                state.wrong_settings -= 1;
                Meaning::WrongSetting
            }
            Outcome::Refused => Meaning::Refused,
            Outcome::Nothing => Meaning::Nothing,
        };
        state.reached |= outcome != Outcome::NotSent;
        self.decide(&mut invocation, Cause::Settled(attempt.number, meaning));
        go_on(state, invocation);
    }

    /// What a "duplicate" means: as the networks' crates read it.
    fn duplicate(&self, attempt: &Attempt) -> Meaning {
        let reached = attempt.reached_before;
        match (self.mutant, self.policy.resolution) {
            (Some(Mutant::DuplicateAlwaysOurs), _) => Meaning::OurDuplicate,
            (Some(Mutant::DuplicateNeverOurs), _) => Meaning::DuplicateElsewhere,
            (Some(Mutant::DuplicateOursOnceReached), _) if reached => Meaning::OurDuplicate,
            // Whether it is ours can be asked.
            (_, Resolution::LookUp) => Meaning::DuplicateOfWhom,
            // The key is the order's: what else could it be?
            (_, Resolution::SendAgain) if reached => Meaning::OurDuplicate,
            // The key is not the line's: it may be another line's.
            (_, Resolution::Hold) if reached => Meaning::DuplicateOfWhom,
            (_, Resolution::SendAgain | Resolution::Hold) => Meaning::DuplicateElsewhere,
        }
    }

    /// The network takes the request, and what its answer means to us.
    fn process(&self, state: &mut State, attempt: &Attempt) -> Meaning {
        if state.elsewhere || (self.deduplicates() && state.effects > 0) {
            return self.duplicate(attempt);
        }
        if state.effects == 0 {
            state.hidden = self.lag;
        }
        state.effects += 1;
        Meaning::Success
    }
}

fn is_open(delivery: &Delivery) -> bool {
    delivery.state == postback::delivery::State::Unconfirmed
}

/// The order is put back on the queue, which is a promise to carry it on.
fn put_back(state: &mut State) {
    state.queue = (state.queue + 1).min(MOST_MESSAGES);
    state.promised = true;
}

/// The invocation goes on, unless all that is left of it is to end. A direct call may die before
/// it does; a message that comes again is nothing new, and a person sees to it.
fn go_on(state: &mut State, invocation: Invocation) {
    match (&invocation.turn, invocation.kind) {
        (Turn::FollowUp(false), _) => {}
        (Turn::FollowUp(true), Kind::Message | Kind::Operator) => put_back(state),
        _ => state.running.push(invocation),
    }
}

/// One tick.
fn pass(state: &mut State) {
    let aged = |delivery: &mut Option<Arc<Delivery>>| {
        if let Some(delivery) = delivery {
            let (dead_by, not_before) = (older(delivery.dead_by), older(delivery.not_before));
            if (dead_by, not_before) != (delivery.dead_by, delivery.not_before) {
                *delivery = Arc::new(Delivery { dead_by, not_before, ..(**delivery).clone() });
            }
        }
    };
    aged(&mut state.ledger);
    state.hidden = state.hidden.saturating_sub(1);
    for invocation in &mut state.running {
        aged(&mut invocation.held);
        invocation.deadline = older(invocation.deadline);
        invocation.paused = invocation.paused.map(older);
        match &mut invocation.turn {
            Turn::Write { cause, next, .. } => {
                aged(next);
                if let Cause::LookedUp(asked, _) = cause {
                    *asked = older(*asked);
                }
            }
            Turn::Send { until, .. } => *until = older(*until),
            Turn::Ask | Turn::FollowUp(_) => {}
        }
    }
}

/// A delivery without what the protocol never reads, so that fewer states are told apart.
fn essence(delivery: Delivery) -> Delivery {
    let settled = delivery.state.is_final();
    let sending = delivery.state == postback::delivery::State::Sending;
    Delivery {
        reason: None,
        proof: None,
        since: long_ago(),
        dead_by: if sending { delivery.dead_by } else { long_ago() },
        not_before: if settled { long_ago() } else { delivery.not_before.max(long_ago()) },
        ..delivery
    }
}
