//! Answers in files.

use std::{fs, path::Path};

use postback_core::{
    delivery::{Attempt, IfAbsent, Lookup, Proof, Scope, Verdict},
    http::Answer,
    network::{Network, ReadsBack, Sought},
    redaction::Details,
};

use crate::report;

mod parse;

use parse::parse;

/// One file of answers.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The file's name.
    pub name: String,
    /// The words of `# expect:`.
    pub expect: Vec<String>,
    /// To which attempt it is the answer.
    pub attempt: Attempt,
    /// The values that must be among the references or the details.
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

/// Checks that the network classifies each answer of `folder` as its file says.
///
/// # Panics
/// If one does not, naming all of them.
pub fn answers_give_their_verdicts<N: Network>(network: &N, report: &N::Report, folder: &str) {
    compare(folder, |file| {
        let classification = network.verdict(report, &file.answer, &file.attempt);
        (
            verdict_words(&classification.verdict),
            vec![classification.references, classification.details],
        )
    });
}

/// Checks that each answer of `folder` gives the lookup's result that its file says.
///
/// # Panics
/// If one does not, naming all of them.
pub fn lookups_find_what_is_there<N: ReadsBack>(network: &N, report: &N::Report, folder: &str) {
    compare(folder, |file| match network.found(&Sought::Report(report), &file.answer) {
        Lookup::Found { references } => (words(["found"]), vec![references]),
        Lookup::Absent => (words(["absent"]), Vec::new()),
        Lookup::Failed { reason } => (words(["failed", reason.as_str()]), Vec::new()),
    });
}

/// Checks that each reason that an answer of `folder` expects is in `readme` as code.
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

/// Reasons of the delivery itself: no answer gives them, and every network's README may explain them.
const OWN: [&str; 10] = [
    "connect_failed",
    "tls_failed",
    "connect_timeout",
    "answer_timeout",
    "connection_lost",
    "answer_cut_off",
    "answer_too_long",
    "answer_without_length",
    "sender_died",
    "retries_exhausted",
];

/// Checks that each reason in the table of states of `readme` is expected by an answer of `folders`
/// or is one of `local`: those that arise without an answer, or not at the first.
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
        Verdict::Rejected(reason) => words(["rejected", reason.as_str()]),
        Verdict::Duplicate => words(["duplicate"]),
        Verdict::ClickUsed => words(["click_used"]),
        Verdict::Held(reason) => words(["held", reason.as_str()]),
        Verdict::Parked { reason, scope, .. } => {
            let reach = if *scope == Scope::Network { "network" } else { "delivery" };
            words(["parked", reason.as_str(), reach])
        }
        Verdict::Retry { reason, after: None, .. } => words(["retrying", reason.as_str()]),
        Verdict::Retry { reason, after: Some(after), .. } => {
            words(["retrying", reason.as_str(), "after", &after.as_secs().to_string()])
        }
        Verdict::RetryOnce { reason, .. } => words(["retrying", reason.as_str(), "once"]),
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
