//! Answers as files.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use postback_core::{
    delivery::{Attempt, IfAbsent, Lookup, Proof, Scope, Verdict},
    http::{Answer, retry_after},
    network::{Network, ReadsBack},
    redaction::Details,
};

use crate::{NOW, report};

/// One file of answers.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The file's name.
    pub name: String,
    /// The words of `# expect:`.
    pub expect: Vec<String>,
    /// To which attempt it is the answer.
    pub attempt: Attempt,
    /// What must be among the references or the details.
    pub keeps: Vec<(String, String)>,
    /// The answer itself.
    pub answer: Answer,
}

/// Reads every `*.http` of `folder`, by name.
///
/// # Panics
/// If there is none, or one is not written as the crate's documentation says.
#[must_use]
pub fn recorded(folder: &str) -> Vec<Recorded> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_answer = |path: &Path| path.extension().is_some_and(|extension| extension == "http");
    let mut paths: Vec<_> = paths.filter(|path| is_answer(path)).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} holds no file of answers (*.http)");

    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        match parse(&name, &bytes) {
            Ok(file) => files.push(file),
            Err(wrong) => faults.push(format!("{name}: {wrong}")),
        }
    }
    report("files of answers that can't be read", &faults);
    files
}

/// Each answer of `folder` means to the network what its file says.
///
/// # Panics
/// If one does not, naming all of them.
pub fn answers_give_their_verdicts<N: Network>(network: &N, told: &N::Report, folder: &str) {
    compare(folder, |file| {
        let reading = network.verdict(told, &file.answer, &file.attempt);
        (verdict_words(&reading.verdict), vec![reading.references, reading.details])
    });
}

/// Each answer of `folder` says of a lookup what its file says.
///
/// # Panics
/// If one does not, naming all of them.
pub fn lookups_find_what_is_there<N: ReadsBack>(network: &N, told: &N::Report, folder: &str) {
    compare(folder, |file| match network.found(told, &file.answer) {
        Lookup::Found { references } => (words(["found"]), vec![references]),
        Lookup::Absent => (words(["absent"]), Vec::new()),
        Lookup::Failed { reason } => (words(["failed", reason.as_str()]), Vec::new()),
    });
}

/// Each reason that an answer of `folder` expects stands in `readme` as code.
///
/// # Panics
/// If one does not, naming all of them.
pub fn reasons_are_documented(folder: &str, readme: &str) {
    let mut missing: Vec<_> = recorded(folder)
        .iter()
        .filter(|file| file.expect.first().is_some_and(|verdict| verdict != "delivered"))
        .filter_map(|file| file.expect.get(1).map(|reason| format!("`{reason}`")))
        .filter(|reason| !readme.contains(reason.as_str()))
        .collect();
    missing.sort();
    missing.dedup();
    report("reasons that the README does not explain", &missing);
}

/// Words of the delivery itself: no answer gives them, and every network's README may explain them.
const OWN: [&str; 9] = [
    "connect_failed",
    "connect_timeout",
    "answer_timeout",
    "connection_lost",
    "answer_cut_off",
    "answer_too_long",
    "answer_without_length",
    "sender_died",
    "retries_exhausted",
];

/// Each reason that `readme` explains, in the table of states, is expected by an answer of
/// `folders` or is one of `local`: those that come to be without an answer, or not at the first.
///
/// # Panics
/// If one is not, naming all of them.
pub fn documented_reasons_are_met(folders: &[&str], readme: &str, local: &[&str]) {
    let files = folders.iter().flat_map(|folder| recorded(folder));
    let met: Vec<String> = files.filter_map(|file| file.expect.get(1).cloned()).collect();
    let rows = readme.lines().skip_while(|line| !is_table_of_states(line));
    let cells = rows
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|row| row.split('|').nth(2));
    let words: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let is_met = |word: &str| {
        met.iter().any(|met| met == word) || local.contains(&word) || OWN.contains(&word)
    };
    let mut missing: Vec<_> =
        words.iter().filter(|word| !is_met(word)).map(ToString::to_string).collect();
    if words.is_empty() {
        missing.push("there is no table of states with reasons".to_owned());
    }
    report("reasons that the README explains and no answer gives", &missing);
}

fn is_table_of_states(line: &str) -> bool {
    let mut cells = line.split('|').map(str::trim).skip(1);
    cells.next() == Some("state") && cells.next() == Some("reason")
}

fn compare(folder: &str, read: impl Fn(&Recorded) -> (Vec<String>, Vec<Details>)) {
    let mut faults = Vec::new();
    for file in recorded(folder) {
        let (is, kept) = read(&file);
        let (name, expected) = (&file.name, file.expect.join(" "));
        // What follows the reason is compared when the file says it.
        if file.expect.len() < is.len().min(2) || !is.starts_with(&file.expect) {
            faults.push(format!("{name}: expected `{expected}`, is `{}`", is.join(" ")));
        }
        for (key, value) in &file.keeps {
            if !kept.iter().any(|kept| kept.get(key) == Some(value)) {
                faults.push(format!("{name}: `{key}={value}` is not kept"));
            }
        }
    }
    report("answers that are misread", &faults);
}

