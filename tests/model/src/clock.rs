//! The time of the world.

use std::time::Duration;

use postback_core::clock::Timestamp;

/// One tick of the world's clock: long against everything that counts in seconds.
pub(crate) const TICK: Duration = Duration::from_mins(1);
/// The present, always: when time passes, everything else moves into the past. 2026-11-21T10:15:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);
/// The longest life of an invocation.
pub(crate) const LIFE: Ticks = 2;
/// Further back than this, one instant is like another.
pub(crate) const PAST: Ticks = 5;
/// More messages on the queue than this are like this many.
pub(crate) const MOST_MESSAGES: u8 = 3;

/// A span of the world's time.
pub type Ticks = u8;

pub(crate) const fn ticks(count: u8) -> Duration {
    TICK.saturating_mul(count as u32)
}

/// The oldest instant that the model distinguishes.
pub(crate) fn long_ago() -> Timestamp {
    NOW - ticks(PAST)
}

/// Returns the same instant as seen one tick later.
pub(crate) fn older(instant: Timestamp) -> Timestamp {
    (instant - TICK).max(long_ago())
}
