//! `preset lint` and `preset test` on a folder of one's own, as somebody would try them who has never done so.

#![allow(clippy::unwrap_used)]

mod common;
use common::{ACME, Folder, run};

const NEW: [&str; 8] =
    ["--signed", "body", "--signature-header", "x-sig", "--encoding", "hex", "--secret-form", "text"];

/// A folder with one preset and its first case.
fn folder() -> (Folder, String) {
    let folder = Folder::new();
    let dir = folder.path().to_str().unwrap().to_owned();
    run(&[&["preset", "new", "two", "--dir", &dir], &NEW[..]].concat()).exits(0);
    (folder, dir)
}

#[test]
fn of_a_folder_its_own_presets_are_tested_and_checked_and_no_others() {
    let (folder, dir) = folder();
    let json = run(&["preset", "test", "--presets", &dir, "--format", "json"]).exits(0).json();
    assert_eq!(json["presets"].as_array().unwrap().len(), 1);
    assert!(
        run(&["preset", "lint", "--presets", &dir])
            .exits(0)
            .out
            .starts_with("ok: 1 preset, 2 cases in 1 file")
    );
    // What is built in is there to be named, and to be like.
    run(&["preset", "test", "github", "--presets", &dir]).exits(0);
    let like = "schema = 1\nname = \"three\"\nlike = \"standard-webhooks\"\n[hmac]\nid_source = { header = \"x-id\" }\n";
    folder.file("three.toml", like);
    run(&["preset", "lint", "--presets", &dir]).exits(0);
}

#[test]
fn a_preset_without_vectors_is_told_of_and_never_silently_right() {
    let (folder, dir) = folder();
    folder.file("acme.toml", ACME);
    run(&["preset", "test", "--presets", &dir])
        .exits(0)
        .says("`acme` has no acme.vectors.toml, and so nothing");
    run(&["preset", "test", "acme", "--presets", &dir]).exits(3).says("put acme.vectors.toml beside it");
    std::fs::remove_file(folder.path().join("two.vectors.toml")).unwrap();
    run(&["preset", "test", "--presets", &dir]).exits(3).says("has no file of vectors");
    let empty = Folder::new();
    let dir = empty.path().to_str().unwrap();
    run(&["preset", "test", "--presets", dir]).exits(3).says("countersign preset new NAME");
    run(&["preset", "lint", dir]).exits(3).says("there is no `*.toml`");
}

#[test]
fn a_file_or_a_folder_for_a_name_is_told_what_to_type() {
    let (folder, dir) = folder();
    let file = folder.path().join("two.toml");
    let typed = format!("countersign preset test two --presets {dir}");
    run(&["preset", "test", file.to_str().unwrap()]).exits(2).says(&typed);
    run(&["preset", "test", &dir]).exits(2).says(&format!("countersign preset test --presets {dir}"));
    run(&["preset", "test", "two"]).exits(3).says("found with --presets DIR");
    run(&["preset", "test", "tow", "--presets", &dir]).exits(3).says("did you mean `two`?");
    let name = folder.path().join("two");
    run(&["preset", "lint", name.to_str().unwrap()])
        .exits(5)
        .says(&format!("preset lint {}", file.display()));
}

#[test]
fn vectors_of_a_preset_that_is_nowhere_are_told_of() {
    let (folder, dir) = folder();
    let text = std::fs::read_to_string(folder.path().join("two.vectors.toml")).unwrap();
    folder.file("two.vectors.toml", text.replace("preset = \"two\"", "preset = \"tow\""));
    run(&["preset", "lint", &dir])
        .exits(0)
        .says("its preset `tow` is neither here nor built in: is `two` meant?");
    run(&["preset", "test", "--presets", &dir]).exits(1);
}

/// `lint` left out what a preset of the folder replaces, and so knew nothing that it could replace.
#[test]
fn a_preset_that_replaces_one_built_in_is_checked_as_it_is_tested() {
    let (folder, dir) = folder();
    let text = run(&["preset", "show", "github", "--format", "toml"]).exits(0).out;
    let text = text.replace("name = \"github\"\n", "name = \"github\"\nreplaces = \"github\"\n");
    let file = folder.file("github.toml", &text);
    run(&["preset", "test", "github", "--presets", &dir]).exits(0);
    for args in [&["--presets", &dir][..], &[&dir], &[&file], &[&file, "--presets", &dir]] {
        run(&[&["preset", "lint"], args].concat()).exits(0);
    }
    // Another of the folder is checked with what replaces beside it.
    let two = folder.path().join("two.toml");
    run(&["preset", "lint", two.to_str().unwrap(), "--presets", &dir]).exits(0);
    folder.file("github.toml", text.replace("\"github\"", "\"githubb\""));
    run(&["preset", "lint", &dir]).exits(3).says("or correct the name: did you mean `github`");
}
