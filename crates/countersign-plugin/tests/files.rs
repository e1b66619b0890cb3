//! What is no module, and what is one and is not taken: each refusal has its own message, which says what was found, what
//! was expected and what to do. `cargo test -p countersign-plugin --test files -- --nocapture` prints them all.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "so that somebody reads them")]
#![cfg(target_os = "linux")]

mod support;

use countersign_plugin::host::{LoadError, LoadFault, Loader, Pin, Spec};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, folder, load, probe, set_mode, spec};
use tempfile::TempDir;

type Words = &'static [&'static str];

fn refused(
    what: &str,
    result: Result<countersign_plugin::host::Module, LoadError>,
    fault: LoadFault,
    words: Words,
) {
    let error = result.err().unwrap_or_else(|| panic!("{what} is loaded"));
    println!("{what}:\n{error}\n");
    assert_eq!(error.fault(), fault, "{what}: {error}");
    assert!(error.next().is_some(), "{what}: what is one to do? {error}");
    for word in words {
        assert!(error.to_string().contains(word), "{what} should say `{word}`: {error}");
    }
}

fn written(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    set_mode(&path, 0o644);
    path
}

fn pin() -> Pin {
    Pin::of(b"")
}

#[test]
fn a_path_is_whole_and_goes_straight_down() {
    for (path, words) in [
        ("libacme.so", &["not absolute", "/usr/lib/countersign/libacme.so"] as Words),
        ("./libacme.so", &["not absolute", "/usr/lib/countersign/libacme.so"]),
        ("~/libacme.so", &["not absolute"]),
        ("../../bin/sh", &["not absolute"]),
        ("", &["no path is given", "write the whole path"]),
        ("/usr/lib/../../bin/sh", &["`..`", "write it without `..`"]),
        ("/", &["not absolute"]),
    ] {
        refused(path, Loader::new().load(&Spec::new(path, pin())), LoadFault::Path, words);
    }
}

#[test]
fn what_is_not_there_is_told_by_the_part_of_the_path_that_is_missing() {
    let folder = folder("missing");
    let file = written(&folder, "file", b"text");
    let missing = folder.path().join("missing");
    for (path, fault, at) in [
        (missing.clone(), LoadFault::Missing, &missing),
        (missing.join("a/libacme.so"), LoadFault::Missing, &missing),
        (file.join("libacme.so"), LoadFault::NotAFile, &file),
        (folder.path().to_owned(), LoadFault::NotAFile, &folder.path().to_owned()),
    ] {
        let error = Loader::new().load(&Spec::new(&path, pin())).err().unwrap();
        assert!(error.says().contains(&at.display().to_string()), "{error}");
        refused("not there", Err(error), fault, &[]);
    }
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    set_mode(&pipe, 0o600);
    refused(
        "a pipe",
        Loader::new().load(&Spec::new(&pipe, pin())),
        LoadFault::NotAFile,
        &["no regular file"],
    );
}

#[test]
fn a_link_is_refused_wherever_it_stands_and_where_it_leads_is_told() {
    let folder = folder("links");
    fs::create_dir(folder.path().join("real")).unwrap();
    let real = probe::built(&folder, "");
    let inside = folder.path().join("real/good.so");
    fs::copy(&real, &inside).unwrap();
    symlink(&real, folder.path().join("link.so")).unwrap();
    symlink(folder.path().join("real"), folder.path().join("link")).unwrap();
    for (link, leads) in [("link.so", &real), ("link/good.so", &inside)] {
        let error = load(&folder.path().join(link)).err().unwrap();
        assert!(error.next().unwrap().contains(&leads.display().to_string()), "{error}");
        refused("a link", Err(error), LoadFault::Symlink, &["is a symbolic link"]);
    }
    assert!(load(&inside).is_ok());
}

