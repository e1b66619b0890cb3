//! The rules of the house, each a test. Every rule is a function from files to complaints; its test first shows it a
//! file that breaks it, so that no rule can fall asleep, and then the repository.
//!
//! A complaint says where, what, and what to do. Exceptions stand beside their rule, each with its reason.
#![allow(clippy::unwrap_used)]

#[path = "tidy/modules.rs"]
mod modules;
#[path = "tidy/outbound.rs"]
mod outbound;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/rust.rs"]
mod rust;
#[path = "tidy/tree.rs"]
mod tree;

use countersign::config::{Layer, Node, Sources, Value};
use countersign_testkit::{Case, CaseSource, VectorFile};
use rust::{Piece, pieces, shipped};
use std::collections::BTreeSet;
use tree::{File, Package, files, packages, root};

/// The floors of `docs/architecture.md`. Packages of `plugins/` are on the floor of their folder here; those of
/// `plugins/modules/` have the uppermost, so that nothing may use them.
const FLOORS: &[(&str, u8)] = &[
    ("countersign", 0),
    ("countersign-egress", 0),
    ("countersign-keys", 1),
    ("countersign-presets", 1),
    ("countersign-words", 1),
    ("countersign-attest", 2),
    ("countersign-delivery", 3),
    ("countersign-explain", 2),
    ("countersign-plugin", 2),
    ("countersign-store", 2),
    ("countersign-testkit", 2),
    ("countersign-tower", 2),
    ("plugins", 2),
    ("countersign-modes", 3),
    ("countersign-gateway", 4),
    ("countersign-cli", 5),
    ("countersign-tests", 6),
    ("plugins/modules", 7),
];

#[test]
fn arrows_only_point_down() {
    caught(upward(&[package("countersign", "crates/countersign", &["countersign-testkit"])]));
    caught(upward(&[package("countersign-unheard", "crates/unheard", &[])]));
    clean(upward(&packages()));
}

/// Dev-dependencies are let be: the tests of a room may use what stands above it.
fn upward(packages: &[Package]) -> Vec<String> {
    let floor = |name: &str, folder: &str| {
        let name = match folder {
            _ if folder.starts_with("plugins/modules/") => "plugins/modules",
            _ if folder.starts_with("plugins/") => "plugins",
            _ => name,
        };
        FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
    };
    let folder = |name: &str| packages.iter().find(|p| p.name == name).map_or("", |p| &*p.folder);
    let mut found = Vec::new();
    for Package { name, folder: own, needs, .. } in packages {
        let Some(here) = floor(name, own) else {
            found.push(format!(
                "{own}: `{name}` stands on no floor; give it one in FLOORS and docs/architecture.md"
            ));
            continue;
        };
        for (need, _) in needs.iter().filter(|(_, dev)| !dev) {
            if floor(need, folder(need)).is_some_and(|there| there >= here) {
                found.push(format!("{own}/Cargo.toml: `{name}` uses `{need}`, which is not below it; turn it round, or move what both need down"));
            }
        }
    }
    found
}

#[test]
fn a_mode_depends_on_no_other_mode() {
    let modes = [package("a", "plugins/a", &["b"]), package("b", "plugins/b", &[])];
    caught(mode_to_mode(&modes));
    clean(mode_to_mode(&packages()));
}

fn mode_to_mode(packages: &[Package]) -> Vec<String> {
    let is_mode =
        |p: &&Package| p.folder.starts_with("plugins/") && !p.folder.starts_with("plugins/modules/");
    let modes: Vec<&Package> = packages.iter().filter(is_mode).collect();
    let pairs = modes.iter().flat_map(|mode| mode.needs.iter().map(move |(need, _)| (mode, need)));
    let bad = pairs.filter(|(_, need)| modes.iter().any(|other| other.name == **need));
    bad.map(|(mode, need)| {
        format!("{}: depends on the mode `{need}`; what both need belongs into the core", mode.folder)
    })
    .collect()
}

/// Words in texts that look like a provider's name and are none: where, the word, why.
const PROVIDER_WORDS: &[(&str, &str, &str)] = &[
    ("presets/lib.rs", "", "the list that embeds the presets"),
    ("crates/countersign/src/message/pattern.rs", "linear", "an English word: `linear-time`"),
];

