//! A person's decision. It counts for the attempt and the decisions that the person saw.

use super::{
    super::{Decision, Delivery, Permission, Policy, Proof, State, Step, Then, Undecided},
    settle::delivered,
};
use crate::{clock::Timestamp, redaction::Reason};

/// Takes a decision, if it fits the state.
pub(super) fn decide(held: &Delivery, decision: Decision, policy: &Policy, now: Timestamp) -> Step {
    let is_open = !held.state.is_success() && held.state != State::Sending;
    let next = match decision {
        Decision::Reopen => reopen(held),
        _ if !is_open => None,
        Decision::Confirm => Some(confirm(held)),
        Decision::PermitSending => permit(held, policy, now),
        Decision::Abandon => abandon(held),
    };
    match next {
        None => Step::rest(),
        Some(next) => {
            let decisions = held.decisions.saturating_add(1);
            Step::write(Delivery { decisions, ..next }, Then::Rest)
        }
    }
}

/// The person has seen it at the network.
fn confirm(held: &Delivery) -> Delivery {
    Delivery { undecided: Some(undecided(held)), ..delivered(held, Proof::Operator) }
}

/// The next arrival may claim. Not while a cancellation is noted.
fn permit(held: &Delivery, policy: &Policy, now: Timestamp) -> Option<Delivery> {
    if held.cancelled.is_some() {
        return None;
    }
    let permission = Some(Permission { until: now + policy.permission });
    Some(Delivery { permission, ..held.clone() })
}

/// Nobody will find out.
fn abandon(held: &Delivery) -> Option<Delivery> {
    held.doubt.as_ref()?;
    (held.state != State::Abandoned).then(|| Delivery {
        state: State::Abandoned,
        reason: Some(Reason::new("operator")),
        permission: None,
        undecided: Some(undecided(held)),
        ..held.clone()
    })
}

/// Back to the state before the last decision.
fn reopen(held: &Delivery) -> Option<Delivery> {
    let Undecided { state, reason, doubt } = held.undecided.clone()?;
    let is_decided = held.state == State::Abandoned || held.proof == Some(Proof::Operator);
    is_decided.then(|| Delivery {
        state,
        reason,
        doubt,
        proof: None,
        undecided: None,
        ..held.clone()
    })
}

fn undecided(held: &Delivery) -> Undecided {
    Undecided { state: held.state, reason: held.reason.clone(), doubt: held.doubt.clone() }
}
