//! The one place that reads the machine's clock.

#![expect(clippy::disallowed_methods, reason = "this program measures time")]

use std::time::{Duration, Instant, SystemTime};

/// The time to measure durations with.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time since 1970, for dates.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Waits until `delay` after `since`: the time of a remote service, its work included.
pub(crate) async fn wait_since(since: Instant, delay: Duration) {
    if !delay.is_zero() {
        // tokio's timer ticks in milliseconds: 3 ms would be 4.
        async_io::Timer::at(since + delay).await;
    }
}
