//! The rules of the protocol, each with what would happen without it. Instants are real ones: a
//! span that is taken for an instant, or seconds for milliseconds, shows.

use std::time::Duration;

use super::{super::*, step};
use crate::{
    clock::Timestamp,
    delivery::samples::{NOW, cancellation, doubt, reported},
    redaction::{Details, Reason},
};

mod arrive;
mod cancel;
mod claim;
mod compare;
mod decide;
mod doubt;
mod implausible;
mod lines;
mod lookup;
mod permit;
mod plan;
mod refunds;
mod settle;
mod throttled;
mod validate;
mod versions;
mod waiting;

const TIMEOUT: Duration = Duration::from_secs(10);
const LAG: Duration = Duration::from_mins(2);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const RECOVERIES: [Recovery; 4] =
    [Recovery::SendAgain, Recovery::SendOnceMore, Recovery::LookUp, Recovery::Hold];

fn policy(recovery: Recovery) -> Policy {
    Policy::new(recovery, TIMEOUT, LAG)
}

fn content() -> Facts {
    Facts::none().digest("amount", "1499.00")
}

fn other_content() -> Facts {
    Facts::none().digest("amount", "14.99")
}

/// The `updated_at` of a version; later ones have greater numbers.
#[expect(clippy::unnecessary_wraps, reason = "a version may be missing")]
fn version(number: u32) -> Option<Timestamp> {
    Some(NOW - DAY * 10 + HOUR * number)
}

/// The deadline of an invocation that has just enough time, beginning at `now`.
fn deadline(now: Timestamp) -> Timestamp {
    now + TIMEOUT + 5 * SECOND
}

/// The order arrives at `now`, by a message or a call that is new.
fn arrival(now: Timestamp) -> Arrival {
    Arrival {
        refunds: Refunds::default(),
        reported: None,
        facts: content(),
        updated_at: None,
        planned: Planned::Send("scope".to_owned()),
        shown_scope: None,
        deadline: deadline(now),
        settings: "v1".to_owned(),
        open: None,
        is_implausible: false,
        is_delayed: false,
        has_waited: false,
    }
}

fn arrive(now: Timestamp) -> Event {
    Event::Arrive(arrival(now))
}

fn arrive_as(now: Timestamp, updated_at: Option<Timestamp>) -> Event {
    Event::Arrive(Arrival { updated_at, ..arrival(now) })
}

fn arrive_as_other(now: Timestamp, updated_at: Option<Timestamp>) -> Event {
    Event::Arrive(Arrival { updated_at, facts: other_content(), ..arrival(now) })
}

fn arrive_with(now: Timestamp, settings: &str) -> Event {
    Event::Arrive(Arrival { settings: settings.to_owned(), ..arrival(now) })
}

fn arrive_planned(now: Timestamp, planned: Planned) -> Event {
    Event::Arrive(Arrival { planned, ..arrival(now) })
}

/// The order arrives while a wrong setting holds the circuit breaker open.
fn arrive_at_open_circuit(now: Timestamp, until: Timestamp) -> Event {
    arrive_paused(now, until, State::Parked, "key")
}

fn arrive_paused(now: Timestamp, until: Timestamp, state: State, reason: &'static str) -> Event {
    let open = Open { until, state, reason: Reason::new(reason), only_refused: false };
    Event::Arrive(Arrival { open: Some(open), ..arrival(now) })
}

/// The order arrives while a refusal by this reason, which may be about others, holds the circuit
/// breaker open for those that met it.
fn arrive_open_to_others(now: Timestamp, until: Timestamp, reason: &'static str) -> Event {
    let (state, reason) = (State::Parked, Reason::new(reason));
    let open = Some(Open { until, state, reason, only_refused: true });
    Event::Arrive(Arrival { open, ..arrival(now) })
}

fn skip() -> Planned {
    Planned::Skip(Reason::new("no_click"))
}

fn reject() -> Planned {
    Planned::Reject(Reason::new("no_offer"))
}

fn cancel(updated_at: Option<Timestamp>) -> Event {
    Event::Cancel { facts: Facts::none(), updated_at, by_refunds: false }
}

fn settle_of(attempt: u32, verdict: Verdict, jitter: Jitter) -> Event {
    Event::Settle { attempt, verdict, settings: "v1".to_owned(), jitter }
}

fn settle(verdict: Verdict) -> Event {
    settle_of(1, verdict, 0)
}

fn not_sent() -> Verdict {
    Verdict::Retry { reason: Reason::new("connect_failed"), after: None, sent: false }
}

fn lost() -> Verdict {
    Verdict::unconfirmed("answer_timeout")
}

fn yes() -> Verdict {
    Verdict::Delivered(Proof::Response)
}

fn looked_up(asked: Timestamp, lookup: Lookup) -> Event {
    Event::LookedUp { asked, lookup, is_plannable: true, deadline: deadline(asked), jitter: 0 }
}

fn found(asked: Timestamp) -> Event {
    looked_up(asked, Lookup::Found { references: Details::none() })
}

fn absent(asked: Timestamp) -> Event {
    looked_up(asked, Lookup::Absent)
}

/// A person decides on the delivery as it is.
fn decide(held: &Delivery, decision: Decision) -> Event {
    Event::Decide { attempt: held.attempt, decisions: held.decisions, decision }
}

fn next(before: &Delivery, event: &Event, policy: &Policy, now: Timestamp) -> Delivery {
    step(Some(before), event, policy, now).next.expect("a change")
}

fn unchanged(then: Then) -> Step {
    Step { next: None, then }
}

/// What the first claim writes.
fn sending(policy: &Policy) -> Delivery {
    step(None, &arrive(NOW), policy, NOW).next.expect("a claim")
}

fn settled(policy: &Policy, verdict: Verdict) -> Delivery {
    next(&sending(policy), &settle(verdict), policy, NOW + SECOND)
}

fn retrying(policy: &Policy) -> Delivery {
    next(&sending(policy), &settle_of(1, not_sent(), Jitter::MAX), policy, NOW + SECOND)
}

/// An attempt of which no answer came.
fn unconfirmed(policy: &Policy) -> Delivery {
    settled(policy, lost())
}

/// An attempt of which no answer came, that only a person resolves.
fn held() -> Delivery {
    unconfirmed(&policy(Recovery::Hold))
}

/// A delivery of this version.
fn versioned(delivery: Delivery, number: u32) -> Delivery {
    Delivery { order_updated_at: version(number), ..delivery }
}

/// The second attempt, after one of which no answer came.
fn sending_in_doubt() -> (Delivery, Policy) {
    let policy = policy(Recovery::SendAgain);
    let unconfirmed = unconfirmed(&policy);
    let at = unconfirmed.not_before;
    (next(&unconfirmed, &arrive(at), &policy, at), policy)
}

/// What was cancelled before anything was sent.
fn withdrawn(updated_at: Option<Timestamp>) -> Delivery {
    let policy = policy(Recovery::Hold);
    step(None, &cancel(updated_at), &policy, NOW).next.expect("a record")
}
