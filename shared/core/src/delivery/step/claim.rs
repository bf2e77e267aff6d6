//! Claiming an attempt before its first byte, and the end of a claim whose sender died.

use super::super::{
    Attempt, Claim, Delivery, Doubt, IfAbsent, Policy, Recovery, State, Step, Then,
};
use crate::{clock::Timestamp, redaction::Reason};

/// Claims the next attempt: written before the first byte is sent. A permission ends with it.
pub(super) fn claim(
    held: &Delivery,
    scope: &str,
    deadline: Timestamp,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    if !has_time(deadline, policy, now) {
        return Step::wait(now);
    }
    let number = held.attempt.saturating_add(1);
    let claim_expires_at = deadline + policy.skew;
    let next = Delivery {
        state: State::Sending,
        reason: None,
        attempt: number,
        claim_expires_at,
        not_before: claim_expires_at,
        claim: Some(Claim { recovery: policy.recovery, scope: scope.to_owned() }),
        throttled_until: None,
        parked_settings: None,
        permission: None,
        undecided: None,
        ..held.clone()
    };
    let attempt = Attempt { number, at: now, in_doubt: held.in_doubt() };
    Step::write(next, Then::Send(attempt))
}

/// Returns whether the invocation lasts for the network's timeout and the settling write.
pub(super) fn has_time(deadline: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    now + policy.need <= deadline
}

/// The sweep turns an expired claim into a doubt. It has no order, and leaves everything else alone.
pub(super) fn expire(held: &Delivery, policy: &Policy, now: Timestamp) -> Step {
    if has_expired(held, now) {
        Step::write(expired(held, policy, now), Then::Rest)
    } else {
        Step::rest()
    }
}

/// Returns whether the sender of the attempt that was claimed is certainly dead.
pub(super) fn has_expired(held: &Delivery, now: Timestamp) -> bool {
    held.state == State::Sending && now >= held.claim_expires_at
}

/// The sender died, or its settling write failed: maybe sent.
pub(super) fn expired(held: &Delivery, policy: &Policy, now: Timestamp) -> Delivery {
    let doubt = doubt(held, IfAbsent::SendAgain, now);
    Delivery {
        state: State::Unconfirmed,
        reason: Some(Reason::new("sender_died")),
        not_before: resolvable_at(&doubt, held, policy, now),
        doubt: Some(doubt),
        ..held.clone()
    }
}

/// The doubt that an attempt of `held` leaves: the one that was there before stays.
pub(super) fn doubt(held: &Delivery, if_absent: IfAbsent, now: Timestamp) -> Doubt {
    let doubt = match &held.doubt {
        // The merchant consents to one more attempt, not to a third.
        Some(before) if before.recovery == Recovery::SendOnceMore => {
            Doubt { recovery: Recovery::Hold, ..before.clone() }
        }
        Some(before) => Doubt { if_absent, absent_at: None, ..before.clone() },
        None => {
            let claim = held.claim.as_ref();
            Doubt {
                since: now,
                recovery: claim.map_or(Recovery::Hold, |claim| claim.recovery),
                scope: claim.map(|claim| claim.scope.clone()).unwrap_or_default(),
                if_absent,
                absent_at: None,
            }
        }
    };
    if held.cancelled.is_some() { never_sent_again(doubt) } else { doubt }
}

/// The doubt of a cancelled order: a lookup may settle it, otherwise a person.
pub(super) fn never_sent_again(doubt: Doubt) -> Doubt {
    match doubt.recovery {
        Recovery::LookUp => doubt,
        _ => Doubt { recovery: Recovery::Hold, ..doubt },
    }
}

/// The time from which the doubt may be resolved.
pub(super) fn resolvable_at(
    doubt: &Doubt,
    held: &Delivery,
    policy: &Policy,
    now: Timestamp,
) -> Timestamp {
    match doubt.recovery {
        Recovery::LookUp => held.claim_expires_at.max(now) + policy.lag,
        _ => now,
    }
}
