//! A person's decision. It counts for the attempt and the decisions that the person saw.

use super::{
    super::{
        Decision, Delivery, IMPLAUSIBLE, Permission, Policy, Proof, State, Step, Then, Undecided,
    },
    become_,
    cancel::withdrawn,
    claim::never_sent_again,
    settle::delivered,
};
use crate::{clock::Timestamp, redaction::Reason};

/// Takes a decision, if it fits the state. Whoever decided brings the order if something is left to
/// do for it.
pub(super) fn decide(held: &Delivery, decision: Decision, policy: &Policy, now: Timestamp) -> Step {
    let is_open = !held.state.is_success() && held.state != State::Sending;
    let next = match decision {
        Decision::Reopen => reopen(held, now),
        Decision::Acknowledge => return acknowledge(held),
        _ if !is_open => None,
        Decision::Confirm => Some(confirm(held)),
        Decision::PermitSending => permit(held, policy, now),
        Decision::Abandon => abandon(held),
    };
    match next {
        None => Step::rest(),
        Some(next) => {
            let decisions = held.decisions.saturating_add(1);
            become_(Delivery { decisions, ..next }, now)
        }
    }
}

/// The person has seen it at the network.
fn confirm(held: &Delivery) -> Delivery {
    Delivery { undecided: Some(undecided(held)), ..delivered(held, Proof::Operator) }
}

/// Only counts the decision: in every state, also while an attempt is under way. Nothing has to come
/// for it.
fn acknowledge(held: &Delivery) -> Step {
    let decisions = held.decisions.saturating_add(1);
    Step::write(Delivery { decisions, ..held.clone() }, Then::Rest)
}

/// The next arrival may claim. Not while a cancellation is noted, unless the order has come as
/// completed after it: the person knows which of the two holds.
fn permit(held: &Delivery, policy: &Policy, now: Timestamp) -> Option<Delivery> {
    if held.cancelled.as_ref().is_some_and(|cancelled| !cancelled.completed_after) {
        return None;
    }
    let permission = Some(Permission { until: now + policy.permission });
    Some(Delivery { permission, ..held.clone() })
}

/// Nobody will find out, or nobody will permit to send what exceeds a bound. The reason keeps the two
/// apart.
fn abandon(held: &Delivery) -> Option<Delivery> {
    let reason = match (&held.doubt, &held.reason) {
        (Some(_), _) => Reason::new("operator"),
        (None, Some(reason)) if held.state == State::Parked && *reason == IMPLAUSIBLE => {
            IMPLAUSIBLE
        }
        _ => return None,
    };
    (held.state != State::Abandoned).then(|| Delivery {
        state: State::Abandoned,
        reason: Some(reason),
        permission: None,
        undecided: Some(undecided(held)),
        ..held.clone()
    })
}

/// Ends a pending permission, or goes back to the state before the last decision.
fn reopen(held: &Delivery, now: Timestamp) -> Option<Delivery> {
    if held.permission.as_ref().is_some_and(|permission| now < permission.until) {
        return Some(Delivery { permission: None, ..held.clone() });
    }
    let is_decided = held.state == State::Abandoned || held.proof == Some(Proof::Operator);
    let Undecided { state, reason, doubt, parked_settings } =
        held.undecided.clone().filter(|_| is_decided)?;
    let next = Delivery {
        state,
        reason,
        doubt,
        parked_settings,
        proof: None,
        scope: None,
        undecided: None,
        ..held.clone()
    };
    Some(match next.cancelled {
        None => next,
        // The shop cancelled it meanwhile.
        Some(_) if next.is_certainly_absent() => withdrawn(next),
        Some(_) => Delivery { doubt: next.doubt.clone().map(never_sent_again), ..next },
    })
}

fn undecided(held: &Delivery) -> Undecided {
    Undecided {
        state: held.state,
        reason: held.reason.clone(),
        doubt: held.doubt.clone(),
        parked_settings: held.parked_settings.clone(),
    }
}
