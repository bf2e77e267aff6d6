//! The transitions. Read [`step`] first: one arm an event.

use std::time::Duration;

use super::{
    Attempt, Decision, Delivery, Event, Fingerprint, IfAbsent, Jitter, Lookup, Policy, Proof,
    RETENTION, Recovery, State, Step, Then, Verdict,
};
use crate::{clock::Timestamp, redaction::Reason};

/// What becomes of a delivery when `event` meets it at `now`, and what is to be done.
///
/// `before` is what the ledger holds, `None` when it holds nothing. The caller writes
/// [`Step::next`] on the condition that the ledger still holds `before`; if it does not, it asks
/// again with what is there.
#[must_use]
pub fn step(before: Option<&Delivery>, event: &Event, policy: &Policy, now: Timestamp) -> Step {
    match (event, before) {
        (Event::Refuse { content, reason }, None) => refuse(content, reason, now),
        (Event::Refuse { content, .. }, Some(d)) if d.content == *content => rest(),
        (Event::Refuse { content, reason }, Some(d)) if is_unsent_refusal(d) => {
            refuse(content, reason, d.first_seen_at)
        }
        // Told before, and now it can't be phrased: other settings may do that to the same order.
        (Event::Refuse { .. }, Some(d)) if !d.state.is_final() => wait(now + policy.park),
        (Event::Refuse { .. }, Some(_)) => Step { next: None, then: Then::Conflict },
        (Event::Arrive { content, deadline, settings, paused }, _) => {
            let caller = Caller { deadline: *deadline, settings, paused: paused.as_ref() };
            match before {
                None => fresh(content, now, &caller, policy, now),
                Some(d) if is_unsent_refusal(d) => {
                    fresh(content, d.first_seen_at, &caller, policy, now)
                }
                Some(d) if d.content != *content => Step { next: None, then: Then::Conflict },
                Some(d) => arrive(d, &caller, policy, now),
            }
        }
        (Event::Settle { attempt, verdict, settings, jitter }, Some(delivery)) => {
            if delivery.state == State::Sending && delivery.attempt == *attempt {
                settle(delivery, verdict, settings, *jitter, policy, now)
            } else {
                settle_late(delivery, verdict, policy)
            }
        }
        (Event::LookedUp { asked, lookup, deadline, jitter }, Some(delivery)) => {
            if delivery.in_doubt && delivery.state != State::Sending {
                looked_up(delivery, lookup, *asked, *deadline, *jitter, policy, now)
            } else {
                come_back(delivery, policy)
            }
        }
        (Event::Decide { attempt, decision }, Some(delivery)) => {
            decide(delivery, *attempt, *decision, now)
        }
        (Event::Settle { .. } | Event::LookedUp { .. } | Event::Decide { .. }, None) => rest(),
    }
}

/// What an arriving order brings along besides its content.
struct Caller<'a> {
    deadline: Timestamp,
    settings: &'a str,
    paused: Option<&'a (Timestamp, Reason)>,
}

const fn rest() -> Step {
    Step { next: None, then: Then::Rest }
}

const fn wait(until: Timestamp) -> Step {
    Step { next: None, then: Then::Wait(until) }
}

/// Nothing changes. Who brought the order brings it back as long as something is left to do: nobody
/// else may be there to do so.
fn come_back(delivery: &Delivery, policy: &Policy) -> Step {
    match delivery.state {
        State::Sending => wait(delivery.claim_expires_at),
        State::Retrying | State::Parked => wait(delivery.not_before),
        State::Unconfirmed if may_resolve(delivery, policy) => wait(delivery.not_before),
        _ => rest(),
    }
}

/// `next` is written, then there is nothing to do unless it waits for its time.
fn become_(next: Delivery, policy: &Policy) -> Step {
    let waits = match next.state {
        State::Retrying | State::Parked => true,
        State::Unconfirmed => may_resolve(&next, policy),
        _ => false,
    };
    let then = if waits { Then::Wait(next.not_before) } else { Then::Rest };
    Step { next: Some(next), then }
}

