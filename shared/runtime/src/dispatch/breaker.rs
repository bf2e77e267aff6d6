//! The circuit breaker of one network, within one running function: an outage and a wrong setting
//! are not tried with every order.
//!
//! It opens on evidence about the network, not about one order: when three different orders in a row
//! end in doubt or unsent, or are asked to wait, or two meet the same refusal of a setting under the
//! same HTTP status. A refusal by the status alone does not count while other orders are judged. A 429
//! is a limit: all wait as long as it asks, at once or, while other orders are judged, from the third
//! in a row. While it is open, orders wait unsent. After a pause one order is let through, never the
//! one that failed last; in an outage a new one first, and one that waits before those that came
//! earlier: what failed may be the texts of one shopper, whose orders come together and wait with the
//! others. Where it opened by the status alone, only orders that met that refusal wait, and the others
//! are tried. Any answer that judges an order closes it, and so do changed settings. One that is about the request alone (its
//! length, its headers) says nothing about the network, nor does a 503 that asks its order to wait.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{IfAbsent, Open, Verdict},
    redaction::Reason,
};

mod failed;
mod open;

use failed::Failed;
use open::{COMES_AGAIN, Cause, FAILED_COMES_AGAIN, OpenCircuit};

/// The time for which settings count as right after the network has judged an order under them. What
/// is refused meanwhile by the status alone is about those orders: a firewall may dislike the texts
/// of one shopper, who could otherwise stop the network for everybody with two orders in a row.
const PROVEN: Duration = Duration::from_mins(2);
/// The most requests in flight at a network whose doubts are held, unless the last ended well. It is
/// one where one more failure makes an outage.
const MAX_IN_FLIGHT: u32 = 2;

/// The circuit breaker.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    /// The orders that failed, with no success since.
    failed: Option<Failed>,
    /// The same of those that were refused by the status alone: neither hides the other.
    refused: Option<Failed>,
    /// The same of those that a 429 asked to wait.
    throttled: Option<Failed>,
    /// The settings under which the network last judged an order, and the time of that.
    proven: Option<(String, Timestamp)>,
    open: Option<OpenCircuit>,
    in_flight: u32,
    last_ended_well: bool,
}

/// The way through the circuit breaker for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Circuit {
    /// The order is sent like any other.
    Closed,
    /// The order is sent to see whether the network is back.
    HalfOpen,
    /// The order waits unsent, if it holds it.
    Open(Open),
}

impl Circuit {
    /// The open circuit breaker, where it is open.
    pub(super) fn open(&self) -> Option<Open> {
        match self {
            Self::Open(open) => Some(open.clone()),
            Self::Closed | Self::HalfOpen => None,
        }
    }
}

/// A change of the circuit breaker, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It opened, for this reason.
    Opened(Reason),
    /// It closed.
    Closed,
}

