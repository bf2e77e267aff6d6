//! The sandbox's clock: the machine's, unless a test sets it.

use std::time::{SystemTime, UNIX_EPOCH};

/// A clock in Unix milliseconds, running or frozen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// The machine's clock, moved forward by so many milliseconds.
    Running { ahead_ms: u64 },
    /// Stopped at this instant.
    Frozen { now_ms: u64 },
}

impl Clock {
    pub(crate) const SYSTEM: Self = Self::Running { ahead_ms: 0 };

    pub(crate) fn now_ms(self) -> u64 {
        match self {
            Self::Running { ahead_ms } => system_ms().saturating_add(ahead_ms),
            Self::Frozen { now_ms } => now_ms,
        }
    }

    pub(crate) fn advance(&mut self, by_ms: u64) {
        match self {
            Self::Running { ahead_ms: ms } | Self::Frozen { now_ms: ms } => {
                *ms = ms.saturating_add(by_ms);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the sandbox reads the clock")]
fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
