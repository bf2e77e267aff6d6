//! The parts of the world that do not change while it is explored, and what can happen in it: more than
//! 300 lines.

use std::time::Duration;

use postback_core::delivery::{Decision, Policy, Recovery, State as DeliveryState};

use crate::{
    clock::{TICK, Ticks, ticks},
    mutant::Mutant,
    script::{Script, Word},
    state::{Action, Cause, Invocation, Kind, Message, Order, Outcome, State, Turn},
};

/// The time between two answers of "not there", in ticks.
const ABSENCE: Ticks = 1;

/// What ends a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Its host: no byte leaves after the deadline, as in Lambda.
    KillsAtTheDeadline,
    /// The request's own timeout: no byte leaves later than that after the last look at the clock.
    LetsItRun,
}

/// How a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// By what the network really holds.
    Informed,
    /// Anyhow.
    Erring,
}

/// How far the world is explored.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The number of invocations.
    pub starts: u8,
    /// The number of invocations with a clock that is ahead of the others'.
    pub ahead: u8,
    /// The number that may live at once, without people and the sweep.
    pub at_once: usize,
    /// The number of times that a person looks.
    pub looks: u8,
    /// The decisions that a person may take.
    pub decisions: &'static [Decision],
    /// The number of times that the sweep looks.
    pub sweeps: u8,
    /// What the network may do with an attempt.
    pub outcomes: &'static [Outcome],
    /// The number of answers that a setting is wrong.
    pub wrong_settings: u8,
    /// True if circuit breakers may be open.
    pub pauses: bool,
    /// True if the network may hold somebody else's conversion, so that all of ours are
    /// duplicates to it.
    pub elsewhere: bool,
}

impl Bounds {
    /// Crashes, late writes, messages that come twice, lost requests and answers.
    pub const LOSSES: Self = Self {
        starts: 3,
        ahead: 0,
        at_once: 2,
        looks: 0,
        decisions: &[],
        sweeps: 0,
        outcomes: &[Outcome::Answered, Outcome::AnswerLost, Outcome::RequestLost, Outcome::NotSent],
        wrong_settings: 0,
        pauses: false,
        elsewhere: false,
    };
}

/// The world: everything that does not change while it is explored.
#[derive(Clone, Debug)]
pub struct World {
    /// The protocol's numbers.
    pub policy: Policy,
    /// How far it is explored.
    pub bounds: Bounds,
    /// What happens to it from outside.
    pub script: Script,
    /// What ends a sender.
    pub host: Host,
    /// How a person decides.
    pub person: Person,
    /// The rule that is taken out.
    pub mutant: Option<Mutant>,
    /// The distance between two clocks in truth, in ticks.
    pub(crate) skew: Ticks,
    /// The time that the network takes in truth to show what it has accepted, in ticks: longer than it
    /// is said to by the time between two answers of "not there".
    pub(crate) lag: Ticks,
    /// The time for which a permission holds, in ticks; `None` in a world that is too short for it to
    /// lapse.
    pub(crate) lapse: Option<Ticks>,
}

impl World {
    /// A world with a network of this recovery and all rules in force.
    #[must_use]
    pub fn new(recovery: Recovery, bounds: Bounds, script: Script) -> Self {
        let policy = Policy {
            need: ticks(1),
            // More than the clocks are apart.
            skew: ticks(1) + Duration::from_millis(1),
            lag: ticks(1),
            absence: ticks(ABSENCE),
            backoff: ticks(1) / 8,
            backoff_cap: ticks(1) / 8,
            attempts: 3,
            budget: ticks(200),
            park: ticks(1),
            permission: ticks(250),
            ..Policy::new(recovery, TICK, TICK)
        };
        Self {
            policy,
            bounds,
            script,
            host: Host::KillsAtTheDeadline,
            person: Person::Informed,
            mutant: None,
            skew: 1,
            lag: 1 + ABSENCE,
            lapse: None,
        }
    }

    /// The same world with another host.
    #[must_use]
    pub fn on(self, host: Host) -> Self {
        Self { host, ..self }
    }

    /// The same world with a network that takes this long to show what it has accepted.
    #[must_use]
    pub fn slow(mut self, lag: Ticks) -> Self {
        self.policy.lag = ticks(lag);
        Self { lag: lag + ABSENCE, ..self }
    }

    /// The same world with a network that shows an effect a tick later than it should at the latest: as late as the first
    /// look at it may come, and before the second.
    #[must_use]
    pub fn showing_late(self) -> Self {
        Self { lag: self.lag + 1, ..self }
    }

    /// The same world with permissions that lapse after this time.
    #[must_use]
    pub fn lapsing(mut self, lapse: Ticks) -> Self {
        self.policy.permission = ticks(lapse);
        Self { lapse: Some(lapse), ..self }
    }

