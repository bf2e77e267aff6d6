//! The layers of the code: a pure core under a runtime, no circle of modules in either, and networks
//! that are built from the core alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The path of a module: the names from the crate's root.
type Module = Vec<String>;

/// The modules of a crate with their code, and the names that a module takes over from others.
#[derive(Debug, Default)]
struct Crate {
    code: BTreeMap<Module, String>,
    imports: BTreeMap<Module, BTreeMap<String, Module>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// Code without comments and without its tests.
fn product(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// Every path of a tree of imports: `a::{b, c::d as e}` is `a::b` and `a::c::d`, with the names under
/// which they are known.
fn expand(tree: &str, prefix: &[String], found: &mut Vec<(String, Module)>) {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let head = head.split("::").map(str::trim).filter(|name| !name.is_empty());
        let prefix: Module = prefix.iter().cloned().chain(head.map(str::to_owned)).collect();
        let (mut depth, mut start) = (0, 0);
        let inner = &rest[..rest.rfind('}').unwrap_or(rest.len())];
        for (at, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&inner[start..at], &prefix, found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        expand(&inner[start..], &prefix, found);
        return;
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias.trim())),
        None => (tree, None),
    };
    let names = path.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "self");
    let path: Module = prefix.iter().cloned().chain(names.map(str::to_owned)).collect();
    if let Some(last) = path.last() {
        found.push((alias.map_or_else(|| last.clone(), str::to_owned), path.clone()));
    }
}

/// The paths of all `use` declarations, with the names under which they are known.
fn declared(code: &str) -> Vec<(String, Module)> {
    let mut found = Vec::new();
    for declaration in code.split(';') {
        let start = declaration.rfind("use ").filter(|at| {
            let before = declaration[..*at].lines().last().unwrap_or_default().trim();
            before.is_empty() || before.starts_with("pub")
        });
        if let Some(start) = start {
            expand(&declaration[start + 4..], &[], &mut found);
        }
    }
    found
}

/// The paths from `crate` and `super` that the code names, `use` declarations included.
fn named(code: &str) -> Vec<Module> {
    let inline = regex_lite::Regex::new(r"\b(?:crate|super)(?:::\w+)+").expect("a pattern");
    let inline = inline.find_iter(code).map(|path| path.as_str().split("::"));
    let inline = inline.map(|names| names.map(str::to_owned).collect());
    declared(code).into_iter().map(|(_, path)| path).chain(inline).collect()
}

