//! The places of things: a network is one folder, and so is a shop system; nothing outside it names it.
//! Longer than 300 lines, because one walk over the packages serves every rule.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folders(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).expect("a folder");
    let entries = entries.map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> =
        folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folders of `path` that hold a package.
fn crates(path: &str) -> Vec<String> {
    let is_crate = |name: &String| root().join(path).join(name).join("Cargo.toml").is_file();
    folders(path).into_iter().filter(is_crate).collect()
}

fn networks() -> Vec<String> {
    crates("functions/networks")
}

fn platforms() -> Vec<String> {
    crates("functions/platforms")
}

/// The functions that are no network's and no shop system's.
fn shared_functions() -> Vec<String> {
    crates("functions")
}

/// The folders of all functions, below `functions/`, with their names.
fn functions() -> Vec<(String, String)> {
    let networks = networks().into_iter().map(|name| (format!("networks/{name}"), name));
    let platforms = platforms().into_iter().map(|name| (format!("platforms/{name}"), name));
    let shared = shared_functions().into_iter().map(|name| (name.clone(), name));
    networks.chain(platforms).chain(shared).collect()
}

/// All files below a folder whose names end in one of `kinds`.
fn files(folder: &Path, kinds: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).expect("a folder");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.extend(files(&path, kinds));
        } else if kinds.iter().any(|kind| path.to_string_lossy().ends_with(kind)) {
            found.push(path);
        }
    }
    found
}

/// The spellings of a name in a text, in lower case.
fn spellings(name: &str) -> Vec<String> {
    ["-", "_", ".", " ", ""].iter().map(|between| name.replace('_', between)).collect()
}

fn names(text: &str, name: &str) -> bool {
    let text = text.to_lowercase();
    spellings(name).iter().any(|spelling| text.contains(spelling))
}

/// The packages of the workspace as cargo sees them.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    let output = cargo.current_dir(root()).output().expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// The networks' names and what their manifests say of them, by name.
fn descriptions() -> Vec<(String, Value)> {
    let packages = packages().into_iter();
    let networks = packages.filter(|package| !package["metadata"]["network"].is_null());
    let mut described: Vec<_> = networks
        .map(|package| {
            let name = package["name"].as_str().expect("a name").to_owned();
            assert_eq!(path_of(&package), format!("functions/networks/{name}"));
            (name, package["metadata"]["network"].clone())
        })
        .collect();
    described.sort_by(|(one, _), (other, _)| one.cmp(other));
    described
}

fn path_of(package: &Value) -> String {
    let manifest = package["manifest_path"].as_str().expect("a path");
    let folder = Path::new(manifest).parent().expect("a folder");
    let folder = folder.canonicalize().expect("a folder");
    folder.strip_prefix(root()).expect("inside").to_string_lossy().into_owned()
}

