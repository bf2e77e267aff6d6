//! Collects the formats of the networks' reports: each network's folder holds its own, in `report.toml`.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../../functions/networks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut folders = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut code = String::from("pub(crate) const FORMATS: &[(&str, &str)] = &[\n");
    for folder in folders {
        let Ok(format) = fs::read_to_string(folder.path().join("report.toml")) else { continue };
        let name = folder.file_name().to_string_lossy().into_owned();
        writeln!(code, "({name:?}, {format:?}),")?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("formats.rs"), code)?;
    Ok(())
}