impl Crate {
    fn load(source: &Path) -> Self {
        let mut files = Vec::new();
        for path in sources(source) {
            let inside = path.strip_prefix(source).expect("a source").with_extension("");
            let mut module: Module =
                inside.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                module.pop();
            }
            if !module.iter().any(|name| name == "tests") {
                files.push((module, fs::read_to_string(&path).expect("a source")));
            }
        }
        Self::of(files)
    }

    fn of(files: impl IntoIterator<Item = (Module, String)>) -> Self {
        let code = files.into_iter().map(|(module, text)| (module, product(&text)));
        let mut read = Self { code: code.collect(), imports: BTreeMap::new() };
        for (module, code) in &read.code {
            let names = declared(code).into_iter();
            let own = names.filter_map(|(name, path)| Some((name, read.absolute(module, &path)?)));
            let own = own.collect();
            read.imports.insert(module.clone(), own);
        }
        read
    }

    /// The path from the root, if it leads into this crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Module> {
        let first = path.first()?;
        let supers = path.iter().take_while(|name| *name == "super").count();
        if first == "crate" {
            Some(path[1..].to_vec())
        } else if supers > 0 {
            let base = module.get(..module.len().checked_sub(supers)?)?;
            Some([base, &path[supers..]].concat())
        } else {
            let child = [module, &path[..1]].concat();
            self.code.contains_key(&child).then(|| [module, path].concat())
        }
    }

    /// The module in which a path ends, imports followed.
    fn home(&self, path: &[String], depth: u8) -> Module {
        let mut module = Module::new();
        for (at, name) in path.iter().enumerate() {
            module.push(name.clone());
            if self.code.contains_key(&module) {
                continue;
            }
            module.pop();
            let import = self.imports.get(&module).and_then(|names| names.get(name));
            return match import.filter(|_| depth < 8) {
                Some(import) => self.home(&[import, &path[at + 1..]].concat(), depth + 1),
                None => module,
            };
        }
        module
    }

    /// The modules that each module uses beside it, by the module around both.
    fn edges(&self) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
        let mut edges: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (module, code) in &self.code {
            let paths = named(code).into_iter();
            for path in paths.filter_map(|path| self.absolute(module, &path)) {
                let home = self.home(&path, 0);
                let common = module.iter().zip(&home).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (module.get(common), home.get(common)) {
                    let around = edges.entry(module[..common].to_vec()).or_default();
                    around.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        edges
    }

    /// The modules that use themselves by way of others beside them.
    fn circles(&self) -> Vec<String> {
        let mut circles = Vec::new();
        for (around, edges) in self.edges() {
            for start in edges.keys() {
                let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
                while let Some(module) = next.pop() {
                    for used in edges.get(module).into_iter().flatten() {
                        if reached.insert(used) {
                            next.push(used);
                        }
                    }
                }
                if reached.contains(start) {
                    circles.push(format!("{}::{start}", around.join("::")));
                }
            }
        }
        circles
    }
}

/// The names of all packages that `package` is built from.
fn built_from(package: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "-p", package]);
    let output = cargo.current_dir(root()).output().expect("cargo runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let names = String::from_utf8(output.stdout).expect("text");
    names.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

fn does_io(package: &str) -> bool {
    let io = ["tokio", "reqwest", "hyper", "lambda_runtime", "aws_lambda_events", "mio", "rustls"];
    io.contains(&package) || package.starts_with("aws-")
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    for name in ["core", "runtime"] {
        let read = Crate::load(&root().join("shared").join(name).join("src"));
        let edges: usize =
            read.edges().values().flat_map(BTreeMap::values).map(BTreeSet::len).sum();

        assert!(read.code.len() > 20 && edges > 20, "{name}: {edges}");
        assert_eq!(read.circles(), Vec::<String>::new(), "{name}: {:#?}", read.edges());
    }
}

#[test]
fn a_circle_is_found_through_imports_and_at_every_depth() {
    let module = |path: &str| -> Module {
        path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let read = |files: &[(&str, &str)]| {
        Crate::of(files.iter().map(|(path, text)| (module(path), (*text).to_owned())))
    };
    let straight = [
        ("", "mod a;\nmod b;"),
        ("a", "use crate::b::{One, c::Two as Three};"),
        ("b", "pub use c::One;\n#[cfg(test)]\nmod tests {\n    use crate::a::X;\n}"),
        ("b::c", "// use crate::a::X;"),
    ];
    let direct = [("a", "use crate::b;"), ("b", "fn f() -> crate::a::X {}")];
    let deep = [
        ("a", "pub use b::B;\nuse c::C;"),
        ("a::b", "use super::{C, d::{self}};"),
        ("a::c", "use crate::a::B;"),
        ("a::d", ""),
    ];

    assert_eq!(read(&straight).circles(), Vec::<String>::new());
    assert_eq!(read(&direct).circles(), ["::a", "::b"]);
    assert_eq!(read(&deep).circles(), ["a::b", "a::c"]);
}

#[test]
fn the_core_does_no_io() {
    let core = built_from("postback-core");

    assert!(core.contains("serde_json"), "{core:?}");
    assert_eq!(core.iter().filter(|package| does_io(package)).collect::<Vec<_>>(), [""; 0]);
    let runtime = built_from("postback-runtime");
    assert!(runtime.iter().any(|package| does_io(package)) && runtime.contains("postback-core"));
}

#[test]
fn only_a_networks_or_a_shop_systems_main_knows_the_runtime() {
    let all = ["networks", "platforms"].map(|kind| root().join("functions").join(kind));
    let read = |kind| fs::read_dir(kind).expect("the networks, or the shop systems");
    let folders: Vec<_> = all.into_iter().flat_map(read).collect();
    assert!(folders.len() >= 6);

    for folder in folders {
        let source = folder.expect("a folder").path().join("src");
        for path in sources(&source) {
            let code = product(&fs::read_to_string(&path).expect("a source"));
            let is_main = path == source.join("main.rs");
            let io = [
                "postback_runtime",
                "postback_orders",
                "tokio::",
                "reqwest",
                "lambda_runtime",
                "aws_",
            ];
            let is_io = io.iter().any(|name| code.contains(name));
            assert_eq!(is_io, is_main, "{}", path.display());
            if path == source.join("lib.rs") {
                assert!(code.contains("postback_core::"), "{}", path.display());
            }
        }
    }
}
