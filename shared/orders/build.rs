//! Collects the networks, which are the folders of `functions/networks` whose manifest describes
//! one: the pattern of their orders and the members of their clicks. A network is added or deleted
//! with its folder.

use std::{env, error::Error, fmt::Write, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../../functions/networks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut folders = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut code = String::from("pub(crate) const NETWORKS: &[Network] = &[\n");
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap_or_default();
        let manifest: Value = toml::from_str(&manifest)?;
        let described = &manifest["package"]["metadata"]["network"];
        if described.is_null() {
            continue;
        }
        // A network without clicks finds its orders by something else, an e-mail address for example.
        let schema = fs::read_to_string(folder.path().join("clicks.schema.json"));
        let schema: Value = serde_json::from_str(&schema.unwrap_or_else(|_| "{}".to_owned()))?;
        let members = schema["properties"].as_object().into_iter().flatten();
        let members: Vec<_> = members.map(|(name, _)| name).collect();
        let pattern = described["pattern"].to_string();
        let texts = |value: &Value| -> Vec<String> {
            let values = value.as_array().into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let capture = &described["capture"];
        let (captured, marker) = (texts(&capture["members"]), capture["marker"].as_str());
        let value = capture["value"].as_str();
        writeln!(code, "Network {{ name: {name:?}, click: &{members:?}, pattern: {pattern:?},")?;
        writeln!(code, "captured: &{captured:?}, marker: {marker:?}, value: {value:?} }},")?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("networks.rs"), code)?;
    Ok(())
}
