//! An open circuit breaker: its cause, its pauses, and the order that is its probe.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Open, State},
    network::may_be_a_firewalls,
    redaction::Reason,
};

/// The pauses of an outage; the last one repeats. The first is short, because two orders of one
/// shopper are no outage: the next order that comes is tried. With the two orders that open the circuit an
/// hour costs seven doubts.
pub(super) const OUTAGE_PAUSES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(20),
];
/// The time for which an outage leaves the probe to a new order, or to the one that came last.
pub(super) const NEWEST_FIRST: Duration = Duration::from_secs(5);
/// An order that comes so soon after an outage began comes with those that failed: one shopper may
/// send many at once.
pub(super) const COMES_WITH: Duration = Duration::from_secs(1);
/// The time for which those leave the first probe to an order that comes later.
pub(super) const LATER_FIRST: Duration = Duration::from_mins(2);
/// The time for which orders wait for the answer to the probe of an outage: longer than a network's
/// timeout.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// The time for which the order that failed last leaves the probe to another one. It may be the only
/// one there is.
pub(super) const LONE_ORDER_PAUSE: Duration = Duration::from_mins(15);
/// The pause of a wrong setting: the other side may fix it.
pub(super) const SETTING_PAUSE: Duration = Duration::from_mins(5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Outage,
    Throttled,
    /// The reason, and the HTTP status that said so: another status is another refusal.
    Setting(Reason, Option<u16>),
}

impl Cause {
    pub(super) fn is_by_status_alone(&self) -> bool {
        matches!(self, Self::Setting(reason, _) if may_be_a_firewalls(reason))
    }
}

#[derive(Clone, Debug)]
pub(super) struct OpenCircuit {
    pub(super) cause: Cause,
    /// The version of the settings under which it opened.
    pub(super) settings: String,
    pub(super) opened_at: Timestamp,
    pub(super) until: Timestamp,
    /// The number of probes so far.
    pub(super) probes: usize,
    /// True if it opened by the status alone: only the orders that met this refusal wait.
    pub(super) only_refused: bool,
    /// The new order that came last since the last probe.
    pub(super) newest: Option<String>,
    /// True if a new order came later than those that failed.
    pub(super) later_came: bool,
}

impl OpenCircuit {
    pub(super) fn new(cause: Cause, settings: &str, now: Timestamp) -> Self {
        let (settings, only_refused) = (settings.to_owned(), cause.is_by_status_alone());
        let (opened_at, probes, newest, later_came) = (now, 0, None, false);
        let until = now;
        let open =
            Self { cause, settings, opened_at, until, probes, only_refused, newest, later_came };
        Self { until: now + open.pause(), ..open }
    }

    /// Notes a new order that has to wait.
    pub(super) fn note_new(&mut self, order_id: &str, now: Timestamp) {
        self.newest = Some(order_id.to_owned());
        self.later_came |= now >= self.opened_at + COMES_WITH;
    }

    /// The time after the pause for which this order leaves the probe to another one.
    pub(super) fn leaves_the_probe(
        &self,
        order_id: &str,
        is_new: bool,
        failed_last: bool,
    ) -> Duration {
        let is_newest = self.newest.as_deref().is_none_or(|newest| newest == order_id);
        let to_newest = if is_newest { Duration::ZERO } else { NEWEST_FIRST };
        match self.cause {
            Cause::Throttled => Duration::ZERO,
            _ if failed_last => LONE_ORDER_PAUSE,
            Cause::Outage if is_new => Duration::ZERO,
            Cause::Outage if self.probes == 0 && !self.later_came => LATER_FIRST + to_newest,
            Cause::Outage => to_newest,
            Cause::Setting(..) => Duration::ZERO,
        }
    }

    /// Lets an order through as the probe. If it fails, the pause begins.
    pub(super) fn let_through(&mut self, now: Timestamp) {
        self.newest = None;
        self.probes += 1;
        let is_outage = self.cause == Cause::Outage;
        self.until = now + if is_outage { ANSWERED_WITHIN } else { self.pause() };
    }

    pub(super) fn pause(&self) -> Duration {
        match self.cause {
            Cause::Outage => OUTAGE_PAUSES[self.probes.min(OUTAGE_PAUSES.len() - 1)],
            Cause::Throttled => Duration::from_mins(1),
            Cause::Setting(..) => SETTING_PAUSE,
        }
    }

    pub(super) fn reason(&self) -> Reason {
        match &self.cause {
            Cause::Outage => Reason::new("network_down"),
            Cause::Throttled => Reason::new("http_429"),
            Cause::Setting(reason, _) => reason.clone(),
        }
    }

    pub(super) fn view(&self) -> Open {
        let state = match self.cause {
            Cause::Setting(..) => State::Parked,
            _ => State::Retrying,
        };
        Open { until: self.until, state, reason: self.reason(), only_refused: self.only_refused }
    }
}
