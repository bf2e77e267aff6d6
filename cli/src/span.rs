//! Times and spans as people write them.

use std::time::Duration;

use postback_core::clock::Timestamp;

use crate::failure::Failure;

/// A span of time: from the first instant up to, but not including, the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Span {
    /// Parses `--from` and `--to`.
    pub(crate) fn parse(from: &str, to: Option<&str>, now: Timestamp) -> Result<Self, Failure> {
        Self::of(["--from", "--to"], from, to, now)
    }

    /// Parses the times of two options of these names.
    pub(crate) fn of(
        names: [&'static str; 2],
        from: &str,
        to: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let from = instant(names[0], from, now)?;
        let to = to.map_or(Ok(now), |to| instant(names[1], to, now))?;
        if from >= to {
            return Err(Failure::EmptySpan { from: names[0], to: names[1] });
        }
        Ok(Self { from, to: to.min(now) })
    }
}

/// Parses a day, a time, or a duration before `now`.
pub(crate) fn instant(
    option: &'static str,
    text: &str,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let day = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    let ago = || ago(text).map(|ago| now - ago);
    Timestamp::parse(text).or_else(day).or_else(ago).ok_or(Failure::BadInstant { option })
}

fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T10:15:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_256_100_000);

    fn written(text: &str) -> Option<String> {
        instant("--from", text, NOW).ok().map(|at| at.to_string())
    }

    #[test]
    fn an_instant_is_a_day_a_time_or_how_long_ago() {
        assert_eq!(written("2026-11-20").as_deref(), Some("2026-11-20T00:00:00Z"));
        assert_eq!(written("2026-11-20T12:00:00+02:00").as_deref(), Some("2026-11-20T10:00:00Z"));
        assert_eq!(written("90m").as_deref(), Some("2026-11-21T08:45:00Z"));
        assert_eq!(written("24h").as_deref(), Some("2026-11-20T10:15:00Z"));
        assert_eq!(written("7d").as_deref(), Some("2026-11-14T10:15:00Z"));
        for wrong in ["", "d", "yesterday", "1.5h", "-1d", "2026-13-01", "5ü"] {
            assert_eq!(written(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_span_has_a_beginning_before_its_end_and_no_future() {
        let span = Span::parse("2h", Some("2027-01-01"), NOW).expect("a span");

        assert_eq!(span.to, NOW);
        assert!(Span::parse("2026-11-21", Some("2026-11-20"), NOW).is_err());
        assert!(Span::parse("2027-01-01", None, NOW).is_err());
    }
}
