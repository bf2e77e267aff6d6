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

impl Pause {
    /// A pause that begins `now`, because of `reason`, met with this version of the settings.
    pub(super) fn begin(now: Timestamp, reason: Reason, settings: &str) -> Self {
        Self { until: now + PROBE, reason, settings: settings.to_owned() }
    }

    /// Until when it holds an order back that would be sent with `settings`. The first order after
    /// its end is let through; the next ones wait for what comes of it.
    pub(super) fn holds(&mut self, settings: &str, now: Timestamp) -> Option<(Timestamp, Reason)> {
        if self.settings != settings {
            return None;
        }
        if now >= self.until {
            self.until = now + PROBE;
            return None;
        }
        Some((self.until, self.reason.clone()))
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

        assert_eq!(pause.holds("v1", start), Some((start + PROBE, KEY)));
        assert_eq!(pause.holds("v1", start + PROBE), None);
        assert_eq!(pause.holds("v1", start + PROBE), Some((start + PROBE + PROBE, KEY)));
    }

    #[test]
    fn holds_nothing_back_once_the_settings_have_changed() {
        let start = Timestamp::from_millis(0);

        assert_eq!(Pause::begin(start, KEY, "v1").holds("v2", start), None);
    }
}
