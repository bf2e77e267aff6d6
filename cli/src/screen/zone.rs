//! A person's zone of time.

use std::str::FromStr;

use jiff::tz::{Offset, TimeZone};
use postback_core::clock::Timestamp;

/// A zone of time; the process has one, which is kept as long as it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zone(Option<&'static TimeZone>);

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "UTC" {
            return Ok(Self::default());
        }
        // The system's names, or those that are compiled in where it has none.
        let zone = fixed(text).or_else(|| TimeZone::get(text).ok());
        let zone = zone.ok_or("an offset from UTC or a zone, like +02:00 or Europe/Berlin")?;
        Ok(Self(Some(Box::leak(Box::new(zone)))))
    }
}

/// The zone of an offset from UTC: `+02:00` or `-0330`.
fn fixed(text: &str) -> Option<TimeZone> {
    let (sign, rest) = text.split_at_checked(1)?;
    let sign = [("+", 1), ("-", -1)].into_iter().find(|(word, _)| *word == sign)?.1;
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let is_offset = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| is_offset)?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let offset = Offset::from_seconds(sign * 60 * (60 * hours + minutes)).ok()?;
    (hours < 24 && minutes < 60).then(|| TimeZone::fixed(offset))
}

/// The lengths of an instant as the tool writes it, by the digits of its fraction.
const LENGTHS: [usize; 4] = [24, 23, 22, 20];

impl Zone {
    /// The time of day there, as if it were UTC, and its offset from UTC.
    fn local(self, at: Timestamp) -> (Timestamp, String) {
        let instant = jiff::Timestamp::from_millisecond(at.as_millis());
        let offset = match (self.0, instant) {
            (Some(zone), Ok(instant)) => i64::from(zone.to_offset(instant).seconds()),
            _ => 0,
        };
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        let local = Timestamp::from_millis(at.as_millis() + 1000 * offset);
        (local, format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60))
    }

    /// A line with its instants in this zone.
    pub(crate) fn line(self, line: &str) -> String {
        if self.0.is_none() {
            return line.to_owned();
        }
        let mut shown = String::new();
        for piece in line.split_inclusive('Z') {
            let instant = LENGTHS.into_iter().find_map(|length| {
                let start = piece.len().checked_sub(length)?;
                Some((start, Timestamp::parse(piece.get(start..)?)?))
            });
            if let Some((start, at)) = instant {
                let (local, offset) = self.local(at);
                shown.push_str(&piece[..start]);
                shown.push_str(local.to_string().trim_end_matches('Z'));
                shown.push_str(&offset);
            } else {
                shown.push_str(piece);
            }
        }
        shown
    }

    /// The text of a time on a page.
    pub(crate) fn time(self, at: Timestamp) -> String {
        let (local, offset) = self.local(at);
        let text = local.to_string();
        let seconds = text.get(..19).unwrap_or(&text).replace('T', " ");
        let offset = if self.0.is_none() { "UTC" } else { &offset };
        format!("{seconds} {offset}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> Zone {
        text.parse().expect("a zone")
    }

    #[test]
    fn instants_are_shown_in_the_zone_and_nothing_else_is_changed() {
        let line =
            "  lookup  2026-11-21T22:15:00Z, 2026-11-21T22:15:00.5Z: ÄZ 2026-13-21T22:15:00Z Z";

        assert_eq!(
            zone("+05:30").line(line),
            "  lookup  2026-11-22T03:45:00+05:30, 2026-11-22T03:45:00.5+05:30: ÄZ 2026-13-21T22:15:00Z Z"
        );
        assert!(zone("-0330").line(line).contains(" 2026-11-21T18:45:00-03:30,"));
        assert_eq!(zone("UTC").line(line), line);
        let at = Timestamp::parse("2026-11-21T22:15:00Z").expect("an instant");
        assert_eq!(zone("+02:00").time(at), "2026-11-22 00:15:00 +02:00");
        assert_eq!(Zone::default().time(at), "2026-11-21 22:15:00 UTC");
        for wrong in ["", "+", "2", "+2", "+24:00", "+02:60", "Europe/Nowhere", "+é1"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_zone_with_a_name_knows_when_its_clocks_change() {
        let berlin = zone("Europe/Berlin");
        let shown = |at: &str| berlin.time(Timestamp::parse(at).expect("an instant"));

        assert_eq!(shown("2026-10-25T00:59:59Z"), "2026-10-25 02:59:59 +02:00");
        assert_eq!(shown("2026-10-25T01:00:00Z"), "2026-10-25 02:00:00 +01:00");
        let line = "between 2026-07-01T12:00:00Z and 2026-12-01T12:00:00Z";
        let local = "between 2026-07-01T14:00:00+02:00 and 2026-12-01T13:00:00+01:00";
        assert_eq!(berlin.line(line), local);
    }
}
