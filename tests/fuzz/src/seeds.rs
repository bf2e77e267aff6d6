//! The inputs that fuzzing starts from: the recorded answers and payloads, the example orders and
//! the settings of the tests, as the bytes that each target reads.
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
    for (name, example) in files(&format!("{ROOT}/examples/orders")) {
        write(&name, &bytes(&example["order"].to_string()));
    }
}

/// The files of a folder, each with its name and its JSON.
fn files(folder: &str) -> Vec<(String, Value)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.flatten().map(|entry| entry.path());
    let read = paths.map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let value = serde_json::from_slice(&text);
        let value = value.unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, value)
    });
    read.collect()
}

/// Writes the recorded payloads of the shop systems, each with its topic through `bytes`.
pub fn from_payloads(platforms: &[&str], bytes: impl Fn(&str, &str) -> Vec<u8>) {
    for platform in platforms {
        for (name, case) in files(&format!("{ROOT}/functions/platforms/{platform}/payloads")) {
            let topic = case["topic"].as_str().unwrap_or_default();
            let seed = bytes(topic, &case["payload"].to_string());
            write(&format!("{platform}-{name}"), &seed);
        }
    }
}

/// Writes one seed.
pub fn write(name: &str, bytes: &[u8]) {
    let Ok(folder) = env::var("FUZZ_SEEDS") else { return };
    let path = Path::new(&folder).join(name);
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
