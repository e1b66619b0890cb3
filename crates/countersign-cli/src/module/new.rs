//! `countersign module new`: a mode of one's own that builds and passes at once, to be changed from there.
//!
//! What is written is what stands in `new/`, with the names put in. The C of it is `plugins/example-c`, by links: a skeleton
//! that were a copy would be forgotten. Whether a name will do is asked of the registry, which a module has to face anyway.

use crate::error::{Exit, Failure};
use crate::output;
use crate::scheme::quoted;
use countersign::config::ConfigErrors;
use countersign::{Mode, ModeConfig, ModeInfo, Scheme, Status};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Two crates: the mode, and its shared library.
const RUST: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("new/workspace.toml.in")),
    ("@name@/Cargo.toml", include_str!("new/mode.toml.in")),
    ("@name@/src/lib.rs", include_str!("new/mode.rs.in")),
    ("@name@/tests/vectors.rs", include_str!("new/mode_test.rs.in")),
    ("@name@/@name@.toml", include_str!("new/preset.toml.in")),
    ("@name@/@name@.vectors.toml", include_str!("new/vectors.toml.in")),
    ("@name@-module/Cargo.toml", include_str!("new/module.toml.in")),
    ("@name@-module/src/lib.rs", include_str!("new/module.rs.in")),
];

/// One file of C, and the header that it needs.
const C: [(&str, &str); 4] = [
    ("@name@.c", include_str!("new/tag.c")),
    ("@name@.toml", include_str!("new/example-c.toml")),
    ("@name@.vectors.toml", include_str!("new/example-c.vectors.toml")),
    ("countersign.h", countersign_plugin::HEADER),
];

/// What of the example in C is the example's own, in this order. Its secret is signed with, and stays.
const OF_THE_EXAMPLE: [(&str, &str); 11] = [
    ("made-up-secret-of-example-c", "@secret@"),
    (
        " *      -I ../../crates/countersign-plugin/include -o libexample_c.so tag.c",
        " *      -I . -o lib@ident@.so @name@.c",
    ),
    (
        "To make a mode of your own, copy this file and go through it from the top:",
        "To make it your own, go through it from the top:",
    ),
    ("A third party's mode, complete, in one file of C", "The mode `@name@`, complete, in one file of C"),
    (
        "#ifndef EXAMPLE_C_WITHOUT_ENTRY /* the tests' modules borrow the mathematics above, and bring a mode of their own */\n\n",
        "",
    ),
    ("{ return &PLUGIN; }\n\n#endif\n", "{ return &PLUGIN; }\n"),
    ("An example of a third party's mode, in C", "@name@"),
    ("example-c", "@name@"),
    ("x-example-", "x-"),
    ("X-Example-", "X-"),
    ("@secret@", "made-up-secret-of-example-c"),
];

/// What Cargo or rustc would not take as the name of this crate, though it can be a mode's.
const NO_CRATE: &str = " abstract alloc as async await become blake3 box break build const continue core countersign \
    countersign-plugin countersign-testkit crate deps do dyn else enum examples extern false final fn for gen if impl in \
    incremental let loop macro match mod move mut override priv proc-macro pub ref return self static std struct super \
    test trait true try type typeof unsafe unsized use virtual where while yield ";

/// Write it.
pub(super) fn run(name: &str, dir: Option<&Path>, c: bool, source: Option<&str>) -> Result<Exit, Failure> {
    let source = Source::of(source.unwrap_or(env!("CARGO_PKG_REPOSITORY")))?;
    let files = written(name, c, &source);
    check_name(name, c, &files)?;
    let dir = dir.unwrap_or(Path::new(name));
    fs::create_dir(dir).map_err(|error| no_folder(dir, &error))?;
    let mut said = String::new();
    for (path, text) in &files {
        let path = dir.join(path);
        create(&path, text).map_err(|error| Failure::io("write", &path, &error))?;
        said.push_str(&format!("wrote {}\n", path.display()));
    }
    output::print(&said)?;
    let ident = name.replace('-', "_");
    let (build, library) = match c {
        true => (
            format!("cc -std=c99 -O2 -fPIC -shared -fvisibility=hidden -I . -o lib{ident}.so {name}.c"),
            format!("lib{ident}.so"),
        ),
        false => {
            ("cargo test && cargo build --release".to_owned(), format!("target/release/lib{ident}_module.so"))
        }
    };
    output::help(&format!("cd {} && {build}", dir.display()));
    output::help(&format!("countersign module check {library}, which prints the PIN"));
    output::help(&format!("countersign module conform {library}, which asks of it what we ask of ours"));
    output::help(&format!("countersign preset test {name} --module \"$PWD/{library}@sha256=PIN\""));
    Ok(Exit::Done)
}

