//! One line of a log.

use postback_core::clock::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{screen::columns, view::shortened};

/// A line: what a function has logged is an object, another text is a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    log: String,
    content: Value,
}

/// The members that stand in a line's head, and the time, which is CloudWatch's.
const HEAD: [&str; 3] = ["timestamp", "level", "code"];
const INDENT: &str = "    ";

impl Line {
    pub(super) fn parse(log: &str, at: Timestamp, message: &str) -> Self {
        let parsed = serde_json::from_str(message).ok().filter(Value::is_object);
        let content = parsed.unwrap_or_else(|| Value::String(message.trim_end().to_owned()));
        Self { at, log: log.to_owned(), content }
    }

    /// The member of this name, as text; one of a member is `span.requestId`.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let mut members = self.members().into_iter();
        members.find(|(found, _)| found == name).map(|(_, value)| plain(value))
    }

    /// Returns whether it holds metrics, in the embedded metric format.
    pub(super) fn is_metrics(&self) -> bool {
        self.content.get("_aws").is_some()
    }

    /// The line for a screen so wide: a head, and the members below it.
    pub(super) fn shown(&self, width: usize) -> Vec<String> {
        let part = |name| self.member(name).unwrap_or_default();
        let head = format!("{}  {:<5}  {:<8}  {}", self.at, part("level"), self.log, part("code"));
        let mut lines = vec![shortened(head.trim_end(), width)];
        lines.extend(wrapped(self.words().into_iter(), width));
        lines
    }

    fn words(&self) -> Vec<String> {
        if let Value::String(text) = &self.content {
            return vec![text.clone()];
        }
        let members = self.members().into_iter();
        let members = members.filter(|(name, _)| !HEAD.contains(&name.as_str()));
        // Of the span an operator needs the invocation's id alone.
        let members =
            members.filter(|(name, _)| !name.starts_with("span.") || name == "span.requestId");
        members.map(|(name, value)| format!("{name}={}", plain(value))).collect()
    }

    /// The members, and those of members that are objects.
    fn members(&self) -> Vec<(String, &Value)> {
        let mut members = Vec::new();
        for (name, value) in self.content.as_object().into_iter().flatten() {
            match value {
                Value::Object(inner) => {
                    members
                        .extend(inner.iter().map(|(own, value)| (format!("{name}.{own}"), value)));
                }
                _ => members.push((name.clone(), value)),
            }
        }
        members
    }
}

/// A value as text; a string as it is.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Words in indented lines for a screen so wide.
pub(super) fn wrapped(words: impl Iterator<Item = String>, width: usize) -> Vec<String> {
    let room = width.saturating_sub(INDENT.len());
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let word = shortened(&word, room);
        match lines.last_mut() {
            Some(line) if columns(line) + 2 + columns(&word) <= width => {
                line.push_str("  ");
                line.push_str(&word);
            }
            _ => lines.push(format!("{INDENT}{word}")),
        }
    }
    lines
}
