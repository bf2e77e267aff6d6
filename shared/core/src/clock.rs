//! Instants. Nothing in this crate reads the clock by itself: the time is passed in.

use std::{
    fmt,
    ops::{Add, Sub},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A point in time: whole milliseconds since the Unix epoch, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Long before anything this crate deals with.
    pub const EPOCH: Self = Self(0);

    /// The system's clock. Only `main` and the shell around it may call this.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    pub fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as `DynamoDB`'s TTL wants them.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339; fractions below a millisecond are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A blank in place of the T is no `date-time` of JSON Schema.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return None;
        }
        let instant =
            OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
        // What has no year of four digits in UTC could be written, but not read again.
        if !(0..=9999).contains(&instant.year()) {
            return None;
        }
        i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }

    /// The time since `earlier`; zero when it is still to come.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The time until `later`; zero when it has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        later.since(self)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000);
        match instant.map(|instant| instant.format(&Rfc3339)) {
            Ok(Ok(text)) => f.write_str(&text),
            _ => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 instant"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc_3339_to_the_millisecond() {
        let at = Timestamp::parse("2026-11-21T11:15:00.123456+01:00").expect("an instant");

        assert_eq!(at.as_millis(), 1_795_256_100_123);
        assert_eq!(at.to_string(), "2026-11-21T10:15:00.123Z");
        for no_instant in ["2026-11-21 10:15", "2026-11-21 10:15:00Z"] {
            assert_eq!(Timestamp::parse(no_instant), None);
        }
    }

    #[test]
    fn the_network_document_example_is_2024_01_01() {
        assert_eq!(Timestamp::from_millis(1_704_067_200_000).to_string(), "2024-01-01T00:00:00Z");
    }

    #[test]
    fn an_interval_never_goes_below_zero() {
        let (early, late) = (Timestamp::from_millis(1_000), Timestamp::from_millis(3_500));

        assert_eq!(late.since(early), Duration::from_millis(2_500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early + Duration::from_millis(2_500), late);
        assert_eq!(late - Duration::from_millis(2_500), early);
    }
}
