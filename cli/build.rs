//! Collects the networks from their folders, each with the schema of its secret, and the shop systems:
//! the tool names none.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../functions/networks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut folders = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut code = String::from("pub(crate) const NETWORKS: &[Network] = &[\n");
    for folder in folders {
        let Ok(secret) = fs::read_to_string(folder.path().join("secret.schema.json")) else {
            continue;
        };
        let name = folder.file_name().to_string_lossy().into_owned();
        writeln!(code, "Network {{ name: {name:?}, secret: {secret:?} }},")?;
    }
    code.push_str("];\n");
    code.push_str("pub(crate) const PLATFORMS: &[Platform] = &[\n");
    let folder = Path::new("../functions/platforms");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut folders = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml"))?;
        let manifest: toml::Table = manifest.parse()?;
        let described = &manifest["package"]["metadata"]["platform"];
        if let Some(prefix) = described.get("prefix").and_then(toml::Value::as_str) {
            let partner = described.get("events").and_then(|events| events.get("source"));
            let partner = partner.and_then(toml::Value::as_str);
            writeln!(
                code,
                "Platform {{ name: {name:?}, prefix: {prefix:?}, partner: {partner:?} }},"
            )?;
        }
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("networks.rs"), code)?;
    Ok(())
}
