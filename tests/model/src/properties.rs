//! What must hold, always.

use postback_core::delivery::{Recovery, State as DeliveryState};
use stateright::{Model, Property};

use crate::{
    state::{Action, Kind, Outcome, State, Turn},
    world::World,
};

/// A network that does not de-duplicate holds at most one conversion of ours.
pub const TWICE: &str = "never told twice";
/// What is said to be delivered has had an effect.
pub const UNFOUNDED: &str = "never delivered without an effect";
/// What has had an effect is never said to have had none.
pub const DISCLAIMED: &str = "never an effect that is disclaimed";
/// While messages and time go on, everything ends: final, or held for a person.
pub const STUCK: &str = "never stuck";

/// More turns than any delivery needs once nothing goes wrong any more.
const PATIENCE: usize = 200;

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.first()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.after(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(TWICE, |world: &Self, state: &State| {
                world.deduplicates() || state.effects <= 1
            }),
            Property::always(UNFOUNDED, is_founded),
            Property::always(DISCLAIMED, |_, state: &State| {
                state.effects == 0 || admits_an_effect(state)
            }),
            Property::always(STUCK, |world: &Self, state: &State| {
                !state.running.is_empty() || world.comes_to_an_end(state)
            }),
        ]
    }
}

fn is_founded(world: &World, state: &State) -> bool {
    let said = state.ledger.as_ref().is_some_and(|delivery| {
        matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Accepted)
    });
    // Where "duplicate" is all that can be learned, an earlier attempt of ours makes it ours.
    let taken_for_ours = world.deduplicates() && state.elsewhere && state.reached_network;
    !said || state.effects > 0 || taken_for_ours
}

/// Whether what the ledger holds leaves room for an effect.
fn admits_an_effect(state: &State) -> bool {
    use DeliveryState::{
        Accepted, Delivered, Parked, Rejected, Retrying, Sending, Skipped, Unconfirmed,
    };
    let Some(delivery) = &state.ledger else { return false };
    match delivery.state {
        Sending | Delivered | Accepted => true,
        Unconfirmed | Retrying | Parked => delivery.in_doubt,
        Rejected | Skipped => false,
    }
}

impl World {
    /// Whether the delivery ends final or held if nothing goes wrong from here on.
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

    /// Final, or for a person to decide.
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

/// What happens next when nothing goes wrong; `None` when nothing is left to happen.
fn next_of_a_fair_day(state: &State) -> Option<Action> {
    let Some(invocation) = state.running.first() else {
        let begin = Action::Begin { kind: Kind::Message, ahead: 0, copy: false, paused: false };
        return (state.queue > 0).then_some(begin);
    };
    Some(match invocation.turn {
        Turn::Write { .. } => Action::Land(0),
        Turn::Send { .. } => Action::Send(0, Outcome::Answered),
        Turn::Ask => Action::Ask(0, Some(state.effects > 0 && state.hidden == 0)),
        Turn::FollowUp(_) => Action::End(0),
    })
}
