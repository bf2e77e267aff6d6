//! The list of the mutants, made from their code and their tests: `mutants.md`. `UPDATE_TRANSITIONS=1`
//! writes it anew.

use std::{env, fmt::Write, fs, path::PathBuf};

/// Each world with the source of its mutants, the name of their type, and the source of its tests.
const WORLDS: [(&str, &str, &str, &str); 4] = [
    ("One delivery", include_str!("../../src/mutant.rs"), "Mutant", include_str!("mutants.rs")),
    (
        "An order by lines",
        include_str!("../../src/lines/mutant.rs"),
        "LinesMutant",
        include_str!("lines.rs"),
    ),
    (
        "A validation",
        include_str!("../../src/validation/mutant.rs"),
        "ValidationMutant",
        include_str!("validation.rs"),
    ),
    (
        "The publication",
        include_str!("../../src/publication/mutant.rs"),
        "PublicationMutant",
        include_str!("publication.rs"),
    ),
];

/// A mutant's name and the rule that it takes out.
fn mutants(source: &str, of: &str) -> Vec<(String, String)> {
    let body = source.split_once(&format!("pub enum {of} {{\n")).map_or("", |(_, body)| body);
    let body = body.split_once("\n}").map_or("", |(body, _)| body);
    let (mut mutants, mut rule) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            rule.push(text);
        } else {
            let name = line.trim_end_matches(',').to_owned();
            mutants.push((name, std::mem::take(&mut rule).join(" ")));
        }
    }
    mutants
}

/// The tests in which a mutant fails.
fn tests_of(tests: &str, of: &str, mutant: &str) -> Vec<String> {
    let named = format!("{of}::{mutant}");
    let is_named = |body: &str| {
        body.match_indices(&named).any(|(at, _)| {
            let before = body[..at].chars().next_back();
            let after = body[at + named.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    };
    let functions = tests.split("#[test]\nfn ").skip(1).filter(|body| is_named(body));
    functions.filter_map(|body| Some(body.split_once('(')?.0.replace('_', " "))).collect()
}

fn list() -> String {
    let mut list = String::from(
        "# The rules and the mutants\n\n\
         Each takes one rule out. The model then finds a way to break a property, within the bounds of\n\
         a world that holds with the rule in force; `cargo test -p postback-model` prints the way.\n",
    );
    for (world, source, of, tests) in WORLDS {
        let rows = mutants(source, of).into_iter().map(|(name, rule)| {
            let tests = tests_of(tests, of, &name);
            assert!(!tests.is_empty(), "no test takes out {of}::{name}");
            format!("| `{name}` | {rule} | {} |\n", tests.join("; "))
        });
        let rows: String = rows.collect();
        let head = "| mutant | without the rule | so it |\n|---|---|---|";
        let _infallible = write!(list, "\n## {world}\n\n{head}\n{rows}");
    }
    list
}

#[test]
fn the_list_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("mutants.md");
    let fresh = list();
    if env::var_os("UPDATE_TRANSITIONS").is_some() {
        fs::write(&path, &fresh).expect("written");
    }

    assert_eq!(fs::read_to_string(path).ok(), Some(fresh), "run with UPDATE_TRANSITIONS=1");
}
