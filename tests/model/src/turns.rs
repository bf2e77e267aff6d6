//! What comes of each thing that can happen.

use std::sync::Arc;

use postback_core::delivery::{Attempt, Decision, Delivery, Recovery, Step, Then};

use crate::{
    clock::{LIFE, MOST_MESSAGES, NOW, Ticks, long_ago, older, ticks},
    mutant::{Mutant, mutated},
    state::{Action, Cause, Invocation, Kind, Meaning, Outcome, Place, State, Turn},
    world::{Host, World},
};

impl World {
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
        let seen = operator.held.as_ref().map_or(0, |delivery| delivery.attempt);
        self.decide(&mut operator, Cause::Decided(seen, decision));
        go_on(state, operator);
    }

    /// One turn of the dispatcher: asks the protocol, then writes or does what it says.
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
        state.reached_network |= outcome != Outcome::NotSent;
        self.decide(&mut invocation, Cause::Settled(attempt.number, meaning));
        go_on(state, invocation);
    }

    /// What a "duplicate" means: as the networks' crates read it.
    fn duplicate(&self, attempt: &Attempt) -> Meaning {
        use Recovery::{Hold, LookUp, SendAgain};
        let reached = attempt.reached_network_before;
        let believed = reached && self.lacks(Mutant::DuplicateOursOnceReached);
        match self.policy.recovery {
            _ if self.lacks(Mutant::DuplicateNeverOurs) => Meaning::DuplicateElsewhere,
            _ if self.lacks(Mutant::DuplicateAlwaysOurs) || believed => Meaning::OurDuplicate,
            // Whether it is ours can be asked.
            LookUp => Meaning::DuplicateOfWhom,
            // The key is the order's: whose else could it be?
            SendAgain if reached => Meaning::OurDuplicate,
            // The key is not the line's: it may be another line's.
            Hold if reached => Meaning::DuplicateOfWhom,
            SendAgain | Hold => Meaning::DuplicateElsewhere,
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
            let (claim_expires_at, not_before) =
                (older(delivery.claim_expires_at), older(delivery.not_before));
            if (claim_expires_at, not_before) != (delivery.claim_expires_at, delivery.not_before) {
                *delivery =
                    Arc::new(Delivery { claim_expires_at, not_before, ..(**delivery).clone() });
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
    let sending = delivery.state == postback_core::delivery::State::Sending;
    Delivery {
        reason: None,
        proof: None,
        first_seen_at: long_ago(),
        claim_expires_at: if sending { delivery.claim_expires_at } else { long_ago() },
        not_before: if settled { long_ago() } else { delivery.not_before.max(long_ago()) },
        ..delivery
    }
}
