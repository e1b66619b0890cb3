//! `module new`, and what becomes of it: each skeleton is built as its user would build it, checked, tried, signed and
//! verified with. And what a module is refused for, as a person reads it.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod common;
use common::{Ran, SECRET, run};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder where a module may be: neither it nor one above it may be written by others, and temporary ones may.
fn folder() -> TempDir {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    for place in [Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))), home].into_iter().flatten() {
        let Ok(place) = place.canonicalize() else { continue };
        let Ok(folder) = tempfile::Builder::new().prefix("module").tempdir_in(&place) else { continue };
        let probe = folder.path().join("probe");
        std::fs::write(&probe, "no library").unwrap();
        set_mode(&probe, 0o600);
        if run(&["module", "check", probe.to_str().unwrap()]).err.contains("module/not-a-library") {
            return folder;
        }
    }
    panic!("nowhere here can a module be: check out where nobody else may write");
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// `module new`, into a folder of that name.
fn new(folder: &TempDir, name: &str, more: &[&str]) -> Ran {
    let dir = folder.path().join(name);
    run(&[&["module", "new", name, "--dir", dir.to_str().unwrap()], more].concat())
}

/// A program of the machine's, which must do it.
fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
}

/// The argument of `--module`, from what `module check` prints.
fn checked(library: &Path) -> String {
    let checked = run(&["module", "check", library.to_str().unwrap()]).exits(0);
    let line = checked.out.lines().find_map(|line| line.strip_prefix("or write --module "));
    line.unwrap().to_owned()
}

/// Its preset passes, the kit finds nothing, and what it signs it verifies, and nothing else.
fn works(name: &str, module: &str, secret: &str) {
    let report = run(&["preset", "test", name, "--module", module]).exits(0);
    assert!(report.out.contains(" 0 failures\n"), "{}", report.out);
    let file = module.split_once('@').unwrap().0;
    let asked = run(&["module", "conform", file, "--quick"]).exits(0);
    assert!(asked.out.contains(", 0 failed:\n"), "{}", asked.out);
    let scheme = ["--preset", name, "--module", module, "--secret", secret];
    let sign = ["--body", "{\"a\":1}", "--at", "2026-01-01T00:00:00Z", "--format", "json"];
    let signed = run(&[&["sign"][..], &scheme, &sign].concat()).exits(0).out;
    let verify = [&["verify", "-", "--now", "2026-01-01T00:00:05Z"][..], &scheme].concat();
    common::run_with(&verify, signed.as_bytes(), &[]).exits(0);
    let changed = signed.replace("a\\\":1", "a\\\":2");
    assert_ne!(changed, signed);
    let refused = common::run_with(&verify, changed.as_bytes(), &[]).exits(1);
    assert!(refused.out.contains("bad_signature") || refused.err.contains("bad_signature"));
}

/// The C skeleton, built.
fn built_c(folder: &TempDir, name: &str) -> PathBuf {
    new(folder, name, &["--c"]).exits(0);
    let (dir, library) = (folder.path().join(name), format!("lib{}.so", name.replace('-', "_")));
    let flags = [
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O2",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
        "-I",
        ".",
    ];
    done(Command::new("cc").args(flags).args(["-o", &library, &format!("{name}.c")]).current_dir(&dir));
    set_mode(&dir.join(&library), 0o755);
    dir.join(library)
}

#[test]
fn the_skeleton_in_c_compiles_passes_signs_and_verifies() {
    let folder = folder();
    let library = built_c(&folder, "acme-c");
    let module = checked(&library);
    works("acme-c", &module, "literal:made-up");
    // Loaded as a mode alone, the preset comes from its folder.
    let table = folder.path().join("modules.toml");
    let (path, pin) = module.split_once("@sha256=").unwrap();
    std::fs::write(&table, format!("[[module]]\npath = \"{path}\"\nsha256 = \"{pin}\"\npresets = []\n"))
        .unwrap();
    let dir = library.parent().unwrap().to_str().unwrap();
    run(&["preset", "test", "acme-c", "--presets", dir, "--modules", table.to_str().unwrap()]).exits(0);
}

#[test]
fn the_skeleton_in_rust_compiles_passes_signs_and_verifies() {
    let folder = folder();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    new(&folder, "acme-rust", &["--source", root.to_str().unwrap()]).exits(0);
    let dir = folder.path().join("acme-rust");
    // The versions that are here already: nothing is asked of a registry.
    std::fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();
    // target/debug/deps/module-… runs beside target/debug.
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().find(|folder| folder.ends_with("deps")).unwrap().ancestors().nth(2).unwrap();
    for does in ["test", "build"] {
        let arguments = [does, "--quiet", "--offline", "--workspace", "--target-dir"];
        done(Command::new(env!("CARGO")).args(arguments).arg(target).current_dir(&dir));
    }
    let library = folder.path().join("libacme_rust_module.so");
    std::fs::copy(target.join("debug/libacme_rust_module.so"), &library).unwrap();
    set_mode(&library, 0o755);
    works("acme-rust", &checked(&library), &format!("literal:{SECRET}"));
}

