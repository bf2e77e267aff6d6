//! The one place that reads the machine's clock.

#![expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]

use std::time::{Duration, Instant, SystemTime};

/// For durations.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// For dates.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Until `delay` after `since`: what a service far away takes, its work included.
pub(crate) async fn pass(since: Instant, delay: Duration) {
    if !delay.is_zero() {
        // tokio's clock ticks in milliseconds: 3 ms would be 4.
        async_io::Timer::at(since + delay).await;
    }
}
