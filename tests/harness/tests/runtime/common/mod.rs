//! A delivery for the tests of the ledger.

use postback_core::{
    clock::Timestamp,
    delivery::{Delivery, Facts, State},
};

/// A delivery with one attempt.
#[must_use]
pub(crate) fn delivery(state: State, first_seen_at: Timestamp) -> Delivery {
    Delivery {
        state,
        reason: None,
        proof: None,
        attempt: 1,
        facts: Facts::none(),
        order_updated_at: None,
        waiting_version: None,
        conflict_version: None,
        throttled_until: None,
        first_seen_at,
        claim_expires_at: first_seen_at,
        not_before: first_seen_at,
        claim: None,
        scope: None,
        doubt: None,
        parked_settings: None,
        cancelled: None,
        permission: None,
        judged_plausible: false,
        undecided: None,
        lines: None,
        former_lines: Vec::new(),
        decisions: 0,
        refunds: postback_core::delivery::Refunds::default(),
        reported: None,
        validation: None,
    }
}
