//! A delivery for people and for programs.

use std::{
    fmt::Write as _,
    io::{self, BufRead, IsTerminal},
    time::Duration,
};

use postback_core::{
    delivery::{AttemptRecord, PartialView, Record},
    redaction::Details,
};
use serde::Serialize;

use crate::{failure::Failure, screen::Screen};

mod columns;
mod content;
pub(crate) mod story;

pub(crate) use columns::{fitted, shortened, table};
pub(crate) use content::{other_content, other_contents};
pub(crate) use story::{Wait, clear, decided, partial_story, story, validation_facts, waits};

/// The destination of answers.
pub(crate) struct Output<'a> {
    pub(crate) json: bool,
    pub(crate) out: &'a mut dyn Screen,
    pub(crate) err: &'a mut dyn Screen,
}

impl Output<'_> {
    /// The answer: lines for people, or one JSON object for programs.
    pub(crate) fn answer(&mut self, lines: &[String], value: &impl Serialize) {
        if !self.json {
            self.lines(lines);
            return;
        }
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        // A closed pipe is no failure.
        let _closed = writeln!(self.out, "{text}");
    }

    /// A part of an answer for people.
    pub(crate) fn lines(&mut self, lines: &[String]) {
        self.progress("");
        let _closed = lines.iter().try_for_each(|line| {
            let line = self.out.shown(line);
            writeln!(self.out, "{line}")
        });
        let _closed = self.out.flush();
    }

    /// The answer as it is: comma-separated values.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.progress("");
        let _closed = self.out.write_all(bytes);
    }

    /// A remark beside the answer, for people only.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.json {
            self.progress("");
            let text = self.err.shown(text);
            let _closed = writeln!(self.err, "{text}");
        }
    }

    /// The state of what goes on, on a terminal; empty once there is something else to show.
    pub(crate) fn progress(&mut self, text: &str) {
        if !self.json {
            let _closed = self.err.progress(text);
        }
    }

    /// Returns whether somebody waits at a terminal.
    pub(crate) fn is_watched(&self) -> bool {
        !self.json && self.err.is_terminal()
    }

    pub(crate) fn failure(&mut self, failure: &Failure) {
        self.progress("");
        let _closed = if self.json {
            let text = serde_json::to_string(&failure.view()).unwrap_or_default();
            writeln!(self.err, "{text}")
        } else {
            {
                let text = self.err.shown(&failure.to_string());
                writeln!(self.err, "{text}")
            }
        };
    }

    /// Shows `lines` and asks. Fails if there is no terminal, with what to write `instead`, or if the
    /// answer is not yes.
    pub(crate) fn ask(
        &mut self,
        lines: &[String],
        question: &str,
        instead: &'static str,
    ) -> Result<(), Failure> {
        if self.json || !io::stdin().is_terminal() {
            return Err(Failure::NotAsked(instead));
        }
        self.progress("");
        for line in lines {
            let line = self.err.shown(line);
            let _closed = writeln!(self.err, "{line}");
        }
        let _closed = write!(self.err, "{question} [y/N] ");
        let _closed = self.err.flush();
        let mut reply = String::new();
        let read = io::stdin().lock().read_line(&mut reply);
        let yes = read.is_ok() && matches!(reply.trim(), "y" | "Y" | "yes");
        if yes { Ok(()) } else { Err(Failure::Declined) }
    }
}

/// The text with a sign in place of what controls a screen, can't be seen, or turns the direction of
/// its neighbours.
pub(crate) fn visible(text: &str) -> String {
    let is_unseen = |c: char| {
        let turns = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        c.is_control() || turns || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if is_unseen(c) { '?' } else { c }).collect()
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// An age in one unit: `45s`, `12m`, `5h`, `3d`.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// The name of a delivery that this version can't read: `A-1 at net#2 (format 9)`.
pub(crate) fn name(partial: &PartialView) -> String {
    let PartialView { order_id, network, line, format, .. } = partial;
    let line = line.as_ref().map(|line| format!("#{line}")).unwrap_or_default();
    format!("{order_id} at {network}{line} (format {format})")
}

/// A remark about a delivery that this version can't read.
pub(crate) fn left_out(partial: &PartialView) -> String {
    let name = name(partial);
    format!("Left out: {name} was written by a later version of Postback. Update the tool.")
}

/// The reason, or the proof.
pub(crate) fn reason(record: &Record) -> String {
    let protocol = &record.protocol;
    match (&protocol.reason, protocol.proof) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(proof)) => format!("by {}", word(&proof)),
        (None, None) => String::new(),
    }
}

/// The word by which something is written in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// The result of an attempt in words.
pub(crate) fn outcome(attempt: &AttemptRecord) -> String {
    let mut text = match (attempt.ended_at, attempt.state) {
        (Some(ended), Some(state)) => {
            let took = ended.since(attempt.started_at);
            format!("{} ms: {}", took.as_millis(), state.as_str())
        }
        _ => "no result recorded".to_owned(),
    };
    if let Some(reason) = &attempt.reason {
        let _infallible = write!(text, ", {reason}");
    }
    let details = pairs(&attempt.details);
    if details.is_empty() { text } else { format!("{text} ({details})") }
}

/// The details in words.
pub(crate) fn pairs(details: &Details) -> String {
    let value = serde_json::to_value(details).unwrap_or_default();
    let pairs = value.as_object().into_iter().flatten();
    let pairs = pairs.map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let ages = [0, 119, 120, 7_199, 7_200, 172_800].map(|s| age(Duration::from_secs(s)));

        assert_eq!(ages, ["0s", "119s", "2m", "119m", "2h", "2d"]);
    }

    #[test]
    fn people_and_programs_get_what_is_theirs() {
        let answered = |json| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut output = Output { json, out: &mut out, err: &mut err };
            output.answer(&["a line".to_owned()], &serde_json::json!({ "a": 1 }));
            output.note("by the way");
            output.failure(&Failure::EmptySpan { from: "--from", to: "--to" });
            (String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
        };

        let (out, err) = answered(false);
        assert_eq!(out, "a line\n");
        assert_eq!(err, "by the way\n--from must be before --to, and before now.\n");
        let (out, err) = answered(true);
        let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(value["a"], 1);
        let value: serde_json::Value = serde_json::from_str(&err).expect("JSON");
        assert_eq!(value["error"]["code"], "empty_span");
    }
}
