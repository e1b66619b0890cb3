//! `preset list`: what is found, what is told of it, and what is said when there is nothing; and the guide to it.

#![allow(clippy::unwrap_used)]

mod common;
use common::{ACME, Folder, Ran, run};
use serde_json::{Value, json};
use std::process::Command;

/// Three presets that differ in all that can be asked for.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.file("acme.toml", ACME.replace("mode = \"hmac\"", "confidence = \"provider\"\nmode = \"hmac\""));
    let case = |source: &str, expect: &str| {
        format!("\n[[case]]\nname = \"{source}-{expect}\"\nsource = \"{source}\"\nexpect = \"{expect}\"\n")
    };
    let cases = [("provider-docs", "ok"), ("captured", "bad_signature"), ("generated", "ok")];
    let cases: String = cases.iter().map(|(source, expect)| case(source, expect)).collect();
    folder.file("acme.vectors.toml", format!("schema = 1\npreset = \"acme\"\n{cases}"));
    folder.file(
        "widgets.toml",
        r#"
schema = 1
name = "widgets"
title = "Widgets, by the Zyx Company"
reference = "https://widgets.example/docs"
confidence = "third-party"
notes = ["Nothing is signed, and QUUX is what they say about it."]
mode = "token"

[token]
token_source = { header = "x-widgets-token" }
key = { forms = [{ decode = "text" }] }
require = [{ value = "{header:x-zyx-hook}", absent = true }]

[[handshake]]
kind = "learn"
when = [{ value = "{header:x-zyx-hook}", present = true }]
secret = "{header:x-zyx-hook}"
"#,
    );
    // One of which no published delivery verifies.
    folder.file("widgets.vectors.toml", format!("schema = 1\n{}", case("provider-sdk", "bad_token")));
    folder.file(
        "found.toml",
        r#"
schema = 1
name = "found"
mode = "public-key"

[public-key]
algorithm = "ecdsa-p256-sha256"
signed_template = "{body}"
signature_source = { json = "/zyx", encoding = "base64" }
remote = { url = "https://keys.example/jwks", format = "jwks" }

[[handshake]]
kind = "answer"
signed = true
when = [{ value = "{json:/zyx}", absent = true }]
answer = { status = 200 }

[[handshake]]
kind = "ignore"
when = [{ value = "{method}", equals = "HEAD" }]
"#,
    );
    folder
}

fn list(folder: &Folder, more: &[&str]) -> Ran {
    let dir = folder.path().to_str().unwrap();
    run(&[&["preset", "list", "--presets", dir], more].concat())
}

/// The folder's presets among those that are found.
fn names(folder: &Folder, more: &[&str]) -> Vec<String> {
    let found = list(folder, &[more, &["--format", "json"]].concat()).exits(0).json();
    let names = found.as_array().unwrap().iter().map(|preset| preset["name"].as_str().unwrap().to_owned());
    names.filter(|name| ["acme", "found", "widgets"].contains(&name.as_str())).collect()
}

#[test]
fn all_are_listed_in_order_and_counted_where_no_pipe_goes() {
    let ran = run(&["preset", "list"]).exits(0);
    let mut lines = ran.out.lines();
    let head = lines.next().unwrap();
    assert_eq!(head.split_whitespace().collect::<Vec<_>>(), ["NAME", "MODE", "COVERS", "PROVEN", "TITLE"]);
    assert!(
        head.find("TITLE").unwrap() <= 80,
        "a terminal of a hundred columns has room for titles:\n{head}"
    );
    let names: Vec<&str> = lines.map(|line| line.split_once(' ').unwrap().0).collect();
    assert!(names.len() > 400 && names.is_sorted());
    assert_eq!(ran.err, format!("{} presets\n", names.len()));
    let one = run(&["preset", "list", "--format", "json"]).exits(0);
    assert_eq!((one.json().as_array().unwrap().len(), &*one.err), (names.len(), ""));
}

#[test]
fn everything_that_can_be_asked_for_is_found_and_nothing_else() {
    let folder = folder();
    let asked: [(&[&str], &[&str]); 21] = [
        (&[], &["acme", "found", "widgets"]),
        (&["--mode", "token"], &["widgets"]),
        (&["--mode", "hmac"], &["acme"]),
        (&["--confidence", "provider"], &["acme"]),
        (&["--confidence", "third-party"], &["widgets"]),
        (&["--handshake"], &["found", "widgets"]),
        (&["--handshake=any"], &["found", "widgets"]),
        (&["--handshake=learn"], &["widgets"]),
        (&["--handshake=answer"], &["found"]),
        (&["--handshake=ignore"], &["found"]),
        (&["--proven"], &["acme"]),
        (&["--consistent"], &["found", "widgets"]),
        (&["idget"], &["widgets"]),
        (&["zyx company"], &["widgets"]),
        (&["widgets.example"], &["widgets"]),
        (&["quux"], &["widgets"]),
        (&["X-Widgets-Token"], &["widgets"]),
        (&["x-zyx-hook"], &["widgets"]),
        (&["zyx", "quux"], &["widgets"]),
        (&["acme", "quux"], &[]),
        (&["zyx", "--handshake", "--mode", "public-key"], &[]), // a field of the body is no header
    ];
    for (asked, found) in asked {
        assert_eq!(names(&folder, asked), found, "{asked:?}");
    }
    let mention = "schema = 1\nname = \"aaa\"\nlike = \"found\"\nnotes = [\"Like widgets.\"]\n";
    folder.file("aaa.toml", mention);
    let out = list(&folder, &["widgets", "--columns", "name"]).exits(0).out;
    assert_eq!(out, "NAME\nwidgets\naaa\n", "before those that only mention it");
    list(&folder, &["--mode", "tokn"]).exits(3).says("did you mean `token`?");
    list(&folder, &["--proven", "--consistent"]).exits(2);
    list(&folder, &["--handshake=lern"]).exits(2).says("a similar value exists: 'learn'");
}

