//! Collects the networks, which are the folders of `functions/networks` whose manifest describes
//! one: the pattern of each network's orders, and the schema of its click. A network is added or
//! deleted with its folder.

use std::{env, error::Error, fmt::Write, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../../functions/networks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut folders = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut code = String::from("/// Each network's click.\npub const CLICKS: &[Click] = &[\n");
    let mut networks = Vec::new();
    for folder in folders {
        let network = folder.file_name().to_string_lossy().into_owned();
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap_or_default();
        let manifest: Value = toml::from_str(&manifest)?;
        let description = &manifest["package"]["metadata"]["network"];
        if description.is_null() {
            continue;
        }
        // A network without one finds its orders by something else, an e-mail address for example.
        if let Ok(text) = fs::read_to_string(folder.path().join("clicks.schema.json")) {
            let schema: Value = serde_json::from_str(&text)?;
            let properties = schema["properties"].as_object();
            let members: Vec<_> = properties.into_iter().flatten().map(|(name, _)| name).collect();
            let schema = schema.to_string();
            writeln!(
                code,
                "Click {{ network: {network:?}, members: &{members:?}, schema: {schema:?} }},"
            )?;
        }
        networks.push((network, description["pattern"].to_string()));
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("clicks.rs"), code)?;
    // Each network's name and the event pattern of its orders.
    let networks = format!("const NETWORKS: &[(&str, &str)] = &{networks:?};\n");
    fs::write(Path::new(&out).join("networks.rs"), networks)?;
    Ok(())
}
