//! Dates as people and spreadsheets write them.

use postback_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, PrimitiveDateTime, Time, UtcOffset};

/// The order of day, month and year where the year is not first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Year, month, day.
    Ymd,
    /// Month, day, year.
    Mdy,
    /// Day, month, year.
    Dmy,
}

/// The way in which dates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// It says nothing about the order.
    None,
    /// It can only be read in this order.
    Order(Order),
    /// It can be read in two orders.
    Ambiguous,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The whole days between the epochs of a spreadsheet and of Unix.
const SERIAL_OF_1970: f64 = 25_569.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// Parses a zone like `+08:00`, `-0330` or `UTC`.
pub(crate) fn zone(text: &str) -> Option<UtcOffset> {
    let text = text.trim();
    if matches!(text, "UTC" | "Z" | "GMT") {
        return Some(UtcOffset::UTC);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let is_clock = matches!(digits.len(), 2 | 4) && digits.bytes().all(|b| b.is_ascii_digit());
    let hours: i8 = digits.get(..2).filter(|_| is_clock)?.parse().ok()?;
    let minutes: i8 = digits.get(2..4).unwrap_or("0").parse().ok()?;
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

/// The three parts of a date, and the rest behind it.
fn parts(text: &str) -> Option<([&str; 3], &str)> {
    let end =
        text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '.')).or_else(
            || text.find('T').filter(|at| text[..*at].ends_with(|c: char| c.is_ascii_digit())),
        );
    let (date, rest) = text.split_at(end.unwrap_or(text.len()));
    let (date, rest) = match date.split_once('T') {
        Some((date, _)) if date.ends_with(|c: char| c.is_ascii_digit()) => {
            text.split_at(date.len())
        }
        _ => (date, rest),
    };
    let mut split = date.split(['/', '-', '.']);
    let parts = [split.next()?, split.next()?, split.next()?];
    (split.next().is_none() && parts.iter().all(|part| !part.is_empty())).then_some((parts, rest))
}

/// Returns what this date says about the order.
pub(crate) fn evidence(text: &str) -> Evidence {
    let text = text.trim();
    let Some(([first, second, third], _)) = parts(text) else { return Evidence::None };
    let (Ok(first), Ok(second)) = (first.parse::<u32>(), second.parse::<u32>()) else {
        return Evidence::None;
    };
    match (first, second) {
        (32.., _) => Evidence::None,
        // The year may be the first part or the last.
        (13.., _) if third.len() <= 2 => Evidence::Ambiguous,
        (13.., _) => Evidence::Order(Order::Dmy),
        (_, 13..) => Evidence::Order(Order::Mdy),
        _ => Evidence::Ambiguous,
    }
}

/// Returns whether a spreadsheet may have made this date of an id: `2024-01-01 00:00:00` of `2024-1`,
/// `1-Mar` of `MAR1`. A date has a year of four digits, or a month by its name.
pub(crate) fn may_be_an_id(text: &str) -> bool {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && MONTHS.contains(&part.to_ascii_lowercase().as_str())
            && part[1..].bytes().all(|byte| byte.is_ascii_lowercase())
    };
    if let Some((first, second)) = text.split_once(['-', ' ']) {
        let of_two = |month, number: &str| {
            is_month(month) && (1..=4).contains(&number.len()) && is_number(number)
        };
        if of_two(first, second) || of_two(second, first) {
            return true;
        }
    }
    let is_dated = |part: &&str| part.len() == 4 && is_number(part) || is_month(part);
    let reads = |order| parse(text, order, UtcOffset::UTC).is_some();
    parts(text).is_some_and(|(parts, _)| parts.iter().any(is_dated))
        && [Order::Dmy, Order::Mdy].into_iter().any(reads)
}

/// Parses a date; without a zone of its own it is in `zone`.
pub(crate) fn parse(text: &str, order: Order, zone: UtcOffset) -> Option<Timestamp> {
    let text = text.trim().trim_start_matches('\'');
    if let Some(instant) = Timestamp::parse(text) {
        return Some(instant);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && let Some(instant) = number(text, zone)
    {
        return Some(instant);
    }
    let (parts, rest) = parts(text)?;
    let date = date(parts, order)?;
    let (time, own) = clock(rest.trim_start_matches(['T', ',', ' ', '\u{a0}']).trim())?;
    let instant = PrimitiveDateTime::new(date, time).assume_offset(own.unwrap_or(zone));
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000))
        .ok()
        .map(Timestamp::from_millis)
}

/// A spreadsheet's serial number of days, or seconds or milliseconds of Unix.
fn number(text: &str, zone: UtcOffset) -> Option<Timestamp> {
    let number: f64 = text.parse().ok()?;
    if (20_000.0..80_000.0).contains(&number) {
        let seconds = ((number - SERIAL_OF_1970) * SECONDS_A_DAY).round();
        let local = time::OffsetDateTime::UNIX_EPOCH + Duration::seconds_f64(seconds);
        let instant = local.replace_offset(zone);
        return Some(Timestamp::from_millis(instant.unix_timestamp() * 1_000));
    }
    match text.len() {
        10 => text.parse::<i64>().ok().map(|seconds| Timestamp::from_millis(seconds * 1_000)),
        13 => text.parse().ok().map(Timestamp::from_millis),
        _ => None,
    }
}

