//! The verdict of an attempt: one function each. Only the holder of the claim settles; a late
//! sender's success counts all the same, because the network itself said yes to an attempt of ours.

use std::time::Duration;

use super::{
    super::{
        Delivery, Doubt, IfAbsent, Jitter, Policy, Proof, RETENTION, Recovery, State, Step, Verdict,
    },
    backoff, become_,
    cancel::withdrawn,
    claim::{doubt, resolvable_at},
    come_back,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The sender of an attempt.
pub(super) struct Sender<'a> {
    pub(super) settings: &'a str,
    pub(super) jitter: Jitter,
}

/// Settles the attempt that holds the claim.
pub(super) fn settle(
    held: &Delivery,
    verdict: &Verdict,
    sender: &Sender<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let held = &Delivery { not_before: now, ..held.clone() };
    let next = match verdict {
        Verdict::Delivered(proof) => delivered(held, *proof),
        Verdict::Accepted(reason) => accepted(held, reason.clone()),
        Verdict::Skipped(reason) => skipped(held, reason),
        Verdict::Rejected(reason) => rejected(held, reason),
        // A duplicate that nobody judged is no proof.
        Verdict::Duplicate => rejected(held, &Reason::new("duplicate_elsewhere")),
        Verdict::ClickUsed => click_used(held),
        Verdict::Held(reason) => held_for_a_person(held, reason, now),
        Verdict::Parked { reason, probe, .. } => parked(held, reason, *probe, sender, policy, now),
        // One that the driver did not weigh is an answer like any other.
        Verdict::Retry { reason, after, .. } | Verdict::RetryOnce { reason, after } => {
            retry(held, reason, *after, sender, policy, now)
        }
        Verdict::Unconfirmed { reason, if_absent } => {
            unconfirmed(held, reason, *if_absent, sender, policy, now)
        }
    };
    // Nothing is sent of an order that was cancelled meanwhile.
    if next.cancelled.is_some() && next.is_certainly_absent() {
        return Step::write(withdrawn(next), super::Then::Rest);
    }
    become_(next, now)
}

/// A verdict from a sender that no longer holds the claim: only success counts. The network's own
/// yes outranks every other proof.
pub(super) fn settle_late(held: &Delivery, verdict: &Verdict, now: Timestamp) -> Step {
    let is_own_yes = *verdict == Verdict::Delivered(Proof::Response);
    if held.state.is_success() && (!is_own_yes || held.proof == Some(Proof::Response)) {
        return Step::rest();
    }
    match verdict {
        Verdict::Delivered(proof) => become_(delivered(held, *proof), now),
        Verdict::Accepted(reason) => become_(accepted(held, reason.clone()), now),
        _ => come_back(held, now),
    }
}

/// The network has it.
pub(super) fn delivered(held: &Delivery, proof: Proof) -> Delivery {
    Delivery {
        state: State::Delivered,
        reason: None,
        proof: Some(proof),
        doubt: None,
        scope: held.claim.as_ref().map(|claim| claim.scope.clone()).or_else(|| held.scope.clone()),
        claim: None,
        permission: None,
        throttled_until: None,
        parked_settings: None,
        undecided: None,
        ..held.clone()
    }
}

fn accepted(held: &Delivery, reason: Option<Reason>) -> Delivery {
    let delivered = delivered(held, Proof::Response);
    Delivery { state: State::Accepted, reason, proof: None, scope: None, ..delivered }
}

/// There was nothing to report. That is no word about an earlier attempt that may have passed.
fn skipped(held: &Delivery, reason: &Reason) -> Delivery {
    refused(held, State::Skipped, reason)
}

/// The order can never pass. That is no word about an earlier attempt, either.
fn rejected(held: &Delivery, reason: &Reason) -> Delivery {
    refused(held, State::Rejected, reason)
}

/// The network confirmed another order of ours on this click.
fn click_used(held: &Delivery) -> Delivery {
    let reason = Some(Reason::new("click_used"));
    Delivery { state: State::Rejected, reason, doubt: None, ..held.clone() }
}

/// Nothing but a person can find out.
fn held_for_a_person(held: &Delivery, reason: &Reason, now: Timestamp) -> Delivery {
    let doubt = Doubt { recovery: Recovery::Hold, ..doubt(held, IfAbsent::SendAgain, now) };
    let reason = Some(reason.clone());
    Delivery { state: State::Unconfirmed, reason, doubt: Some(doubt), ..held.clone() }
}

/// A refusal settles nothing about an earlier attempt in doubt. It ends the automatic resending: a
/// person decides.
fn refused(held: &Delivery, state: State, reason: &Reason) -> Delivery {
    let reason = Some(reason.clone());
    match &held.doubt {
        None => Delivery { state, reason, ..held.clone() },
        Some(doubt) => Delivery {
            state: State::Unconfirmed,
            reason,
            doubt: Some(Doubt { recovery: Recovery::Hold, ..doubt.clone() }),
            ..held.clone()
        },
    }
}

/// A setting is wrong: kept, and sent once it is fixed.
fn parked(
    held: &Delivery,
    reason: &Reason,
    probe: bool,
    sender: &Sender<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Delivery {
    Delivery {
        state: State::Parked,
        reason: Some(reason.clone()),
        not_before: now + if probe { policy.park } else { RETENTION },
        parked_settings: Some(sender.settings.to_owned()),
        ..held.clone()
    }
}

/// Certainly not processed. An earlier doubt stays.
fn retry(
    held: &Delivery,
    reason: &Reason,
    after: Option<Duration>,
    sender: &Sender<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Delivery {
    let pause = backoff(held.attempt, sender.jitter, policy);
    let not_before = now + pause.max(after.unwrap_or_default());
    let held = &Delivery { throttled_until: after.map(|after| now + after), ..held.clone() };
    let reason = Some(reason.clone());
    if held.in_doubt() {
        return Delivery { state: State::Unconfirmed, reason, not_before, ..held.clone() };
    }
    let is_spent =
        held.attempt >= policy.attempts || now.since(held.first_seen_at) >= policy.budget;
    if is_spent {
        return Delivery {
            state: State::Parked,
            reason: Some(Reason::new("retries_exhausted")),
            not_before: not_before.max(now + policy.park),
            parked_settings: Some(sender.settings.to_owned()),
            ..held.clone()
        };
    }
    Delivery { state: State::Retrying, reason, not_before, ..held.clone() }
}

/// May have been processed.
fn unconfirmed(
    held: &Delivery,
    reason: &Reason,
    if_absent: IfAbsent,
    sender: &Sender<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Delivery {
    let doubt = doubt(held, if_absent, now);
    let not_before = match doubt.recovery {
        Recovery::SendAgain | Recovery::SendOnceMore => {
            now + backoff(held.attempt, sender.jitter, policy)
        }
        _ => resolvable_at(&doubt, held, policy, now),
    };
    Delivery {
        state: State::Unconfirmed,
        reason: Some(reason.clone()),
        not_before,
        doubt: Some(doubt),
        ..held.clone()
    }
}
