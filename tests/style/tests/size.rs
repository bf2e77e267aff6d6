//! Files and functions have a size that a reader can take in.

use postback_style::{Text, texts};

/// The most lines of a file, unless one of its first lines names this limit and a reason.
const MOST_LINES: usize = 300;
/// The lines within which the reason has to stand.
const FIRST_LINES: usize = 12;
/// The most lines of a function.
const MOST_FUNCTION_LINES: usize = 60;

/// The path and length of a file that is too long without a reason.
fn too_long(text: &Text) -> Option<String> {
    let lines = text.content.lines().count();
    let reason = format!("{MOST_LINES} lines");
    let has_reason = text.content.lines().take(FIRST_LINES).any(|line| line.contains(&reason));
    (lines > MOST_LINES && !has_reason).then(|| format!("{}: {lines}", text.path))
}

/// The functions of a formatted Rust file: place, name and number of lines.
fn rust_functions(content: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<_> = content.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = rust_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_end = |line: &&str| {
            let rest = line.strip_prefix(indent).unwrap_or_default();
            // The second is the end of a declaration without a body.
            rest == "}" || (rest.starts_with(')') && rest.ends_with(';'))
        };
        // A body on the line itself, or a declaration without one.
        if line.ends_with('}') || line.ends_with(';') {
            continue;
        }
        if let Some(length) = lines[start + 1..].iter().position(is_end) {
            functions.push((start + 1, name.to_owned(), length + 2));
        }
    }
    functions
}

/// The name of the function that starts on this line.
fn rust_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    loop {
        if let Some(name) = rest.strip_prefix("fn ") {
            return name.split(|c: char| !c.is_alphanumeric() && c != '_').next();
        }
        let (word, more) = rest.split_once(' ')?;
        let is_modifier = word.starts_with("pub") || ["const", "async", "unsafe"].contains(&word);
        rest = is_modifier.then_some(more)?;
    }
}

/// The functions of a Python file: place, name and number of lines.
fn python_functions(content: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<_> = content.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let definition = line.trim_start();
        let definition = definition.strip_prefix("async ").unwrap_or(definition);
        let Some(name) = definition.strip_prefix("def ") else { continue };
        let own = indent(line);
        let body = lines[start + 1..].iter().take_while(|line| {
            line.trim().is_empty() || indent(line) > own || line.trim_start().starts_with(')')
        });
        let body: Vec<_> = body.collect();
        let blank = body.iter().rev().take_while(|line| line.trim().is_empty()).count();
        let name = name.split('(').next().unwrap_or_default();
        functions.push((start + 1, name.to_owned(), 1 + body.len() - blank));
    }
    functions
}

fn functions(text: &Text) -> Vec<(usize, String, usize)> {
    match text.path.rsplit_once('.') {
        Some((_, "rs")) => rust_functions(&text.content),
        _ => python_functions(&text.content),
    }
}

#[test]
fn no_file_is_longer_than_300_lines_without_a_reason() {
    let texts = texts(&[".rs", ".py", ".md", ".yaml"]);
    // Written by `make generate`.
    let long = texts.iter().filter(|text| !["template.yaml"].contains(&text.path.as_str()));
    let long: Vec<_> = long.filter_map(too_long).collect();

    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn no_function_is_longer_than_60_lines() {
    let texts = texts(&[".rs", ".py"]);
    let all: Vec<_> = texts.iter().map(|text| (text, functions(text))).collect();
    let long: Vec<_> = all
        .iter()
        .flat_map(|(text, functions)| functions.iter().map(|it| (&text.path, it)))
        .filter(|(_, (_, _, lines))| *lines > MOST_FUNCTION_LINES)
        .map(|(path, (line, name, lines))| format!("{path}:{line} {name}: {lines}"))
        .collect();

    assert!(all.iter().map(|(_, functions)| functions.len()).sum::<usize>() > 1_000);
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn the_length_of_a_function_is_counted_from_its_head_to_its_end() {
    let rust = "fn one() {\n    two();\n}\n\nimpl T {\n    pub async fn two(\n        a: u8,\n    ) {\n    }\n    fn no(&self);\n    const fn short() {}\n}\n";
    let python = "def one():\n    return 1\n\n\nclass A:\n    async def two(\n        a,\n    ):\n        return a\n\nB = 1\n";

    let counted = |functions: Vec<(usize, String, usize)>| {
        functions.into_iter().map(|(_, name, lines)| (name, lines)).collect::<Vec<_>>()
    };
    let expected = |one, two| [("one".to_owned(), one), ("two".to_owned(), two)];
    assert_eq!(counted(rust_functions(rust)), expected(3, 4));
    assert_eq!(counted(python_functions(python)), expected(2, 4));
}

#[test]
fn a_long_file_is_found_unless_it_gives_a_reason() {
    let text = |head: &str| Text {
        path: "a.rs".to_owned(),
        content: format!("{head}\n{}", "line\n".repeat(MOST_LINES)),
    };

    assert!(too_long(&text("//! A table.")).is_some());
    assert!(too_long(&text("//! More than 300 lines: one table.")).is_none());
}
