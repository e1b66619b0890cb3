//! `countersign import`: real files in, and what a gateway would read out. What was imported is tried with requests that a small
//! signer of these tests makes, by what each older shape meant, and not by our own.

#![allow(clippy::unwrap_used)]

mod common;
use common::{Folder, Ran, run};
use countersign::{Context, Head, Outcome, Request, Timestamp};
use countersign_gateway::config::{Config, Modules, Source};
use countersign_gateway::secrets::Outside;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NOW: i64 = 1_700_000_000;
const BODY: &[u8] = br#"{"type":"invoice.paid"}"#;

/// No output and no configuration may have this in it.
const MARK: &str = "hunter2";
const TOKEN: &str = "hunter2-the-token-0123456789";
const SECRET: &str = "hunter2-the-secret-0123456789";
const OLD_SECRET: &str = "hunter2-the-old-secret-012345";

const BEARER: &str =
    r#"{"path": "/hooks/deploy", "auth": {"type": "bearer", "token": "hunter2-the-token-0123456789"}}"#;
const HMAC: &str = r#"{"path": "/hooks/acme", "auth": {"type": "hmac_sha256", "header": "X-Acme-Mac", "format": "sha256=hex",
  "secret": "hunter2-the-secret-0123456789"}}"#;
const BLOCK: &str = r#"{"path": "/hooks/block",
  "webhook_auth": {"mode": "hmac", "algorithm": "sha256", "header": "X-Block-Signature", "encoding": "hex", "prefix": "v1=",
    "template": "{timestamp}.{body}", "timestamp_header": "X-Block-Time", "tolerance": 120},
  "webhook_secrets": [
    {"id": "2025", "value": "hunter2-the-old-secret-012345", "status": "previous", "not_after": "2023-12-01T00:00:00Z"},
    {"id": "2026", "value": "hunter2-the-secret-0123456789", "status": "current"}]}"#;
const PRESET: &str = r#"{"name": "payments", "path": "/hooks/payments",
  "webhookAuth": {"preset": "stripe", "overrides": {"tolerance": 60}},
  "webhookSecrets": [{"id": "main", "value": "hunter2-the-secret-0123456789"}]}"#;

struct World {
    folder: Folder,
}

