//! A person's screen: times in the person's zone, states in colours. Programs get neither.

use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
    str::FromStr,
    time::Duration,
};

use postback_core::{clock::Timestamp, delivery::State};

/// A place for text, which may show lines in a way of its own.
pub(crate) trait Screen: Write {
    /// A line as it is shown.
    fn shown(&self, line: &str) -> String {
        line.to_owned()
    }
}

impl Screen for Vec<u8> {}

/// One of the process's own streams.
pub(crate) struct Terminal<W> {
    to: W,
    zone: Zone,
    colours: bool,
}

impl<W: Write + IsTerminal> Terminal<W> {
    /// A stream with times in this zone, and with colours where it is a terminal that has them.
    pub(crate) fn new(to: W, zone: Zone) -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = to.is_terminal() && !is_set("NO_COLOR") && !is_dumb;
        Self { to, zone, colours }
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Screen for Terminal<W> {
    fn shown(&self, line: &str) -> String {
        let line = self.zone.line(line);
        if self.colours { coloured(&line) } else { line }
    }
}

/// A text in lines of at most `width` characters, broken between words and indented after the first.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(format!("    {word}"));
        } else if let Some(last) = lines.last_mut() {
            last.push_str(if line > 0 { " " } else { "" });
            last.push_str(word);
        }
    }
    lines
}

/// A line with its states coloured, wherever they are words of their own.
fn coloured(line: &str) -> String {
    line.split_inclusive(' ').map(word).collect()
}

fn word(piece: &str) -> String {
    let word = piece.trim_end_matches([' ', ',', ':']);
    let state = State::ALL.into_iter().find(|state| state.as_str() == word);
    let colour = match state {
        Some(State::Delivered | State::Accepted) => 32,
        Some(State::Rejected | State::Abandoned) => 31,
        None | Some(State::Skipped | State::Withdrawn) => return piece.to_owned(),
        Some(_) => 33,
    };
    format!("\x1b[{colour}m{word}\x1b[0m{}", &piece[word.len()..])
}

/// A zone as an offset from UTC: a name would need a database of zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zone {
    minutes: i64,
}

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let offset = || {
            let (sign, rest) = text.split_at_checked(1)?;
            let sign = [("+", 1), ("-", -1)].into_iter().find(|(word, _)| *word == sign)?.1;
            let digits: String = rest.chars().filter(|c| *c != ':').collect();
            let is_offset = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let (hours, minutes) = digits.split_at_checked(2).filter(|_| is_offset)?;
            let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(sign * (60 * hours + minutes))
        };
        let minutes = if text == "UTC" { Some(0) } else { offset() };
        minutes.map(|minutes| Self { minutes }).ok_or("an offset from UTC, like +02:00 or -0330")
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, minutes) = (if self.minutes < 0 { '-' } else { '+' }, self.minutes.abs());
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The lengths of an instant as the tool writes it, by the digits of its fraction.
const LENGTHS: [usize; 4] = [24, 23, 22, 20];

impl Zone {
    const fn is_utc(self) -> bool {
        self.minutes == 0
    }

    /// The time of day there, as if it were UTC.
    fn local(self, at: Timestamp) -> Timestamp {
        let shift = Duration::from_secs(60 * self.minutes.unsigned_abs());
        if self.minutes < 0 { at - shift } else { at + shift }
    }

    /// A line with its instants in this zone.
    fn line(self, line: &str) -> String {
        if self.is_utc() {
            return line.to_owned();
        }
        let mut shown = String::new();
        for piece in line.split_inclusive('Z') {
            let instant = LENGTHS.into_iter().find_map(|length| {
                let start = piece.len().checked_sub(length)?;
                Some((start, Timestamp::parse(piece.get(start..)?)?))
            });
            if let Some((start, at)) = instant {
                let local = self.local(at).to_string();
                shown.push_str(&piece[..start]);
                shown.push_str(local.trim_end_matches('Z'));
                shown.push_str(&self.to_string());
            } else {
                shown.push_str(piece);
            }
        }
        shown
    }

    /// The text of a time on a page.
    pub(crate) fn time(self, at: Timestamp) -> String {
        let text = self.local(at).to_string();
        let seconds = text.get(..19).unwrap_or(&text).replace('T', " ");
        if self.is_utc() { format!("{seconds} UTC") } else { format!("{seconds} {self}") }
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
        for wrong in ["", "+", "2", "+2", "+24:00", "+02:60", "Europe/Berlin", "+é1"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_sentence_is_broken_between_words() {
        let lines = wrapped("net: 12 wait for a person: 10.50 EUR, 12.50 SGD", 20);

        assert_eq!(lines, ["net: 12 wait for a", "    person: 10.50", "    EUR, 12.50 SGD"]);
        assert_eq!(wrapped("net: all", 20), ["net: all"]);
    }

    #[test]
    fn states_have_colours_on_a_terminal_that_has_them() {
        let line = "A-parked  net  parked  parked, delivered";
        let shown =
            "A-parked  net  \x1b[33mparked\x1b[0m  \x1b[33mparked\x1b[0m, \x1b[32mdelivered\x1b[0m";
        let terminal = |colours| Terminal { to: Vec::new(), zone: Zone::default(), colours };

        assert_eq!(terminal(true).shown(line), shown);
        assert_eq!(terminal(false).shown(line), line);
    }
}
