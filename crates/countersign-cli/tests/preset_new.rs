//! `preset new`: what it writes is well formed and passes at once; what it cannot do, it says.

#![allow(clippy::unwrap_used)]

mod common;
use common::{Folder, run};

const PLAIN: [&str; 6] =
    ["--signature-header", "x-acme-signature", "--encoding", "hex", "--secret-form", "text"];
const TIME: [&str; 4] = ["--timestamp-header", "x-acme-time", "--timestamp-format", "unix"];

/// In a folder, with options.
fn new(folder: &Folder, name: &str, options: &[&[&str]]) -> common::Ran {
    let dir = folder.path().to_str().unwrap();
    run(&[&["preset", "new", name, "--dir", dir], options.concat().as_slice()].concat())
}

fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn what_is_written_is_well_formed_and_passes_at_once_with_its_mutants() {
    let header = ["--signature-header", "x-s"];
    let ways: &[(&str, &[&[&str]])] = &[
        ("body", &[&PLAIN, &["--signed", "body"]]),
        ("time", &[&PLAIN, &TIME, &["--signed", "timestamp.body", "--prefix", "sha256="]]),
        ("id", &[&PLAIN, &TIME, &["--signed", "id.timestamp.body", "--id-header", "x-id"]]),
        (
            "pairs",
            &[
                &["--signed", "{body}{timestamp}", "--adjacent", "accepted", "--pair-separator", "&"],
                &["--signature-header", "x-s", "--signature-key", "s", "--timestamp-key", "t"],
                &["--timestamp-header", "X-S", "--timestamp-format", "unix", "--encoding", "hex"],
                &["--secret-form", "text"],
            ],
        ),
        ("template", &[&PLAIN, &["--signed", "{method}:{url}:{header:x-other}:{body}"]]),
        ("touching", &[&PLAIN, &["--signed", "{method}{url}{body}", "--adjacent", "accepted"]]),
        ("base64", &[&header, &["--signed", "body", "--encoding", "base64", "--secret-form", "base64"]]),
        ("prefixed", &[&PLAIN, &["--signed", "body", "--secret-prefix", "whsec_", "--algorithm", "sha512"]]),
        (
            "ed25519",
            &[
                &header,
                &["--mode", "ed25519", "--signed", "body", "--encoding", "hex", "--secret-form", "hex"],
            ],
        ),
        (
            "ecdsa",
            &[
                &header,
                &["--mode", "public-key", "--signed", "body", "--encoding", "base64", "--secret-form", "pem"],
            ],
        ),
        (
            "rsa",
            &[
                &header,
                &["--mode", "public-key", "--algorithm", "rsa-pss-sha256", "--signed", "body"],
                &["--encoding", "base64", "--secret-form", "base64"],
            ],
        ),
        (
            "token",
            &[
                &["--mode", "token", "--signature-header", "authorization", "--prefix", "Bearer"],
                &["--secret-form", "text"],
            ],
        ),
    ];
    let folder = Folder::new();
    let dir = folder.path().to_str().unwrap();
    for (name, options) in ways {
        let wrote = new(&folder, name, options).exits(0);
        assert!(wrote.out.contains(&format!("wrote {dir}/{name}.vectors.toml\n")), "{}", wrote.out);
        assert!(
            wrote.err.contains(&format!("countersign preset test {name} --presets {dir}")),
            "{}",
            wrote.err
        );
        assert!(read(&folder, &format!("{name}.toml")).starts_with("#:schema ./preset.schema.json\n"));
        let json = run(&["preset", "test", name, "--presets", dir, "--format", "json"]).exits(0).json();
        assert_eq!(json["total"]["proven"], 0, "a case of our own making proves nothing");
        assert!(json["total"]["mutants_ran"].as_u64().unwrap() > 20);
    }
    run(&["preset", "lint", dir]).exits(0);
    let schema = run(&["preset", "schema"]).exits(0).out;
    assert_eq!(read(&folder, "preset.schema.json"), schema);
    assert_eq!(read(&folder, "vectors.schema.json"), run(&["preset", "schema", "--vectors"]).exits(0).out);
    assert!(read(&folder, "touching.toml").contains("notes = [\"Parts of what is signed touch"));
}

