//! The commands that the documents name are ones that the tool takes, with these options.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Parser, error::ErrorKind};

use super::Arguments;

/// The pages with commands: the first ones, and all of `docs`.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs")).expect("docs").map(|it| it.expect("a file").path());
    let docs = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let first = ["README.md", "cli/README.md"].map(|name| root.join(name));
    let page =
        |path: PathBuf| (path.display().to_string(), fs::read_to_string(&path).expect("a page"));
    first.into_iter().chain(docs).map(page).collect()
}

/// The commands of a page: between backticks in its sentences, and the lines of its blocks.
fn commands(page: &str) -> Vec<String> {
    let page = page.replace("\\\n", " ");
    let mut found = Vec::new();
    // Every other part is between fences.
    for (at, part) in page.split("\n```").enumerate() {
        if at % 2 == 1 {
            found.extend(part.lines().map(str::to_owned));
        } else {
            let spans = part.split('`').skip(1).step_by(2);
            found.extend(spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    found.retain(|line| line.starts_with("postback "));
    found
}

/// The words of a command as a shell has them, up to what is the shell's own.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars().chain([' ']) {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    let is_shells = |word: &String| ["<", ">", "|", "||", "&&", ";", "#"].contains(&word.as_str());
    let end = words.iter().position(is_shells).unwrap_or(words.len());
    words.truncate(end);
    words
}

/// Returns why the tool does not take a command; `None` if it does, or if only something is left out.
fn refusal(command: &str) -> Option<String> {
    let parsed = |value: Option<&str>| {
        Arguments::try_parse_from(words(command).into_iter().chain(value.map(str::to_owned)))
    };
    let is_taken = |error: &clap::Error| {
        matches!(
            error.kind(),
            ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                | ErrorKind::DisplayHelp
                | ErrorKind::DisplayVersion
        )
    };
    // An option in a sentence may stand without its value.
    let with_value = parsed(Some("x")).err().filter(|error| !is_taken(error));
    let as_it_is = parsed(None).err().filter(|error| !is_taken(error));
    as_it_is.zip(with_value).map(|(error, _)| format!("{command}: {error}"))
}

#[test]
fn every_command_of_the_documents_is_one_of_the_tools() {
    let mut count = 0;
    let mut refused = Vec::new();
    for (path, page) in pages() {
        for command in commands(&page) {
            count += 1;
            refused.extend(refusal(&command).map(|why| format!("{path}: {why}")));
        }
    }

    assert!(count > 150, "{count}");
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn a_command_that_is_none_is_found() {
    let page = "Text `postback orders lists` and `postback orders settle --from`,\n\n```sh\npostback pause net \\\n  --reason \"a b\"  # why\npostback secret net < net.json\n```\n";

    let commands = commands(page);

    let taken: Vec<_> = commands.iter().map(|command| refusal(command).is_none()).collect();
    assert_eq!(taken, [false, true, false, true], "{commands:?}");
    assert_eq!(words(r#"a 'b c' --d="e f" # g"#), ["a", "b c", "--d=e f"]);
}
