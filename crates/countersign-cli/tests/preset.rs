//! `preset` and `mode`, and what holds for every subcommand.

#![allow(clippy::unwrap_used)]

mod common;
use common::{ACME, Folder, run, run_with};
use std::process::{Command, Stdio};

const WRONG: &str = r#"schema = 1
name = "acme"
titel = "x"
notes = 5
mode = "hmac"

[freshness]
tolerance_seconds = -1

[replay]
key = "ids"

[hmac]
algorithm = "sha257"
signed_template = "{timestmp}.{body|shaa}"
signature_source = { header = "x-s", extract = "prefx", encoding = "hexx" }
key = { forms = [{ decode = "txt" }] }
algorithmm = "x"

[event]
type = "{json:type"
"#;

#[test]
fn every_kind_of_mistake_is_shown_at_its_place_and_all_at_once() {
    let folder = Folder::new();
    let file = folder.file("acme.toml", WRONG);
    let ran = run(&["preset", "lint", &file]).exits(3);
    for place in [
        "3:1: unknown key `titel`",
        "4:9:",
        "8:21:",
        "11:7:",
        "14:13:",
        "15:21:",
        "15:37:",
        "16:48:",
        "16:68:",
        "17:29:",
        "18:1:",
        "21:9:",
    ] {
        assert!(ran.err.contains(&format!("{file}:{place}")), "{place} is not in:\n{}", ran.err);
    }
    assert!(ran.err.contains("    titel = \"x\"\n    ^^^^^\nhelp: write `title`"), "{}", ran.err);
    assert!(ran.out.is_empty());
    let syntax = folder.file("syntax.toml", "schema = 1\nname = \n");
    run(&["preset", "lint", &syntax]).exits(3).says("syntax.toml:2:8:");
    run(&["preset", "lint", "/not/there"]).exits(5);
}

#[test]
fn what_is_right_is_said_to_be() {
    let built_in = run(&["preset", "lint"]).exits(0);
    assert!(built_in.out.starts_with("ok: ") && built_in.err.is_empty());
    let folder = Folder::new();
    folder.file("acme.toml", ACME);
    folder.file("acme-two.toml", "schema = 1\nname = \"acme-two\"\nlike = \"acme\"\n");
    let dir = folder.path().to_str().unwrap();
    assert_eq!(run(&["preset", "lint", dir]).exits(0).out, "ok: 2 presets\n");
    folder.file("acme.vectors.toml", "schema = 2\n");
    run(&["preset", "lint", dir]).exits(3).says("acme.vectors.toml:");
}

#[test]
fn a_preset_in_work_may_have_the_name_of_one_built_in() {
    let folder = Folder::new();
    let file = folder.file("stripe.toml", ACME.replace("\"acme\"", "\"stripe\""));
    run(&["preset", "lint", &file]).exits(0);
    let dir = folder.path().to_str().unwrap();
    run(&["preset", "list", "--presets", dir]).exits(3).says("replaces = \"stripe\"");
}

#[test]
fn a_folder_adds_presets_and_links_are_refused() {
    let folder = Folder::new();
    let file = folder.file("acme.toml", ACME);
    folder.file("acme.vectors.toml", "not read");
    folder.file("README.md", "not read");
    folder.file("Cargo.toml", "[package]");
    let dir = folder.path().to_str().unwrap();
    let list = run(&["preset", "list", "--presets", dir, "--format", "json"]).exits(0).json();
    let acme = list.as_array().unwrap().iter().find(|preset| preset["name"] == "acme").unwrap();
    assert_eq!(acme["binds"], serde_json::json!(["body", "time"]));
    assert_eq!(acme["freshness"]["tolerance_seconds"], 300);
    let table = run(&["preset", "list", "--presets", dir]).exits(0).out;
    assert!(table.starts_with("NAME") && table.lines().any(|line| line.starts_with("acme ")), "{table}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&file, folder.path().join("link.toml")).unwrap();
        run(&["preset", "list", "--presets", dir]).exits(3).says("symbolic link");
    }
    run(&["preset", "list", "--presets", "/not/there"]).exits(5);
    drop(file);
}

