//! `preset diff`: what counts as a difference, how it is told, and the exit code.

#![allow(clippy::unwrap_used)]

mod common;
use common::{ACME, Folder, run};
use serde_json::json;
use std::process::Command;

/// Acme's scheme with a line of another in the place of one of its own.
fn with(from: &str, to: &str) -> String {
    assert!(ACME.contains(from), "{from}");
    ACME.replace(from, to)
}

#[test]
fn what_says_the_same_is_the_same_however_it_is_written() {
    let folder = Folder::new();
    let acme = folder.file("acme.toml", ACME);
    // Another name, another order, other quotes, sections for inline tables, and what it is like written out.
    let written = r#"
name = 'other'
schema = 1
mode = 'hmac'
title = "Acme"
[hmac.key]
forms = [{ decode = 'text' }]
[hmac.signature_source]
encoding = "hex"
header = "acme-signature"
[hmac]
timestamp_source.format = "unix"
timestamp_source.header = "acme-time"
signed_template = '{timestamp}.{body}'
algorithm = "\u0073ha256"
"#;
    let other = folder.file("other.toml", written);
    folder.file("like.toml", "schema = 1\nname = \"like\"\nlike = \"acme\"\n");
    let dir = folder.path().to_str().unwrap();
    for (a, b) in
        [(&*acme, &*other), (&other, &acme), ("acme", &other), ("like", "acme"), ("github", "github")]
    {
        let ran = run(&["preset", "diff", a, b, "--presets", dir]).exits(0);
        assert_eq!((&*ran.out, &*ran.err), ("", "note: they say the same\n"), "{a} {b}");
        let json = run(&["preset", "diff", a, b, "--presets", dir, "--format", "json"]).exits(0).json();
        assert_eq!(json, json!({ "a": a, "b": b, "same": true, "differences": [] }));
    }
}

#[test]
fn every_difference_is_told_by_its_key_and_the_exit_code_says_that_there_is_one() {
    let folder = Folder::new();
    let acme = folder.file("acme.toml", ACME);
    let cases: [(String, &str); 7] = [
        (with("sha256", "sha1"), "- hmac.algorithm = \"sha256\"\n+ hmac.algorithm = \"sha1\"\n"),
        (
            with("header = \"acme-signature\"", "query = \"sig\""),
            "- hmac.signature_source.header = \"acme-signature\"\n+ hmac.signature_source.query = \"sig\"\n",
        ),
        (
            with(
                "[{ decode = \"text\" }]",
                "[{ prefix = \"a_\", decode = \"text\" }, { decode = \"text\" }]",
            ),
            "+ hmac.key.forms.1 = { prefix = \"a_\", decode = \"text\" }\n",
        ),
        (
            with("\"{timestamp}.{body}\"", "[\"{timestamp}.{body}\", \"{timestamp}.{body|trim}\"]"),
            "- hmac.signed_template = \"{timestamp}.{body}\"\n\
             + hmac.signed_template = [\"{timestamp}.{body}\", \"{timestamp}.{body|trim}\"]\n",
        ),
        (with("title = \"Acme\"\n", ""), "- title = \"Acme\"\n"),
        (ACME.to_owned() + "[event]\ntype = \"{json:/a}\"\n", "+ event = { type = \"{json:/a}\" }\n"),
        // What only one has and is too wide for a line falls into its parts.
        (
            ACME.to_owned()
                + "[[handshake]]\nkind = \"answer\"\nwhen = [{ value = \"{query:a}\", matches = \"[a-z]{1,9}\" }]\n\
                   answer = { status = 200, headers = { x-acme-echo = \"{query:a}\" } }\n",
            "+ handshake.1.kind = \"answer\"\n\
             + handshake.1.when = [{ value = \"{query:a}\", matches = \"[a-z]{1,9}\" }]\n\
             + handshake.1.answer = { status = 200, headers = { x-acme-echo = \"{query:a}\" } }\n",
        ),
    ];
    for (text, told) in cases {
        let other = folder.file("other.toml", text);
        let ran = run(&["preset", "diff", &acme, &other]).exits(1);
        assert_eq!((ran.out, &*ran.err), (format!("--- {acme}\n+++ {other}\n{told}"), ""));
    }
    let other = folder.file("other.toml", with("sha256", "sha1").replace("\"Acme\"", "\"Another\""));
    let json = run(&["preset", "diff", &acme, &other, "--format", "json"]).exits(1).json();
    let differences = json!([
        { "key": "title", "a": "Acme", "b": "Another" },
        { "key": "hmac.algorithm", "a": "sha256", "b": "sha1" },
    ]);
    assert_eq!(json, json!({ "a": acme, "b": other, "same": false, "differences": differences }));
    let ran = run(&["preset", "diff", &acme, &other, "--ignore-prose"]).exits(1);
    assert!(!ran.out.contains("title") && ran.out.contains("hmac.algorithm"), "{}", ran.out);
    run(&["preset", "diff", &acme, &other, "--ignore-prose", "--override", "hmac.algorithm=sha256"]).exits(0);
}

#[test]
fn what_is_neither_a_preset_nor_a_file_is_told_what_may_be_meant() {
    run(&["preset", "diff", "github", "gitub"]).exits(3).says("did you mean `github`?");
    run(&["preset", "diff", "Git Hub", "github"]).exits(2).says("did you mean `github`?");
    run(&["preset", "diff", "./nowhere", "github"]).exits(5).says("cannot read `./nowhere`");
    run(&["preset", "diff", "nowhere.toml", "github"]).exits(5);
    run(&["preset", "diff", "github"]).exits(2);
    let folder = Folder::new();
    let wrong = folder.file("wrong.toml", with("sha256", "sha257"));
    run(&["preset", "diff", "github", &wrong]).exits(3).says("wrong.toml:8:");
    folder.file("acme.toml", ACME);
    let here = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["preset", "diff", "acme", "github"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&here.stderr).into_owned();
    assert!(says.contains("of a file: acme.toml"), "{says}");
}

#[test]
fn colours_tell_one_from_the_other_and_nothing_else_steers_the_terminal() {
    let folder = Folder::new();
    let acme = folder.file("acme.toml", ACME);
    let other = folder.file("other.toml", with("\"Acme\"", "\"\\u001b[31m\\u202e\""));
    let run = |forced: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(["preset", "diff", &acme, &other]).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        let command = if forced { command.env("CLICOLOR_FORCE", "1") } else { &mut command };
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(run(true).contains("\x1b[31m- title = \"Acme\"\x1b[0m\n"), "{}", run(true));
    assert!(!run(false).contains(['\x1b', '\u{202e}']));
}
