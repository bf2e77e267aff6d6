//! The profiles of AWS's files: only to name those that exist.

use std::{env, fs, path::PathBuf};

use crate::failure::Failure;

/// Refuses a profile that is in no file.
pub(super) fn check(given: Option<&str>) -> Result<(), Failure> {
    let Some(profile) = given.map(str::to_owned).or_else(|| env::var("AWS_PROFILE").ok()) else {
        return Ok(());
    };
    let file = |variable: &str, name: &str| {
        let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".aws").join(name));
        let path = env::var_os(variable).map(PathBuf::from).or_else(home)?;
        fs::read_to_string(path).ok()
    };
    let files = [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
    let texts = files.iter().filter_map(|(variable, name)| file(variable, name));
    let mut known: Vec<_> = texts.flat_map(|text| profiles(&text)).collect();
    known.sort();
    known.dedup();
    if known.contains(&profile) || profile == "default" || profile.is_empty() {
        return Ok(());
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Failure::NoProfile { profile, known })
}

/// The profiles of a file: `[profile shop]`, in the credentials' file `[shop]`.
fn profiles(text: &str) -> Vec<String> {
    let section = |line: &str| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?.trim();
        let (kind, rest) = name.split_once(char::is_whitespace).unwrap_or(("profile", name));
        (kind == "profile").then(|| rest.trim().to_owned())
    };
    text.lines().filter_map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_a_section_of_either_file() {
        let text =
            "[default]\nregion = x\n[profile shop]\n [ profile  two ] # mine\n[sso-session s]\n";

        assert_eq!(profiles(text), ["default", "shop", "two"]);
    }
}