/// An order refused by ourselves before any attempt: nothing was told, so a mended one is free.
fn is_unsent_refusal(delivery: &Delivery) -> bool {
    delivery.state == State::Rejected && delivery.attempt == 0
}

fn refuse(content: &Fingerprint, reason: &Reason, now: Timestamp) -> Step {
    let mut next = blank(content, now);
    next.state = State::Rejected;
    next.reason = Some(reason.clone());
    Step { next: Some(next), then: Then::Rest }
}

fn blank(content: &Fingerprint, first_seen_at: Timestamp) -> Delivery {
    Delivery {
        state: State::Retrying,
        reason: None,
        proof: None,
        attempt: 0,
        content: content.clone(),
        first_seen_at,
        claim_expires_at: Timestamp::EPOCH,
        not_before: Timestamp::EPOCH,
        reached_network: false,
        in_doubt: false,
        if_absent: IfAbsent::SendAgain,
        parked_settings: None,
    }
}

fn fresh(
    content: &Fingerprint,
    first_seen_at: Timestamp,
    caller: &Caller<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let blank = blank(content, first_seen_at);
    if let Some((until, reason)) = caller.paused {
        let next = Delivery {
            state: State::Parked,
            reason: Some(reason.clone()),
            not_before: *until,
            parked_settings: Some(caller.settings.to_owned()),
            ..blank
        };
        return become_(next, policy);
    }
    claim(&blank, caller.deadline, policy, now)
}

/// An order for a delivery that is known, with the same content.
fn arrive(delivery: &Delivery, caller: &Caller<'_>, policy: &Policy, now: Timestamp) -> Step {
    let paused_until = caller.paused.map(|(until, _)| *until);
    match delivery.state {
        State::Delivered | State::Accepted | State::Skipped | State::Rejected => rest(),
        State::Sending if now < delivery.claim_expires_at => wait(delivery.claim_expires_at),
        State::Sending => expire(delivery, policy, now),
        State::Parked if mended(delivery, caller) || now >= delivery.not_before => {
            match paused_until {
                Some(until) => wait(until),
                None if delivery.in_doubt => resolve(delivery, caller, policy, now),
                None => claim(delivery, caller.deadline, policy, now),
            }
        }
        State::Parked => wait(delivery.not_before),
        State::Unconfirmed if !may_resolve(delivery, policy) => rest(),
        State::Retrying | State::Unconfirmed if now < delivery.not_before => {
            wait(delivery.not_before)
        }
        State::Retrying | State::Unconfirmed if paused_until.is_some() => {
            wait(paused_until.unwrap_or(now))
        }
        State::Retrying => claim(delivery, caller.deadline, policy, now),
        State::Unconfirmed => resolve(delivery, caller, policy, now),
    }
}

fn mended(delivery: &Delivery, caller: &Caller<'_>) -> bool {
    delivery.parked_settings.as_deref().is_some_and(|with| with != caller.settings)
}

/// Whether an unconfirmed delivery can be resolved without a person.
fn may_resolve(delivery: &Delivery, policy: &Policy) -> bool {
    match policy.recovery {
        Recovery::Hold => false,
        Recovery::SendAgain => delivery.attempt < policy.attempts,
        Recovery::LookUp => true,
    }
}

fn resolve(delivery: &Delivery, caller: &Caller<'_>, policy: &Policy, now: Timestamp) -> Step {
    match policy.recovery {
        Recovery::SendAgain => claim(delivery, caller.deadline, policy, now),
        Recovery::LookUp if has_time(caller.deadline, policy, now) => {
            Step { next: None, then: Then::LookUp }
        }
        Recovery::LookUp => wait(now),
        Recovery::Hold => rest(),
    }
}

