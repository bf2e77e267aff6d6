//! The parts that the tests of deliveries are made of.

use std::collections::BTreeMap;

use super::{Cancellation, Delivery, Doubt, Facts, IfAbsent, Recovery, Refunds, Reported, State};
use crate::clock::Timestamp;

/// 2026-11-21T10:15:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

/// A delivery in a state, of which nothing else is known.
pub(super) fn delivery(state: State, attempt: u32) -> Delivery {
    Delivery {
        state,
        reason: None,
        proof: None,
        attempt,
        facts: Facts::none(),
        order_updated_at: None,
        waiting_version: None,
        conflict_version: None,
        throttled_until: None,
        claim: None,
        scope: None,
        first_seen_at: NOW,
        claim_expires_at: NOW,
        not_before: NOW,
        doubt: None,
        cancelled: None,
        permission: None,
        judged_plausible: false,
        undecided: None,
        lines: None,
        former_lines: Vec::new(),
        decisions: 0,
        parked_settings: None,
        refunds: Refunds::default(),
        reported: None,
        validation: None,
    }
}

/// A doubt that is resolved in this way.
pub(super) fn doubt(recovery: Recovery) -> Doubt {
    Doubt {
        since: NOW,
        recovery,
        scope: String::new(),
        if_absent: IfAbsent::SendAgain,
        absent_at: None,
    }
}

/// A report of this amount in euros.
pub(super) fn reported(amount: i64) -> Reported {
    Reported {
        amount: amount.into(),
        currency: "EUR".to_owned(),
        completed_at: NOW,
        ids: BTreeMap::new(),
        differs: false,
        workbook_days: None,
    }
}

/// A cancellation without a version.
pub(super) const fn cancellation(at: Timestamp) -> Cancellation {
    Cancellation { at, updated_at: None, completed_after: false, by_refunds: false }
}
