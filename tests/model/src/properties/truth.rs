//! A ledger that agrees with the network.

use postback_core::delivery::State as DeliveryState;

use crate::{state::State, world::World};

/// A delivery that the ledger calls delivered has had an effect.
pub const UNFOUNDED: &str = "never delivered without an effect";
/// A delivery that has had an effect is never recorded as one without.
pub const DISCLAIMED: &str = "never an effect that is disclaimed";

pub(super) fn is_founded(world: &World, state: &State) -> bool {
    let is_success = state.ledger.as_ref().is_some_and(|delivery| {
        matches!(delivery.state, DeliveryState::Delivered | DeliveryState::Accepted)
    });
    // Where "duplicate" is all that can be learned, an earlier attempt of ours makes it ours.
    let taken_for_ours = world.deduplicates() && state.elsewhere && state.reached_network;
    !is_success || state.effects > 0 || taken_for_ours
}

pub(super) fn admits_its_effect(_: &World, state: &State) -> bool {
    use DeliveryState::{
        Accepted, Delivered, Parked, Rejected, Retrying, Sending, Skipped, Unconfirmed,
    };
    if state.effects == 0 {
        return true;
    }
    let Some(delivery) = &state.ledger else { return false };
    match delivery.state {
        Sending | Delivered | Accepted => true,
        Unconfirmed | Retrying | Parked => delivery.in_doubt,
        Rejected | Skipped => false,
    }
}
