//! What is written where, what is let be, and what is said of it.

use super::*;

#[test]
fn a_second_run_lets_be_what_is_there_and_adds_what_is_new() {
    let world = World::new();
    world.import(&format!("[{BEARER}, {HMAC}]"), &[]).exits(0);
    let first = world.toml();
    let secret = std::fs::read(world.path("secrets/hooks-acme-main")).unwrap();
    let other = HMAC
        .replace(SECRET, "hunter2-another-0123456789")
        .replace("{\"path\"", "{\"name\": \"other\", \"path\"");
    world
        .import(&format!("[{BEARER}, {other}]"), &[])
        .exits(1)
        .says("hooks-deploy: the name is taken by the source `hooks-deploy`: that one is let be")
        .says("other: the path is taken by the source `hooks-acme`");
    assert_eq!(world.toml(), first);
    assert_eq!(std::fs::read(world.path("secrets/hooks-acme-main")).unwrap(), secret);
    assert_eq!(files(&world.path("secrets")), ["hooks-acme-main", "hooks-deploy-main"]);
    let ran = world.import(&format!("[{BEARER}, {BLOCK}]"), &["--format", "json"]).exits(1);
    let outcomes: Vec<_> =
        ran.json()["sources"].as_array().unwrap().iter().map(|it| it["outcome"].clone()).collect();
    assert_eq!(outcomes, ["there_already", "imported"]);
    assert!(world.toml().starts_with(&first) && world.toml().len() > first.len());
    world.source("hooks-block");
}

#[test]
fn what_a_configuration_says_already_stays_byte_for_byte() {
    let world = World::new();
    // No newline at its end, a comment, and another order than ours.
    let before = "# mine\n[[source]]\npath = \"/in/x\"\npreset = \"github\"\nsecrets = [{ env = \"X\" }]\n[server]\nlisten = \"127.0.0.1:1\"";
    world.folder.file("countersign.toml", before);
    world.import(HMAC, &[]).exits(0);
    assert!(world.toml().starts_with(before), "{}", world.toml());
    let config = Config::read(&world.config(), &mut Modules::new())
        .unwrap_or_else(|refused| panic!("{refused}"))
        .config;
    assert_eq!(config.sources.len(), 2);
    // One that is wrong, or that lists its sources in another way, is not touched.
    for (bad, says) in
        [("oops = 1\n", "mend the configuration first"), ("source = []\n", "nothing was written")]
    {
        let world = World::new();
        world.folder.file("countersign.toml", bad);
        world.import(HMAC, &[]).exits(3).says(says);
        assert_eq!(world.toml(), bad);
        assert!(!world.path("secrets").exists());
    }
}

#[test]
fn a_secret_that_is_there_with_something_else_in_it_is_let_be() {
    let world = World::new();
    std::fs::create_dir(world.path("secrets")).unwrap();
    world.folder.file("secrets/hooks-acme-main", "another");
    world.import(&format!("[{BEARER}, {HMAC}]"), &[]).exits(2).says("nothing is ever written over");
    assert_eq!(std::fs::read(world.path("secrets/hooks-acme-main")).unwrap(), b"another");
    assert!(!world.config().exists());
    assert_eq!(files(&world.path("secrets")), ["hooks-acme-main"]);
    // The same bytes are what a run left that was ended.
    world.folder.file("secrets/hooks-acme-main", SECRET);
    world.import(&format!("[{BEARER}, {HMAC}]"), &[]).exits(0);
    assert_eq!(world.source("hooks-acme").name.as_ref(), "hooks-acme");
}

#[cfg(unix)]
#[test]
fn secrets_are_files_of_their_own_that_nobody_else_can_read() {
    let world = World::new();
    world.import(&format!("[{BEARER}, {BLOCK}]"), &[]).exits(0);
    let secrets = world.path("secrets");
    assert_eq!(files(&secrets), ["hooks-block-2025", "hooks-block-2026", "hooks-deploy-main"]);
    assert_eq!(mode(&secrets), 0o700);
    for name in files(&secrets) {
        assert_eq!(mode(&secrets.join(name)), 0o600);
    }
    assert_eq!(std::fs::read(secrets.join("hooks-block-2026")).unwrap(), SECRET.as_bytes());
    assert_eq!(mode(&world.config()), 0o600);
}

