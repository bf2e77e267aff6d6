//! The properties that hold in every state, in one module for each group: `once`, `truth` and
//! `progress`.

use stateright::{Model, Property};

use crate::{
    state::{Action, State},
    world::World,
};

mod once;
mod progress;
mod truth;

pub use once::TWICE;
pub use progress::STUCK;
pub use truth::{DISCLAIMED, UNFOUNDED};

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
            Property::always(TWICE, once::is_reported_once),
            Property::always(UNFOUNDED, truth::is_founded),
            Property::always(DISCLAIMED, truth::admits_its_effect),
            Property::always(STUCK, progress::is_not_stuck),
        ]
    }
}