impl World {
    fn new() -> Self {
        World { folder: Folder::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("countersign.toml")
    }

    /// Import a text, with options. Whatever comes of it, nothing that is printed or configured holds a secret.
    fn import(&self, json: &str, options: &[&str]) -> Ran {
        let file = self.folder.file("old.json", json);
        let config = self.config();
        let out: &[&str] =
            if options.contains(&"--out") { &[] } else { &["--config", config.to_str().unwrap()] };
        let ran = run(&[&["import", &*file], out, options].concat());
        assert!(!ran.out.contains(MARK) && !ran.err.contains(MARK), "{}{}", ran.out, ran.err);
        if config.exists() {
            assert!(!self.toml().contains(MARK), "{}", self.toml());
        }
        ran
    }

    fn toml(&self) -> String {
        std::fs::read_to_string(self.config()).unwrap()
    }

    fn source(&self, name: &str) -> Arc<Source> {
        let loaded =
            Config::read(&self.config(), &mut Modules::new()).unwrap_or_else(|refused| panic!("{refused}"));
        loaded
            .config
            .sources
            .iter()
            .find(|source| *source.name == *name)
            .unwrap_or_else(|| panic!("{name}"))
            .clone()
    }

    /// What the source says of a request, its secrets read from where they are now.
    fn verdict(&self, source: &str, headers: &[(&str, &str)], body: &[u8], now: i64) -> Result<(), String> {
        let source = self.source(source);
        let secrets = source.read_secrets(&Outside::system(), true).unwrap();
        let verifier = source.compiled.verifier("test", &secrets.keys, &secrets.vars).unwrap();
        let head = Head::new("POST", "https://hooks.example.com/in", &headers);
        match verifier.verify(&Request::new(head, body), &Context::at(Timestamp::from_unix(now))) {
            Outcome::Verified(_) => Ok(()),
            Outcome::Rejected(rejection) => Err(rejection.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

/// HMAC-SHA256, as every sender's library has it.
fn mac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_bearer_token_becomes_a_token_that_binds_nothing_and_says_so() {
    let world = World::new();
    world
        .import(BEARER, &[])
        .exits(0)
        .says("hooks-deploy: a bearer token at /hooks/deploy became the mode `token`")
        .says("signatures of `hooks-deploy` do not cover the body");
    assert!(world.toml().contains("require_bound = []"), "{}", world.toml());
    let shown = format!("Bearer {TOKEN}");
    assert_eq!(world.verdict("hooks-deploy", &[("authorization", &shown)], BODY, NOW), Ok(()));
    for wrong in ["Bearer hunter3", TOKEN, ""] {
        assert!(world.verdict("hooks-deploy", &[("authorization", wrong)], BODY, NOW).is_err(), "{wrong}");
    }
    // In a header of its own it is shown as it is.
    let world = World::new();
    let own = BEARER.replace("\"type\"", "\"header\": \"X-Acme-Token\", \"type\"");
    world.import(&own, &[]).exits(0);
    assert_eq!(world.verdict("hooks-deploy", &[("x-acme-token", TOKEN)], BODY, NOW), Ok(()));
}

#[test]
fn hmac_sha256_becomes_hmac_in_each_of_its_formats() {
    let tag = mac(SECRET, &[BODY]);
    let base64 = base64_simd::STANDARD.encode_to_string(&tag);
    for (format, right, wrong) in [
        ("sha256=hex", format!("sha256={}", hex(&tag)), hex(&tag)),
        ("hex", hex(&tag), format!("sha256={}", hex(&tag))),
        ("base64", base64, hex(&tag)),
    ] {
        let world = World::new();
        world
            .import(&HMAC.replace("sha256=hex", format), &[])
            .exits(0)
            .says("became the mode `hmac`, written out");
        let verdict = |header: &str, body| world.verdict("hooks-acme", &[("x-acme-mac", header)], body, NOW);
        assert_eq!(verdict(&right, BODY), Ok(()), "{format}");
        assert_eq!(verdict(&right, b"{}"), Err("bad_signature".into()), "{format}");
        assert!(verdict(&wrong, BODY).is_err(), "{format}");
        assert!(!world.toml().contains("require_bound"));
    }
}

#[test]
fn a_scheme_that_a_preset_says_too_becomes_that_preset() {
    let with = |header: &str, more: &str| {
        let world = World::new();
        let json = HMAC.replace("X-Acme-Mac", header).replacen('{', &format!("{{{more}"), 1);
        let ran = world.import(&json, &[]).exits(0);
        (world, ran)
    };
    // One preset has this header.
    let (world, ran) = with("X-Semaphore-Signature-256", "");
    ran.says("became the preset `semaphore-ci`, which says the very same");
    let header = format!("sha256={}", hex(&mac(SECRET, &[BODY])));
    assert_eq!(world.verdict("hooks-acme", &[("x-semaphore-signature-256", &header)], BODY, NOW), Ok(()));
    // Several have that one: who sends is not guessed, but told by the name, or by the provider.
    let (world, ran) = with("X-Hub-Signature-256", "");
    ran.says("the scheme is written out, and `flexport`, `github` say the very same");
    assert!(world.source("hooks-acme").preset.is_none());
    assert_eq!(world.verdict("hooks-acme", &[("x-hub-signature-256", &header)], BODY, NOW), Ok(()));
    for more in ["\"name\": \"github\", ", "\"name\": \"hooks-acme\", \"provider\": \"GitHub\", "] {
        let (world, ran) = with("X-Hub-Signature-256", more);
        ran.says("became the preset `github`, which says the very same");
        let name = if more.contains("provider") { "hooks-acme" } else { "github" };
        assert_eq!(world.source(name).preset.as_deref(), Some("github"));
        assert_eq!(world.verdict(name, &[("x-hub-signature-256", &header)], BODY, NOW), Ok(()));
    }
    // Whoever is named and signs otherwise is not taken.
    let (world, _) = with("X-Semaphore-Signature-256", "\"provider\": \"acme\", ");
    assert!(world.source("hooks-acme").preset.is_none());
}

#[test]
fn a_block_of_the_second_version_becomes_the_same_scheme_with_both_secrets() {
    let world = World::new();
    world
        .import(BLOCK, &[])
        .exits(0)
        .says("`webhook_auth` at /hooks/block became the mode `hmac`, written out");
    let source = world.source("hooks-block");
    assert_eq!(source.compiled.freshness().unwrap().tolerance.past.as_secs(), 120);
    let verdict = |secret: &str, now: i64| {
        let at = NOW.to_string();
        let header = format!("v1={}", hex(&mac(secret, &[at.as_bytes(), b".", BODY])));
        world.verdict("hooks-block", &[("x-block-signature", &header), ("x-block-time", &at)], BODY, now)
    };
    assert_eq!(verdict(SECRET, NOW), Ok(()));
    assert_eq!(verdict(OLD_SECRET, NOW), Ok(()));
    assert_eq!(verdict(SECRET, NOW + 120), Ok(()));
    assert_eq!(verdict(SECRET, NOW + 121), Err("stale_timestamp".into()));
    assert_eq!(verdict("another", NOW), Err("bad_signature".into()));
    let toml = world.toml();
    let (new, old) = (toml.find("id = \"2026\"").unwrap(), toml.find("id = \"2025\"").unwrap());
    assert!(new < old, "the secret in use stands first: {toml}");
    // After its end the old one is known, and refused.
    let at = 1_701_400_000;
    let header = format!("v1={}", hex(&mac(OLD_SECRET, &[at.to_string().as_bytes(), b".", BODY])));
    let headers = [("x-block-signature", &*header), ("x-block-time", &at.to_string())];
    assert_eq!(world.verdict("hooks-block", &headers, BODY, at), Err("expired_secret".into()));
}

#[test]
fn a_preset_with_overrides_stays_one() {
    let world = World::new();
    world
        .import(PRESET, &[])
        .exits(0)
        .says("payments: `webhook_auth` at /hooks/payments became the preset `stripe`");
    assert!(
        world.toml().contains("override = { freshness = { tolerance_seconds = 60 } }"),
        "{}",
        world.toml()
    );
    let signed = |now: i64| {
        let at = NOW.to_string();
        let header = format!("t={at},v1={}", hex(&mac(SECRET, &[at.as_bytes(), b".", BODY])));
        world.verdict("payments", &[("stripe-signature", &header)], BODY, now)
    };
    assert_eq!(signed(NOW + 60), Ok(()));
    assert_eq!(signed(NOW + 61), Err("stale_timestamp".into()));
}

#[test]
fn what_makes_a_preset_weaker_has_to_be_said_here_too() {
    let weak = PRESET.replace("\"tolerance\": 60", "\"tolerance\": \"1h\"");
    let world = World::new();
    world
        .import(&weak, &[])
        .exits(3)
        .says("this makes the preset weaker than it is")
        .says("give --allow-weak");
    assert!(!world.config().exists());
    world
        .import(&weak, &["--allow-weak"])
        .exits(0)
        .says("a weaker `stripe`: a message may be 3600 s old instead of 300 s");
    assert!(world.toml().contains("allow_weak = true"));
    // Where nothing is weaker the word is not written.
    let world = World::new();
    world.import(PRESET, &["--allow-weak"]).exits(0);
    assert!(!world.toml().contains("allow_weak"));
}

#[test]
fn shapes_may_be_mixed_in_a_list_and_in_an_object_by_name() {
    let world = World::new();
    let ran = world.import(&format!("[{BEARER}, {HMAC}, {BLOCK}, {PRESET}]"), &["--format", "json"]).exits(0);
    let json = ran.json();
    let shapes: Vec<_> = json["sources"].as_array().unwrap().iter().map(|source| &source["shape"]).collect();
    assert_eq!(shapes, ["bearer", "hmac_sha256", "webhook_auth", "webhook_auth"]);
    let keyed = format!(
        "{{\"deploy\": {}, \"/hooks/acme\": {}, \"auth\": {BLOCK}}}",
        BEARER.replace("\"path\": \"/hooks/deploy\", ", ""),
        HMAC.replace("\"path\": \"/hooks/acme\", ", "")
    );
    let world = World::new();
    world.import(&keyed, &["--prefix", "/hooks/"]).exits(0);
    for (name, path) in [("deploy", "/hooks/deploy"), ("hooks-acme", "/hooks/acme"), ("auth", "/hooks/block")]
    {
        assert_eq!(&*world.source(name).path, path);
    }
    let shown = format!("Bearer {TOKEN}");
    assert_eq!(world.verdict("deploy", &[("authorization", &shown)], BODY, NOW), Ok(()));
}

#[test]
fn all_else_that_an_endpoint_had_comes_along_or_is_told() {
    let world = World::new();
    let more = r#"{"enabled": false, "methods": ["post", "PUT"], "allowedIps": ["192.0.2.0/24"], "maxBodySize": 65536,
        "rate_limit": {"limit": 5, "window_seconds": 10}, "forwardTo": "http://127.0.0.1:3000/x?key=1", "eventTypes": ["a.*"],
        "url": "https://hooks.example.com/hooks/payments", "description": "of ours", "retries": 3, "created_at": null, "#;
    let json = PRESET.replacen('{', more, 1);
    world
        .import(&json, &[])
        .exits(0)
        .says("/description: `description` is not carried over")
        .says("/retries: `retries` is not carried over")
        .says("`forward.attempts` and `forward.schedule`, by hand")
        .says("/forwardTo: the target's query stands in the configuration");
    let source = world.source("payments");
    assert!(!source.enabled);
    assert_eq!(source.methods.iter().map(|method| &**method).collect::<Vec<_>>(), ["POST", "PUT"]);
    assert_eq!(source.allow_from.as_ref().unwrap()[0].to_string(), "192.0.2.0/24");
    assert_eq!(source.limits.body, 65_536);
    let rate = source.limits.rate.unwrap();
    assert_eq!((rate.count, rate.per.as_secs()), (5, 10));
    assert_eq!(source.forward[0].to.as_str(), "http://127.0.0.1:3000/x?key=1");
    assert!(source.events.as_ref().unwrap().fit("a.b"));
    assert_eq!(source.url.as_deref(), Some("https://hooks.example.com/hooks/payments"));
}

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

#[test]
fn a_variable_that_a_preset_calls_a_secret_is_one() {
    let presets = World::new();
    let acme = r#"
schema = 1
name = "acme"
mode = "hmac"
[[var]]
name = "pepper"
secret = true
[[var]]
name = "team"
[hmac]
algorithm = "sha256"
signed_template = "{var:pepper}.{var:team}.{body}"
signature_source = { header = "x-acme-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;
    std::fs::create_dir(presets.path("presets")).unwrap();
    presets.folder.file("presets/acme.toml", acme);
    presets.folder.file("countersign.toml", "presets = \"presets\"\n");
    let json = format!(
        r#"{{"path": "/in/acme", "webhook_auth": {{"preset": "acme", "secret": "{SECRET}",
            "variables": {{"pepper": "hunter2-pepper-0123456789", "team": "blue"}}}}}}"#
    );
    presets.import(&json, &[]).exits(0);
    assert!(
        presets.toml().contains("team = \"blue\"") && presets.toml().contains("pepper = { file = "),
        "{}",
        presets.toml()
    );
    let tag = hex(&mac(SECRET, &[b"hunter2-pepper-0123456789", b".blue.", BODY]));
    assert_eq!(presets.verdict("in-acme", &[("x-acme-signature", &tag)], BODY, NOW), Ok(()));
}