#[test]
fn names_that_would_share_a_file_or_a_variable_do_not() {
    let world = World::new();
    let odd = r#"[{"path": "/a", "name": "a", "auth": {"type": "hmac_sha256", "header": "X-A", "format": "hex", "secrets": [
        {"id": "b/c", "value": "hunter2-one-0123456789"}, {"id": "b:c", "value": "hunter2-two-0123456789"}]}},
        {"path": "/b", "name": "A", "auth": {"type": "hmac_sha256", "header": "X-B", "format": "hex", "secrets": [
        {"id": "b_c", "value": "hunter2-three-0123456789"}]}}]"#;
    world.import(odd, &[]).exits(0);
    assert_eq!(files(&world.path("secrets")), ["A-b_c-3", "a-b_c", "a-b_c-2"]);
    let world = World::new();
    let ran = world.import(odd, &["--secrets", "env"]).exits(0);
    assert_eq!(ran.out, "export A_B_C=\nexport A_B_C_2=\nexport A_B_C_3=\n");
    assert!(!world.path("secrets").exists());
    for name in ["A_B_C", "A_B_C_2", "A_B_C_3"] {
        assert!(world.toml().contains(&format!("env = \"{name}\"")), "{}", world.toml());
    }
}

#[test]
fn a_variable_that_holds_something_else_is_not_named_again() {
    let world = World::new();
    let there = "[[source]]\nname = \"x\"\npath = \"/x\"\npreset = \"github\"\nsecrets = [{ id = \"a\", env = \"A_MAIN\" }]\n";
    std::fs::write(world.config(), there).unwrap();
    let json = r#"[{"path": "/a", "name": "a", "auth": {"type": "bearer", "token": "hunter2-one-0123456789"}},
        {"path": "/b", "name": "b", "auth": {"type": "bearer", "token": "hunter2-two-0123456789"}},
        {"path": "/c", "name": "c", "auth": {"type": "bearer", "token_env": "B_MAIN"}}]"#;
    let ran = world.import(json, &["--secrets", "env"]).exits(0);
    assert_eq!(ran.out, "export A_MAIN_2=\nexport B_MAIN_2=\n");
}

#[test]
fn where_a_secret_was_named_and_not_written_it_stays_where_it_was() {
    let world = World::new();
    let json = r#"[{"path": "/a", "auth": {"type": "bearer", "token_env": "A_TOKEN"}},
        {"path": "/b", "auth": {"type": "hmac_sha256", "header": "X-B", "format": "hex", "secretFile": "keys/b"}},
        {"path": "/c", "webhook_auth": {"preset": "github"}, "webhook_secrets": [{"env": "C_SECRET", "not_after": 1893456000}]}]"#;
    let ran = world.import(json, &[]).exits(0).says("the path `keys/b` is relative");
    assert_eq!(ran.out, "");
    let toml = world.toml();
    for part in
        ["env = \"A_TOKEN\"", "file = \"keys/b\"", "env = \"C_SECRET\", not_after = \"2030-01-01T00:00:00Z\""]
    {
        assert!(toml.contains(part), "{part} in {toml}");
    }
    assert!(!world.path("secrets").exists());
}

#[test]
fn a_dry_run_prints_what_would_be_written_and_writes_nothing() {
    let world = World::new();
    let ran =
        world.import(&format!("[{HMAC}, {BLOCK}]"), &["--dry-run"]).exits(0).says("nothing was written");
    assert_eq!(files(world.folder.path()), ["old.json"]);
    // What is printed is what is written.
    let dry = ran.out;
    world.import(&format!("[{HMAC}, {BLOCK}]"), &[]).exits(0);
    assert_eq!(world.toml(), dry);
    let ran = world.import(&format!("[{HMAC}, {PRESET}]"), &["--dry-run", "--format", "json"]).exits(1);
    let json = ran.json();
    assert_eq!((&json["dry_run"], json["wrote"].as_array().unwrap().len()), (&true.into(), 0));
    assert!(json["toml"].as_str().unwrap().contains("name = \"payments\""));
    assert_eq!(world.toml(), dry);
}