/// Claims the next attempt: written before the first byte is sent.
fn claim(delivery: &Delivery, deadline: Timestamp, policy: &Policy, now: Timestamp) -> Step {
    if !has_time(deadline, policy, now) {
        return wait(now);
    }
    let attempt = Attempt {
        number: delivery.attempt.saturating_add(1),
        at: now,
        reached_network_before: delivery.reached_network,
        in_doubt: delivery.in_doubt,
    };
    let next = Delivery {
        state: State::Sending,
        reason: None,
        attempt: attempt.number,
        claim_expires_at: deadline + policy.skew,
        not_before: deadline + policy.skew,
        if_absent: IfAbsent::SendAgain,
        parked_settings: None,
        ..delivery.clone()
    };
    Step { next: Some(next), then: Then::Send(attempt) }
}

fn has_time(deadline: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    now + policy.need <= deadline
}

/// The sender died, or its settling write failed: maybe sent.
fn expire(delivery: &Delivery, policy: &Policy, now: Timestamp) -> Step {
    let next = Delivery {
        state: State::Unconfirmed,
        reason: Some(Reason::new("sender_died")),
        reached_network: true,
        in_doubt: true,
        not_before: doubt_until(delivery, now, policy),
        ..delivery.clone()
    };
    become_(next, policy)
}

/// When an unconfirmed delivery may be resolved.
fn doubt_until(delivery: &Delivery, now: Timestamp, policy: &Policy) -> Timestamp {
    match policy.recovery {
        Recovery::LookUp => delivery.claim_expires_at.max(now) + policy.lag,
        Recovery::SendAgain | Recovery::Hold => now,
    }
}

fn settle(
    delivery: &Delivery,
    verdict: &Verdict,
    settings: &str,
    jitter: Jitter,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    let doubt = delivery.in_doubt;
    let mut next = Delivery { reached_network: true, not_before: now, ..delivery.clone() };
    let pause = backoff(delivery.attempt, jitter, policy);
    match verdict {
        Verdict::Delivered(proof) => {
            next.state = State::Delivered;
            next.proof = Some(*proof);
            next.in_doubt = false;
        }
        Verdict::Accepted(reason) => {
            next.state = State::Accepted;
            next.reason.clone_from(reason);
            next.in_doubt = false;
        }
        Verdict::Skipped(reason) => {
            // "Nothing to report" says nothing of an earlier attempt that may have passed.
            next.state = if doubt { State::Unconfirmed } else { State::Skipped };
            next.not_before = now + pause;
            next.reason = Some(reason.clone());
        }
        Verdict::Rejected { reason, standing } if *standing || !doubt => {
            next.state = State::Rejected;
            next.reason = Some(reason.clone());
            next.in_doubt = false;
        }
        // Refused now, but an earlier attempt may have passed: only a later answer can tell.
        Verdict::Rejected { reason, .. } => {
            next.state = State::Unconfirmed;
            next.reason = Some(reason.clone());
            next.not_before = now + policy.park;
        }
        Verdict::Parked { reason, probe, .. } => {
            next.state = State::Parked;
            next.reason = Some(reason.clone());
            next.not_before = now + if *probe { policy.park } else { RETENTION };
            next.parked_settings = Some(settings.to_owned());
        }
        Verdict::Retry { reason, after, sent } => {
            next.reached_network = delivery.reached_network || *sent;
            next.not_before = now + pause.max(after.unwrap_or_default());
            next.reason = Some(reason.clone());
            let spent = delivery.attempt >= policy.attempts
                || now.since(delivery.first_seen_at) >= policy.budget;
            if doubt {
                next.state = State::Unconfirmed;
            } else if spent {
                next.state = State::Parked;
                next.reason = Some(Reason::new("retries_exhausted"));
                next.not_before = next.not_before.max(now + policy.park);
                next.parked_settings = Some(settings.to_owned());
            } else {
                next.state = State::Retrying;
            }
        }
        Verdict::Unconfirmed { reason, if_absent } => {
            next.state = State::Unconfirmed;
            next.reason = Some(reason.clone());
            next.in_doubt = true;
            next.if_absent = *if_absent;
            next.not_before = match policy.recovery {
                Recovery::SendAgain => now + pause,
                Recovery::LookUp | Recovery::Hold => doubt_until(delivery, now, policy),
            };
        }
    }
    become_(next, policy)
}

