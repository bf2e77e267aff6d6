//! The transitions of a delivery: [`step`] picks the one of an event, each file holds those of one
//! kind of event.
//!
//! | file | events |
//! |---|---|
//! | `arrive.rs` | an order arrives: versions, content, permissions |
//! | `due.rs` | the same content comes again, and something of it is due |
//! | `plan.rs` | the plan of an order that arrives, and an open one that can't be planned any more |
//! | `claim.rs` | the next attempt is claimed, an expired claim becomes a doubt |
//! | `settle.rs` | an attempt has a verdict: one function a verdict |
//! | `lines.rs`, `lines/compare.rs` | an order arrives by lines |
//! | `lookup.rs` | the network was asked |
//! | `cancel.rs` | the shop cancelled the order |
//! | `decide.rs` | a person decided |
//! | `note.rs` | refunds alone, and the facts that an arrival adds beside its step: refunds, the content reported |
//! | `waiting.rs` | a later version waits for the one held |
//! | `validate.rs` | a validation follows its delivery, and is due |

use std::time::Duration;

use super::{Arrival, Delivery, Event, Jitter, Policy, RETENTION, Recovery, State, Step, Then};
use crate::clock::Timestamp;

mod arrive;
mod cancel;
mod claim;
mod decide;
mod due;
mod lines;
mod lookup;
mod note;
mod plan;
mod settle;
#[cfg(test)]
mod tests;
mod validate;
mod waiting;

pub use lines::{ByLines, Lines, by_lines, is_void};

/// Decides the next delivery and the action when `event` meets it at `now`.
///
/// `before` is the delivery as the ledger holds it, `None` when it holds nothing. The caller writes
/// [`Step::next`] on the condition that the ledger still holds `before`; if it does not, it asks
/// again with the delivery held then.
#[must_use]
pub fn step(before: Option<&Delivery>, event: &Event, policy: &Policy, now: Timestamp) -> Step {
    match (event, before) {
        (Event::Arrive(arrival), held) => {
            let Some(before) = note::refunds_before(held, &arrival.facts) else {
                return note::arrival(held, arrival, arrive::arrive(held, arrival, policy, now));
            };
            // Nothing else is known of the order: it arrives for the first time.
            let refunds = before.and(&arrival.refunds);
            let arrival = &Arrival { refunds, ..arrival.clone() };
            note::arrival(None, arrival, arrive::arrive(None, arrival, policy, now))
        }
        (Event::Follow(followed), held) => validate::follow(held, followed, now),
        (Event::Validate(due), Some(held)) => validate::due(held, due, policy, now),
        (Event::Cancel { facts, updated_at, by_refunds }, None) => {
            cancel::unknown(facts, *updated_at, *by_refunds, now)
        }
        (Event::Cancel { updated_at, by_refunds, .. }, Some(held)) => {
            cancel::known(held, *updated_at, *by_refunds, now)
        }
        (Event::Refund { refunds, currency }, held) => note::refunds(held, refunds, *currency, now),
        (Event::Settle { attempt, verdict, settings, jitter }, Some(held)) => {
            let sender = settle::Sender { settings, jitter: *jitter };
            if held.state == State::Sending && held.attempt == *attempt {
                settle::settle(held, verdict, &sender, policy, now)
            } else {
                settle::settle_late(held, verdict, now)
            }
        }
        (Event::LookedUp { asked, lookup, is_plannable, deadline, jitter }, Some(held)) => {
            let question = lookup::Question {
                asked: *asked,
                is_plannable: *is_plannable,
                deadline: *deadline,
                jitter: *jitter,
            };
            lookup::looked_up(held, lookup, &question, policy, now)
        }
        (Event::Unplanned { settings }, Some(held)) => plan::unplanned(held, settings, policy, now),
        (Event::Expire, Some(held)) => claim::expire(held, policy, now),
        (Event::Permit { until }, Some(held)) => lines::permit(held, *until),
        (Event::Complete { updated_at }, Some(held)) => cancel::complete(held, *updated_at),
        (Event::Decide { attempt, decisions, decision }, Some(held)) => {
            if held.attempt == *attempt && held.decisions == *decisions {
                decide::decide(held, *decision, policy, now)
            } else {
                Step::rest()
            }
        }
        (_, None) => Step::rest(),
    }
}

/// Writes `next`; whoever brought the order brings it back as long as something is left to do.
fn become_(next: Delivery, now: Timestamp) -> Step {
    let then = if waits(&next, now) { Then::Wait(next.not_before) } else { Then::Rest };
    Step::write(next, then)
}

/// Changes nothing. Whoever brought the order brings it back as long as something is left to do:
/// nobody else may be there to do so.
fn come_back(held: &Delivery, now: Timestamp) -> Step {
    match held.state {
        State::Sending => Step::wait(held.claim_expires_at),
        _ if waits(held, now) => Step::wait(held.not_before),
        _ => Step::rest(),
    }
}

/// Returns whether something is left to do for it without a person.
fn waits(delivery: &Delivery, now: Timestamp) -> bool {
    match delivery.state {
        State::Parked | State::Unconfirmed if delivery.in_doubt() => resolves_itself(delivery, now),
        State::Retrying | State::Parked => true,
        _ => false,
    }
}

/// Returns whether its doubt can be resolved without a person.
fn resolves_itself(delivery: &Delivery, now: Timestamp) -> bool {
    let Some(doubt) = &delivery.doubt else { return false };
    match doubt.recovery {
        Recovery::Hold => false,
        Recovery::SendAgain | Recovery::SendOnceMore => {
            now.since(delivery.first_seen_at) < RETENTION
        }
        Recovery::LookUp => true,
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