/// Every file, from the folder that it is written to, with the names put in.
fn written(name: &str, c: bool, source: &Source) -> Vec<(String, String)> {
    let put_in = |text: &str| {
        let text = text.replace("@name@", name).replace("@ident@", &name.replace('-', "_"));
        ["countersign", "countersign-plugin", "countersign-testkit"].iter().fold(text, |text, package| {
            text.replace(&format!("@from:{package}@"), &source.of_package(package))
        })
    };
    let ours =
        |text: &str| OF_THE_EXAMPLE.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    match c {
        true => C.iter().map(|(path, text)| (put_in(path), put_in(&ours(text)))).collect(),
        false => RUST.iter().map(|(path, text)| (put_in(path), put_in(text))).collect(),
    }
}

/// Where the crates of countersign come from.
enum Source {
    Checkout(PathBuf),
    Repository(String),
}

impl Source {
    fn of(text: &str) -> Result<Self, Failure> {
        if text.contains("://") {
            return Ok(Source::Repository(text.to_owned()));
        }
        let next = "give the folder of a checkout, or the URL of a repository: https://…";
        let folder = fs::canonicalize(text)
            .map_err(|error| Failure::io("find the --source", Path::new(text), &error).next(next))?;
        match folder.join("crates/countersign-plugin/Cargo.toml").is_file() {
            true => Ok(Source::Checkout(folder)),
            false => {
                let says = format!("--source: `{}` is no checkout of countersign", folder.display());
                Err(Failure::usage(says).next(next))
            }
        }
    }

    /// As a manifest has it.
    fn of_package(&self, package: &str) -> String {
        match self {
            Source::Checkout(folder) => {
                format!("path = {}", quoted(&folder.join("crates").join(package).to_string_lossy()))
            }
            Source::Repository(url) => format!("git = {}", quoted(url)),
        }
    }
}

/// A mode that is only a name.
struct Named(ModeInfo);

impl Mode for Named {
    fn info(&self) -> &ModeInfo {
        &self.0
    }

    fn compile(&self, _: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        Err(ConfigErrors(Vec::new()))
    }
}

/// A name that a mode, a preset and, in Rust, a crate can have, and that nothing built in has.
fn check_name(name: &str, c: bool, files: &[(String, String)]) -> Result<(), Failure> {
    let refused = |says: String| {
        let failure = Failure::usage(says);
        failure.next("choose another: lower-case letters, digits and hyphens, at most 64: countersign module new acme-v2")
    };
    let mut registry = countersign_modes::registry().map_err(|errors| Failure::config(errors.to_string()))?;
    let mut info = ModeInfo::new("", "", "", &[], Status::Preview);
    info.name = name.to_owned().into();
    let first =
        |errors: ConfigErrors| errors.0.first().map_or_else(String::new, |error| error.message.clone());
    registry.register(Arc::new(Named(info))).map_err(|errors| refused(output::plain(&first(errors))))?;
    let preset = format!("{name}.toml");
    if let Some((file, text)) = files.iter().find(|(path, _)| Path::new(path).ends_with(&preset)) {
        registry.add_preset(&**file, &**text).map_err(|errors| refused(output::plain(&first(errors))))?;
    }
    let is_crate =
        !name.starts_with(|c: char| c.is_ascii_digit()) && !NO_CRATE.contains(&format!(" {name} "));
    match c || is_crate {
        true => Ok(()),
        false => Err(refused(format!("`{name}` can be a mode's name, and no crate's of this workspace"))),
    }
}

fn no_folder(dir: &Path, error: &std::io::Error) -> Failure {
    if error.kind() == ErrorKind::AlreadyExists {
        return Failure::usage(format!(
            "`{}` is there already, and nothing is ever written over",
            dir.display()
        ))
        .next("choose another name or --dir, or remove it");
    }
    let failure = Failure::io("make the folder", dir, error);
    match dir.parent().filter(|parent| *parent != Path::new("") && !parent.is_dir()) {
        Some(parent) => failure.next(format!("mkdir -p {}", parent.display())),
        None => failure,
    }
}

/// A file, and the folders that lead to it.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    File::options().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What is replaced must be there: else the skeleton is the example with another's name on it.
    #[test]
    fn nothing_of_the_example_and_no_blank_is_left() {
        let source = Source::of("https://example.org/countersign").unwrap();
        for (path, text) in [true, false].iter().flat_map(|c| written("acme-v2", *c, &source)) {
            let text = text.replace("made-up-secret-of-example-c", "").replace("https://example.org", "");
            let text = if path == "countersign.h" { String::new() } else { text };
            for gone in [
                "example-c",
                "example_c",
                "EXAMPLE_C",
                "x-example",
                "An example",
                "../../crates",
                "tag.c",
                "@",
            ] {
                let left = text.lines().find(|line| line.contains(gone) && !line.contains("@sha256="));
                assert_eq!(left, None, "{path}");
            }
        }
        for (from, _) in &OF_THE_EXAMPLE[..OF_THE_EXAMPLE.len() - 1] {
            assert!(
                C.iter().any(|(_, text)| text.contains(from)),
                "the example in C has no `{from}` any more"
            );
        }
    }
}