/// A verdict from a sender that no longer holds the claim: only success counts, and only for a
/// delivery whose doubt it settles.
fn settle_late(delivery: &Delivery, verdict: &Verdict, policy: &Policy) -> Step {
    if !delivery.in_doubt || delivery.state == State::Sending {
        return come_back(delivery, policy);
    }
    match verdict {
        Verdict::Delivered(proof) => delivered(delivery, *proof),
        Verdict::Accepted(reason) => {
            let next = Delivery {
                state: State::Accepted,
                reason: reason.clone(),
                in_doubt: false,
                ..delivery.clone()
            };
            Step { next: Some(next), then: Then::Rest }
        }
        _ => come_back(delivery, policy),
    }
}

fn delivered(delivery: &Delivery, proof: Proof) -> Step {
    let next = Delivery {
        state: State::Delivered,
        reason: None,
        proof: Some(proof),
        in_doubt: false,
        ..delivery.clone()
    };
    Step { next: Some(next), then: Then::Rest }
}

fn looked_up(
    delivery: &Delivery,
    lookup: &Lookup,
    asked: Timestamp,
    deadline: Timestamp,
    jitter: Jitter,
    policy: &Policy,
    now: Timestamp,
) -> Step {
    match lookup {
        Lookup::Found { .. } => delivered(delivery, Proof::Lookup),
        // Asked too early: the network may not show it yet, or its sender may still be sending.
        Lookup::Absent if asked < delivery.not_before => wait(delivery.not_before),
        Lookup::Absent if delivery.if_absent == IfAbsent::Reject => {
            let next = Delivery {
                state: State::Rejected,
                reason: Some(Reason::new("duplicate_elsewhere")),
                in_doubt: false,
                ..delivery.clone()
            };
            Step { next: Some(next), then: Then::Rest }
        }
        Lookup::Absent if delivery.attempt >= policy.attempts => {
            let next = Delivery {
                state: State::Parked,
                reason: Some(Reason::new("retries_exhausted")),
                in_doubt: false,
                not_before: now + policy.park,
                ..delivery.clone()
            };
            become_(next, policy)
        }
        Lookup::Absent => {
            let certain = Delivery { in_doubt: false, ..delivery.clone() };
            claim(&certain, deadline, policy, now)
        }
        Lookup::Failed { .. } => {
            let pause = jittered(policy.backoff * 8, jitter).max(policy.backoff);
            wait(now + pause)
        }
    }
}

/// A person has looked at the network after `attempt`: what has been sent since, nobody looked for.
fn decide(delivery: &Delivery, attempt: u32, decision: Decision, now: Timestamp) -> Step {
    let open = matches!(delivery.state, State::Unconfirmed | State::Parked);
    match decision {
        _ if !open || delivery.attempt != attempt => rest(),
        Decision::Delivered => delivered(delivery, Proof::Operator),
        Decision::SendAgain => {
            let next = Delivery {
                state: State::Retrying,
                reason: Some(Reason::new("operator")),
                in_doubt: false,
                not_before: now,
                parked_settings: None,
                ..delivery.clone()
            };
            Step { next: Some(next), then: Then::Wait(now) }
        }
    }
}

/// Full jitter: anything from nothing up to twice as long with every attempt, capped.
fn backoff(attempt: u32, jitter: Jitter, policy: &Policy) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1).min(20));
    jittered(policy.backoff.saturating_mul(factor).min(policy.backoff_cap), jitter)
}

fn jittered(most: Duration, jitter: Jitter) -> Duration {
    let millis = most.as_millis() * u128::from(jitter) / u128::from(Jitter::MAX);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
