//! The network's part of an exchange.

use postback_core::delivery::{Attempt, Recovery};

use crate::{
    mutant::Mutant,
    state::{Cause, Exchange, Meaning, State, Turn},
    turns::go_on,
    world::World,
};

impl World {
    /// Sends the request of invocation `i`.
    pub(crate) fn send(&self, state: &mut State, i: usize, exchange: Exchange) {
        let mut invocation = state.running.remove(i);
        let Turn::Send { attempt, .. } = invocation.turn else {
            unreachable!("only a claim sends")
        };
        let meaning = match exchange {
            Exchange::NotSent => Meaning::NotSent,
            Exchange::Answered => self.process(state, &attempt),
            Exchange::AnswerLost => {
                self.process(state, &attempt);
                Meaning::Lost
            }
            Exchange::RequestLost => Meaning::Lost,
            Exchange::NotNow => Meaning::NotNow,
            Exchange::WrongSetting => {
                state.wrong_settings -= 1;
                Meaning::WrongSetting
            }
            Exchange::Refused => Meaning::Refused,
            Exchange::Nothing => Meaning::Nothing,
        };
        state.reached_network |= exchange != Exchange::NotSent;
        self.decide(&mut invocation, Cause::Settled(attempt.number, meaning));
        go_on(state, invocation);
    }

    /// The meaning of the answer "duplicate", as the networks' crates classify it.
    fn duplicate(&self, attempt: &Attempt) -> Meaning {
        use Recovery::{Hold, LookUp, SendAgain};
        let reached = attempt.reached_network_before;
        let believed = reached && self.lacks(Mutant::DuplicateOursOnceReached);
        match self.policy.recovery {
            _ if self.lacks(Mutant::DuplicateNeverOurs) => Meaning::DuplicateElsewhere,
            _ if self.lacks(Mutant::DuplicateAlwaysOurs) || believed => Meaning::OurDuplicate,
            // A lookup shows whether it is ours.
            LookUp => Meaning::DuplicateOfWhom,
            // The key is the order's, so nobody else has it.
            SendAgain if reached => Meaning::OurDuplicate,
            // The key is the order's, so it may be another line's.
            Hold if reached => Meaning::DuplicateOfWhom,
            SendAgain | Hold => Meaning::DuplicateElsewhere,
        }
    }

    /// Lets the network take the request. Returns the meaning of its answer.
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
