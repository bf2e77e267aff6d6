//! The answer of a lookup. "Not there" counts only once every sender is dead and the network has
//! had time to show it, and only when it is said twice.

use super::{
    super::{
        Delivery, Doubt, IfAbsent, Jitter, Lookup, Policy, Proof, Recovery, State, Step, Then,
    },
    become_,
    cancel::withdrawn,
    claim::claim,
    come_back, jittered,
    plan::NOT_PLANNABLE,
    settle::delivered,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The question of a lookup.
pub(super) struct Question {
    pub(super) asked: Timestamp,
    pub(super) is_plannable: bool,
    pub(super) deadline: Timestamp,
    pub(super) jitter: Jitter,
}

/// Reads the answer to `question`.
pub(super) fn looked_up(
    held: &Delivery,
    lookup: &Lookup,
    question: &Question,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let Some(doubt) = held.doubt.as_ref().filter(|_| held.state != State::Sending) else {
        return come_back(held, now);
    };
    match lookup {
        Lookup::Found { .. } => become_(delivered(held, Proof::Lookup), now),
        // A person gave it up meanwhile, or has to decide: nothing is sent.
        _ if held.state == State::Abandoned || doubt.recovery != Recovery::LookUp => {
            come_back(held, now)
        }
        // Asked too early: the network may not show it yet, or its sender may still be sending.
        Lookup::Absent if question.asked < held.not_before => Step::wait(held.not_before),
        Lookup::Absent => absent(held, doubt, question, policy, now),
        Lookup::Failed { .. } => {
            let pause = jittered(policy.backoff * 8, question.jitter).max(policy.backoff);
            Step::wait(now + pause)
        }
    }
}

fn absent(
    held: &Delivery,
    doubt: &Doubt,
    question: &Question,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let is_second = doubt.absent_at.is_some_and(|first| question.asked >= first + policy.absence);
    if !is_second {
        let absent_at = Some(doubt.absent_at.unwrap_or(question.asked));
        let next = Delivery {
            not_before: question.asked + policy.absence,
            doubt: Some(Doubt { absent_at, ..doubt.clone() }),
            ..held.clone()
        };
        return become_(next, now);
    }
    let certain = Delivery { doubt: None, ..held.clone() };
    if held.cancelled.is_some() {
        return Step::write(withdrawn(certain), Then::Rest);
    }
    if doubt.if_absent == IfAbsent::Reject {
        let reason = Some(Reason::new("duplicate_elsewhere"));
        return Step::write(Delivery { state: State::Rejected, reason, ..certain }, Then::Rest);
    }
    if held.attempt >= policy.attempts {
        let next = Delivery {
            state: State::Parked,
            reason: Some(Reason::new("retries_exhausted")),
            not_before: now + policy.park,
            ..certain
        };
        return become_(next, now);
    }
    // Another version is sent instead, or what today's settings can't build waits for other ones.
    let reason = if held.waiting_version > held.order_updated_at {
        Some(Reason::new("order_changed"))
    } else {
        (!question.is_plannable).then_some(NOT_PLANNABLE)
    };
    if reason.is_some() {
        let next = Delivery { state: State::Retrying, reason, not_before: now, ..certain };
        return become_(next, now);
    }
    let scope = doubt.scope.clone();
    claim(&certain, &scope, question.deadline, policy, now)
}
