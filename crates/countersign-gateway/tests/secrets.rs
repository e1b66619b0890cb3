//! Secrets as a source needs them: out of real files, commands and an environment that the test makes up.
#![allow(clippy::unwrap_used)]

use countersign_gateway::config::{Change, Config, Modules, diff};
use countersign_gateway::secrets::{Outside, SourceSecrets, fingerprint, shared};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        path
    }

    fn read(&self, text: &str) -> Config {
        let file = self.file("countersign.toml", text.as_bytes(), 0o600);
        Config::read(&file, &mut Modules::new()).unwrap_or_else(|refused| panic!("{text}\n{refused}")).config
    }
}

fn source(name: &str, preset: &str, lines: &str) -> String {
    format!("[[source]]\nname = \"{name}\"\npath = \"/{name}\"\npreset = \"{preset}\"\n{lines}\n")
}

/// A source of the preset `github` whose one secret is there.
fn one(place: &str) -> String {
    source("a", "github", &format!("secrets = [{{ {place} }}]"))
}

const SECRET: &str = "hunter2-hunter2-hunter2";

fn env(name: &str) -> Option<OsString> {
    match name {
        "GOOD" => Some(SECRET.into()),
        "SPACED" => Some("two words\n".into()),
        "EMPTY" => Some("".into()),
        "PLACEHOLDER" => Some("changeme".into()),
        "LINES" => Some("a\r\nX-Evil: 1".into()),
        _ => None,
    }
}

fn outside() -> Outside<'static> {
    Outside::system().env(&env).limit(Duration::from_secs(20))
}

/// The bytes of the one key, or what is said.
fn read_one(folder: &Folder, text: &str, strict: bool) -> Result<(Vec<u8>, SourceSecrets), String> {
    let config = folder.read(text);
    let secrets = config.sources[0].read_secrets(&outside(), strict);
    let secrets =
        secrets.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let bytes = secrets.keys.iter().next().map(|(_, key)| key.material.expose().to_vec());
    Ok((bytes.unwrap_or_default(), secrets))
}

#[test]
fn a_secret_is_read_from_where_it_is_said_to_be() {
    let folder = Folder::new();
    let pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    folder.file("bare", SECRET.as_bytes(), 0o600);
    folder.file("line", format!("{SECRET}\n").as_bytes(), 0o600);
    folder.file("pem", pem.as_bytes(), 0o600);
    for (place, is) in [
        ("env = \"GOOD\"", SECRET),
        ("env = \"SPACED\"", "two words\n"),
        ("file = \"bare\"", SECRET),
        ("file = \"line\"", SECRET),
        ("file = \"pem\"", pem),
        ("command = \"printf hunter3\"", "hunter3"),
        ("command = \"echo hunter3; echo not this >&2\"", "hunter3"),
    ] {
        let (bytes, secrets) = read_one(&folder, &one(place), true).unwrap();
        assert_eq!(bytes, is.as_bytes(), "{place}");
        assert!(secrets.warnings.is_empty());
        assert!(!format!("{secrets:?}").contains("hunter"), "{secrets:?}");
    }
}