fn date([first, second, third]: [&str; 3], order: Order) -> Option<Date> {
    let (year, month, day) = match order {
        _ if first.len() == 4 => (first, second, third),
        // A month by its name has one reading.
        _ if second.parse::<u8>().is_err() => (third, second, first),
        _ if first.parse::<u8>().is_err() => (third, first, second),
        Order::Ymd => (first, second, third),
        Order::Mdy => (third, first, second),
        Order::Dmy => (third, second, first),
    };
    let year: i32 = year.parse().ok()?;
    let year = if year < 100 { year + 2_000 } else { year };
    let month = match month.parse::<u8>() {
        Ok(month) => Month::try_from(month).ok()?,
        Err(_) => named(month)?,
    };
    Date::from_calendar_date(year, month, day.parse().ok()?).ok()
}

fn named(month: &str) -> Option<Month> {
    let month = month.to_ascii_lowercase();
    let at = MONTHS.iter().position(|name| month.starts_with(name))?;
    Month::try_from(u8::try_from(at + 1).ok()?).ok()
}

/// The time of day, midnight if there is none, and its own zone.
fn clock(text: &str) -> Option<(Time, Option<UtcOffset>)> {
    if text.is_empty() {
        return Some((Time::MIDNIGHT, None));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'));
    let (time, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut split = time.split([':', '.']);
    let mut next = || split.next().map_or(Some(0), |part| part.parse::<u8>().ok());
    let (hour, minute, second) = (next()?, next()?, next()?);
    let rest = rest.trim();
    let half = rest.get(..2).map(str::to_ascii_uppercase);
    let (hour, rest) = match half.as_deref() {
        Some("AM") if (1..=12).contains(&hour) => (hour % 12, &rest[2..]),
        Some("PM") if (1..=12).contains(&hour) => (hour % 12 + 12, &rest[2..]),
        _ => (hour, rest),
    };
    let time = Time::from_hms(hour, minute, second).ok()?;
    let rest = rest.trim();
    if rest.is_empty() { Some((time, None)) } else { zone(rest).map(|own| (time, Some(own))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, order: Order) -> Option<String> {
        parse(text, order, UtcOffset::UTC).map(|instant| instant.to_string())
    }

    #[test]
    fn dates_are_read_in_their_order() {
        for (text, order, wanted) in [
            ("11/30/2018", Order::Mdy, "2018-11-30T00:00:00Z"),
            ("30/11/2018", Order::Dmy, "2018-11-30T00:00:00Z"),
            ("30.11.2018 14:05", Order::Dmy, "2018-11-30T14:05:00Z"),
            ("2018-11-30", Order::Mdy, "2018-11-30T00:00:00Z"),
            ("2018-11-30 14:05:06", Order::Ymd, "2018-11-30T14:05:06Z"),
            ("2018-11-30T14:05:06", Order::Ymd, "2018-11-30T14:05:06Z"),
            ("2018-11-30T14:05:06.5+01:00", Order::Ymd, "2018-11-30T13:05:06.5Z"),
            ("11/30/18 2:05 PM", Order::Mdy, "2018-11-30T14:05:00Z"),
            ("12/01/2018 12:00 AM", Order::Mdy, "2018-12-01T00:00:00Z"),
            ("30-Nov-2018", Order::Mdy, "2018-11-30T00:00:00Z"),
            ("43434.5", Order::Ymd, "2018-11-30T12:00:00Z"),
            ("1543536000", Order::Ymd, "2018-11-30T00:00:00Z"),
        ] {
            assert_eq!(written(text, order).as_deref(), Some(wanted), "{text}");
        }
        for wrong in ["", "30/11/2018", "2018-02-30", "soon", "11/30", "11/30/2018 25:00", "##"] {
            assert_eq!(written(wrong, Order::Mdy), None, "{wrong}");
        }
    }

    #[test]
    fn a_date_without_a_zone_is_in_the_reports() {
        let zone = zone("+08:00").expect("a zone");

        let parse = |text| parse(text, Order::Ymd, zone).map(|instant| instant.to_string());

        assert_eq!(parse("2018-11-30 02:00").as_deref(), Some("2018-11-29T18:00:00Z"));
        assert_eq!(parse("43434").as_deref(), Some("2018-11-29T16:00:00Z"));
        assert_eq!(parse("2018-11-30T02:00:00Z").as_deref(), Some("2018-11-30T02:00:00Z"));
    }

    #[test]
    fn what_a_spreadsheet_makes_of_an_id_is_a_date_with_its_year_or_month() {
        let dates = ["2024-01-01 00:00:00", "2024-01-01", "1-Mar", "Mar-24", "01-Mar-24", "Mar 24"];
        for date in dates.into_iter().chain(["1/3/2024", "01.03.2024", "30/11/2018"]) {
            assert!(may_be_an_id(date), "{date}");
        }
        let ids =
            ["MAR1", "MAR-24", "2024-1", "24-1-3", "2024-0001", "2024-13-41", "Mars-1", "A-1"];
        for id in ids.into_iter().chain(["43434", "1543536000", "", "-", "Mar-", "1-2-3-2024"]) {
            assert!(!may_be_an_id(id), "{id}");
        }
    }

    #[test]
    fn a_day_after_the_twelfth_says_the_order() {
        assert_eq!(evidence("11/30/2018"), Evidence::Order(Order::Mdy));
        assert_eq!(evidence("30.11.2018 10:00"), Evidence::Order(Order::Dmy));
        assert_eq!(evidence("11/30/18"), Evidence::Order(Order::Mdy));
        for text in ["03/04/2018", "26/11/30", "26/11/01 10:00", "30.11.26"] {
            assert_eq!(evidence(text), Evidence::Ambiguous, "{text}");
        }
        assert_eq!(evidence("2018-03-04"), Evidence::None);
        assert_eq!(evidence("43434"), Evidence::None);
    }
}
