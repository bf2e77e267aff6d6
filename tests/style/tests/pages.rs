//! The lengths of the first pages, the files and names that ARCHITECTURE.md answers with, and the words
//! that docs/api.md explains, and the commit of the bench.

use postback_style::{Text, texts};

/// The most lines of the pages that everybody reads first.
const MOST_LINES: [(&str, usize); 2] = [("README.md", 150), ("ARCHITECTURE.md", 120)];
/// The heading of the answers.
const QUESTIONS: &str = "## A stranger's questions";
/// The words before a name in the line that defines it.
const DEFINITIONS: [&str; 5] = ["fn ", "const ", "struct ", "enum ", "trait "];

fn page<'a>(texts: &'a [Text], path: &str) -> &'a str {
    let page = texts.iter().find(|text| text.path == path);
    page.map(|text| text.content.as_str()).unwrap_or_default()
}

/// The rows of the answers' table, without its head.
fn answers(architecture: &str) -> Vec<&str> {
    let section = architecture.split_once(QUESTIONS).map(|(_, rest)| rest).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter(|line| line.starts_with("| ")).skip(1).collect()
}

/// The words in backticks, each with the text between the one before and itself.
fn quoted(row: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = row.split('`').collect();
    parts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

/// True if `content` defines `name`: as an item of Rust or a key of YAML.
fn defines(content: &str, name: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    let is_defined = |definition: &str| {
        let wanted = format!("{definition}{name}");
        content.match_indices(&wanted).any(|(at, _)| {
            !content[at + wanted.len()..].starts_with(continues)
                && !content[..at].ends_with(continues)
        })
    };
    DEFINITIONS.iter().any(|definition| is_defined(definition))
        || content.lines().any(|line| line.starts_with(&format!("{name}:")))
}

/// The faults of a row: files that do not exist, and names that their files do not define.
fn faults(row: &str, texts: &[Text]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut file: Option<&Text> = None;
    for (before, word) in quoted(row) {
        if word.contains('/') {
            file = texts.iter().find(|text| text.path == word);
            if file.is_none() {
                faults.push(format!("there is no {word}"));
            }
        } else if before == ": " {
            let is_there = file.is_some_and(|file| defines(&file.content, word));
            if !is_there {
                let path = file.map_or("no file", |file| &file.path);
                faults.push(format!("{path} does not define {word}"));
            }
        }
    }
    faults
}

#[test]
fn the_first_pages_are_short() {
    let texts = texts(&[".md"]);
    for (path, most) in MOST_LINES {
        let lines = page(&texts, path).lines().count();
        assert!(lines > 50 && lines <= most, "{path} has {lines} lines, at most {most}");
    }
}

#[test]
fn every_file_and_name_of_the_strangers_questions_exists() {
    let texts = texts(&[".rs", ".py", ".yaml", ".md"]);
    let rows = answers(page(&texts, "ARCHITECTURE.md"));

    assert!(rows.len() > 8, "{rows:#?}");
    for row in &rows {
        assert!(quoted(row).iter().any(|(_, word)| word.contains('/')), "no file: {row}");
    }
    let faults: Vec<_> = rows.iter().flat_map(|row| faults(row, &texts)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The words of an `as_str`: a variant's arm that gives one `snake_case` word.
fn words_of(content: &str) -> Vec<&str> {
    let is_word = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    content.lines().filter_map(word_of).filter(is_word).collect()
}

fn word_of(line: &str) -> Option<&str> {
    let (_, word) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
    word.strip_suffix("\",")
}

#[test]
fn the_api_page_explains_every_state_every_error_and_every_event() {
    let sources = texts(&[".rs", ".md"]);
    let api = page(&sources, "docs/api.md");
    let mut missing = Vec::new();
    for (path, prefix, least) in [
        ("shared/core/src/delivery/state.rs", "", 10),
        ("shared/core/src/problem.rs", "", 20),
        ("shared/core/src/events.rs", "postback.", 6),
    ] {
        let words = words_of(page(&sources, path));
        assert!(words.len() >= least, "{path}: {words:?}");
        let wanted = words.into_iter().map(|word| format!("`{prefix}{word}`"));
        missing.extend(wanted.filter(|word| !api.contains(word)));
    }
    assert!(missing.is_empty(), "docs/api.md does not explain {missing:?}");
}

/// The reasons that a source gives outside its tests.
fn reasons_of(content: &str) -> Vec<&str> {
    let code = content.split("#[cfg(test)]").next().unwrap_or_default();
    let heads = ["Reason::new(\"", "hold(held, \"", "Verdict::rejected(\"", "=> Some(\""];
    let words = heads.iter().flat_map(|head| code.split(head).skip(1));
    words.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_api_page_explains_every_reason_that_is_no_networks_own() {
    let sources = texts(&[".rs", ".md"]);
    let (api, money) = (page(&sources, "docs/api.md"), page(&sources, "docs/money.md"));
    let is_shared = |text: &&Text| {
        let crates = ["shared/core/src/delivery/", "shared/runtime/src/"];
        crates.iter().any(|path| text.path.starts_with(path)) && !text.path.contains("tests")
    };
    let reasons: Vec<_> =
        sources.iter().filter(is_shared).flat_map(|text| reasons_of(&text.content)).collect();
    assert!(reasons.len() > 30 && reasons.contains(&"settings_changed"), "{reasons:?}");
    // The result of a lookup is no reason of a state.
    let is_explained = |word: &&&str| {
        let word = format!("`{word}`");
        ["`found`", "`absent`", "`no_lookup`"].contains(&&*word)
            || api.contains(&word)
            || money.contains(&word)
    };
    let missing: Vec<_> = reasons.iter().filter(|word| !is_explained(word)).collect();
    assert!(missing.is_empty(), "docs/api.md does not explain {missing:?}");
}

#[test]
fn a_missing_file_and_a_missing_name_are_found() {
    let text = |path: &str, content: &str| Text { path: path.into(), content: content.into() };
    let texts = [
        text("a/b.rs", "pub fn retry_later() {}\nconst NAME: u8 = 0;"),
        text("a/c.yaml", "Parameters:\n"),
    ];

    assert!(
        faults("| Where? | `a/b.rs`: `retry_later`, `a/c.yaml`: `Parameters` |", &texts).is_empty()
    );
    assert_eq!(faults("| Where? | `a/b.rs`: `retry` |", &texts), ["a/b.rs does not define retry"]);
    assert_eq!(faults("| Where? | `a/d.rs`: `retry` |", &texts).len(), 2);
    assert!(faults("| Where? | `a/b.rs`: `NAME`; it writes `retrying` |", &texts).is_empty());
}

#[test]
fn the_bench_and_its_page_are_of_one_commit() {
    let texts = texts(&[".json", ".md"]);
    let result = page(&texts, "docs/bench.json");
    let commit = result.split_once("\"commit\": \"").and_then(|(_, rest)| rest.split('"').next());
    let commit = commit.expect("a commit");

    let named = format!("commit {commit},");
    assert!(page(&texts, "docs/performance.md").contains(&named), "the page is of another run");
}
