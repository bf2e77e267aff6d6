//! An end for every delivery.

use postback_core::delivery::{Recovery, State as DeliveryState};

use crate::{
    state::{Action, Exchange, Kind, State, Turn},
    world::World,
};

/// While messages and time go on, every delivery ends: final, or held for a person.
pub const STUCK: &str = "never stuck";

/// More turns than any delivery needs once nothing goes wrong any more.
const PATIENCE: usize = 200;

pub(super) fn is_not_stuck(world: &World, state: &State) -> bool {
    !state.running.is_empty() || world.comes_to_an_end(state)
}

impl World {
    /// Returns true if the delivery ends final or held when nothing goes wrong from here on.
    fn comes_to_an_end(&self, state: &State) -> bool {
        if !state.promised {
            return true;
        }
        let mut state = state.clone();
        for _ in 0..PATIENCE {
            let Some(action) = next_of_a_fair_day(&state) else {
                return self.is_at_rest(&state);
            };
            if matches!(action, Action::Begin { .. }) {
                state = self.after(&state, Action::Tick);
            }
            state = self.after(&state, action);
        }
        false
    }

    /// Returns true if the delivery is final, or held for a person.
    fn is_at_rest(&self, state: &State) -> bool {
        let Some(delivery) = &state.ledger else { return false };
        let held = match self.policy.recovery {
            Recovery::Hold => true,
            Recovery::SendAgain => delivery.attempt >= self.policy.attempts,
            Recovery::LookUp => false,
        };
        match delivery.state {
            state if state.is_final() => true,
            DeliveryState::Unconfirmed => held,
            _ => false,
        }
    }
}

/// The next action when nothing goes wrong; `None` when nothing is left to happen.
fn next_of_a_fair_day(state: &State) -> Option<Action> {
    let Some(invocation) = state.running.first() else {
        let begin = Action::Begin { kind: Kind::Message, ahead: 0, copy: false, paused: false };
        return (state.queue > 0).then_some(begin);
    };
    Some(match invocation.turn {
        Turn::Write { .. } => Action::Land(0),
        Turn::Send { .. } => Action::Send(0, Exchange::Answered),
        Turn::LookUp => Action::LookUp(0, Some(state.effects > 0 && state.hidden == 0)),
        Turn::FollowUp(_) => Action::End(0),
    })
}
