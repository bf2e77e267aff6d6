//! A person's screen: times in the person's zone, states in colours. Programs get neither.

use std::{
    env,
    io::{self, IsTerminal, Write},
    str::FromStr,
};

use jiff::tz::{Offset, TimeZone};
use postback_core::{clock::Timestamp, delivery::State};

/// The columns and the lines of a screen where nothing says others.
const SCREEN: (usize, usize) = (80, 24);

/// The characters of a line: those that the shell exports, or 80.
pub(crate) fn width() -> usize {
    exported("COLUMNS").unwrap_or(SCREEN.0).max(40)
}

/// The lines of a screen: those that the shell exports, or 24.
pub(crate) fn height() -> usize {
    exported("LINES").unwrap_or(SCREEN.1)
}

fn exported(name: &str) -> Option<usize> {
    env::var(name).ok()?.parse().ok()
}

/// A place for text, which may show lines in a way of its own.
pub(crate) trait Screen: Write {
    /// A line as it is shown.
    fn shown(&self, line: &str) -> String {
        line.to_owned()
    }

    /// Returns whether a person looks at it.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Writes how far something is over how far it was; an empty text takes it away.
    fn progress(&mut self, _text: &str) -> io::Result<()> {
        Ok(())
    }
}

impl Screen for Vec<u8> {}

/// One of the process's own streams.
pub(crate) struct Terminal<W> {
    to: W,
    zone: Zone,
    is_terminal: bool,
    width: usize,
    colours: bool,
    /// True while the last line is how far something is.
    shows_progress: bool,
}

impl<W: Write + IsTerminal> Terminal<W> {
    /// A stream with times in this zone, and with colours where it is a terminal that has them.
    pub(crate) fn new(to: W, zone: Zone) -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = to.is_terminal();
        let colours = is_terminal && !is_set("NO_COLOR") && !is_dumb;
        Self { to, zone, is_terminal, width: width(), colours, shows_progress: false }
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
        // What goes to another program stays on its line.
        let lines = if self.is_terminal { within(&line, self.width) } else { vec![line] };
        let shown = lines.into_iter().map(|it| if self.colours { coloured(&it) } else { it });
        shown.collect::<Vec<_>>().join("\n")
    }

    fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    fn progress(&mut self, text: &str) -> io::Result<()> {
        if !self.is_terminal || !self.shows_progress && text.is_empty() {
            return Ok(());
        }
        self.shows_progress = !text.is_empty();
        // To the line's beginning, and without its rest.
        write!(self.to, "\r\x1b[K{text}")?;
        self.to.flush()
    }
}

/// A line in lines of at most `width` characters: a command can still be copied.
fn within(line: &str, width: usize) -> Vec<String> {
    match line.trim_start() {
        _ if line.chars().count() <= width => vec![line.to_owned()],
        command if command.starts_with("postback ") => wrapped_command(line, width),
        _ => wrapped(line, width),
    }
}

/// A text in lines of at most `width` characters, broken between words and indented after the first.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    broken(text, text.trim_start().split(' '), width, "")
}

/// A command in lines of at most `width` characters, broken before its options as a shell takes it.
pub(crate) fn wrapped_command(text: &str, width: usize) -> Vec<String> {
    let words = text.trim_start();
    let starts = words.match_indices(" --").map(|(at, _)| at + 1);
    let starts: Vec<_> = [0].into_iter().chain(starts).collect();
    let ends = starts[1..].iter().map(|start| start - 1).chain([words.len()]);
    let pieces = starts.iter().zip(ends).map(|(start, end)| &words[*start..end]);
    broken(text, pieces, width, " \\")
}

/// Pieces of a text in lines that end with `sign` but for the last.
fn broken<'a>(
    text: &str,
    pieces: impl Iterator<Item = &'a str>,
    width: usize,
    sign: &str,
) -> Vec<String> {
    let indent = " ".repeat(text.len() - text.trim_start().len());
    let mut lines = vec![indent.clone()];
    let mut is_begun = false;
    for piece in pieces {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if is_begun && line + 1 + piece.chars().count() + sign.len() > width {
            lines.push(format!("{indent}    {piece}"));
        } else if let Some(last) = lines.last_mut() {
            last.push_str(if is_begun { " " } else { "" });
            last.push_str(piece);
        }
        is_begun = true;
    }
    let last = lines.len() - 1;
    lines[..last].iter_mut().for_each(|line| line.push_str(sign));
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
    fn line(self, line: &str) -> String {
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

    #[test]
    fn a_long_sentence_is_broken_between_words() {
        let lines = wrapped("net: 12 wait for a person: 10.50 EUR, 12.50 SGD", 20);

        assert_eq!(lines, ["net: 12 wait for a", "    person: 10.50", "    EUR, 12.50 SGD"]);
        assert_eq!(wrapped("net: all", 20), ["net: all"]);
        assert_eq!(wrapped("  net: all of them", 12), ["  net: all", "      of", "      them"]);
    }

    #[test]
    fn a_long_command_is_broken_as_a_shell_takes_it() {
        let command = "  postback orders list --held --network net";

        assert_eq!(
            within(command, 32),
            ["  postback orders list --held \\", "      --network net"]
        );
        assert_eq!(within(command, 80), [command]);
    }

    #[test]
    fn states_have_colours_on_a_terminal_that_has_them() {
        let line = "A-parked  net  parked  parked, delivered";
        let shown =
            "A-parked  net  \x1b[33mparked\x1b[0m  \x1b[33mparked\x1b[0m, \x1b[32mdelivered\x1b[0m";
        let terminal = |is_terminal| Terminal {
            to: Vec::new(),
            zone: Zone::default(),
            is_terminal,
            width: 80,
            colours: is_terminal,
            shows_progress: false,
        };

        assert_eq!(terminal(true).shown(line), shown);
        assert_eq!(terminal(false).shown(line), line);
        let long = ["a word"; 20].join(" ");
        let lines = terminal(true).shown(&long);
        assert!(lines.lines().all(|line| line.chars().count() <= 80), "{lines}");
        assert_eq!(terminal(false).shown(&long), long);
        // Progress is shown in place, and only to a person.
        let mut watched = terminal(true);
        for text in ["", "1,000 read", "2,000 read", "", ""] {
            watched.progress(text).expect("a screen");
        }
        let shown = String::from_utf8(watched.to).expect("text");
        assert_eq!(shown, "\r\x1b[K1,000 read\r\x1b[K2,000 read\r\x1b[K");
        let mut piped = terminal(false);
        piped.progress("1,000 read").expect("a screen");
        assert!(piped.to.is_empty());
    }
}