#[test]
fn what_others_may_write_is_refused_and_named() {
    let folder = folder("modes");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let module = inner.join("good.so");
    fs::copy(probe::built(&folder, ""), &module).unwrap();
    for (path, mode, words) in [
        (&module, 0o666, &["inner/good.so may be written by others", "mode 0666", "chmod go-w"] as Words),
        (&module, 0o664, &["inner/good.so may be written by others", "mode 0664", "chmod go-w"]),
        (&inner, 0o777, &["inner may be written by others", "mode 0777", "chmod go-w"]),
        (&inner, 0o775, &["inner may be written by others", "mode 0775", "chmod go-w"]),
        (&inner, 0o1777, &["inner may be written by others", "mode 1777", "chmod go-w"]),
    ] {
        set_mode(path, mode);
        refused("writable by others", load(&module), LoadFault::Writable, words);
        set_mode(path, 0o755);
        assert!(load(&module).is_ok());
    }
    // Only root can give a file away.
    if std::os::unix::fs::chown(&module, Some(4711), None).is_ok() {
        refused("somebody else's", load(&module), LoadFault::Owner, &["the user 4711", "chown root"]);
    }
}

#[test]
fn a_pin_that_is_none_says_what_it_is_instead() {
    let folder = folder("pins");
    let module = probe::built(&folder, "");
    let own = Pin::of(&fs::read(&module).unwrap());
    let (text, other) = (own.to_string(), Pin::of(b"others"));
    let error = Loader::new().load(&Spec::new(&module, other)).err().unwrap();
    // Both, so that they can be compared.
    assert!(error.says().contains(&text) && error.says().contains(&other.to_string()), "{error}");
    refused("another's pin", Err(error), LoadFault::Pin, &["is pinned", "module check"]);
    for (pin, says) in [
        ("", "the pin is empty"),
        (&text[1..], "this has 63 characters"),
        (&format!("sha256:{text}"), "this has 71 characters"),
        (&text.replace(|c: char| c.is_ascii_digit(), "g"), "and `g` is none"),
    ] {
        let error = Pin::parse(pin).unwrap_err();
        println!("the pin `{pin}`:\n{error}\n");
        assert!(error.contains(says), "{pin}: {error}");
    }
    assert!(Loader::new().load(&Spec::new(&module, Pin::parse(&text.to_uppercase()).unwrap())).is_ok());
}

#[test]
fn what_is_no_shared_library_for_this_machine_is_told_apart() {
    let folder = folder("files");
    let good = fs::read(probe::built(&folder, "")).unwrap();
    let patched = |name: &str, at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        written(&folder, name, &file)
    };
    let main = written(&folder, "main.c", b"int main(void) { return 0; }");
    let built = |name: &str, words: &[&str]| {
        let path = folder.path().join(name);
        compile(&main, words, &[], &path);
        path
    };
    // The machine of the file, in the byte order of this one.
    let elsewhere: u16 = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    let order = if cfg!(target_endian = "little") { 2 } else { 1 };
    for (what, path, fault, words) in [
        // Everything is known of them without running any of them.
        ("a text", main.clone(), LoadFault::NotALibrary, &["no ELF file", "69 6e 74 20", "lib….so"] as Words),
        ("nothing", written(&folder, "empty.so", b""), LoadFault::Size, &["empty", "again"]),
        ("four bytes", written(&folder, "four.so", b"\x7fELF"), LoadFault::NotALibrary, &["cut off"]),
        ("a program", built("program", &["-no-pie"]), LoadFault::NotALibrary, &["a program", "-shared"]),
        ("a program anywhere", built("pie", &["-fPIE", "-pie"]), LoadFault::NotAModule, &["does not export"]),
        ("an object file", built("main.o", &["-c"]), LoadFault::NotALibrary, &["an object file", "-shared"]),
        ("the test itself", copied(&folder), LoadFault::NotAModule, &["does not export"]),
        ("a library", built("other.so", &["-shared", "-fPIC"]), LoadFault::NotAModule, &["does not export"]),
        (
            "another machine",
            patched("machine.so", 18, &elsewhere.to_ne_bytes()),
            LoadFault::Architecture,
            &["another machine", "build it for"],
        ),
        ("32 bits", patched("class.so", 4, &[1]), LoadFault::Architecture, &["32 bits", "build it for"]),
        ("no class", patched("classless.so", 4, &[7]), LoadFault::NotALibrary, &["class 7"]),
        (
            "the other byte order",
            patched("order.so", 5, &[order]),
            LoadFault::Architecture,
            &["byte order", "build it for"],
        ),
    ] {
        refused(what, load(&path), fault, words);
    }
}

