//! What each older shape becomes, tried with requests that a signer of these tests makes.

use super::*;

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

#[test]
fn what_is_imported_is_what_a_check_of_the_configuration_takes() {
    let world = World::new();
    let ran = world.import(&format!("[{BEARER}, {HMAC}, {BLOCK}, {PRESET}]"), &[]).exits(0);
    let config = world.config();
    let ran = ran.says(&format!("countersign config check --config {} --secrets", config.display()));
    assert_eq!(ran.out, "");
    let checked = run(&["config", "check", "--config", config.to_str().unwrap(), "--secrets"]).exits(0);
    for path in ["/hooks/deploy", "/hooks/acme", "/hooks/block", "/hooks/payments"] {
        assert!(checked.out.contains(path), "{}", checked.out);
    }
    assert!(!checked.out.contains(MARK) && !checked.err.contains(MARK));
}
