//! A pause of one network, within one running function: a wrong key is not tried with every order.

use std::time::Duration;

use postback_core::{clock::Timestamp, redaction::Reason};

/// How long nothing is sent before one order is let through to see whether the other side has been
/// mended. Changed settings end a pause at once.
const PROBE: Duration = Duration::from_mins(5);

/// Nothing is sent until it ends.
#[derive(Clone, Debug)]
pub(super) struct CircuitBreaker {
    until: Timestamp,
    reason: Reason,
    settings: String,
}

/// Whether an order is let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Circuit {
    /// It is sent like any other.
    Closed,
    /// It is sent to see whether the other side has been mended.
    HalfOpen,
    /// It waits until then, because of that.
    Open(Timestamp, Reason),
}

impl CircuitBreaker {
    /// A pause that begins `now`, because of `reason`, met with this version of the settings.
    pub(super) fn open(now: Timestamp, reason: Reason, settings: &str) -> Self {
        Self { until: now + PROBE, reason, settings: settings.to_owned() }
    }

    /// What it means for an order that would be sent with `settings`. The first one after its end is
    /// let through; the next ones wait for what comes of it.
    pub(super) fn check(&mut self, settings: &str, now: Timestamp) -> Circuit {
        if self.settings != settings {
            return Circuit::Closed;
        }
        if now >= self.until {
            self.until = now + PROBE;
            return Circuit::HalfOpen;
        }
        Circuit::Open(self.until, self.reason.clone())
    }

    /// The order that was let through was not sent after all: the next one may be.
    pub(super) fn give_back(&mut self, now: Timestamp) {
        self.until = self.until.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Reason = Reason::new("key");

    #[test]
    fn lets_one_order_through_when_it_ends() {
        let start = Timestamp::from_millis(0);
        let mut pause = CircuitBreaker::open(start, KEY, "v1");

        assert_eq!(pause.check("v1", start), Circuit::Open(start + PROBE, KEY));
        assert_eq!(pause.check("v1", start + PROBE), Circuit::HalfOpen);
        assert_eq!(pause.check("v1", start + PROBE), Circuit::Open(start + PROBE + PROBE, KEY));
    }

    #[test]
    fn holds_nothing_back_once_the_settings_have_changed() {
        let start = Timestamp::from_millis(0);

        assert_eq!(CircuitBreaker::open(start, KEY, "v1").check("v2", start), Circuit::Closed);
    }

    #[test]
    fn lets_another_order_through_when_the_first_was_not_sent() {
        let end = Timestamp::from_millis(0) + PROBE;
        let mut pause = CircuitBreaker::open(Timestamp::from_millis(0), KEY, "v1");

        assert_eq!(pause.check("v1", end), Circuit::HalfOpen);
        pause.give_back(end);

        assert_eq!(pause.check("v1", end), Circuit::HalfOpen);
    }
}
