//! The world's time.

use std::time::Duration;

use postback_core::clock::Timestamp;

/// One tick of the world's clock: long against everything that counts in seconds.
pub(crate) const TICK: Duration = Duration::from_mins(1);
/// Now, always: when time passes, everything else moves into the past. 2026-11-21T10:15:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
/// The number of ticks for which an invocation may live.
pub(crate) const LIFE: Ticks = 2;
/// Further back than this, one instant is like another.
pub(crate) const PAST: Ticks = 5;
/// A span of the world's time.
pub type Ticks = u8;

pub(crate) const fn ticks(count: u8) -> Duration {
    TICK.saturating_mul(count as u32)
}

/// The instant that looks like those before it.
pub(crate) fn long_ago() -> Timestamp {
    NOW - ticks(PAST)
}

/// An instant that never comes while the world is explored.
pub(crate) fn far_away() -> Timestamp {
    NOW + ticks(250)
}

/// The same instant seen one tick later.
pub(crate) fn older(instant: Timestamp) -> Timestamp {
    if instant == far_away() { instant } else { (instant - TICK).max(long_ago()) }
}