/// English words that are a provider's name, or the first word of one: the whole of that one is looked for.
const ENGLISH: [&str; 20] = [
    "checkout",
    "close",
    "constant",
    "cursor",
    "exact",
    "front",
    "help",
    "line",
    "merge",
    "meta",
    "monday",
    "payload",
    "port",
    "render",
    "segment",
    "semaphore",
    "signal",
    "standard",
    "tally",
    "unit",
];

#[test]
fn no_rust_names_a_provider() {
    let presets = presets();
    caught(providers(&[File::new("crates/x/src/a.rs", "fn f() { g(\"the GitHub way\") }")], &presets));
    caught(providers(&[File::new("crates/x/src/a.rs", "fn verify_github() {}")], &presets));
    let allowed = "//! As github does.\n#[cfg(test)]\nmod tests { const A: &str = \"github\"; }";
    clean(providers(&[File::new("crates/x/src/a.rs", allowed)], &presets));
    clean(providers(&files(), &presets));
}

fn providers(files: &[File], presets: &[File]) -> Vec<String> {
    let stems = presets.iter().map(|preset| stem(&preset.path));
    // `acme-v2` is `acme` by another name.
    let names: BTreeSet<String> = stems
        .flat_map(|stem| [stem.to_owned(), stem.split('-').next().unwrap_or_default().to_owned()])
        .filter(|name| name.len() >= 4)
        .collect();
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(|file| file.is_shipped_rust()) {
        for (line, piece) in shipped(text) {
            let (Piece::Text(held) | Piece::Word(held)) = &piece else { continue };
            let held = held.to_lowercase();
            for name in names.iter().filter(|name| has_word(&held, name)) {
                let excused = |(place, word, _): &&(&str, &str, &str)| {
                    (place.is_empty() || place == path) && (word.is_empty() || word == name)
                };
                if !ENGLISH.contains(&&**name) && !PROVIDER_WORDS.iter().any(|row| excused(&row)) {
                    found.push(format!("{path}:{line}: `{name}` is a provider: say in a preset's data what is special, not in code"));
                }
            }
        }
    }
    found
}

/// Headers that presets read and that belong to nobody.
const COMMON_HEADERS: &[&str] =
    &["content-type", "user-agent", "date", "authorization", "signature", "timestamp", "x-signature"];

#[test]
fn no_rust_names_a_header_that_only_presets_know() {
    let presets = presets();
    assert!(headers(&presets).contains("x-hub-signature-256"), "the presets' headers are found");
    caught(preset_headers(&[File::new("crates/x/src/a.rs", "f(\"X-Hub-Signature-256\")")], &presets));
    clean(preset_headers(&files(), &presets));
}

fn preset_headers(files: &[File], presets: &[File]) -> Vec<String> {
    let headers = headers(presets);
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(|file| file.is_shipped_rust()) {
        for (line, piece) in shipped(text) {
            let Piece::Text(held) = &piece else { continue };
            let held = held.to_lowercase();
            for header in headers.iter().filter(|header| held.contains(&***header)) {
                found.push(format!(
                    "{path}:{line}: the header `{header}` is a provider's: only a preset may know it"
                ));
            }
        }
    }
    found
}

/// Every header that some preset names, in a place or in a value.
fn headers(presets: &[File]) -> BTreeSet<String> {
    let mut headers = BTreeSet::new();
    for preset in presets {
        texts(layer(preset).root(), "", &mut |key, text| {
            let named =
                text.split("{header:").skip(1).map(|rest| rest.split(['|', '}']).next().unwrap_or_default());
            let named = named.chain((key == "header").then_some(text));
            headers.extend(named.map(str::to_lowercase).filter(|name| !COMMON_HEADERS.contains(&&**name)));
        });
    }
    headers
}

#[test]
fn the_core_opens_nothing_reads_no_clock_and_is_not_async() {
    for bad in [
        "use std::fs;",
        "use std::{fmt, net::TcpStream};",
        "let now = SystemTime::now();",
        "let now = std::time::Instant::now();",
        "async fn fetch() {}",
        "let x = async { 1 };",
        "std::env::var(\"A\")",
        "tokio::spawn(f)",
    ] {
        caught(impure(&[File::new("crates/countersign/src/a.rs", bad)]));
    }
    clean(impure(&[File::new("crates/countersign/src/verifier.rs", "pub async fn drive() { keep() }")]));
    clean(impure(&files()));
}

