//! A pause of one network, within one running function: a wrong key is not tried with every order.

use std::time::Duration;

use crate::{clock::Timestamp, word::Reason};

/// How long nothing is sent before one order is let through to see whether the other side has been
/// mended. Changed settings end a pause at once.
const PROBE: Duration = Duration::from_mins(5);

/// Nothing is sent until it ends.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    until: Timestamp,
    reason: Reason,
    settings: String,
}

/// Whether an order is let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It is sent like any other.
    Free,
    /// It is sent to see whether the other side has been mended.
    Probe,
    /// It waits until then, because of that.
    Held(Timestamp, Reason),
}

impl Pause {
    /// A pause that begins `now`, because of `reason`, met with this version of the settings.
    pub(super) fn begin(now: Timestamp, reason: Reason, settings: &str) -> Self {
        Self { until: now + PROBE, reason, settings: settings.to_owned() }
    }

    /// What it means for an order that would be sent with `settings`. The first one after its end is
    /// let through; the next ones wait for what comes of it.
    pub(super) fn meet(&mut self, settings: &str, now: Timestamp) -> Passage {
        if self.settings != settings {
            return Passage::Free;
        }
        if now >= self.until {
            self.until = now + PROBE;
            return Passage::Probe;
        }
        Passage::Held(self.until, self.reason.clone())
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
        let mut pause = Pause::begin(start, KEY, "v1");

        assert_eq!(pause.meet("v1", start), Passage::Held(start + PROBE, KEY));
        assert_eq!(pause.meet("v1", start + PROBE), Passage::Probe);
        assert_eq!(pause.meet("v1", start + PROBE), Passage::Held(start + PROBE + PROBE, KEY));
    }

    #[test]
    fn holds_nothing_back_once_the_settings_have_changed() {
        let start = Timestamp::from_millis(0);

        assert_eq!(Pause::begin(start, KEY, "v1").meet("v2", start), Passage::Free);
    }

    #[test]
    fn lets_another_order_through_when_the_first_was_not_sent() {
        let end = Timestamp::from_millis(0) + PROBE;
        let mut pause = Pause::begin(Timestamp::from_millis(0), KEY, "v1");

        assert_eq!(pause.meet("v1", end), Passage::Probe);
        pause.give_back(end);

        assert_eq!(pause.meet("v1", end), Passage::Probe);
    }
}
