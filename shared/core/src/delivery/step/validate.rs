//! A validation: it follows its delivery, waits for the end of the return period, and is called once.

use super::{
    super::{
        Call, Delivery, Doubt, Due, Followed, OrderFacts, Policy, Recovery, Standing, State,
        Status, Step, Then, Validated, Validation, validate,
    },
    claim::{claim, expired, has_expired},
    plan::blank,
};
use crate::{clock::Timestamp, redaction::Reason};

/// The reason of a validation that waits for its time.
const RETURN_PERIOD: Reason = Reason::new("return_period");

/// A validation is all that its delivery says so far. A first one is written once the network has
/// the order.
pub(super) fn follow(held: Option<&Delivery>, followed: &Followed, now: Timestamp) -> Step {
    let Some(held) = held else { return begin(followed) };
    let Some(validation) = &held.validation else { return Step::rest() };
    // A late reader: what it adds are refunds.
    let is_late = followed.version < validation.of_version;
    let merged = held.refunds.and(&followed.refunds);
    if merged == held.refunds && (is_late || !says_more(held, validation, followed)) {
        return Step::rest();
    }
    let refunds = merged;
    let next = if is_late {
        Delivery { refunds, ..held.clone() }
    } else {
        let validation = Validation {
            of_version: followed.version,
            standing: followed.standing,
            cancelled: followed.cancelled.clone(),
            ..validation.clone()
        };
        let reported = Some(followed.reported.clone());
        Delivery { refunds, reported, validation: Some(validation), ..held.clone() }
    };
    let was_in_doubt = validation.standing == Standing::InDoubt;
    Step::write(awake(next, was_in_doubt, now), Then::Rest)
}

/// Returns whether the delivery says something that the validation does not know.
fn says_more(held: &Delivery, validation: &Validation, followed: &Followed) -> bool {
    validation.standing != followed.standing
        || validation.cancelled != followed.cancelled
        || held.reported.as_ref() != Some(&followed.reported)
}

/// One that had nothing to validate, waited for a person or for the end of its delivery's doubt, is
/// decided anew.
fn awake(next: Delivery, was_in_doubt: bool, now: Timestamp) -> Delivery {
    match next.state {
        State::Retrying if was_in_doubt && next.reason == Some(RETURN_PERIOD) => {
            Delivery { not_before: now, ..next }
        }
        State::Skipped => Delivery {
            state: State::Retrying,
            reason: Some(RETURN_PERIOD),
            not_before: now,
            ..next
        },
        State::Parked if !next.in_doubt() => Delivery { not_before: now, ..next },
        _ => next,
    }
}

fn begin(followed: &Followed) -> Step {
    let is_there = matches!(followed.standing, Standing::Reported | Standing::Confirmed);
    if !is_there {
        return Step::rest();
    }
    let lock_at = followed.reported.completed_at + followed.terms.return_period;
    let next = Delivery {
        state: State::Retrying,
        reason: Some(RETURN_PERIOD),
        not_before: lock_at,
        refunds: followed.refunds.clone(),
        reported: Some(followed.reported.clone()),
        validation: Some(Validation {
            of_version: followed.version,
            lock_at,
            standing: followed.standing,
            cancelled: followed.cancelled.clone(),
            call: None,
        }),
        ..blank(&followed.facts, None, followed.first_seen_at)
    };
    Step::write(next, Then::Rest)
}

/// It may be time: calls, waits, or leaves it to a person.
pub(super) fn due(held: &Delivery, due: &Due, policy: &Policy, now: Timestamp) -> Step {
    let Some(validation) = &held.validation else { return Step::rest() };
    if has_expired(held, now) {
        return Step::write(expired(held, policy, now), Then::Rest);
    }
    let permitted = held.permission.as_ref().is_some_and(|permission| now < permission.until);
    match held.state {
        State::Retrying | State::Parked if !held.in_doubt() => {}
        // Nothing takes a second call for the first: only a person may permit one.
        State::Unconfirmed | State::Parked | State::Rejected if permitted => {}
        _ => return Step::rest(),
    }
    let is_fixed = held.parked_settings.as_deref().is_some_and(|parked| parked != due.settings);
    if now < held.not_before && !is_fixed && !permitted {
        return Step::wait(held.not_before);
    }
    let facts = OrderFacts {
        standing: validation.standing,
        cancelled: validation.cancelled.as_ref(),
        is_permitted: permitted,
    };
    let reported = held.reported.as_ref();
    let amount = reported.map(|reported| reported.amount).unwrap_or_default();
    match validate(facts, &held.refunds, reported, due.terms, now) {
        Validated::Wait(until) => {
            // The settings may have a longer period than at the beginning.
            let period = due.terms.return_period;
            let lock_at = reported.map(|reported| reported.completed_at + period);
            wait(held, lock_at.unwrap_or(validation.lock_at), until)
        }
        Validated::Nothing => end(held, State::Skipped, Reason::new("not_reported"), now),
        Validated::Person(reason) => end(held, State::Parked, reason, now),
        Validated::Approve(amount) => {
            call(held, Call { status: Status::Approved, amount }, due, policy, now)
        }
        Validated::Reject => {
            call(held, Call { status: Status::Rejected, amount }, due, policy, now)
        }
    }
}

fn wait(held: &Delivery, lock_at: Timestamp, until: Timestamp) -> Step {
    if held.in_doubt() || held.state == State::Rejected || held.not_before == until {
        return Step::wait(until);
    }
    let validation = held.validation.clone();
    let next = Delivery {
        state: State::Retrying,
        reason: Some(RETURN_PERIOD),
        not_before: until,
        parked_settings: None,
        validation: validation.map(|validation| Validation { lock_at, ..validation }),
        ..held.clone()
    };
    Step::write(next, Then::Wait(until))
}

/// A validation that no call settles. One that is in doubt stays so.
fn end(held: &Delivery, state: State, reason: Reason, now: Timestamp) -> Step {
    let is_news = held.state != state || held.reason.as_ref() != Some(&reason);
    if !is_news || held.in_doubt() {
        return Step::rest();
    }
    let next = Delivery {
        state,
        reason: Some(reason),
        not_before: now,
        parked_settings: None,
        ..held.clone()
    };
    Step::write(next, Then::Rest)
}

/// Claims the call, whose content is frozen from here on: it may be processed.
fn call(held: &Delivery, call: Call, due: &Due, policy: &Policy, now: Timestamp) -> Step {
    if let Some(open) = due.open.as_ref().filter(|open| open.holds(held)) {
        return Step::wait(open.until);
    }
    let before = held.validation.as_ref().and_then(|validation| validation.call.as_ref());
    if held.in_doubt() && before.is_some_and(|before| *before != call) {
        return changed(held);
    }
    let validation =
        held.validation.clone().map(|validation| Validation { call: Some(call), ..validation });
    // A permission is a person's word about the doubt.
    let free = Delivery { doubt: None, validation, ..held.clone() };
    claim(&free, "", due.deadline, policy, now)
}

/// The call that may have been processed said something else: a person finds out first.
fn changed(held: &Delivery) -> Step {
    let reason = Some(Reason::new("changed_since_the_call"));
    if held.reason == reason {
        return Step::rest();
    }
    let doubt = held.doubt.clone().map(|doubt| Doubt { recovery: Recovery::Hold, ..doubt });
    let next =
        Delivery { state: State::Unconfirmed, reason, doubt, permission: None, ..held.clone() };
    Step::write(next, Then::Rest)
}
