//! Texts and commands in lines of a width, in columns of the screen.

use unicode_width::UnicodeWidthStr;

use crate::view::visible;

/// The columns of the screen that a text takes as it is shown: a character of Chinese, Japanese or Korean
/// takes two.
pub(crate) fn columns(text: &str) -> usize {
    visible(text).width()
}

/// A line in lines of at most `width` columns: a command can still be copied.
pub(super) fn within(line: &str, width: usize) -> Vec<String> {
    match line.trim_start() {
        _ if columns(line) <= width => vec![line.to_owned()],
        command if command.starts_with("postback ") => wrapped_command(line, width),
        _ => wrapped(line, width),
    }
}

/// A text in lines of at most `width` columns, broken between words and indented after the first.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    broken(text, text.trim_start().split(' '), width, "")
}

/// A command in lines of at most `width` columns, broken before its options as a shell takes it.
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
        let line = lines.last().map_or(0, |line| columns(line));
        if is_begun && line + 1 + columns(piece) + sign.len() > width {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
