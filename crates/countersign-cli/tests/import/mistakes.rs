//! What is refused, at which place, and that nothing is written then.

use super::*;

/// What is wrong, and what is said of it. None of it writes anything.
#[test]
fn every_mistake_is_told_with_its_place_and_nothing_is_written() {
    let auth = |auth: &str| format!("[{{\"path\": \"/a\",\n \"auth\": {auth}}}]");
    let block = |block: &str| {
        format!("[{{\"path\": \"/a\",\n \"webhook_auth\": {block}, \"webhook_secrets\": [\"{SECRET}\"]}}]")
    };
    let secrets = |secrets: &str| {
        format!(
            "[{{\"path\": \"/a\", \"webhook_auth\": {{\"preset\": \"github\"}},\n \"webhook_secrets\": {secrets}}}]"
        )
    };
    let mistakes: &[(String, &[&str])] = &[
        (
            auth(r#"{"type": "hmac_sha256", "format": "hex", "secret": "hunter2-x"}"#),
            &["/0/auth: `header` is missing", "old.json:2:10"],
        ),
        (
            auth(r#"{"type": "hmac_sha256", "header": "X-A", "secret": "hunter2-x"}"#),
            &["/0/auth: `format` is missing"],
        ),
        (
            auth(
                r#"{"type": "hmac_sha256", "header": "X-A", "format": "sha512=hex", "secret": "hunter2-x"}"#,
            ),
            &[
                "/0/auth/format: this must be `sha256=hex`, `hex` or `base64`, but is `sha512=hex`",
                "write `sha256=hex`",
            ],
        ),
        (auth(r#"{"type": "hmac_sha256", "header": "X-A", "format": "hex"}"#), &["lacks `secrets`"]),
        (auth(r#"{"type": "bearer"}"#), &["lacks `secrets`"]),
        (auth(r#"{"token": "hunter2-x"}"#), &["/0/auth: `type` is missing"]),
        (
            auth(r#"{"type": "basic", "token": "hunter2-x"}"#),
            &["/0/auth/type: this must be `bearer`", "what signs otherwise is a preset"],
        ),
        (
            auth(r#"{"type": "none"}"#),
            &["/0/auth/type: this endpoint took anything from anybody, and no source does"],
        ),
        (auth(r#"{"type": "bearer", "token": ""}"#), &["/0/auth/token: this is empty"]),
        (
            auth(r#"{"type": "bearer", "token": 123456789}"#),
            &["/0/auth/token: this must be an object, but is a number"],
        ),
        (
            auth(r#"{"type": "bearer", "token": "changeme"}"#),
            &["/0/auth/token: key `main`: the secret is a placeholder"],
        ),
        (auth(r#"{"type": "bearer", "token": "${HUNTER}"}"#), &["a reference that was not resolved"]),
        (
            auth(r#"{"type": "bearer", "token": "Bearer hunter2-x"}"#),
            &["/0/auth/token: key `main`: there is white space in it"],
        ),
        (
            auth(r#"{"type": "bearer", "token": "hunter2-x", "token_env": "A"}"#),
            &["/0/auth/token_env: secrets stand here and at /0/auth/token"],
        ),
        (
            auth(r#"{"type": "bearer", "token": "hunter2-x", "secret": "hunter2-y"}"#),
            &["/0/auth/secret: `token` and `secret` say the same thing"],
        ),
        (
            auth(r#"{"type": "bearer", "tokn": "hunter2-x"}"#),
            &[
                "/0/auth/tokn: `tokn` is no key here",
                "write `token`, if that is what is meant",
                "old.json:2:29",
            ],
        ),
        (
            auth(r#"{"type": "bearer", "type": "bearer", "token": "hunter2-x"}"#),
            &["the member `type` stands there twice"],
        ),
        ("[{\"path\": \"/a\"}]".into(), &["/0: there is neither `auth` nor `webhook_auth`"]),
        (
            format!("[{}]", BEARER.replace("\"path\": \"/hooks/deploy\", ", "")),
            &["/0: `path` is missing", "--prefix /hooks"],
        ),
        (format!("[{}]", BEARER.replace("/hooks/deploy", "hooks//x")), &["/0: `path` begins with `/`"]),
        (
            format!("[{BEARER}, {BEARER}]"),
            &["/1: `hooks-deploy` has the name or the path of what stands at /0"],
        ),
        (BEARER.replacen('{', "{\"webhook_auth\": {\"preset\": \"github\"}, ", 1), &["are two schemes"]),
        (BEARER.replacen('{', "{\"name\": \"a b\", ", 1), &["`a b` can be no source's name"]),
        (
            BEARER.replacen('{', "{\"surprise\": {\"deep\": \"hunter2\"}, ", 1),
            &["/surprise: `surprise` is no key here"],
        ),
        (
            BEARER.replacen('{', "{\"rate_limit\": {\"limit\": 5}, ", 1),
            &["/rate_limit: a rate is `requests` and `per_seconds`"],
        ),
        (BEARER.replacen('{', "{\"allow_from\": [\"10/8\"], ", 1), &["`10/8` is no network"]),
        (
            BEARER.replacen('{', "{\"enabled\": \"yes\", ", 1),
            &["/enabled: this must be `true` or `false`, but is a text"],
        ),
        (BEARER.replacen('{', "{\"forward_to\": \"http://u:hunter2@h/\", ", 1), &["`to`"]),
        // All at once: the type, the key, the secrets, the path.
        (
            "[{\"auth\": {\"type\": \"bear\", \"odd\": 1, \"token\": \"hunter2-x\", \"token_env\": \"A\"}}]"
                .into(),
            &[
                "/0/auth/type: this must be",
                "/0/auth/odd: ",
                "/0/auth/token_env: secrets stand here and",
                "/0: `path` is missing",
            ],
        ),
        (block(r#"{}"#), &["/0/webhook_auth: there is neither `preset` nor `mode`"]),
        (
            block(r#"{"preset": "githb"}"#),
            &["/0/webhook_auth/preset: there is no preset `githb`", "did you mean `github`?"],
        ),
        (
            block(r#"{"preset": "github", "header": "X-A"}"#),
            &["/0/webhook_auth/header: this stands beside a preset", "`overrides`"],
        ),
        (
            block(r#"{"preset": "github", "overrides": {"hmac": {"algoritm": "sha256"}}}"#),
            &["/0: unknown key `algoritm`"],
        ),
        (
            block(r#"{"mode": "token", "token": "hunter2"}"#),
            &["/0/webhook_auth/token: this is the place of a table, and here is a text"],
        ),
        (block(r#"{"mode": "rot13"}"#), &["/0/webhook_auth/mode: there is no mode `rot13`"]),
        (
            block(r#"{"mode": "hmac"}"#),
            &[
                "/0/webhook_auth: `header` is missing",
                "`algorithm` is missing",
                "`template` is missing",
                "`encoding` is missing",
            ],
        ),
        (
            block(
                r#"{"mode": "hmac", "algorithm": "crc", "header": "X-A", "encoding": "hex", "template": "{body}"}"#,
            ),
            &["/0: unknown algorithm `crc`"],
        ),
        (
            block(
                r#"{"mode": "hmac", "algorithm": "sha256", "header": "X-A", "encoding": "hex", "template": "{timestamp}.{body}"}"#,
            ),
            &[
                "/0/webhook_auth: `{timestamp}` is signed, and nothing says where it is",
                "write `timestamp_header`",
            ],
        ),
        (
            block(r#"{"preset": "stripe", "overrides": {"tolerance": 0}}"#),
            &["/0/webhook_auth/overrides/tolerance: a tolerance of 0"],
        ),
        (
            block(r#"{"preset": "stripe", "overrides": {"tolerance": "5 parsecs"}}"#),
            &["/0/webhook_auth/overrides/tolerance:"],
        ),
        (
            block(
                r#"{"preset": "stripe", "overrides": {"tolerance": 5, "freshness": {"tolerance_seconds": 5}}}"#,
            ),
            &["`freshness` and `tolerance` say the same thing"],
        ),
        (
            block(r#"{"preset": "stripe", "overrides": {"jwt": {}}}"#),
            &["the table `jwt` is another mode's than `hmac`"],
        ),
        (block(r#"{"preset": "standard-webhooks"}"#), &["/0: "]),
        (secrets(r#"[{"value": "hunter2-x", "role": "primary"}]"#), &["this preset's keys have no role"]),
        (secrets("[]"), &["/0/webhook_secrets: the list is empty"]),
        (secrets(r#"[{"id": "a"}]"#), &["/0/webhook_secrets/0: there is no secret here"]),
        (
            secrets(r#"[{"value": "hunter2-x", "env": "A"}]"#),
            &["/0/webhook_secrets/0: a secret is in one place"],
        ),
        (
            secrets(r#"[{"value": "hunter2-x", "status": "odd"}]"#),
            &["/0/webhook_secrets/0/status: this must be `current`"],
        ),
        (secrets(r#"[{"value": "hunter2-x", "status": "revoked"}]"#), &["none of these secrets is in use"]),
        (
            secrets(r#"[{"value": "hunter2-x", "not_after": "soon"}]"#),
            &["`not_after` must be a date or a time"],
        ),
        (secrets(r#"[{"env": "$hunter2"}]"#), &["`env` is the name of a variable, and this is none"]),
        (
            secrets(r#"[{"id": "a", "value": "hunter2-x"}, {"id": "a", "value": "hunter2-y"}]"#),
            &["two keys are called `a`"],
        ),
        ("[]".into(), &["the whole: here is no endpoint"]),
        ("\"hunter2\"".into(), &["the whole: here is no endpoint"]),
        ("[1]".into(), &["/0: this must be an object, but is a number"]),
        ("{\"token\": \"hunter2\"".into(), &["old.json:1:20: this is no JSON: it ends too early"]),
        ("[".repeat(100), &["it nests more than 32"]),
    ];
    let mut wrong = String::new();
    for (json, says) in mistakes {
        let world = World::new();
        let ran = world.import(json, &[]);
        let missing: Vec<_> = says.iter().filter(|says| !ran.err.contains(**says)).collect();
        if ran.exit != 3
            || !missing.is_empty()
            || !ran.out.is_empty()
            || files(world.folder.path()) != ["old.json"]
        {
            wrong.push_str(&format!(
                "{json}\nshould say {missing:?} and exit with 3, not {}:\n{}\n",
                ran.exit, ran.err
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn one_mistake_in_many_endpoints_and_none_is_imported() {
    let world = World::new();
    let ran = world
        .import(
            &format!("[{HMAC}, {}, {}]", BEARER.replace("bearer", "bear"), PRESET.replace("stripe", "strip")),
            &[],
        )
        .exits(3);
    assert!(ran.err.contains("/1/auth/type") && ran.err.contains("/2/webhookAuth/preset"), "{}", ran.err);
    assert!(!world.config().exists() && !world.path("secrets").exists());
}

#[test]
fn a_secret_that_is_a_part_of_something_else_is_none() {
    let world = World::new();
    let json = BEARER.replace("/hooks/deploy", &format!("/hooks/{TOKEN}"));
    let file = world.folder.file("old.json", json);
    let ran = run(&["import", &file, "--config", world.config().to_str().unwrap()]).exits(3);
    ran.says("the secret `main` is also a part of something else here, which is no secret");
    assert!(!world.config().exists());
}

#[test]
fn a_file_that_is_too_long_or_no_text_is_not_read() {
    let world = World::new();
    world
        .import(&format!("[{}]", " ".repeat(5 << 20)), &[])
        .exits(3)
        .says("is longer than the 4194304 bytes that are read");
    let file = world.folder.file("old.bin", [b'"', 0xff, b'"']);
    run(&["import", &file]).exits(3).says("is not UTF-8 text: byte 1 is wrong");
    run(&["import", "/nowhere/old.json"]).exits(5);
}