#[test]
fn a_preset_is_shown_in_words_as_toml_and_as_json() {
    let folder = Folder::new();
    let file = folder.file("acme.toml", ACME);
    let words = run(&["preset", "show", "--scheme", &file]).exits(0).out;
    for text in [
        "  {timestamp}.{body}\n",
        "every byte of the body",
        "header acme-time, unix",
        "header acme-signature, hex",
        "at most 300 s old and 60 s ahead",
        "allocates    no",
        "covers       body, time",
    ] {
        assert!(words.contains(text), "{text:?} is not in:\n{words}");
    }
    let over = ["--override", "freshness.tolerance_seconds=60"];
    let toml =
        run(&[&["preset", "show", "--scheme", &file, "--format", "toml"], &over[..]].concat()).exits(0).out;
    assert!(toml.contains("tolerance_seconds = 60"));
    let again = folder.file("again.toml", &toml);
    assert_eq!(run(&["preset", "show", "--scheme", &again, "--format", "toml"]).exits(0).out, toml);
    let json = run(&["preset", "show", "--scheme", &file, "--format", "json"]).exits(0).json();
    assert_eq!(json["resolved"]["hmac"]["algorithm"], "sha256");
    for preset in run(&["preset", "list", "--format", "json"]).exits(0).json().as_array().unwrap() {
        let words = run(&["preset", "show", preset["name"].as_str().unwrap()]).exits(0).out;
        assert!(words.contains("What is signed") && words.contains("\nKeys\n"), "{words}");
    }
    run(&["preset", "show", "acmee"]).exits(3);
}

/// All that a preset can say beside what it signs.
const TALKATIVE: &str = r#"
schema = 1
name = "talkative"
mode = "hmac"

[[var]]
name = "token"

[hmac]
signature_source = { header = "acme-signature", encoding = "hex" }
algorithm = { from = "{header:acme-hash}", map = { one = "sha1", two = "sha256" } }
key = { forms = [{ decode = "text" }] }
each = "/items/*"
max_items = 7
parts = { greeting = "hello {item:/name}" }

[[hmac.case]]
when = [{ value = "{method}", equals = "PUT" }, { value = "{header:acme-old}", present = true }]
signed_template = "{part:greeting}."
algorithm = "sha512"
signature_source = { header = "acme-old", encoding = "base64" }
require = [{ value = "{header:acme-one}", equals = "{var:token}" }]

[[hmac.case]]
when = []
signed_template = "one.{item:/name}"
require = [{ value = "{header:acme-two}", absent = true, early = true }]

[event]
type = "{json:/type}"

[[handshake]]
kind = "answer"
when = [{ value = "{method}", equals = "GET" }, { value = "{query:c}", matches = "[a-z]{1,9}" }]
answer = { status = 201, content_type = "application/json", headers = { acme-echo = "{query:c}" }, body = '{{"c":"{query:c|mac|hex}"}}' }

[[handshake]]
kind = "answer"
when = []
parts = { both = "{query:a}{query:b}" }
answer = { body = "{part:both|sha256|hex}" }

[[handshake]]
kind = "learn"
when = [{ value = "{header:acme-secret}", present = true }]
secret = "{header:acme-secret}"

[[handshake]]
kind = "ignore"
signed = true
when = [{ value = "{json:/type}", equals = "ping" }]

[response]
accepted = { body = "thanks" }
refused = { status = 418, headers = { acme-why = "no" } }
"#;

