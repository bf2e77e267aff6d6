//! Collects the networks, the folders of `functions/networks` that hold recorded `answers`, and
//! what each crate says of its clicks in `clicks.schema.json`. A network is added or deleted with
//! its folder.

use std::{env, error::Error, fmt::Write, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let functions = Path::new("../networks");
    println!("cargo::rerun-if-changed={}", functions.display());
    let mut folders = fs::read_dir(functions)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut code = String::from("pub(crate) const CLICKS: &[Click] = &[\n");
    let mut networks = Vec::new();
    for folder in folders {
        let network = folder.file_name().to_string_lossy().replace('-', "_");
        if folder.path().join("answers").is_dir() {
            networks.push(network.clone());
        }
        let path = folder.path().join("clicks.schema.json");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        println!("cargo::rerun-if-changed={}", path.display());
        let schema: Value = serde_json::from_str(&text)?;
        let properties = schema["properties"].as_object();
        let members: Vec<_> = properties.into_iter().flatten().map(|(name, _)| name).collect();
        let schema = schema.to_string();
        writeln!(
            code,
            "Click {{ network: {network:?}, members: &{members:?}, schema: {schema:?} }},"
        )?;
    }
    code.push_str("];\n");
    writeln!(code, "pub(crate) const NETWORKS: &[&str] = &{networks:?};")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("clicks.rs"), code)?;
    Ok(())
}
