//! The constants of one exploration, and the actions that a state allows.

use std::time::Duration;

use postback_core::delivery::{Delivery, Policy, Recovery};

use crate::{
    clock::{TICK, Ticks, ticks},
    mutant::Mutant,
    state::{Action, Cause, Exchange, Invocation, Kind, State, Turn},
};

/// The end of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Its host: no byte leaves after the deadline, as in Lambda.
    KillsAtTheDeadline,
    /// Only the request's own timeout: no byte leaves later than that after the last look at the
    /// clock.
    LetsItRun,
}

/// The bounds of an exploration.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most invocations.
    pub starts: u8,
    /// The most direct calls among them, which come again only if the caller likes.
    pub calls: u8,
    /// The most invocations with a clock that is ahead of the others'.
    pub ahead: u8,
    /// The most invocations at once, without the operator.
    pub at_once: usize,
    /// The number of times that the operator looks.
    pub looks: u8,
    /// The possible courses of an attempt at the network.
    pub exchanges: &'static [Exchange],
    /// The number of times that it may answer that a setting is wrong.
    pub wrong_settings: u8,
    /// True if the network may hold somebody else's conversion, so that all of ours are duplicates
    /// to it.
    pub elsewhere: bool,
}

/// The world: everything that does not change while it is explored.
#[derive(Clone, Debug)]
pub struct World {
    /// The protocol's numbers.
    pub policy: Policy,
    /// The bounds.
    pub bounds: Bounds,
    /// The end of a sender.
    pub host: Host,
    /// The rule that is taken out.
    pub mutant: Option<Mutant>,
    /// The real difference between clocks, in ticks.
    pub(crate) skew: Ticks,
    /// The time that the network really takes to show what it has accepted, in ticks.
    pub(crate) lag: Ticks,
}

impl World {
    /// A world with a network of this recovery and all rules in force.
    #[must_use]
    pub fn new(recovery: Recovery, bounds: Bounds) -> Self {
        let policy = Policy {
            need: ticks(1),
            skew: ticks(1),
            lag: ticks(1),
            backoff: ticks(1),
            backoff_cap: ticks(1),
            attempts: 3,
            budget: ticks(200),
            park: ticks(1),
            ..Policy::new(recovery, TICK, TICK)
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

    pub(crate) fn lacks(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Returns true if the network takes a second conversion under our key for a duplicate.
    pub(crate) fn deduplicates(&self) -> bool {
        self.policy.recovery == Recovery::SendAgain
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
            reached_network: false,
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
            actions.push(Action::FixSettings);
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
                let likely = |exchange: &Exchange| match exchange {
                    Exchange::WrongSetting => invocation.settings == 1 && state.wrong_settings > 0,
                    // What is there can't be "nothing".
                    Exchange::Nothing | Exchange::Refused => state.effects == 0,
                    _ => true,
                };
                let exchanges = self.bounds.exchanges.iter().copied().filter(likely);
                actions.extend(exchanges.map(|exchange| Action::Send(i, exchange)));
            }
            Turn::Send { .. } if self.host == Host::LetsItRun => actions.push(Action::TimeOut(i)),
            Turn::Send { .. } => {}
            Turn::LookUp => {
                if state.effects > 0 {
                    actions.push(Action::LookUp(i, Some(true)));
                }
                if state.effects == 0 || state.hidden > 0 {
                    actions.push(Action::LookUp(i, Some(false)));
                }
                actions.push(Action::LookUp(i, None));
            }
            Turn::FollowUp(_) => actions.push(Action::End(i)),
        }
        actions.push(Action::Crash(i));
    }
}

fn is_open(delivery: &Delivery) -> bool {
    use postback_core::delivery::State::{Parked, Unconfirmed};
    matches!(delivery.state, Unconfirmed | Parked)
}