#[test]
fn nothing_that_a_preset_says_is_left_out_when_it_is_shown() {
    let folder = Folder::new();
    let file = folder.file("talkative.toml", TALKATIVE);
    let words = run(&["preset", "show", "--scheme", &file]).exits(0).out;
    let (words, _) = words.split_once("\nThe preset, resolved\n").unwrap();
    let (_, signed) = words.split_once("\nWhat is signed\n").unwrap();
    for text in [
        "for each element of /items/*, at most 7, and all must verify:\n",
        "  when {method} is \"PUT\" and {header:acme-old} is there\n  {part:greeting}.\n  with sha512\n",
        "  otherwise\n  one.{item:/name}\n",
        "  {part:greeting} = hello {item:/name}\n",
        "  with what {header:acme-hash} names: one is sha1, two is sha256\n",
        "  header acme-signature, hex\n  when {method} is \"PUT\" and {header:acme-old} is there: header acme-old, base64\n",
        "  when {method} is \"PUT\" and {header:acme-old} is there: {header:acme-one} is \"{var:token}\"\n",
        "  otherwise: {header:acme-two} is not there (looked at first)\n",
        "\nWhat happened\n  type  {json:/type}\n",
        "\nSet-up handshakes\n  kind    answer: a challenge, and what it wants to hear\n",
        "  signed  no: answered before anything is verified\n",
        "  when    {method} is \"GET\"\n          and {query:c} matches \"[a-z]{1,9}\"\n",
        "  answer  201, application/json: {{\"c\":\"{query:c|mac|hex}\"}}\n          with acme-echo: {query:c}\n",
        "  mac     a MAC of what stands before it, by the source's first key\n",
        "  when    always\n  answer  200, text/plain: {part:both|sha256|hex}\n  parts   {part:both} = {query:a}{query:b}\n",
        "  kind    learn: it hands over a secret, for an operator to confirm\n",
        "  answer  200\n  secret  {header:acme-secret}\n",
        "  kind    ignore: a formality, answered and not recorded\n  signed  yes: answered once it has verified\n",
        "\nWhat the provider needs to hear\n  accepted  200, text/plain: thanks\n  refused   418\n            with acme-why: no\n",
    ] {
        assert!(signed.contains(text), "{text:?} is not in:\n{words}");
    }
    assert!(signed.contains("  signs        yes"), "{words}");
}

/// A file that works alone: each case says all that is needed.
const ALONE: &str = r#"{"schema":1,"case":[{"name":"hello","source":"provider-docs","preset":"github",
    "secrets":[{"id":"main","value":"It's a Secret to Everybody"}],"now":"2026-01-01T00:00:00Z",
    "headers":[["X-Hub-Signature-256","sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"]],
    "body":"Hello, World!","expect":"ok"}]}"#;

#[test]
fn cases_are_run_and_counted_by_what_they_prove() {
    let folder = Folder::new();
    let alone = folder.file("cases.json", ALONE);
    let json = run(&["preset", "test", "--vectors", &alone, "--format", "json"]).exits(0).json();
    assert_eq!(
        (&json["ok"], &json["total"]["proven"], &json["total"]["consistent"]),
        (&true.into(), &1.into(), &0.into())
    );
    assert!(json["total"]["mutants_ran"].as_u64().unwrap() > 10);
    let words = run(&["preset", "test", "--vectors", &alone]).exits(0).out;
    assert!(words.contains("ok: 1 case (1 proven, 0 consistent)"), "{words}");

    let wrong = folder.file("wrong.json", ALONE.replace("World!", "World?"));
    let ran = run(&["preset", "test", "--vectors", &wrong]).exits(1);
    assert!(ran.out.contains("case `hello`: expected ok, got bad_signature"), "{}", ran.out);
    let invalid = folder.file("invalid.json", ALONE.replace("\"expect\"", "\"expcet\""));
    run(&["preset", "test", "--vectors", &invalid]).exits(3).says("expcet");
}