#[test]
fn a_program_is_told_what_became_of_each() {
    let world = World::new();
    let json = world
        .import(&format!("{{\"deploy\": {BEARER}}}"), &["--format", "json", "--secrets", "env"])
        .exits(0)
        .json();
    assert_eq!(json["export"], serde_json::json!(["DEPLOY_MAIN"]));
    assert_eq!(json["wrote"], serde_json::json!([world.config().to_str().unwrap()]));
    let source = &json["sources"][0];
    let remarks = source["remarks"].as_array().unwrap();
    let unbound = remarks.iter().find(|remark| remark["code"] == "unbound_body").unwrap();
    assert!(unbound["says"].as_str().unwrap().contains("do not cover the body"));
    assert_eq!(source["at"], "/deploy");
    assert_eq!((&source["mode"], &source["preset"]), (&"token".into(), &serde_json::Value::Null));
    assert_eq!(source["secrets"], serde_json::json!([{"id": "main", "env": "DEPLOY_MAIN"}]));
}

#[test]
fn a_folder_of_its_own_is_made() {
    let world = World::new();
    let out = world.path("new/deep");
    world.import(PRESET, &["--out", out.to_str().unwrap()]).exits(0);
    let text = std::fs::read_to_string(out.join("countersign.toml")).unwrap();
    assert!(text.contains("name = \"payments\"") && !text.contains(MARK), "{text}");
    assert_eq!(files(&out.join("secrets")), ["payments-main"]);
}

/// The limit of the shell stands for a full disk: what is written beyond it fails.
#[cfg(unix)]
#[test]
fn what_cannot_be_written_whole_is_not_there_at_all() {
    let begun = "# mine\n".repeat(20);
    for before in [None, Some(&begun)] {
        let world = World::new();
        if let Some(before) = before {
            world.folder.file("countersign.toml", before);
        }
        let many: Vec<String> = (0..20).map(|n| BEARER.replace("deploy", &format!("deploy-{n}"))).collect();
        let file = world.folder.file("old.json", format!("[{}]", many.join(",")));
        let line = format!(
            "trap '' XFSZ; ulimit -f 1; exec '{}' import '{file}' --config '{}'",
            env!("CARGO_BIN_EXE_countersign"),
            world.config().display()
        );
        let ran = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let err = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(5), "{err}");
        assert!(err.contains("cannot write `") && !err.contains(MARK), "{err}");
        match before {
            Some(before) => assert_eq!(&world.toml(), before),
            None => assert!(!world.config().exists()),
        }
        assert!(!world.path("secrets").exists(), "what was made is taken away");
    }
}

#[test]
fn a_long_name_is_cut_where_file_systems_would_not_take_it() {
    let world = World::new();
    let long = "k".repeat(250);
    let json = HMAC.replace("\"secret\": \"hunter2-the-secret-0123456789\"", &format!("\"secrets\": [{{\"id\": \"{long}a\", \"value\": \"hunter2-one-0123456789\"}}, {{\"id\": \"{long}b\", \"value\": \"{SECRET}\"}}]"));
    world.import(&json, &[]).exits(0);
    let names = files(&world.path("secrets"));
    assert!(
        names.len() == 2 && names[1].ends_with("-2") && names.iter().all(|name| name.len() <= 202),
        "{names:?}"
    );
    let tag = format!("sha256={}", hex(&mac(SECRET, &[BODY])));
    assert_eq!(world.verdict("hooks-acme", &[("x-acme-mac", &tag)], BODY, NOW), Ok(()));
}