fn impure(files: &[File]) -> Vec<String> {
    const MODULES: [&str; 5] = ["fs", "net", "env", "process", "thread"];
    const NAMES: [&str; 9] =
        ["SystemTime", "Instant", "tokio", "File", "TcpStream", "TcpListener", "UdpSocket", "stdin", "await"];
    let core = |file: &&File| file.path.starts_with("crates/countersign/src/") && file.is_shipped_rust();
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(core) {
        let all = shipped(text);
        let word = |at: usize| all.get(at).map_or("", |(_, piece)| piece.as_str());
        let mut in_std = false;
        for (at, (line, piece)) in all.iter().enumerate() {
            let Piece::Word(name) = piece else {
                in_std &= *piece != Piece::Mark(';');
                continue;
            };
            in_std |= name == "std" && at > 0 && word(at - 1) == "use";
            let path_of_std = at >= 3 && word(at - 3) == "std" && word(at - 1) == ":";
            let drives = path.ends_with("/verifier.rs")
                && (name == "async" && word(at + 1) == "fn" && word(at + 2) == "drive" || name == "await");
            let bad = MODULES.contains(&&**name) && (in_std || path_of_std)
                || NAMES.contains(&&**name)
                || name == "async";
            if bad && !drives {
                found.push(format!(
                    "{path}:{line}: `{name}` in the core: take it as an argument, or do it in a host"
                ));
            }
        }
    }
    found
}

#[test]
fn there_is_no_unsafe_code() {
    for path in ["crates/x/benches/a.rs", "crates/countersign-plugins/src/a.rs", "plugins/x/tests/a.rs"] {
        caught(unsafe_code(&[File::new(path, "fn f() { unsafe { g() } }")]));
    }
    caught(unsafe_code(&[File::new("crates/x/src/a.rs", "#[allow(unsafe_code)] mod a;")]));
    clean(unsafe_code(&[File::new("crates/x/src/a.rs", "//! no `unsafe`\n#![forbid(unsafe_code)]")]));
    clean(unsafe_code(&[File::new("crates/countersign-plugin/src/a.rs", "fn f() { unsafe { g() } }")]));
    clean(unsafe_code(&files()));
}

/// The one crate that may: the border to shared libraries. What of it reaches other crates is judged in `modules.rs`.
const UNSAFE: [&str; 3] = [
    "crates/countersign-plugin/src/",
    "crates/countersign-plugin/tests/",
    "crates/countersign-plugin/benches/",
];