#[test]
fn columns_are_chosen_and_ordered_and_json_has_all() {
    let folder = folder();
    let table = |columns: &str, word: &str| {
        let ran = list(&folder, &["--columns", columns, word]).exits(0);
        let lines = ran.out.lines().map(|line| line.split("  ").filter(|cell| !cell.is_empty()));
        let cells = lines.map(|cells| cells.map(|cell| cell.trim().to_owned()).collect());
        cells.collect::<Vec<Vec<String>>>()
    };
    let wide = table(
        "signs,signature,algorithm,handshake,confidence,consistent,proven,time,replay,reference",
        "quux",
    );
    assert_eq!(wide.len(), 2, "{wide:?}");
    assert_eq!(
        wide[1],
        [
            "yes",
            "header x-widgets-token",
            "-",
            "learn",
            "third-party",
            "0",
            "-",
            "-",
            "-",
            "https://widgets.example/docs"
        ]
    );
    assert_eq!(table("title,name", "quux")[1], ["Widgets, by the Zyx Company", "widgets"]);
    list(&folder, &["--columns", "nmae"]).exits(2).says("a similar value exists: 'name'");

    let all = list(&folder, &["--format", "json", "--columns", "name"]).exits(0).json();
    let of =
        |name: &str| all.as_array().unwrap().iter().find(|preset| preset["name"] == name).unwrap().clone();
    assert_eq!(
        of("acme"),
        json!({
            "name": "acme", "title": "Acme", "reference": null, "confidence": "provider", "mode": "hmac",
            "algorithms": ["sha256"], "signature": ["header acme-signature"], "binds": ["body", "time"],
            "freshness": { "tolerance_seconds": 300, "future_seconds": 60, "required": true },
            "replay": { "key": "content", "keep_seconds": 420 }, "handshakes": [], "signs": true,
            "proven": true, "published": 2, "generated": 1
        })
    );
    let found = of("found");
    assert_eq!(found["handshakes"], json!(["answer", "ignore"]));
    assert_eq!((&found["signs"], &found["proven"]), (&json!(false), &json!(false)));
    assert_eq!((&found["published"], &found["generated"]), (&Value::Null, &Value::Null), "it has no vectors");
    assert_eq!(found["signature"], json!(["/zyx of the JSON body"]));
    let widgets = of("widgets");
    assert_eq!((&widgets["proven"], &widgets["published"]), (&json!(false), &json!(1)));
}

#[test]
fn who_finds_nothing_is_told_what_was_looked_for_and_what_else_to_look_for() {
    let folder = folder();
    let none = |more: &[&str], says: &str, help: &str| {
        let ran = list(&folder, more).exits(0).says(says).says(help);
        assert_eq!(ran.out, "");
        assert!(ran.err.starts_with("0 of "), "{}", ran.err);
    };
    let places = "in its name, title, reference, notes or header names\n";
    none(&["wigdets"], &format!("no preset with `wigdets` {places}"), "did you mean `widgets`? `countersign");
    none(&["zyx", "nosuchword"], &format!("with `zyx` and `nosuchword` {places}"), "help: ");
    none(
        &["quux", "--mode", "hmac", "--handshake=learn", "--proven", "--confidence", "provider"],
        "no preset of the mode `hmac`, of the confidence `provider`, with a handshake of the kind `learn`, that is proven, with",
        "without the options: 1 preset; `countersign preset list` shows all",
    );
    none(
        &["--mode", "digest", "--handshake=learn"],
        "with a handshake of the kind `learn`\n",
        "leave out an option",
    );
    assert_eq!(list(&folder, &["wigdets", "--format", "json"]).exits(0).out, "[]\n");
    list(&folder, &["--handshake", "learn"]).exits(0).says("for the kind, write --handshake=learn");
    let ran = list(&folder, &["\x1b[31m"]).exits(0);
    assert!(!ran.err.contains('\x1b'), "nothing that was typed steers the terminal");
}

#[test]
fn every_command_of_the_guide_does_what_it_is_shown_for() {
    let page = include_str!("../../../docs/guide/presets.md");
    let folder = Folder::new();
    folder.file("acme.toml", ACME);
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("countersign ")).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let mut run = Command::new(env!("CARGO_BIN_EXE_countersign"));
        let output = run.args(command.split(' ')).current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).lines().count();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(i32::from(command.contains(" diff "))), "{command}\n{err}");
        assert!(told > 1, "{command}\n{err}");
    }
}