#[test]
fn nothing_is_written_over() {
    let folder = Folder::new();
    folder.file("preset.schema.json", "mine");
    let body = ["--signed", "body"];
    let wrote = new(&folder, "acme", &[&PLAIN, &body]).exits(0);
    assert_eq!(read(&folder, "preset.schema.json"), "mine");
    assert!(!wrote.out.contains("preset.schema.json"));
    let before = read(&folder, "acme.toml");
    new(&folder, "acme", &[&PLAIN, &body]).exits(2).says("acme.toml` is there already");
    folder.file("two.vectors.toml", "mine");
    new(&folder, "two", &[&PLAIN, &body]).exits(2).says("two.vectors.toml` is there already");
    assert!(read(&folder, "acme.toml") == before && !folder.path().join("two.toml").exists());
}

#[test]
fn a_name_that_will_not_do_is_told_why() {
    let folder = Folder::new();
    for name in ["Acme", "../acme", "a b"] {
        new(&folder, name, &[&PLAIN]).exits(2).says("lower-case letters, digits and hyphens");
    }
    new(&folder, "github", &[&PLAIN]).exits(2).says("preset show github --format toml");
    run(&["preset", "new", "a", "--dir", "/not/there", "--signed", "body"]).exits(2);
    let there: Vec<&str> = vec!["preset", "new", "a", "--dir", "/not/there", "--signed", "body"];
    run(&[&there[..], &PLAIN].concat()).exits(5).says("mkdir -p /not/there");
}

#[test]
fn where_nobody_can_be_asked_all_that_is_missing_is_named_at_once() {
    let folder = Folder::new();
    new(&folder, "acme", &[]).exits(2).says("--signed, --signature-header, --encoding, --secret-form\n");
    let time = ["--signed", "timestamp.body"];
    new(&folder, "acme", &[&PLAIN, &time]).exits(2).says(": --timestamp-header, --timestamp-format\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn all_wrong_options_are_told_at_once_in_the_words_of_the_reader() {
    let folder = Folder::new();
    let wrong = ["--mode", "hmca", "--algorithm", "sha257", "--signed", "{bdy}", "--id-header", "x-id"];
    let ran = new(&folder, "acme", &[&wrong, &["--encoding", "hx", "--from", "x.http"]]).exits(2);
    for says in [
        "--mode: there is no mode `hmca`: is `hmac` meant?",
        "--algorithm: unknown algorithm `sha257`: `sha256`",
        "--signed: ",
        "--id-header does not apply",
        "--encoding: unknown encoding `hx`",
        "--from and --secret belong together",
    ] {
        assert!(ran.err.contains(says), "{says} is not in:\n{}", ran.err);
    }
    new(&folder, "acme", &[&["--mode", "jwt"]]).exits(2).says("countersign mode show jwt");
    new(&folder, "acme", &[&PLAIN, &["--signed", "{method}{url}"]])
        .exits(2)
        .says("give `--adjacent accepted`");
    new(&folder, "acme", &[&PLAIN, &["--signed", "{query:a}"]]).exits(2).says("begin with body");
}

#[test]
fn a_delivery_that_was_kept_becomes_the_first_case_or_says_that_the_answers_are_wrong() {
    let folder = Folder::new();
    let signature = "b8119a84dbb1abba7b9ddad7cc79ae2bb40c7e4a22b7d0ee7a2b1b2f1a5b4a15";
    let request = |signature: &str| {
        format!("POST /hook HTTP/1.1\r\nHost: h\r\nX-Acme-Signature: {signature}\r\n\r\nhello")
    };
    let file = folder.file("delivery.http", request(signature));
    let options = ["--signed", "body", "--from", &file, "--secret", "literal:sekret"];
    let refused = new(&folder, "acme", &[&PLAIN, &options]).exits(3);
    assert!(
        refused.err.contains("bad_signature") && refused.err.contains("nothing was written"),
        "{}",
        refused.err
    );
    // `sign` knows the right one.
    new(&folder, "other", &[&PLAIN, &["--signed", "body"]]).exits(0);
    let scheme = folder.path().join("other.toml");
    let signed =
        run(&["sign", "--scheme", scheme.to_str().unwrap(), "--secret", "literal:sekret", "--body", "hello"]);
    let signature = signed.exits(0).out.trim().rsplit(' ').next().unwrap().to_owned();
    folder.file("delivery.http", request(&signature));
    new(&folder, "acme", &[&PLAIN, &options]).exits(0).says("warning: the secret");
    let vectors = read(&folder, "acme.vectors.toml");
    assert!(vectors.contains("source = \"captured\"") && vectors.contains("body = 'hello'"), "{vectors}");
    let dir = folder.path().to_str().unwrap();
    let json = run(&["preset", "test", "acme", "--presets", dir, "--format", "json"]).exits(0).json();
    assert_eq!(json["total"]["proven"], 1);
}