fn unsafe_code(files: &[File]) -> Vec<String> {
    let mut found = each_word(files, |path, line, name| {
        (name == "unsafe" && !UNSAFE.iter().any(|room| path.starts_with(room))).then(|| {
            format!(
                "{path}:{line}: `unsafe`: find the safe way; only the border to shared libraries needs it"
            )
        })
    });
    for File { path, text } in files.iter().filter(|file| file.path.ends_with(".rs")) {
        for three in pieces(text).windows(3) {
            let [(line, Piece::Word(allows)), (_, Piece::Mark('(')), (_, Piece::Word(lint))] = three else {
                continue;
            };
            if ["allow", "expect"].contains(&&**allows) && lint == "unsafe_code" && *path != modules::EXPORT {
                found.push(format!("{path}:{line}: `{allows}({lint})`: no file but {} may", modules::EXPORT));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_unfinished() {
    caught(unfinished(&[File::new("crates/x/src/a.rs", "fn f() { todo!() }")]));
    caught(unfinished(&[File::new("crates/x/tests/a.rs", "dbg!(1);")]));
    clean(unfinished(&files()));
}

fn unfinished(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(|file| file.path.ends_with(".rs")) {
        for pair in pieces(text).windows(2) {
            if let [(line, Piece::Word(name)), (_, Piece::Mark('!'))] = pair
                && ["todo", "unimplemented", "dbg"].contains(&&**name)
            {
                found.push(format!("{path}:{line}: `{name}!`: finish it, or leave it out"));
            }
        }
    }
    found
}

/// Where a name of a secret stands beside `==` and nothing secret is compared: file, word, why.
const COMPARED: &[(&str, &str, &str)] = &[
    ("crates/countersign/src/message/filter/print.rs", "token", "a step of a JSON pointer"),
    ("crates/countersign/src/message/json.rs", "token", "a step of a JSON pointer"),
    ("crates/countersign/src/message/plan/read.rs", "token", "a step of a JSON pointer"),
    ("plugins/http-signature/src/algorithm.rs", "mac", "whether an algorithm is a MAC"),
    (
        "plugins/jwt/src/chain.rs",
        "digest",
        "of certificates, which are public, and which are trusted already",
    ),
    ("crates/countersign/src/replay.rs", "digest", "of a request that has verified; see `ReplayKey`"),
    ("crates/countersign/src/time.rs", "expected", "the shape of a time format"),
];

#[test]
fn secrets_are_compared_in_one_place() {
    for bad in
        ["if tag == *signature {}", "if held.secret.expose() != given {}", "if given == expected.tag {}"]
    {
        caught(compared(&[File::new("crates/countersign/src/a.rs", bad)]));
    }
    clean(compared(&[File::new("crates/countersign/src/ct.rs", "a == tag")]));
    clean(compared(&[File::new("crates/countersign/src/a.rs", "if tag.len() == 32 && role == other {}")]));
    clean(compared(&files()));
}

/// A heuristic: `==` or `!=` beside the name of something secret. It is the second line; the first is that `Secret` has no
/// `PartialEq`, and that one function compares.
fn compared(files: &[File]) -> Vec<String> {
    const SECRET: [&str; 9] =
        ["tag", "mac", "signature", "secret", "expected", "token", "expose", "digest", "password"];
    let judged = |file: &&File| {
        let judges = file.path.starts_with("crates/countersign/src/") || file.path.starts_with("plugins/");
        judges && file.is_shipped_rust() && !file.path.ends_with("/ct.rs")
    };
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(judged) {
        let all = shipped(text);
        for at in 1..all.len().saturating_sub(1) {
            let [(_, before), (line, Piece::Mark(first)), (_, Piece::Mark('='))] = &all[at - 1..=at + 1]
            else {
                continue;
            };
            let opens = !matches!(before, Piece::Mark('=' | '<' | '>' | '!'));
            if !(matches!(first, '=' | '!') && opens) {
                continue;
            }
            for name in [last_name(&all[..at]), first_name(&all[at + 2..])].into_iter().flatten() {
                let excused = COMPARED.iter().any(|(place, word, _)| place == path && *word == name);
                if SECRET.contains(&&*name) && !excused {
                    found.push(format!("{path}:{line}: `{name}` beside `==`: compare with `ct::equal`, or list it in COMPARED with a reason"));
                }
            }
        }
    }
    found
}

/// What an expression that ends here is called: `a.b.tag` is `tag`, `secret.expose()` is `expose`.
fn last_name(all: &[(usize, Piece)]) -> Option<String> {
    let called = matches!(all, [.., (_, Piece::Mark('(')), (_, Piece::Mark(')'))]);
    let all = if called { &all[..all.len() - 2] } else { all };
    match all.last() {
        Some((_, Piece::Word(name))) => Some(name.clone()),
        _ => None,
    }
}

/// What an expression that begins here is called, as above.
fn first_name(all: &[(usize, Piece)]) -> Option<String> {
    let path = all.iter().skip_while(|(_, p)| matches!(p, Piece::Mark('*' | '&')));
    let path = path.take_while(|(_, p)| matches!(p, Piece::Word(_) | Piece::Mark('.')));
    path.filter_map(|(_, p)| if let Piece::Word(name) = p { Some(name.clone()) } else { None }).last()
}

#[test]
fn a_secret_cannot_be_compared_or_printed_by_accident() {
    caught(open_secret("#[derive(Clone, PartialEq)]\npub struct Secret(Vec<u8>);"));
    caught(open_secret("#[derive(Debug)]\npub struct Secret(Vec<u8>);"));
    caught(open_secret("struct Secret(u8); impl PartialEq for Secret {}"));
    clean(open_secret(
        "#[derive(Debug, PartialEq)]\npub struct Key;\npub struct Secret(u8); impl fmt::Debug for Secret {}",
    ));
    clean(open_secret(&std::fs::read_to_string(root().join("crates/countersign/src/keys.rs")).unwrap()));
}

fn open_secret(source: &str) -> Vec<String> {
    let code: String = shipped(source).iter().map(|(_, piece)| format!("{} ", piece.as_str())).collect();
    let Some((before, after)) = code.split_once("struct Secret ") else {
        return vec!["there is no `struct Secret`: tell this test where it went".into()];
    };
    // What stands between the end of the item before and the struct: its attributes.
    let own = before.rsplit([';', '}']).next().unwrap_or_default();
    let derived = ["PartialEq", "Debug", "Hash", "Display"].iter().filter(|name| own.contains(**name));
    let written =
        ["PartialEq", "Display"].iter().filter(|name| after.contains(&format!("{name} for Secret ")));
    derived.chain(written).map(|name| format!("keys.rs: `Secret` has `{name}`: take it away")).collect()
}

#[test]
fn every_preset_has_vectors_and_says_honestly_whence() {
    let preset = |confidence: &str| {
        File::new("presets/a.toml", &format!("name = \"a\"\nconfidence = \"{confidence}\""))
    };
    let vectors = |source: &str| {
        File::new(
            "presets/a.vectors.toml",
            &format!(
                "schema = 1\npreset = \"a\"\n[[case]]\nname = \"one\"\nsource = \"{source}\"\nsecrets = []\nexpect = \"key_error\""
            ),
        )
    };
    caught(unproven(&[preset("third-party")], &[]));
    caught(unproven(&[preset("provider")], &[vectors("generated")]));
    clean(unproven(&[preset("third-party")], &[vectors("generated")]));
    clean(unproven(&presets(), &vector_files()));
}

fn unproven(presets: &[File], vectors: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for preset in presets {
        let wanted = preset.path.replace(".toml", ".vectors.toml");
        let Some(file) = vectors.iter().find(|file| file.path == wanted) else {
            found.push(format!("{}: has no vectors; write {wanted}, as presets/README.md says", preset.path));
            continue;
        };
        let cases = match VectorFile::parse(file.path.as_str(), &file.text) {
            Ok(VectorFile { cases, .. }) => cases,
            Err(errors) => {
                found.push(format!("{wanted}: {errors}"));
                continue;
            }
        };
        let sure = layer(preset).get(&["confidence"]).and_then(|node| node.text().cloned());
        let of_provider =
            |case: &Case| case.source.is_proof() && case.source != CaseSource::OtherImplementation;
        if sure.as_deref() == Some("provider") && !cases.iter().any(of_provider) {
            found.push(format!("{wanted}: no case is the provider's; find one of the provider's, or write `confidence = \"third-party\"`"));
        }
    }
    found
}

#[test]
fn the_embedded_presets_are_those_of_the_folder() {
    let listed = |list: &[(&str, &str)]| list.iter().map(|(file, _)| (*file).to_owned()).collect::<Vec<_>>();
    let folder = |files: Vec<File>| files.into_iter().map(|file| file.path).collect::<Vec<_>>();
    let says = "presets/lib.rs does not list what the folder holds: add or remove the line, in order of name";
    assert_eq!(listed(countersign_presets::PRESETS), folder(presets()), "{says}");
    assert_eq!(listed(countersign_presets::VECTORS), folder(vector_files()), "{says}");
}

/// Files past six hundred lines, each with its reason.
const LONG: &[(&str, &str)] = &[
    ("crates/countersign/src/config/layer.rs", "one type and its merge rule; a third of it is tests"),
    (
        "crates/countersign/src/message/template.rs",
        "one generic scheme; every mode with a template is this file",
    ),
    ("crates/countersign/tests/properties.rs", "every property on one set of signed requests"),
    ("tests/tidy.rs", "the rules of the house, one after the other; what they are made of is in its folder"),
    ("crates/countersign/tests/outside.rs", "a host and its modes, written by hand from public items alone"),
];

#[test]
fn no_source_file_is_too_long_to_read() {
    caught(too_long(&[File::new("crates/x/src/a.rs", &"\n".repeat(601))], &[]));
    caught(too_long(&[File::new("crates/x/src/a.rs", "")], &[("crates/x/src/a.rs", "why")]));
    clean(too_long(&files(), LONG));
}

fn too_long(files: &[File], excused: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for File { path, text } in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = text.lines().count();
        match (lines > 600, excused.iter().any(|(place, _)| place == path)) {
            (true, false) => {
                found.push(format!("{path}: {lines} lines; split it, or list it in LONG with a reason"))
            }
            (false, true) => found.push(format!("{path}: {lines} lines; take it off the list LONG")),
            _ => {}
        }
    }
    found
}

#[test]
fn no_file_names_a_place_on_one_machine() {
    caught(machine_paths(&[File::new("docs/a.md", concat!("see /wo", "rk/main/x"))]));
    caught(machine_paths(&[File::new("a.toml", concat!("path = \"../sha", "red/x\""))]));
    clean(machine_paths(&[File::new("a.toml", concat!("a = \"https://example.com/ho", "me/x\""))]));
    clean(machine_paths(&files()));
}

fn machine_paths(files: &[File]) -> Vec<String> {
    // A path of a URL is none of a machine's.
    let without_urls = |line: &str| -> String {
        line.split_inclusive([' ', '"', '\'', '`', '(', ')', '<', '>'])
            .filter(|word| !word.contains("https://"))
            .collect()
    };
    const PLACES: [&str; 5] = [
        concat!("/wo", "rk/"),
        concat!("/tm", "p/"),
        concat!("../sha", "red"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
    ];
    let mut found = Vec::new();
    for File { path, text } in files {
        for (line, text) in text.lines().enumerate() {
            let text = without_urls(text);
            for place in PLACES.iter().filter(|place| text.contains(**place)) {
                found.push(format!(
                    "{path}:{}: `{place}` is of one machine; name it from the root of the repository",
                    line + 1
                ));
            }
        }
    }
    found
}

// What the rules are made of.

fn clean(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn caught(found: Vec<String>) {
    assert!(!found.is_empty(), "this rule lets pass what it should catch");
}

fn package(name: &str, folder: &str, needs: &[&str]) -> Package {
    Package {
        name: name.into(),
        folder: folder.into(),
        needs: needs.iter().map(|n| ((*n).into(), false)).collect(),
        features: Vec::new(),
        kinds: vec!["lib".into()],
        is_default: true,
    }
}

fn each_word(files: &[File], judge: impl Fn(&str, usize, &str) -> Option<String>) -> Vec<String> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    let words = rust.flat_map(|File { path, text }| {
        pieces(text).into_iter().map(move |(line, piece)| (path, line, piece))
    });
    let judged = words.filter_map(|(path, line, piece)| match piece {
        Piece::Word(name) => judge(path, line, &name),
        _ => None,
    });
    judged.collect()
}

fn presets() -> Vec<File> {
    let is_preset = |file: &File| is_data(file) && !file.path.ends_with(".vectors.toml");
    files().into_iter().filter(is_preset).collect()
}

fn vector_files() -> Vec<File> {
    files().into_iter().filter(|file| is_data(file) && file.path.ends_with(".vectors.toml")).collect()
}

fn is_data(file: &File) -> bool {
    file.path.starts_with("presets/") && file.path.ends_with(".toml") && !file.path.ends_with("/Cargo.toml")
}

fn stem(path: &str) -> &str {
    path.trim_start_matches("presets/").trim_end_matches(".toml")
}

/// Whether a word stands in a text, with no letter or digit at either side.
fn has_word(text: &str, word: &str) -> bool {
    let bound = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let whole = |(at, _): (usize, &str)| {
        bound(text[..at].chars().last()) && bound(text[at + word.len()..].chars().next())
    };
    text.match_indices(word).any(whole)
}

fn layer(file: &File) -> Layer {
    let mut sources = Sources::new();
    let id = sources.add(file.path.as_str(), file.text.as_str());
    Layer::parse(&sources, id).unwrap_or_else(|errors| panic!("{}", errors.render(&sources)))
}

/// Every text below a node, with the key it stands at.
fn texts(node: &Node, key: &str, told: &mut dyn FnMut(&str, &str)) {
    match &node.value {
        Value::Text(text) => told(key, text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, told)),
        Value::Table(table) => table.iter().for_each(|(key, node)| texts(node, &key.name, told)),
        _ => {}
    }
}