impl CircuitBreaker {
    /// Returns whether orders wait for a setting or for the end of an outage. A pause that the network
    /// asked for is neither: it ends by itself.
    pub(super) fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.cause != Cause::Throttled)
    }

    /// Returns whether the last answer judged an order.
    pub(super) const fn last_ended_well(&self) -> bool {
        self.last_ended_well
    }

    /// Returns whether one more request may be in flight at a network whose doubts are held.
    pub(super) fn has_room(&self) -> bool {
        let is_near = self.failed.as_ref().is_some_and(Failed::is_near);
        let most = if is_near { 1 } else { MAX_IN_FLIGHT };
        self.last_ended_well || self.in_flight < most
    }

    /// A request of an order is about to leave.
    pub(super) const fn begin(&mut self) {
        self.in_flight += 1;
    }

    /// It ended.
    pub(super) const fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Looks for a way through for `order_id`, which would be sent with `settings`. A new one did not
    /// wait before.
    pub(super) fn check(
        &mut self,
        order_id: &str,
        is_new: bool,
        settings: &str,
        now: Timestamp,
    ) -> Circuit {
        let failed_last =
            self.failed.iter().chain(&self.refused).any(|failed| failed.last() == Some(order_id));
        let Some(open) = &mut self.open else { return Circuit::Closed };
        if open.settings != settings {
            return Circuit::Closed;
        }
        if now < open.until {
            if is_new {
                open.newest = Some(order_id.to_owned());
            }
            return Circuit::Open(open.view());
        }
        let its_turn = open.until + open.leaves_the_probe(order_id, is_new, failed_last);
        if now < its_turn {
            // Another order is the probe. The others come again soon, to see how it ended.
            let again = now + if failed_last { FAILED_COMES_AGAIN } else { COMES_AGAIN };
            return Circuit::Open(Open { until: its_turn.min(again), ..open.view() });
        }
        open.let_through(now);
        Circuit::HalfOpen
    }

    /// The order that was let through on this way was not sent after all: the next one may be.
    pub(super) fn give_back(&mut self, way: &Circuit, now: Timestamp) {
        if let (Circuit::HalfOpen, Some(open)) = (way, &mut self.open) {
            open.until = open.until.min(now);
            open.probes = open.probes.saturating_sub(1);
        }
    }

    /// Learns from the verdict of an order's attempt that was sent with `settings`, and the HTTP
    /// status behind it. One that failed before and comes again and again says nothing new: its texts
    /// may be why.
    pub(super) fn learn(
        &mut self,
        order_id: &str,
        comes_again: bool,
        verdict: &Verdict,
        status: Option<u16>,
        settings: &str,
        now: Timestamp,
    ) -> Option<Change> {
        let cause = match verdict {
            _ if is_about_the_order_alone(verdict, status) => return None,
            Verdict::Parked { reason, .. } => Cause::Setting(reason.clone(), status),
            // A certificate that does not hold stays so until a person acts.
            Verdict::Retry { reason, .. } if reason.as_str() == "tls_failed" => {
                Cause::Setting(reason.clone(), None)
            }
            // The network answered, and a lookup decides whose it holds.
            Verdict::Unconfirmed { if_absent: IfAbsent::Reject, .. } => {
                return self.close(settings, now);
            }
            Verdict::Retry { reason, after: Some(after), .. } if reason.as_str() == "http_429" => {
                return self.throttle(order_id, comes_again, *after, settings, now);
            }
            Verdict::Unconfirmed { .. }
            | Verdict::Retry { sent: false, .. }
            | Verdict::Retry { after: Some(_), .. } => Cause::Outage,
            // Answered, though not with a judgement.
            Verdict::Retry { .. } | Verdict::RetryOnce { .. } => return None,
            _ => return self.close(settings, now),
        };
        let is_about_the_order = cause.is_by_status_alone() && self.is_proven(settings, now);
        self.last_ended_well = false;
        if cause == Cause::Outage && comes_again && !self.is_outage() {
            return None;
        }
        let is_evidence = self.note(order_id, &cause);
        // It answers other orders again.
        self.open.take_if(|open| cause.is_by_status_alone() && open.cause == Cause::Throttled);
        match &mut self.open {
            // One order makes no outage of a pause that the network asked for.
            Some(open) if open.cause == Cause::Throttled && !is_evidence => None,
            // The probe failed.
            Some(open) if open.settings == settings && !open.only_refused => {
                if cause == Cause::Outage && open.cause != cause {
                    (open.cause, open.probes) = (cause, 0);
                }
                open.until = open.until.max(now + open.pause());
                None
            }
            // One more was tried, and says nothing about the others.
            Some(open) if open.settings == settings && open.cause == cause => None,
            _ if !is_evidence || is_about_the_order => None,
            _ => {
                let open = self.open.insert(OpenCircuit::new(cause, settings, now));
                Some(Change::Opened(open.reason()))
            }
        }
    }

    /// Waits as long as the network asks, which is no outage. While it judges others, one order may be
    /// the only one that it asks: then it waits alone, or as long as any other whose probe failed.
    fn throttle(
        &mut self,
        order_id: &str,
        comes_again: bool,
        after: Duration,
        settings: &str,
        now: Timestamp,
    ) -> Option<Change> {
        if let Some(open) = self.open.as_mut().filter(|open| !open.only_refused) {
            let is_limit = open.cause == Cause::Throttled;
            let pause = if is_limit { after } else { after.min(open.pause()) };
            open.until = open.until.max(now + pause);
            return None;
        }
        let is_evidence = !comes_again && self.note(order_id, &Cause::Throttled);
        if !is_evidence && self.is_proven(settings, now) {
            return None;
        }
        self.throttled = None;
        let open = OpenCircuit::new(Cause::Throttled, settings, now);
        // What held the refused orders alone is over: the network judges by its own limit now.
        let was = self.open.replace(OpenCircuit { until: now + after, ..open });
        was.map(|_| Change::Closed)
    }

    /// Notes a failure. Returns whether so many orders failed in a row, of this cause and with no
    /// success since, that it is the network's.
    fn note(&mut self, order_id: &str, cause: &Cause) -> bool {
        let slot = match cause {
            Cause::Throttled => &mut self.throttled,
            _ if cause.is_by_status_alone() => &mut self.refused,
            _ => &mut self.failed,
        };
        let failed = slot.take().filter(|failed| failed.cause == *cause);
        let failed = slot.insert(failed.unwrap_or_else(|| Failed::of(cause)));
        failed.note(order_id)
    }

    fn is_outage(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.cause == Cause::Outage)
    }

    fn is_proven(&self, settings: &str, now: Timestamp) -> bool {
        self.proven
            .as_ref()
            .is_some_and(|(proven, at)| proven == settings && now.since(*at) < PROVEN)
    }

    fn close(&mut self, settings: &str, now: Timestamp) -> Option<Change> {
        (self.failed, self.refused, self.throttled) = (None, None, None);
        self.proven = Some((settings.to_owned(), now));
        self.last_ended_well = true;
        let was = self.open.take()?;
        (was.cause != Cause::Throttled).then_some(Change::Closed)
    }
}

/// Returns whether a verdict says nothing about the network: a setting is wrong for orders like this one,
/// or the status alone refused the request. That may be a firewall's before a network that is down, so it
/// ends no outage. A 400 or a 422 is an application's word.
fn is_about_the_order_alone(verdict: &Verdict, status: Option<u16>) -> bool {
    match verdict {
        Verdict::Parked { .. } => !verdict.opens_the_circuit(),
        Verdict::Rejected(reason) => {
            reason.as_str() == "http_refused" && !matches!(status, Some(400 | 422))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
