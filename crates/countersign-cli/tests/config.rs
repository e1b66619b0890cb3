//! `countersign config`: what it says of a configuration, and how it ends.

#![allow(clippy::unwrap_used)]

mod common;
use common::{Folder, Ran, run, run_with};

const GOOD: &str = r#"
[server]
listen = "127.0.0.1:8080"
public_url = "https://hooks.example.com"

[admin]
token = { env = "CONFIG_TEST_TOKEN" }

[[source]]
path = "/in/payments"
preset = "stripe"
secrets = [
  { id = "2026-11", env = "CONFIG_TEST_SECRET" },
  { id = "2026-05", file = "old", not_after = "2099-12-01" },
]
forward = { to = "http://127.0.0.1:3000/stripe?key=hunter2" }

[[source]]
path = "/in/code"
preset = "github"
secrets = [{ env = "CONFIG_TEST_OTHER" }]
enforce = "observe"
"#;

const ENV: [(&str, &str); 3] = [
    ("CONFIG_TEST_TOKEN", "token-hunter2-hunter2"),
    ("CONFIG_TEST_SECRET", "secret-hunter2-hunter2"),
    ("CONFIG_TEST_OTHER", "other-hunter2-hunter2"),
];

fn check(folder: &Folder, text: &str, more: &[&str], env: &[(&str, &str)]) -> Ran {
    let file = folder.file("countersign.toml", text);
    let args = [&["config", "check", "--config", &file][..], more].concat();
    let ran = run_with(&args, b"", env);
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{}\n{}", ran.out, ran.err);
    ran
}

#[test]
fn what_is_in_order_is_a_table_and_its_warnings() {
    let ran = check(&Folder::new(), GOOD, &[], &[]).exits(0);
    for text in [
        "PATH          SCHEME  KEYS                                 COVERS",
        "/in/payments  stripe  2026-11, 2026-05 (until 2099-12-01)  body, time",
        "http://127.0.0.1:3000/stripe  reject",
        "/in/code      github  main",
        "nowhere                       observe",
    ] {
        assert!(ran.out.contains(text), "{text:?} is not in:\n{}", ran.out);
    }
    let ran = ran
        .says("warning: ")
        .says("countersign.toml:22:11: this source lets through")
        .says("    enforce = \"observe\"");
    ran.says("note: in order: 2 sources, at `127.0.0.1:8080`").says("--secrets reads every secret as well");
}

#[test]
fn all_that_is_wrong_is_told_with_its_lines() {
    let text = GOOD.replace("\"stripe\"", "\"sripe\"").replace("enforce", "enforced");
    let ran = check(&Folder::new(), &text, &[], &[]).exits(3);
    assert_eq!(ran.out, "");
    let ran = ran.says("countersign.toml:11:10: there is no preset `sripe`").says("did you mean");
    ran.says("unknown key `enforced` in `[source.2]`").says("write `enforce`, if that is what is meant");
    run(&["config", "check", "--config", "/nowhere/x.toml"]).exits(5).says("cannot read `/nowhere/x.toml`");
    let literal = GOOD.replace("env = \"CONFIG_TEST_OTHER\"", "value = \"hunter2\"");
    check(&Folder::new(), &literal, &[], &[]).exits(3).says("a secret does not stand in this file");
}

#[test]
fn secrets_are_read_when_that_is_asked_for() {
    let folder = Folder::new();
    let ran = check(&folder, GOOD, &["--secrets"], &ENV[..2]).exits(4);
    let ran = ran.says("source `in-payments`, key `2026-05`: the file `").says("old` cannot be read");
    ran.says("source `in-code`, key `main`: the environment variable `CONFIG_TEST_OTHER` is not set");
    folder.file("old", "hunter2-hunter2-hunter2");
    check(&folder, GOOD, &["--secrets"], &ENV).exits(0).says("in order: 2 sources");
    // The same secret twice, and one that the preset does not take.
    let same = [ENV[0], ENV[1], ("CONFIG_TEST_OTHER", "secret-hunter2-hunter2")];
    check(&folder, GOOD, &["--secrets"], &same)
        .exits(0)
        .says("key `2026-11` of source `in-payments` and key `main` of source `in-code`");
    let wrong = GOOD.replace("\"github\"", "\"standard-webhooks\"");
    check(&folder, &wrong, &["--secrets"], &ENV).exits(4).says("source `in-code`: key `main`: ");
}

#[cfg(unix)]
#[test]
fn the_gateways_own_secrets_are_looked_at_as_a_start_does() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let file = folder.file("admin.txt", "short");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let text = "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\ntoken = { file = \"admin.txt\" }\n";
    check(&folder, text, &["--secrets"], &[]).exits(4).says("[admin] token: it has fewer than 16 bytes");
    std::fs::write(&file, "a-token-of-some-length").unwrap();
    check(&folder, text, &["--secrets"], &[])
        .exits(0)
        .says("[admin] token: every user of this machine can read")
        .says("chmod 600");
}

#[test]
fn programs_read_the_same() {
    let ran = check(&Folder::new(), GOOD, &["--format", "json"], &[]).exits(0);
    let json = ran.json();
    assert_eq!((&json["ok"], &json["missing_secrets"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(json["warnings"][0]["code"], "observing");
    let source = &json["config"]["source"][0];
    assert_eq!((&source["name"], &source["preset"]), (&"in-payments".into(), &"stripe".into()));
    assert_eq!(source["covers"], serde_json::json!(["body", "time"]));
    assert_eq!(source["secrets"][0]["env"], "CONFIG_TEST_SECRET");
    let ran = check(&Folder::new(), &GOOD.replace("path", "paht"), &["--format", "json"], &[]).exits(3);
    let json = ran.json();
    assert_eq!(json["ok"], false);
    assert!(json["errors"].as_array().unwrap().len() >= 2, "{json}");
    let ran = check(&Folder::new(), GOOD, &["--format", "json", "--secrets"], &[]).exits(4);
    assert!(ran.json()["missing_secrets"].as_array().unwrap().len() >= 4);
}

#[test]
fn what_a_reload_would_change_is_told() {
    let folder = Folder::new();
    let old = folder.file("old.toml", GOOD);
    let diff = |text: &str, more: &[&str]| {
        let new = folder.file("new.toml", text);
        run(&[&["config", "diff", &old, &new][..], more].concat())
    };
    diff(&format!("# a remark\n{GOOD}"), &[]).exits(0).says("they come to the same");
    let text =
        GOOD.replace("8080", "8081").replace("/in/code", "/in/code2").replace("2099-12-01", "2098-01-01");
    let ran = diff(&text, &[]).exits(1);
    for line in [
        "server\n  listen: [\"127.0.0.1:8080\"] -> [\"127.0.0.1:8081\"]  (restart)",
        "- source in-code\n",
        "+ source in-code2\n",
        "source in-payments\n  secrets: ",
    ] {
        assert!(ran.out.contains(line), "{line:?} is not in:\n{}", ran.out);
    }
    ran.says("comes about by a restart");
    let json = diff(&text, &["--format", "json"]).exits(1).json();
    assert_eq!((&json["same"], &json["restart"]), (&false.into(), &true.into()));
    diff("tipo = 1\n", &[]).exits(3).says("unknown key `tipo`");
}

#[test]
fn the_usual_file_is_looked_for_where_one_is() {
    let folder = Folder::new();
    folder.file("countersign.toml", "");
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["config", "check"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("in order: 0 sources"));
}