#[test]
fn a_name_that_is_none_or_taken_is_refused_and_nothing_is_written() {
    let folder = folder();
    for (name, more, says) in [
        ("Acme", &[][..], "`Acme` can be no mode's name"),
        ("../acme", &["--c"], "`../acme` can be no mode's name"),
        ("hmac", &["--c"], "two modes are called `hmac`"),
        ("freshness", &[], "`freshness` can be no mode's name"),
        ("standard-webhooks", &["--c"], "two presets are called `standard-webhooks`"),
        ("match", &[], "`match` can be a mode's name, and no crate's"),
        ("9-lives", &[], "`9-lives` can be a mode's name, and no crate's"),
        ("acme", &["--source", "/nowhere-at-all"], "cannot find the --source `/nowhere-at-all`"),
        ("acme", &["--source", "/usr"], "`/usr` is no checkout of countersign"),
        ("acme", &["--c", "--source", "/usr"], "cannot be used with"),
    ] {
        let dir = folder.path().join("there");
        let ran = run(&[&["module", "new", name, "--dir", dir.to_str().unwrap()], more].concat()).says(says);
        assert_ne!(ran.exit, 0);
        assert!(!dir.exists(), "{name}");
    }
}

#[test]
fn what_is_there_is_never_written_over() {
    let folder = folder();
    new(&folder, "acme", &["--c"]).exits(0);
    new(&folder, "acme", &[]).exits(2).says("is there already, and nothing is ever written over");
    new(&folder, "deep/acme", &[]).exits(2);
    let deep = folder.path().join("deep/acme");
    run(&["module", "new", "acme", "--dir", deep.to_str().unwrap()]).exits(5).says("mkdir -p ");
}

#[test]
fn every_file_that_is_written_is_named_and_so_is_what_to_type() {
    let folder = folder();
    let ran = new(&folder, "acme-two", &[]).exits(0);
    let said: Vec<&str> = ran.out.lines().map(|line| line.strip_prefix("wrote ").unwrap()).collect();
    assert_eq!(said.len(), 8);
    assert!(said.iter().all(|path| Path::new(path).is_file()), "{said:?}");
    let manifest = std::fs::read_to_string(folder.path().join("acme-two/Cargo.toml")).unwrap();
    let line = format!("countersign = {{ git = \"{}\" }}", env!("CARGO_PKG_REPOSITORY"));
    assert!(manifest.contains(&line), "{manifest}");
    ran.says("cargo test && cargo build --release").says("module check target/release/libacme_two_module.so");
}

#[test]
fn a_module_without_its_pin_with_another_or_by_half_a_path_is_refused() {
    let folder = folder();
    let library = built_c(&folder, "acme-pins");
    let (module, path) = (checked(&library), library.to_str().unwrap());
    let list = |module: &str| run(&["module", "list", "--module", module]);
    list(&module).exits(0);
    list(path).exits(2).says("has no pin").says("`countersign module check FILE` prints it");
    list(&format!("{path}@sha256=")).exits(2).says("the pin is empty");
    list(&format!("{path}@sha256=beef")).exits(2).says("a pin is 64 hexadecimal digits");
    list(&format!("{path}@sha256={}", "0".repeat(64)))
        .exits(3)
        .says("(module/pin)")
        .says("find out who changed it");
    let pin = module.split_once('@').unwrap().1;
    list(&format!("libacme_pins.so@{pin}")).exits(3).says("(module/path)").says("write the whole path");
    std::os::unix::fs::symlink(&library, folder.path().join("link.so")).unwrap();
    let link = folder.path().join("link.so");
    list(&format!("{}@{pin}", link.display())).exits(3).says("(module/symlink)").says(path);
    set_mode(&library, 0o777);
    list(&module).exits(3).says("(module/writable)").says("chmod go-w");
    // Whoever looks at it as a preset of a folder, beside a module that brings it, is told of both.
    set_mode(&library, 0o755);
    let dir = library.parent().unwrap().to_str().unwrap();
    run(&["preset", "list", "--module", &module, "--presets", dir])
        .exits(3)
        .says("two presets are called `acme-pins`");
}
