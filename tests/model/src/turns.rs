//! The state that follows each action: the turns of invocations.

use std::sync::Arc;

use postback_core::delivery::{Attempt, Decision, Step, Then};

use crate::{
    clock::{LIFE, MOST_MESSAGES, NOW, Ticks, long_ago, ticks},
    mutant::{Mutant, mutated},
    passage,
    state::{Action, AfterWrite, Cause, Invocation, Kind, Meaning, State, Turn},
    world::{Host, World},
};

impl World {
    pub(crate) fn after(&self, last: &State, action: Action) -> State {
        let mut state = last.clone();
        match action {
            Action::Tick => passage::one_tick(&mut state),
            Action::FixSettings => state.settings = 2,
            Action::Begin { kind, ahead, copy, paused } => {
                self.begin(&mut state, kind, ahead, copy, paused);
            }
            Action::Look => self.look(&mut state),
            Action::Land(i) => self.land(&mut state, i),
            Action::WriteFails(i, written) => self.write_fails(&mut state, i, written),
            Action::Send(i, exchange) => self.send(&mut state, i, exchange),
            Action::TimeOut(i) => {
                let mut invocation = state.running.remove(i);
                if let Turn::Send { attempt, .. } = invocation.turn {
                    self.decide(&mut invocation, Cause::Settled(attempt.number, Meaning::Lost));
                }
                go_on(&mut state, invocation);
            }
            Action::LookUp(i, shown) => {
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
            turn: Turn::LookUp,
        };
        self.decide(&mut invocation, Cause::Arrival);
        // One that has nothing to do is gone at once and changes nothing.
        if !matches!(invocation.turn, Turn::FollowUp(_)) {
            state.starts = state.starts.saturating_sub(1);
            state.ahead = state.ahead.saturating_sub(ahead);
        }
        go_on(state, invocation);
    }

    /// The operator looks at the delivery and at the network, and decides.
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
            turn: Turn::LookUp,
        };
        let seen = operator.held.as_ref().map_or(0, |delivery| delivery.attempt);
        self.decide(&mut operator, Cause::Decided(seen, decision));
        go_on(state, operator);
    }

    /// Takes one turn of the dispatcher: asks the protocol, then writes or acts as it says.
    pub(crate) fn decide(&self, invocation: &mut Invocation, cause: Cause) {
        let event = invocation.event(cause);
        let now = invocation.clock();
        let held = invocation.held.as_deref();
        let Step { next, then } = mutated(self.mutant, held, &event, &self.policy, now);
        let after = match then {
            Then::Send(attempt) => AfterWrite::Send(Attempt { at: long_ago(), ..attempt }),
            Then::LookUp => AfterWrite::LookUp,
            Then::Wait(until) if next.is_some() && until <= now && cause == Cause::Arrival => {
                AfterWrite::DecideAgain
            }
            Then::Wait(_) => AfterWrite::FollowUp(true),
            Then::Rest | Then::Conflict => AfterWrite::FollowUp(false),
        };
        invocation.turn = match (next, after) {
            (Some(next), after) => {
                let next = Some(Arc::new(passage::essence(next)));
                Turn::Write { cause, next, after }
            }
            (None, AfterWrite::LookUp) => Turn::LookUp,
            (None, AfterWrite::FollowUp(wait)) => Turn::FollowUp(wait),
            (None, AfterWrite::Send(_) | AfterWrite::DecideAgain) => {
                unreachable!("the protocol neither sends nor goes on without a write")
            }
        };
    }

    fn land(&self, state: &mut State, i: usize) {
        let mut invocation = state.running.remove(i);
        let Turn::Write { cause, next, after } = invocation.turn.clone() else {
            unreachable!("only a write lands")
        };
        let unwritten = self.lacks(Mutant::IntentDropped) && matches!(after, AfterWrite::Send(_));
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
                self.decide(&mut invocation, cause);
                go_on(state, invocation);
                return;
            }
        }
        let now = invocation.clock();
        match after {
            AfterWrite::DecideAgain => self.decide(&mut invocation, Cause::Arrival),
            AfterWrite::LookUp => invocation.turn = Turn::LookUp,
            AfterWrite::FollowUp(wait) => invocation.turn = Turn::FollowUp(wait),
            AfterWrite::Send(attempt) => {
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

    fn write_fails(&self, state: &mut State, i: usize, written: bool) {
        let mut invocation = state.running.remove(i);
        if let Turn::Write { next: Some(next), .. } = &invocation.turn
            && written
            && invocation.current
        {
            state.ledger = Some(Arc::clone(next));
            self.outdate(state);
        }
        invocation.turn = Turn::FollowUp(true);
        go_on(state, invocation);
    }

    /// Marks what the others hold of the ledger as old, after a write.
    fn outdate(&self, state: &mut State) {
        for other in &mut state.running {
            other.current = false;
            if let Turn::Write { next, after, .. } = &mut other.turn
                && !self.lacks(Mutant::FenceDropped)
                && !self.lacks(Mutant::IntentDropped)
            {
                *next = None;
                *after = AfterWrite::DecideAgain;
                other.held = None;
            }
        }
    }
}

/// Puts the order back on the queue, which is a promise to carry it on.
fn put_back(state: &mut State) {
    state.queue = (state.queue + 1).min(MOST_MESSAGES);
    state.promised = true;
}

/// Lets the invocation go on, unless all that is left of it is to end. A direct call may die before
/// it ends; a message that comes again is nothing new, and a person sees to it.
pub(crate) fn go_on(state: &mut State, invocation: Invocation) {
    match (&invocation.turn, invocation.kind) {
        (Turn::FollowUp(false), _) => {}
        (Turn::FollowUp(true), Kind::Message | Kind::Operator) => put_back(state),
        _ => state.running.push(invocation),
    }
}