/// This program: where it lies, others may write, or links lead there.
fn copied(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
    set_mode(&path, 0o755);
    path
}

/// A library that lacks its end may be mapped all the same, and whoever reads there dies of it.
#[test]
fn a_library_that_was_cut_off_is_refused_wherever_it_was() {
    let folder = folder("cut");
    let good = fs::read(probe::built(&folder, "")).unwrap();
    for length in (5..good.len()).step_by(709).chain([64, good.len() - 1]) {
        let cut = written(&folder, "cut.so", &good[..length]);
        refused("cut off", load(&cut), LoadFault::NotALibrary, &["no whole ELF file", "again"]);
    }
    // The first of its headers says how long its code is: one that lies is as good as one whose code is not there.
    let headers = usize::from(good[0x20]);
    let row = (headers..).step_by(56).find(|row| good[*row..row + 4] == 1_u32.to_ne_bytes()).unwrap();
    let mut lying = good.clone();
    lying[row + 0x20..row + 0x28].copy_from_slice(&(1_u64 << 30).to_ne_bytes());
    let lying = written(&folder, "lying.so", &lying);
    refused("less than it says", load(&lying), LoadFault::NotALibrary, &["cut off", "1073741824 at least"]);
}

#[test]
fn a_name_that_is_there_already_is_told_with_who_has_it() {
    let folder = folder("twice");
    let first = probe::built(&folder, "");
    let second = probe::built(&folder, "BROKEN_MINOR_2");
    let mut loader = Loader::new();
    loader.load(&spec(&first)).unwrap();
    let taken = LoadFault::Duplicate;
    refused(
        "two libraries",
        loader.load(&spec(&second)),
        taken,
        &["mode `probe`", "good.so", "load one of the two"],
    );
    refused("twice the same", loader.load(&spec(&first)), taken, &["loaded already", "good.so", "twice"]);
    let copy = folder.path().join("copy.so");
    fs::copy(&first, &copy).unwrap();
    refused("a copy", loader.load(&spec(&copy)), taken, &["same bytes", "good.so", "remove one"]);
}

#[test]
fn what_is_listed_must_be_there() {
    let folder = folder("listed");
    let mut spec = spec(&probe::built(&folder, ""));
    spec.modes = Some(vec!["probe".into(), "prope".into()]);
    let listed = LoadFault::Unlisted;
    refused("a mode", Loader::new().load(&spec), listed, &["`prope`", "`probe`", "`modes`"]);
    spec.modes = Some(vec![]);
    spec.presets = Some(vec!["acme".into()]);
    refused("a preset", Loader::new().load(&spec), listed, &["`acme`", "`probe`", "`presets`"]);
    spec.presets = Some(vec![]);
    let module = Loader::new().load(&spec).unwrap();
    assert!(module.modes().is_empty() && module.presets().is_empty());
    assert_eq!(module.notes().len(), 2, "{:?}", module.notes());
}

#[test]
fn nothing_is_loaded_from_where_this_program_writes() {
    let folder = folder("writes");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("modules/logs")).unwrap();
    let module = at("modules/good.so");
    fs::copy(probe::built(&folder, ""), &module).unwrap();
    symlink(at("modules"), at("link")).unwrap();
    let base = std::env::current_dir().unwrap();
    let up: PathBuf = base.components().skip(1).map(|_| "..").collect();
    for written in [
        at("modules"),
        at("modules/logs"),
        at("modules/not-yet/deep"),
        folder.path().to_owned(),
        at("link/not-yet"),
        up.join(at("modules/not-yet").strip_prefix("/").unwrap()),
    ] {
        let mut loader = Loader::new();
        loader.writes(&written);
        let what =
            written.strip_prefix(folder.path()).unwrap_or(Path::new("up and down")).display().to_string();
        refused(
            &what,
            loader.load(&spec(&module)),
            LoadFault::Written,
            &["never become code", "folder of their own"],
        );
    }
    let mut loader = Loader::new();
    loader.writes(at("audit")).writes(at("modules-of-others"));
    assert!(loader.load(&spec(&module)).is_ok());
}