/// A verdict in the words of a file: verdict, reason, then what else there is to it.
pub(crate) fn verdict_words(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Delivered(proof) => words(["delivered", proof_word(*proof)]),
        Verdict::Accepted(None) => words(["accepted"]),
        Verdict::Accepted(Some(reason)) => words(["accepted", reason.as_str()]),
        Verdict::Skipped(reason) => words(["skipped", reason.as_str()]),
        Verdict::Rejected { reason, standing } => {
            words(["rejected", reason.as_str(), if *standing { "standing" } else { "now" }])
        }
        Verdict::Parked { reason, scope, .. } => {
            let reach = if *scope == Scope::Network { "network" } else { "delivery" };
            words(["parked", reason.as_str(), reach])
        }
        Verdict::Retry { reason, after: None, .. } => words(["retrying", reason.as_str()]),
        Verdict::Retry { reason, after: Some(after), .. } => {
            words(["retrying", reason.as_str(), "after", &after.as_secs().to_string()])
        }
        Verdict::Unconfirmed { reason, if_absent } => {
            let then = if *if_absent == IfAbsent::Reject { "reject" } else { "send_again" };
            words(["unconfirmed", reason.as_str(), then])
        }
    }
}

fn proof_word(proof: Proof) -> &'static str {
    match proof {
        Proof::Response => "response",
        Proof::Duplicate => "duplicate",
        Proof::Lookup => "lookup",
        Proof::Operator => "operator",
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn parse(name: &str, bytes: &[u8]) -> Result<Recorded, String> {
    let mut lines = Lines { rest: bytes };
    let mut file = Recorded {
        name: name.to_owned(),
        expect: Vec::new(),
        attempt: Attempt::first(NOW),
        keeps: Vec::new(),
        answer: Answer::new(0, ""),
    };
    let mut base64 = false;
    let status_line = loop {
        let line = lines.next()?;
        let Some(comment) = line.strip_prefix('#') else { break line };
        let (key, value) = comment.split_once(':').ok_or_else(|| format!("what is `{line}`?"))?;
        let value = value.trim();
        match key.trim() {
            "note" => {}
            "expect" => file.expect = value.split_whitespace().map(str::to_owned).collect(),
            "attempt" => file.attempt = attempt(value)?,
            "keeps" => {
                let pair = value.split_once('=').ok_or("`# keeps:` wants name=value")?;
                file.keeps.push((pair.0.to_owned(), pair.1.to_owned()));
            }
            "body" if value == "base64" => base64 = true,
            _ => return Err(format!("what is `{line}`?")),
        }
    };
    if file.expect.is_empty() {
        return Err("`# expect:` is missing".to_owned());
    }
    file.answer.status = status(status_line)?;
    loop {
        let line = lines.next()?;
        if line.is_empty() {
            break;
        }
        let (key, value) = line.split_once(':').ok_or_else(|| format!("what is `{line}`?"))?;
        if key.eq_ignore_ascii_case("retry-after") {
            file.answer.retry_after = retry_after(value, NOW);
        }
    }
    let body = lines.rest.strip_suffix(b"\n").unwrap_or(lines.rest);
    file.answer.body = if base64 { decode(body)? } else { body.to_vec() };
    Ok(file)
}

fn attempt(value: &str) -> Result<Attempt, String> {
    match value {
        "first" => Ok(Attempt::first(NOW)),
        "after_a_lost_answer" => Ok(Attempt::after_a_lost_answer(NOW)),
        _ => {
            let number = value.strip_prefix("number ").and_then(|number| number.parse().ok());
            let number: u32 = number.filter(|number| *number > 0).ok_or("which attempt?")?;
            Ok(Attempt { number, reached_network_before: number > 1, ..Attempt::first(NOW) })
        }
    }
}

fn status(line: &str) -> Result<u16, String> {
    let mut words = line.split(' ');
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/"));
    let status = words.next().and_then(|word| word.parse().ok());
    status
        .filter(|status| is_http && (100..600).contains(status))
        .ok_or_else(|| format!("`{line}` is no status line"))
}

fn decode(body: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|error| format!("the body is no base64: {error}"))
}

/// The lines before the body.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or("it ends before the empty line that the body follows")?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        let line = str::from_utf8(line).map_err(|_| "a line before the body is not text")?;
        Ok(line.strip_suffix('\r').unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_file_and_keeps_the_body_byte_for_byte() {
        let text = b"# expect: retrying http_429 after 120\n# attempt: number 3\n# keeps: a=b\n\
            HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\n\r\n\xff\n\n";

        let file = parse("a.http", text).expect("a file");

        assert_eq!(file.expect, ["retrying", "http_429", "after", "120"]);
        assert_eq!(file.attempt.number, 3);
        assert_eq!(file.answer.status, 429);
        assert_eq!(file.answer.body, b"\xff\n");
        assert_eq!(file.keeps, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(verdict_words(&postback_core::network::by_status(&file.answer)), file.expect);
    }

    #[test]
    fn reads_a_body_in_base64() {
        let text = b"# expect: accepted\n# body: base64\nHTTP/1.1 200 OK\n\nR0lG\nODlh\n";

        let file = parse("a.http", text).expect("a file");

        assert_eq!(file.answer.body, b"GIF89a");
    }

    #[test]
    fn a_file_that_says_too_little_or_too_much_is_refused() {
        let cases: [&[u8]; 6] = [
            b"HTTP/1.1 200 OK\n\n",
            b"# expct: delivered\nHTTP/1.1 200 OK\n\n",
            b"# expect: delivered response\nHTTP/1.1 OK\n\n",
            b"# expect: delivered response\nHTTP/1.1 200 OK\n",
            b"# expect: delivered response\n# attempt: number 0\nHTTP/1.1 200 OK\n\n",
            b"# expect: delivered response\n# body: base64\nHTTP/1.1 200 OK\n\n!\n",
        ];

        for case in cases {
            assert!(parse("a.http", case).is_err(), "{}", String::from_utf8_lossy(case));
        }
    }
}