#[test]
fn what_is_not_there_is_told_by_name_and_place_and_never_by_what_is_there() {
    let folder = Folder::new();
    folder.file("spaced", b"hunter2 and a remark", 0o600);
    folder.file("long", &[b'h'; 80_000], 0o600);
    std::fs::create_dir(folder.0.path().join("folder")).unwrap();
    for (place, says) in [
        (
            "env = \"MISSING\"",
            "the environment variable `MISSING` is not set (help: set it where the gateway is started",
        ),
        ("env = \"EMPTY\"", "the secret is empty"),
        ("env = \"PLACEHOLDER\"", "the secret is a placeholder"),
        ("file = \"missing\"", "cannot be read"),
        ("file = \"folder\"", "is no file"),
        ("file = \"spaced\"", "holds white space"),
        ("file = \"long\"", "longer than 65536 bytes"),
        ("command = \"echo hunter2; exit 3\"", "its command failed (exit status: 3)"),
        ("command = \"echo hunter2 >&2\"", "the secret is empty"),
        ("command = \"yes hunter2\"", "its command failed"),
        ("command = \"no-such-command-hunter2\"", "its command failed (exit status: 127)"),
    ] {
        let said = read_one(&folder, &one(&format!("id = \"2026-11\", {place}")), false).unwrap_err();
        assert!(said.starts_with("source `a`, key `2026-11`: ") && said.contains(says), "{place}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for_and_a_link_is_followed() {
    let folder = Folder::new();
    let path = folder.0.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(read_one(&folder, &one("file = \"pipe\""), false).unwrap_err().contains("is no file"));
    // As container platforms have it.
    let target = folder.file("target", SECRET.as_bytes(), 0o600);
    std::os::unix::fs::symlink(target, folder.0.path().join("link")).unwrap();
    assert_eq!(read_one(&folder, &one("file = \"link\""), true).unwrap().0, SECRET.as_bytes());
}

#[test]
fn a_command_that_hangs_is_given_up() {
    let folder = Folder::new();
    let config = folder.read(&one("command = \"sleep 100\""));
    let outside = Outside::system().limit(Duration::from_millis(100));
    let said = config.sources[0].read_secrets(&outside, false).unwrap_err()[0].to_string();
    assert!(said.contains("its command took longer than 0.1 s"), "{said}");
}

#[cfg(unix)]
#[test]
fn atk_321_a_file_that_everybody_can_read_is_warned_of_and_refused_when_strict() {
    let folder = Folder::new();
    folder.file("open", SECRET.as_bytes(), 0o644);
    let text = one("file = \"open\"");
    let (_, secrets) = read_one(&folder, &text, false).unwrap();
    let warning = &secrets.warnings[0];
    assert_eq!(warning.code.code(), "open_file");
    assert!(warning.to_string().contains("chmod 600") && !warning.to_string().contains("hunter2"));
    let said = read_one(&folder, &text, true).unwrap_err();
    assert!(said.contains("`strict` refuses that") && said.contains("chmod 600"), "{said}");
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let folder = Folder::new();
    let lines = "secrets = [{ id = \"a\", env = \"NO_1\" }, { id = \"b\", env = \"NO_2\" }]\n\
                 forward = { to = \"http://127.0.0.1:1/\", headers = { Authorization = { env = \"NO_3\" }, X-Two = { env = \"LINES\" } } }";
    let said = read_one(&folder, &source("a", "github", lines), false).unwrap_err();
    for says in [
        "key `a`: the environment variable `NO_1`",
        "key `b`: ",
        "header `authorization`: ",
        "header `x-two`: what is there can stand in no header",
    ] {
        assert!(said.contains(says), "{says:?} is not in:\n{said}");
    }
}

/// The warnings about shared secrets of sources with these presets and secrets.
fn clashes(sources: &[(&str, &str)]) -> Vec<String> {
    let folder = Folder::new();
    let mut text = String::new();
    for (number, (preset, secret)) in sources.iter().enumerate() {
        folder.file(&format!("s{number}"), secret.as_bytes(), 0o600);
        text.push_str(&source(
            &format!("s{number}"),
            preset,
            &format!("secrets = [{{ file = \"s{number}\" }}]\nrequire_bound = []"),
        ));
    }
    let config = folder.read(&text);
    let read: Vec<_> =
        config.sources.iter().map(|it| (it, it.read_secrets(&outside(), true).unwrap())).collect();
    shared(read.iter().map(|(source, secrets)| (&***source, secrets)))
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn atk_029_and_094_two_sources_with_one_secret_are_warned_of() {
    let said = clashes(&[("github", SECRET), ("affirm", SECRET), ("github", "another-secret-than-that")]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("key `main` of source `s0` and key `main` of source `s1` are one secret"),
        "{said:?}"
    );
    assert!(!said[0].contains("hunter2"));
    // One that is written in two ways is one.
    let base64 = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let said = clashes(&[("standard-webhooks", base64), ("standard-webhooks", &format!("whsec_{base64}"))]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(clashes(&[("github", SECRET), ("github", "another-secret-than-that")]).is_empty());
}

#[test]
fn atk_032_a_key_longer_than_the_block_and_its_hash_are_one_key() {
    // Of ten million texts one has a hash without white space and newlines in it that is UTF-8; bytes will do.
    let folder = Folder::new();
    let bad = |byte: &u8| byte.is_ascii_whitespace();
    let long = (0..)
        .map(|number| format!("{number:065}"))
        .find(|text| !Sha256::digest(text).iter().any(bad))
        .unwrap();
    folder.file("long", long.as_bytes(), 0o600);
    folder.file("hash", &Sha256::digest(&long), 0o600);
    let text =
        ["long", "hash"].map(|name| source(name, "github", &format!("secrets = [{{ file = \"{name}\" }}]")));
    let config = folder.read(&text.concat());
    let read: Vec<_> =
        config.sources.iter().map(|it| (it, it.read_secrets(&outside(), true).unwrap())).collect();
    let warnings = shared(read.iter().map(|(source, secrets)| (&***source, secrets)));
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code.code(), "shared_secret");
}

#[test]
fn a_fingerprint_is_short_salted_and_stays_what_it_is() {
    assert_eq!(fingerprint(b"hunter2"), "f019b0c6");
    assert_ne!(fingerprint(b"hunter2"), fingerprint(b"hunter3"));
    assert!(!const_hex::encode(Sha256::digest(b"hunter2")).starts_with(&fingerprint(b"hunter2")));
}

#[test]
fn atk_265_a_configuration_that_is_shown_has_no_secret_in_it() {
    let folder = Folder::new();
    folder.file("file", SECRET.as_bytes(), 0o600);
    let text = format!(
        "[admin]\ntoken = {{ command = \"echo {SECRET}\" }}\n[store]\nkey = {{ env = \"GOOD\" }}\n{}{}",
        source(
            "a",
            "github",
            &format!(
                "secrets = [{{ id = \"1\", env = \"GOOD\" }}, {{ id = \"2\", file = \"file\" }}, {{ id = \"3\", command = \"echo {SECRET}\" }}]\n\
                 forward = {{ to = \"http://127.0.0.1/x?key={SECRET}\", headers = {{ Authorization = {{ command = \"echo {SECRET}\" }} }} }}"
            ),
        ),
        source("b", "github", "secrets = \"managed\""),
    );
    let config = folder.read(&text);
    for shown in
        [config.to_toml(), config.to_json().to_string(), format!("{config:?}"), format!("{config:#?}")]
    {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("GOOD"), "where one is may be shown: {shown}");
    }
    // But that one was changed can be seen.
    let other =
        folder.read(&text.replace(&format!("\"3\", command = \"echo {SECRET}"), "\"3\", command = \"echo x"));
    let changes = diff(&config, &other);
    assert!(
        matches!(&changes[..], [Change::Source(name, keys)] if &**name == "a" && keys[0].key == "secrets"),
        "{changes:?}"
    );
    assert!(!format!("{changes:?}").contains("hunter2"));
}

#[test]
fn what_is_shown_of_a_configuration_is_that_configuration() {
    let folder = Folder::new();
    let text = include_str!("newcomer.toml").to_owned() + "\n[egress]\nports = [80, \"9000-9010\"]\n";
    let more = "[server]\njunk = \"off\"\naudit = { refusals = \"5/10s\", accepted = 0.01 }";
    let text = text.replace("[server]", more);
    let config = folder.read(&text);
    let again = folder.read(&config.to_toml());
    assert_eq!(again.to_toml(), config.to_toml());
    assert_eq!(diff(&config, &again), []);
}

#[test]
fn what_a_reload_would_change_is_told() {
    let folder = Folder::new();
    let server = "[server]\nlisten = \"127.0.0.1:8080\"\nwatch = true\n";
    let (a, b, c) = (
        source("a", "github", "secrets = [{ env = \"GOOD\" }]\nlimits = { rate = \"100/s\" }"),
        source("b", "github", "secrets = [{ env = \"GOOD\" }]"),
        source("c", "github", "secrets = [{ env = \"GOOD\" }]"),
    );
    let old = folder.read(&format!("{server}{a}{b}"));
    assert_eq!(diff(&old, &folder.read(&format!("{server}# a remark\n{b}{a}"))), [], "order is nothing");
    let text = format!("{server}{a}{c}")
        .replace("100/s", "50/s")
        .replace("8080", "8081")
        .replace("watch = true", "watch = false");
    let changes = diff(&old, &folder.read(&text));
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`server` changes: listen, watch",
            "source `b` is gone",
            "source `c` is new",
            "source `a` changes: limits.rate"
        ]
    );
    assert!(changes[0].needs_restart() && !changes[3].needs_restart());
    let Change::Table(_, keys) = &changes[0] else { panic!() };
    assert_eq!(keys.iter().map(|key| key.restart).collect::<Vec<_>>(), [true, false]);
    let Change::Source(_, keys) = &changes[3] else { panic!() };
    assert_eq!((keys[0].from.as_deref(), keys[0].to.as_deref()), (Some("\"100/s\""), Some("\"50/s\"")));
}

#[test]
fn a_preset_that_changes_changes_its_sources() {
    let folder = Folder::new();
    std::fs::create_dir(folder.0.path().join("presets")).unwrap();
    let preset = "name = \"acme\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{body}\"\n\
                  signature_source = { header = \"x\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }\n";
    folder.file("presets/acme.toml", preset.as_bytes(), 0o600);
    let text = format!("presets = \"presets\"\n{}", source("a", "acme", "secrets = [{ env = \"GOOD\" }]"));
    let old = folder.read(&text);
    folder.file("presets/acme.toml", format!("title = \"Acme\"\n{preset}").as_bytes(), 0o600);
    assert_eq!(diff(&old, &folder.read(&text)), [], "a title is for people");
    folder.file("presets/acme.toml", preset.replace("sha256", "sha512").as_bytes(), 0o600);
    let told: Vec<String> = diff(&old, &folder.read(&text)).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["source `a` changes: scheme"]);
}
