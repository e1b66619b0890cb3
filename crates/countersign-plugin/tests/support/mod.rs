//! What the tests of the interface have in common: C compilers, a folder in which modules may be, and modules in it.
#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::print_stderr, reason = "what is not tried is told")]

pub(crate) mod probe;

use countersign_plugin::host::{LoadError, Loader, Module, Pin, Spec, inspect};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where countersign.h is.
pub(crate) const INCLUDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include");

/// The compilers that are here, with every standard that they are asked to follow. `cc` is always here: cryptography
/// needs it to be built.
pub(crate) fn found_compilers() -> Vec<(&'static str, &'static str)> {
    const ALL: [(&str, &[&str]); 5] = [
        ("cc", &["-std=c99"]),
        ("gcc", &["-std=c99", "-std=c11"]),
        ("clang", &["-std=c99", "-std=c11"]),
        ("g++", &["-std=c++11", "-std=c++17"]),
        ("clang++", &["-std=c++11", "-std=c++17"]),
    ];
    let mut found = Vec::new();
    for (compiler, standards) in ALL {
        match Command::new(compiler).arg("--version").output() {
            Ok(output) if output.status.success() => {
                found.extend(standards.iter().map(|standard| (compiler, *standard)))
            }
            _ => eprintln!("not tried with {compiler}: it is not on this machine"),
        }
    }
    assert!(!found.is_empty(), "there is no C compiler");
    found
}

/// A folder that nobody else can write, as the loader wants it. Temporary ones mostly are in a folder for everybody.
pub(crate) fn folder(name: &str) -> TempDir {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = [Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))), home, Some("/root".into())];
    let mut refused = None;
    for place in places.into_iter().flatten() {
        let Ok(place) = place.canonicalize() else { continue };
        let Ok(folder) = tempfile::Builder::new().prefix(name).tempdir_in(&place) else { continue };
        // Whatever the umask, this folder is its owner's alone; what is above it is as it is.
        let probe = folder.path().join("probe");
        std::fs::write(&probe, "no library").unwrap_or_default();
        set_mode(&probe, 0o600);
        match inspect(&probe) {
            Err(error) if error.fault() == countersign_plugin::host::LoadFault::NotALibrary => {
                let _ = std::fs::remove_file(&probe);
                return folder;
            }
            Err(error) => refused = Some(error),
            Ok(_) => {}
        }
    }
    panic!(
        "nowhere here can a module be: check out where nobody else may write\n{}",
        refused.map_or(String::new(), |e| e.to_string())
    )
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
}

/// Build a module from C, with these switches.
pub(crate) fn build(source: &Path, switches: &[&str], to: &Path) {
    let module = ["-O1", "-g", "-fPIC", "-shared", "-fvisibility=hidden"];
    compile(source, &[&module, switches].concat(), &[], to);
}

/// Build whatever these words say from C.
pub(crate) fn compile(source: &Path, words: &[&str], libraries: &[&str], to: &Path) {
    let output = Command::new("cc")
        .args(["-std=c99", "-I", INCLUDE, "-o"])
        .arg(to)
        .args(words)
        .arg(source)
        .args(libraries)
        .output()
        .unwrap_or_else(|error| panic!("cc: {error}"));
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    set_mode(to, 0o755);
}

/// Run one of this program's own tests, an ignored one, in a process of its own: for what a process does not survive.
pub(crate) fn child(test: &str, settings: &[(&str, &std::ffi::OsStr)]) -> std::process::Output {
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    Command::new(own)
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .envs(settings.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What pins a file as it is now.
pub(crate) fn spec(path: &Path) -> Spec {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Spec::new(path, Pin::of(&bytes))
}

pub(crate) fn load(path: &Path) -> Result<Module, LoadError> {
    Loader::new().load(&spec(path))
}