    /// The same world with another person.
    #[must_use]
    pub fn with(self, person: Person) -> Self {
        Self { person, ..self }
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

    pub(crate) fn lacks(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Returns whether the network takes a second conversion under our key for a duplicate.
    pub(crate) fn deduplicates(&self) -> bool {
        self.policy.recovery == Recovery::SendAgain
    }

    pub(crate) fn word(&self, what: u8) -> Word {
        self.script.words[usize::from(what)]
    }

    pub(crate) fn first(&self) -> Vec<State> {
        let Bounds { starts, ahead, looks, sweeps, wrong_settings, .. } = self.bounds;
        let indices = 0..u8::try_from(self.script.words.len()).unwrap_or(u8::MAX);
        let by_call = |what: &u8| self.script.calls.contains(&usize::from(*what));
        let (calls, queued): (Vec<u8>, Vec<u8>) = indices.partition(by_call);
        let message = |what: &u8| Message { what: *what, delayed: false, name: 0 };
        let mut order = Order {
            ledger: None,
            queue: queued.iter().map(message).collect(),
            calls,
            effects: Vec::new(),
            hidden: 0,
            used: false,
            ghost: crate::ghost::Ghost::default(),
        };
        order.ghost.promised = !order.queue.is_empty();
        let state = |elsewhere: bool| State {
            orders: vec![order.clone(); usize::from(self.script.orders)],
            running: Vec::new(),
            settings: 0,
            elsewhere,
            starts,
            ahead,
            looks,
            sweeps,
            wrong_settings,
        };
        let elsewhere: &[bool] = if self.bounds.elsewhere { &[false, true] } else { &[false] };
        elsewhere.iter().map(|elsewhere| state(*elsewhere)).collect()
    }

    pub(crate) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        if state.running.iter().all(Invocation::may_wait) {
            actions.push(Action::Tick);
        }
        if usize::from(state.settings) + 1 < self.script.settings.len() {
            actions.push(Action::Change);
        }
        self.beginnings(state, actions);
        for (number, order) in state.orders.iter().enumerate() {
            if state.looks > 0 {
                let decisions = self.bounds.decisions.iter().copied();
                let sensible = decisions.filter(|decision| self.is_sensible(order, *decision));
                actions.extend(sensible.map(|decision| Action::Look(number, decision)));
            }
            let is_sending = order
                .ledger
                .as_ref()
                .is_some_and(|held| held.delivery.state == DeliveryState::Sending);
            if state.sweeps > 0 && is_sending {
                actions.push(Action::Sweep(number));
            }
        }
        for (i, invocation) in state.running.iter().enumerate() {
            self.turns(state, i, invocation, actions);
        }
    }

    /// Returns whether this person would decide so.
    fn is_sensible(&self, order: &Order, decision: Decision) -> bool {
        let has_effect = !order.effects.is_empty();
        let is_right = match decision {
            Decision::Confirm => has_effect,
            Decision::PermitSending => !has_effect,
            Decision::Abandon | Decision::Reopen | Decision::Acknowledge => true,
        };
        order.ledger.is_some() && (is_right || self.person == Person::Erring)
    }

    fn beginnings(&self, state: &State, actions: &mut Vec<Action>) {
        let is_counted = |run: &&Invocation| matches!(run.kind, Kind::Message | Kind::Call);
        if state.starts == 0
            || state.running.iter().filter(is_counted).count() >= self.bounds.at_once
        {
            return;
        }
        let pauses: &[bool] = if self.bounds.pauses { &[false, true] } else { &[false] };
        for (order, it) in state.orders.iter().enumerate() {
            for ahead in 0..=if state.ahead > 0 { self.skew } else { 0 } {
                for &paused in pauses {
                    for message in 0..it.queue.len() {
                        for copy in [false, true] {
                            actions.push(Action::Begin { order, message, ahead, copy, paused });
                        }
                    }
                }
            }
            actions.extend((0..it.calls.len()).map(|call| Action::Call { order, call }));
        }
    }

    fn turns(&self, state: &State, i: usize, invocation: &Invocation, actions: &mut Vec<Action>) {
        let order = &state.orders[usize::from(invocation.order)];
        match &invocation.turn {
            Turn::Put { .. } => actions.push(Action::Put(i)),
            Turn::Write { cause, .. } => {
                actions.push(Action::Land(i));
                // For a message it is like a crash.
                if invocation.kind == Kind::Call && matches!(cause, Cause::Settled(..)) {
                    actions.push(Action::WriteFails(i, false));
                    actions.push(Action::WriteFails(i, true));
                }
            }
            Turn::Send { until, .. } if invocation.clock() <= *until => {
                let likely = |outcome: &Outcome| {
                    *outcome != Outcome::WrongSetting || state.wrong_settings > 0
                };
                let outcomes = self.bounds.outcomes.iter().copied().filter(likely);
                actions.extend(outcomes.map(|outcome| Action::Send(i, outcome)));
            }
            Turn::Send { .. } if self.host == Host::LetsItRun => actions.push(Action::TimeOut(i)),
            Turn::Send { .. } => {}
            Turn::Judge(_) => actions.push(Action::Judge(i)),
            Turn::Ask => {
                let is_there = order.is_shown(self.scope_of(invocation));
                if is_there {
                    actions.push(Action::Ask(i, Some(true)));
                }
                if !is_there || order.hidden > 0 {
                    actions.push(Action::Ask(i, Some(false)));
                }
                actions.push(Action::Ask(i, None));
            }
            Turn::FollowUp(_) => actions.push(Action::End(i)),
        }
        // Who reopens a delivery brings its order: until then the sweep names it, again and again.
        let permits = order.ledger.as_ref().is_some_and(|held| held.delivery.permission.is_some());
        let reopens =
            invocation.kind == Kind::Person && matches!(invocation.turn, Turn::FollowUp(true));
        if permits || !reopens {
            actions.push(Action::Crash(i));
        }
    }
}
