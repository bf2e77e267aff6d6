//! A person's screen: times in the person's zone, states in colours. Programs get neither.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use postback_core::delivery::State;

use crate::view::visible;

mod wrap;
mod zone;

use wrap::within;
pub(crate) use wrap::{columns, wrapped, wrapped_command};
pub(crate) use zone::Zone;

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
    /// Lines as they are shown: nothing that an order's sender wrote controls the screen.
    fn shown(&self, lines: &str) -> String {
        lines.split('\n').map(visible).collect::<Vec<_>>().join("\n")
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
    is_watched: bool,
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
        let is_watched = to.is_terminal() && !is_dumb;
        let colours = is_watched && !is_set("NO_COLOR");
        Self { to, zone, is_watched, width: width(), colours, shows_progress: false }
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
    fn shown(&self, lines: &str) -> String {
        let broken = lines.split('\n').flat_map(|line| {
            let line = self.zone.line(&visible(line));
            // What goes to another program stays on its line.
            if self.is_watched { within(&line, self.width) } else { vec![line] }
        });
        let shown = broken.map(|it| if self.colours { coloured(&it) } else { it });
        shown.collect::<Vec<_>>().join("\n")
    }

    fn is_terminal(&self) -> bool {
        self.is_watched
    }

    fn progress(&mut self, text: &str) -> io::Result<()> {
        if !self.is_watched || !self.shows_progress && text.is_empty() {
            return Ok(());
        }
        self.shows_progress = !text.is_empty();
        // To the line's beginning, and without its rest.
        write!(self.to, "\r\x1b[K{text}")?;
        self.to.flush()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_colours_on_a_terminal_that_has_them() {
        let line = "A-parked  net  parked  parked, delivered";
        let shown =
            "A-parked  net  \x1b[33mparked\x1b[0m  \x1b[33mparked\x1b[0m, \x1b[32mdelivered\x1b[0m";
        let terminal = |is_watched| Terminal {
            to: Vec::new(),
            zone: Zone::default(),
            is_watched,
            width: 80,
            colours: is_watched,
            shows_progress: false,
        };

        assert_eq!(terminal(true).shown(line), shown);
        assert_eq!(terminal(false).shown(line), line);
        let long = ["a word"; 20].join(" ");
        let lines = terminal(true).shown(&long);
        assert!(lines.lines().all(|line| line.chars().count() <= 80), "{lines}");
        assert_eq!(terminal(false).shown(&long), long);
        // Of several lines each is one, and none controls the screen.
        assert_eq!(terminal(false).shown("a \u{1b}[2J\nb\u{202e}\r"), "a ?[2J\nb??");
        assert_eq!(terminal(true).shown(&format!("{long}\nb")), format!("{lines}\nb"));
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
