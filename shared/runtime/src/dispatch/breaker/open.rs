//! An open circuit breaker: its cause, its pauses, and the order that is its probe.

use std::time::Duration;

use postback_core::{
    clock::Timestamp,
    delivery::{Open, State},
    network::may_be_a_firewalls,
    redaction::Reason,
};

/// The pauses of an outage; the last one repeats. The first two are short, because some orders of one
/// shopper are no outage: the next order that comes is tried. With the three orders that open the circuit
/// an hour costs eight doubts.
pub(super) const OUTAGE_PAUSES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(25),
];
/// The time for which orders that wait in an outage leave the probe to a new one.
pub(super) const NEW_FIRST: Duration = Duration::from_secs(30);
/// The time after which they look again; for so long they leave it to the one of them that came last.
pub(super) const COMES_AGAIN: Duration = Duration::from_secs(5);
/// The time for which orders wait for the answer to the probe of an outage: longer than a network's
/// timeout.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// The time for which the order that failed last leaves the probe to another one. It may be the only
/// one there is.
pub(super) const LONE_ORDER_PAUSE: Duration = Duration::from_mins(15);
/// The time after which it looks again meanwhile: once another was judged, it need not wait.
pub(super) const FAILED_COMES_AGAIN: Duration = Duration::from_mins(1);
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

    /// The number of orders in a row that make it the network's, not theirs.
    pub(super) const fn orders(&self) -> usize {
        match self {
            Self::Outage | Self::Throttled => 3,
            Self::Setting(..) => 2,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct OpenCircuit {
    pub(super) cause: Cause,
    /// The version of the settings under which it opened.
    pub(super) settings: String,
    pub(super) until: Timestamp,
    /// The number of probes so far.
    pub(super) probes: usize,
    /// True if it opened by the status alone: only the orders that met this refusal wait.
    pub(super) only_refused: bool,
    /// The new order that came last since the last probe.
    pub(super) newest: Option<String>,
}

impl OpenCircuit {
    pub(super) fn new(cause: Cause, settings: &str, now: Timestamp) -> Self {
        let (settings, only_refused) = (settings.to_owned(), cause.is_by_status_alone());
        let open = Self { cause, settings, until: now, probes: 0, only_refused, newest: None };
        Self { until: now + open.pause(), ..open }
    }

    /// The time after the pause for which this order leaves the probe to another one.
    pub(super) fn leaves_the_probe(
        &self,
        order_id: &str,
        is_new: bool,
        failed_last: bool,
    ) -> Duration {
        let is_newest = self.newest.as_deref().is_none_or(|newest| newest == order_id);
        match self.cause {
            Cause::Throttled => Duration::ZERO,
            _ if failed_last => LONE_ORDER_PAUSE,
            Cause::Outage if is_new => Duration::ZERO,
            Cause::Outage if is_newest => NEW_FIRST,
            Cause::Outage => NEW_FIRST + COMES_AGAIN,
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
