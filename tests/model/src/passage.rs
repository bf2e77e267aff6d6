//! The passage of time, and what it makes irrelevant.

use std::sync::Arc;

use postback_core::delivery::{Delivery, State as DeliveryState};

use crate::{
    clock::{long_ago, older},
    state::{Cause, State, Turn},
};

/// Lets one tick pass.
pub(crate) fn one_tick(state: &mut State) {
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
            Turn::LookUp | Turn::FollowUp(_) => {}
        }
    }
}

/// Returns the delivery without what the protocol never reads, so that fewer states differ.
pub(crate) fn essence(delivery: Delivery) -> Delivery {
    let settled = delivery.state.is_final();
    let sending = delivery.state == DeliveryState::Sending;
    Delivery {
        reason: None,
        proof: None,
        first_seen_at: long_ago(),
        claim_expires_at: if sending { delivery.claim_expires_at } else { long_ago() },
        not_before: if settled { long_ago() } else { delivery.not_before.max(long_ago()) },
        ..delivery
    }
}
