//! The inputs that fuzzing starts from: the recorded answers, the example orders and the settings of
//! the tests, as the bytes that each target reads.
//!
//! A target writes its seeds into the folder that `FUZZ_SEEDS` names, when it starts.

use std::{env, fs, path::Path};

use postback_conformance::recorded;
use serde_json::Value;

use crate::answers;

/// Writes the recorded answers of `folders`, below `functions/networks/`.
pub fn from_answers(folders: &[&str]) {
    for folder in folders {
        for file in recorded(&format!("{ROOT}/functions/networks/{folder}")) {
            write(&file.name, &answers::bytes(&file));
        }
    }
}

/// Writes the example orders, each through `bytes`.
pub fn from_orders(bytes: impl Fn(&str) -> Vec<u8>) {
    let folder = format!("{ROOT}/examples/orders");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let example: Value =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        write(&name, &bytes(&example["order"].to_string()));
    }
}

/// Writes one seed.
pub fn write(name: &str, bytes: &[u8]) {
    let Ok(folder) = env::var("FUZZ_SEEDS") else { return };
    let path = Path::new(&folder).join(name);
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