/// The names of what a package is built from: tests aside.
fn built_from(package: &Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().expect("a list").iter();
    let built = dependencies.filter(|dependency| dependency["kind"] != "dev");
    built.map(|dependency| dependency["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_common_crate_names_no_network_and_no_shop_system() {
    let sources = files(&root().join("shared"), &[".rs", ".toml"]);
    assert!(sources.len() > 20 && networks().len() >= 4);

    for source in &sources {
        for name in networks().into_iter().chain(platforms()) {
            assert!(!names(&text(source), &name), "{} names {name}", source.display());
        }
    }
}

#[test]
fn a_name_is_found_however_it_is_spelt() {
    for spelling in ["CpaMoe", "cpa_moe", "CPA-MOE", "cpa.moe", "Cpa Moe"] {
        assert!(names(&format!("for {spelling} only"), "cpa_moe"), "{spelling}");
    }
    assert!(!names("a network", "cpa_moe"));
}

#[test]
fn a_function_names_no_other_function_and_no_aws_sdk() {
    for (folder, own) in functions() {
        let folder = root().join("functions").join(folder);
        let sources = files(&folder, &[".rs", "Cargo.toml"]);
        assert!(sources.len() > 2, "{own}");
        for source in sources {
            let text = text(&source);
            let others = [networks(), platforms()].concat();
            for network in others.iter().filter(|network| **network != own) {
                assert!(!names(&text, network), "{} names {network}", source.display());
            }
            for other in shared_functions().iter().filter(|other| **other != own) {
                for path in [format!("{other}::"), format!("functions/{other}")] {
                    assert!(!text.contains(&path), "{} names {path}", source.display());
                }
            }
            let sdk = text.contains("aws-sdk") || text.contains("aws_sdk");
            assert!(!sdk, "{} names an AWS SDK", source.display());
        }
    }
}

#[test]
fn a_function_is_built_from_no_other_function() {
    let functions: Vec<_> = functions().into_iter().map(|(_, name)| name).collect();
    for package in packages() {
        if path_of(&package).starts_with("functions/") {
            for dependency in built_from(&package) {
                let wrong = functions.contains(&dependency) || dependency.starts_with("aws-");
                assert!(!wrong, "{} is built from {dependency}", package["name"]);
            }
        }
    }
}

#[test]
fn nothing_that_is_deployed_is_built_from_tests() {
    let packages = packages();
    let is_test = |package: &&Value| path_of(package).starts_with("tests/");
    let tests: Vec<_> = packages.iter().filter(is_test).map(|test| &test["name"]).collect();
    assert!(tests.len() >= 4, "{tests:?}");

    for package in packages.iter().filter(|package| !is_test(package)) {
        for dependency in built_from(package) {
            let is_test = tests.iter().any(|test| **test == dependency);
            assert!(!is_test, "{} is built from {dependency}", package["name"]);
        }
    }
}

#[test]
fn every_network_has_its_description_and_a_main_without_content() {
    for network in networks() {
        let folder = root().join("functions/networks").join(&network);
        assert!(text(folder.join("README.md")).lines().count() > 20, "{network}");
        let settings: Value =
            serde_json::from_str(&text(folder.join("secret.schema.json"))).expect("JSON");
        assert_eq!(settings["additionalProperties"], false, "{network}");
        let library = text(folder.join("src/lib.rs"));
        assert!(library.starts_with("#![doc = include_str!(\"../README.md\")]"), "{network}");
    }
    for (folder, function) in functions() {
        let main = text(root().join("functions").join(folder).join("src/main.rs"));
        let body = main.lines().skip_while(|line| line.starts_with("//!"));
        assert!(body.clone().all(|line| !line.contains("//")), "{function}: {main}");
        let most = if shared_functions().contains(&function) { 9 } else { 6 };
        assert!(main.lines().count() <= most, "{function}: {main}");
    }
}

/// Everything that a third shop system needs is its folder: the template, the tool, `make secret` and
/// the tests find it by its manifest.
#[test]
fn a_shop_system_is_one_folder() {
    let packages = packages();
    let template = text(root().join("template.yaml"));
    assert!(platforms().len() >= 2);
    for name in platforms() {
        let place = format!("functions/platforms/{name}");
        let package = packages.iter().find(|package| path_of(package) == place).expect("a member");
        let described = &package["metadata"]["platform"];
        assert_eq!(package["name"], *name);
        let prefix = described["prefix"].as_str().expect("a prefix");
        assert!(described["title"].is_string(), "{name}");
        for part in ["Function", "Role", "Secret", "Route", "RefusalAlarm", "FunctionErrorAlarm"] {
            assert!(template.contains(&format!("\n  {prefix}{part}:\n")), "{prefix}{part}");
        }
        assert!(template.contains(&format!("RouteKey: POST /webhooks/{name}\n")), "{name}");
        let has_queue = template.contains(&format!("\n  {prefix}Queue:\n"));
        assert_eq!(has_queue, described["events"].is_object(), "{name}");

        let folder = root().join(&place);
        let library = text(folder.join("src/lib.rs"));
        assert!(library.contains(&format!("const NAME: &'static str = \"{name}\";")), "{name}");
        assert!(text(folder.join("README.md")).lines().count() > 20, "{name}");
        let own_tests = text(folder.join("tests/platform.rs"));
        for check in ["payloads_give_their_orders", "conforms", "survives_noise"] {
            assert!(own_tests.contains(&format!("platform::{check}::<")), "{name}: {check}");
        }
    }
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    let packages = packages();
    let members: Vec<_> = packages.iter().map(path_of).collect();
    for (folder, _) in functions() {
        assert!(members.contains(&format!("functions/{folder}")), "{folder} is no member");
    }

    for member in members {
        let manifest = text(root().join(&member).join("Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true\n"), "{member}");
        assert!(manifest.contains("publish.workspace = true"), "{member}");
    }
}

#[test]
fn the_template_has_one_block_for_each_function() {
    let template = text(root().join("template.yaml"));
    let code = template.lines().filter_map(|line| line.trim().strip_prefix("CodeUri:"));
    let mut deployed: Vec<_> = code.map(|uri| uri.trim().to_owned()).collect();
    deployed.sort();

    let mut functions: Vec<_> = functions().into_iter().map(|(_, name)| name).collect();
    functions.sort();
    let expected: Vec<_> = functions.iter().map(|name| format!("target/lambda/{name}/")).collect();
    assert_eq!(deployed, expected);
    let blocks = template.matches("Type: AWS::Serverless::Function").count();
    assert_eq!(blocks, functions.len());
}

#[test]
fn each_network_has_a_rule_a_route_and_its_own_queue_in_the_template() {
    let template = text(root().join("template.yaml"));

    for (network, description) in descriptions() {
        assert!(template.contains(&format!("RouteKey: POST /orders/{network}\n")), "{network}");
        let prefix = description["prefix"].as_str().expect("a prefix");
        for part in ["Rule", "Queue", "DeadLetterQueue", "Secret", "Function", "Role"] {
            assert!(template.contains(&format!("\n  {prefix}{part}:\n")), "{prefix}{part}");
        }
    }
}

#[test]
fn a_networks_manifest_describes_its_own_code() {
    let described = descriptions();
    assert_eq!(described.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), networks());

    for (network, description) in described {
        let library = text(root().join("functions/networks").join(&network).join("src/lib.rs"));
        let endpoint = description["endpoint"].as_str().expect("an endpoint");
        for (constant, value) in [("NAME", network.as_str()), ("ENDPOINT", endpoint)] {
            let line = format!("const {constant}: &'static str = \"{value}\";");
            assert!(library.contains(&line), "{network}: {line}");
        }
    }
}

#[test]
fn the_readme_has_one_row_for_each_network() {
    let readme = text(root().join("README.md"));
    let rows = readme.lines().filter(|line| line.contains("](functions/networks/"));
    let mut rows: Vec<_> = rows.map(ToOwned::to_owned).collect();
    rows.sort_by_key(|row| row.split("](").nth(1).map(ToOwned::to_owned));

    let described = descriptions();
    assert_eq!(rows.len(), described.len(), "{rows:#?}");
    for (row, (network, description)) in rows.iter().zip(described) {
        let title = description["title"].as_str().expect("a title");
        assert!(row.starts_with(&format!("| {title} | ")), "{row}");
        let link = format!(" | [README](functions/networks/{network}/README.md) |");
        assert!(row.ends_with(&link), "{row}");
    }
}
