//! The words of comments and messages.

use postback_style::{Text, texts};

/// A doc comment starts with a noun phrase or a verb, not with one of these.
const QUESTIONS: [&str; 9] =
    ["What", "Who", "Whose", "Whether", "When", "How", "Which", "Where", "Why"];
/// The most doc-comment lines, of a hundred, that may start with a question word.
const MOST_QUESTIONS_PERCENT: usize = 2;

/// Words for which the vocabulary has plainer ones: report, send, fix.
const AVOIDED: [&str; 5] = ["tell", "tells", "told", "mend", "mended"];

/// Lines that quote somebody else, with the paths of their files.
const QUOTATIONS: [(&str, &str); 0] = [];

/// The files of this check name the words themselves.
const OWN: [&str; 1] = ["tests/style/tests/words.rs"];

/// The text of a doc comment's line.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim_start)
}

fn is_question(doc: &str) -> bool {
    let word = doc.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    QUESTIONS.contains(&word)
}

/// The words of a line; those of an identifier each by themselves.
fn words(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_ascii_lowercase)
}

fn avoided(line: &str) -> Option<String> {
    words(line).find(|word| AVOIDED.contains(&word.as_str()))
}

fn is_quotation(text: &Text, line: &str) -> bool {
    QUOTATIONS.iter().any(|(path, quoted)| *path == text.path && *quoted == line.trim())
}

#[test]
fn fewer_than_two_percent_of_the_doc_comment_lines_start_with_a_question_word() {
    let texts = texts(&[".rs"]);
    let docs: Vec<_> = texts
        .iter()
        .flat_map(|text| text.content.lines().map(move |line| (text, line)))
        .filter_map(|(text, line)| doc(line).map(|doc| (text, doc)))
        .collect();
    let questions: Vec<_> = docs
        .iter()
        .filter(|(_, doc)| is_question(doc))
        .map(|(text, doc)| format!("{}: {doc}", text.path))
        .collect();

    assert!(docs.len() > 1_000, "{}", docs.len());
    let most = docs.len() * MOST_QUESTIONS_PERCENT / 100;
    assert!(questions.len() < most, "{} of {}: {questions:#?}", questions.len(), docs.len());
}

#[test]
fn the_avoided_words_are_in_no_text() {
    let kinds = [
        ".rs", ".py", ".md", ".toml", ".yaml", ".yml", ".json", ".mjs", ".html", ".sh", "Makefile",
    ];
    let texts = texts(&kinds);
    let mut found = Vec::new();
    for text in texts.iter().filter(|text| !OWN.contains(&text.path.as_str())) {
        for (number, line) in (1..).zip(text.content.lines()) {
            if let Some(word) = avoided(line).filter(|_| !is_quotation(text, line)) {
                found.push(format!("{}:{number} {word}: {}", text.path, line.trim()));
            }
        }
    }

    assert!(texts.len() > 200, "{}", texts.len());
    assert!(found.is_empty(), "{}: {found:#?}", found.len());
}

#[test]
fn every_quotation_is_still_there() {
    let texts = texts(&[""]);
    for (path, quoted) in QUOTATIONS {
        let text = texts.iter().find(|text| text.path == path);
        let is_there = text.is_some_and(|text| text.content.lines().any(|it| it.trim() == quoted));
        assert!(is_there, "{path}: {quoted}");
    }
}

#[test]
fn a_question_and_an_avoided_word_are_found() {
    assert!(doc("    /// What it is.").is_some_and(is_question));
    assert!(doc("//! The time when it was.").is_some_and(|doc| !is_question(doc)));
    assert_eq!(doc("// What it is."), None);
    assert_eq!(avoided("fn tell_network()").as_deref(), Some("tell"));
    assert_eq!(avoided("\"Told twice\"").as_deref(), Some("told"));
    assert_eq!(avoided("an amendment, as a teller recommends"), None);
}