#[test]
fn one_preset_is_tested_by_name() {
    let ran = run(&["preset", "test", "svix"]).exits(0);
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("svix ")).count(), 1);
    assert!(ran.err.is_empty(), "no progress in a pipe: {}", ran.err);
    run(&["preset", "test", "svxi"]).exits(3).says("did you mean `svix` or `svix-ed25519`?");
    run(&["preset", "test", "../svix"]).exits(2);
    let folder = Folder::new();
    folder.file("acme.toml", ACME);
    let dir = folder.path().to_str().unwrap();
    run(&["preset", "test", "acme", "--presets", dir]).exits(3).says("acme.vectors.toml");
}

#[test]
fn whoever_does_not_know_a_name_is_told_those_that_may_be_meant() {
    let folder = Folder::new();
    folder.file("acme-one.toml", ACME.replace("\"acme\"", "\"acme-one\""));
    folder.file(
        "acme-two.toml",
        ACME.replace("\"acme\"", "\"acme-two\"").replace("\"Acme\"", "\"The Company\""),
    );
    let dir = folder.path().to_str().unwrap();
    let both = "`acme-one` or `acme-two`";
    for (name, exit, meant) in [
        ("acme-too", 3, "`acme-two`"),
        ("acme", 3, both),
        ("acme-webhooks", 3, both),
        ("Acme One", 2, "`acme-one`"),
        ("company", 3, "`acme-two`"),
        ("GitHub", 2, "`github`"),
        ("Git Hub", 2, "`github`"),
    ] {
        let says = format!("did you mean {meant}? ");
        let folder = ["--presets", dir];
        run(&[&["preset", "show", name], &folder[..]].concat()).exits(exit).says(&says);
        run(&[&["preset", "test", name], &folder[..]].concat()).exits(exit).says(&says);
        let secret = ["--secret", "literal:x", "--body", "x"];
        run(&[&["verify", "--preset", name], &folder[..], &secret].concat()).exits(exit).says(&says);
        run(&[&["sign", "--preset", name], &folder[..], &secret].concat()).exits(exit).says(&says);
    }
    let file = folder.path().join("acme-one.toml");
    let file = file.to_str().unwrap();
    run(&["preset", "show", file]).exits(2).says(&format!("of a file: --scheme {file}"));
}

#[test]
fn modes_are_listed_and_shown() {
    assert!(run(&["mode", "list"]).exits(0).out.contains("hmac "));
    let json = run(&["mode", "show", "hmac", "--format", "json"]).exits(0).json();
    assert!(!json["details"].as_array().unwrap().is_empty());
    run(&["mode", "show", "hmca"]).exits(3).says("did you mean `hmac`?");
}

#[test]
fn every_help_has_an_example() {
    for command in [
        &["verify"][..],
        &["sign"],
        &["preset"],
        &["preset", "list"],
        &["preset", "show"],
        &["preset", "diff"],
        &["preset", "lint"],
        &["preset", "test"],
        &["preset", "new"],
        &["preset", "schema"],
        &["mode"],
        &["mode", "list"],
        &["mode", "show"],
        &[],
    ] {
        let ran = run(&[command, &["--help"]].concat()).exits(0);
        assert!(ran.out.contains("Example"), "{command:?}:\n{}", ran.out);
        assert!(ran.err.is_empty());
    }
    run(&[]).exits(2);
    run(&["verfy"]).exits(2).says("verify");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_changes_no_verdict() {
    let exit = |args: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), output.stderr.len())
    };
    assert_eq!(exit(&["preset", "show", "stripe"]), (0, 0));
    assert_eq!(exit(&["verify", "--preset", "github", "--secret", "literal:abc", "--body", "x"]), (1, 0));
}

#[test]
fn colours_are_for_terminals_and_can_be_asked_for() {
    let plain = run(&["preset", "list"]).exits(0).out;
    assert!(!plain.contains('\x1b'));
    let asked = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["preset", "list"])
        .env("CLICOLOR_FORCE", "1")
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    assert!(asked.stdout.contains(&0x1b));
    assert!(!run_with(&["preset", "list"], b"", &[("NO_COLOR", "1")]).out.contains('\x1b'));
}
