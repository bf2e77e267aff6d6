//! At most one conversion.

use crate::{state::State, world::World};

/// A network that does not de-duplicate holds at most one conversion of ours.
pub const TWICE: &str = "never reported twice";

pub(super) fn is_reported_once(world: &World, state: &State) -> bool {
    world.deduplicates() || state.effects <= 1
}
