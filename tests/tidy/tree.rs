//! The files of the repository, and what cargo says of its packages.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that are all test, though their name does not say so: `#[cfg(test)] mod …;`.
const TEST_ONLY: [&str; 1] = ["crates/countersign/src/reference.rs"];

/// A file: its path from the root, with slashes, and its text.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        File { path: path.into(), text: text.into() }
    }

    /// Whether it is Rust that ships: not a test, a bench or an example of how to use it.
    pub(crate) fn is_shipped_rust(&self) -> bool {
        let aside = ["tests", "benches", "examples"];
        self.path.ends_with(".rs")
            && !self.path.ends_with("/tests.rs")
            && !TEST_ONLY.contains(&&*self.path)
            && !self.path.split('/').any(|folder| aside.contains(&folder))
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// Every text file, in order of path. Skipped: what cargo builds, what git keeps, what is not UTF-8.
pub(crate) fn files() -> Vec<File> {
    let (root, mut files) = (root(), Vec::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.map(|entry| entry.expect("a folder can be listed")) {
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().expect("an entry has a type");
            // In a second working tree `.git` is a file, which says where the first is.
            if ["target", ".git"].iter().any(|skip| name == *skip) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let path =
                    path.strip_prefix(&root).expect("below the root").to_string_lossy().replace('\\', "/");
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A package of ours.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, from the root.
    pub(crate) folder: String,
    /// What it depends on, and whether only its tests and benches do.
    pub(crate) needs: Vec<(String, bool)>,
    /// The features that it asks for of what ships with it: which package, which feature.
    pub(crate) features: Vec<(String, String)>,
    /// What is made of its library: `lib`, `cdylib`. Empty if it has none.
    pub(crate) kinds: Vec<String>,
    /// Whether a plain `cargo build` builds it.
    pub(crate) is_default: bool,
}

/// Every package of the workspace. No network: cargo only reads our own manifests.
pub(crate) fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let workspace = text(&metadata["workspace_root"]);
    let package = |package: &Value| {
        let manifest = text(&package["manifest_path"]);
        let folder = manifest.strip_prefix(&workspace).unwrap_or(&manifest).trim_end_matches("Cargo.toml");
        let texts = |value: &Value| value.as_array().expect("a list").iter().map(text).collect::<Vec<_>>();
        let default = texts(&metadata["workspace_default_members"]);
        let is_library = |target: &&Value| {
            let aside = ["bin", "test", "bench", "example", "custom-build"];
            !texts(&target["kind"]).iter().any(|kind| aside.contains(&&**kind))
        };
        let is_dev = |need: &Value| need["kind"].as_str() == Some("dev");
        let need = |need: &Value| (text(&need["name"]), is_dev(need));
        let needs = package["dependencies"].as_array().expect("a list");
        let features = |need: &Value| {
            let name = text(&need["name"]);
            texts(&need["features"]).into_iter().map(move |feature| (name.clone(), feature))
        };
        Package {
            name: text(&package["name"]),
            folder: folder.trim_matches(['/', '\\']).replace('\\', "/"),
            needs: needs.iter().map(need).collect(),
            features: needs.iter().filter(|need| !is_dev(need)).flat_map(features).collect(),
            kinds: package["targets"]
                .as_array()
                .expect("a list")
                .iter()
                .filter(is_library)
                .flat_map(|target| texts(&target["crate_types"]))
                .collect(),
            is_default: default.contains(&text(&package["id"])),
        }
    };
    metadata["packages"].as_array().expect("a list").iter().map(package).collect()
}
