//! The texts of the workspace, for the checks of `tests/`. It depends on nothing, so that they
//! answer at once.

#![expect(clippy::expect_used, reason = "a text that can't be read is a failed test")]
#![expect(clippy::missing_panics_doc, reason = "all of it is called by tests, to fail them")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold nothing hand-written.
const SKIPPED: [&str; 8] =
    [".git", ".local", "target", "dist", "node_modules", "__pycache__", "corpus", "peers"];

/// A text of the workspace.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its path below the workspace.
    pub path: String,
    /// Its content.
    pub content: String,
}

/// The texts whose names end in one of `kinds`, by path.
#[must_use]
pub fn texts(kinds: &[&str]) -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("the workspace");
    let mut paths = Vec::new();
    collect(&root, kinds, &mut paths);
    paths.sort();
    let texts = paths.iter().filter_map(|path| {
        let content = fs::read_to_string(path).ok()?;
        let path = path.strip_prefix(&root).expect("a path below the workspace");
        Some(Text { path: path.to_string_lossy().into_owned(), content })
    });
    texts.collect()
}

fn collect(folder: &Path, kinds: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().expect("a kind").is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path, kinds, found);
            }
        } else if kinds.iter().any(|kind| name.ends_with(kind)) {
            found.push(path);
        }
    }
}
