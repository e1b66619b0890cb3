//! `verify` and `sign`: every exit code, every form of a request, every place of a secret.

#![allow(clippy::unwrap_used)]

mod common;
use common::{ACME, Folder, Ran, SECRET, URLS, run, run_with};
use serde_json::{Value, json};

const HELLO: &str = "POST /webhooks HTTP/1.1\r\nHost: example.com\r\n\
    X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n\
    Content-Length: 13\r\n\r\nHello, World!";
const HELLO_SECRET: &str = "It's a Secret to Everybody";

fn hello(input: &str, secret: &str, more: &[&str]) -> Ran {
    let args = [&["verify", "-", "--preset", "github", "--secret", secret], more].concat();
    run_with(&args, input.as_bytes(), &[("HELLO", HELLO_SECRET)])
}

#[test]
fn a_good_request_is_verified_and_says_what_is_not_covered() {
    let ran = hello(HELLO, "env:HELLO", &[]).exits(0);
    assert!(ran.out.starts_with("✓ verified\n"), "{}", ran.out);
    assert!(ran.out.contains("not covered  time, id, url, method, query"));
    assert!(ran.err.is_empty() && !ran.out.contains('\x1b'), "no colours and no remarks in a pipe");
}

#[test]
fn the_answer_for_programs_has_every_field_whatever_came_of_it() {
    let good = hello(HELLO, "id=k1@env:HELLO", &["--format", "json"]).exits(0).json();
    let expected = json!({ "outcome": "verified", "reason": null, "detail": null, "preset": "github", "mode": "hmac",
        "key_id": "k1", "signed_at": null, "skew_seconds": null, "message_id": null, "binds": ["body"], "notes": [] });
    assert_eq!(good, expected);
    let bad = hello(&HELLO.replace("Hello,", "Hallo,"), "env:HELLO", &["--format", "json"]).exits(1).json();
    assert_eq!((&bad["outcome"], &bad["reason"]), (&json!("rejected"), &json!("bad_signature")));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&good), keys(&bad));
}

#[test]
fn a_signed_time_is_told_with_its_age() {
    let folder = Folder::new();
    let scheme = folder.file("acme.toml", ACME);
    let scheme = ["--scheme", &scheme, "--secret", "literal:hunter2"];
    let signed =
        run(&[&["sign", "--body", "x", "--at", "1767323045", "--format", "json"], &scheme[..]].concat())
            .exits(0);
    let verify =
        |more: &[&str]| run_with(&[&["verify", "-"], &scheme[..], more].concat(), signed.out.as_bytes(), &[]);
    let json = verify(&["--now", "2026-01-02T03:04:15.5Z", "--format", "json"]).exits(0).json();
    assert_eq!((&json["signed_at"], &json["skew_seconds"]), (&json!("2026-01-02T03:04:05Z"), &json!(10)));
    assert!(verify(&["--now", "1767323055.9"]).exits(0).out.contains("2026-01-02T03:04:05Z (10 s ago)"));

    let stale = verify(&["--now", "1767409445", "--format", "json"]).exits(1).json();
    assert_eq!(stale["reason"], "stale_timestamp");
    verify(&["--now", "1767320000"]).exits(1);
    verify(&["--ignore-time"]).exits(0).says("the age of the message is not judged");
    verify(&["--now", "soon"]).exits(2).says("RFC 3339");
    verify(&["--now", "1", "--ignore-time"]).exits(2);
}

#[test]
fn a_request_comes_as_http_json_or_in_pieces() {
    let folder = Folder::new();
    let http = folder.file("a.http", HELLO);
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let text = json!({ "headers": [["x-hub-signature-256", signature]], "body": "Hello, World!" });
    let base64 = json!({ "method": "POST", "url": "https://example.com/", "body_base64": "SGVsbG8sIFdvcmxkIQ==",
        "headers": [["x-hub-signature-256", signature]] });
    let body = folder.file("body", "Hello, World!");
    let (at_body, header) = (format!("@{body}"), format!("X-Hub-Signature-256: {signature}"));
    let scheme = ["--preset", "github", "--secret", "env:HELLO"];
    let run = |args: &[&str], input: &str| {
        run_with(&[&["verify"], args, &scheme[..]].concat(), input.as_bytes(), &[("HELLO", HELLO_SECRET)])
    };
    run(&[&http], "").exits(0);
    run(&["-"], &HELLO.replace("\r\n", "\n")).exits(0);
    run(&["-"], &text.to_string()).exits(0);
    run(&["-"], &base64.to_string()).exits(0);
    run(&["--header", &header, "--body", &at_body], "").exits(0);
    run(&["--header", &header, "--body", "-"], "Hello, World!").exits(0);
    run(&["--header", &header, "--body", "Hello, World!"], "").exits(0);
    run(&["--header", &header, "--header", &header, "--body", "-"], "Hello, World!").exits(1);
    run(&[&http, "--header", &header], "").exits(2);
    run(&[], "").exits(2).says("there is no request to judge");
}

#[test]
fn a_request_that_could_be_read_in_two_ways_is_not_read() {
    for (from, to, says) in [
        ("Content-Length: 13", "Content-Length: 12", "Content-Length says 12 bytes, and the body has 13"),
        ("Content-Length: 13", "Transfer-Encoding: chunked", "leave that header out"),
        ("Content-Length: 13", "X: 1\r\n 2", "folded header"),
        ("World!", "World!\n", "an editor added a newline"),
        ("HTTP/1.1", "HTTP/2", "HTTP/1.1"),
    ] {
        hello(&HELLO.replace(from, to), "env:HELLO", &[]).exits(2).says(says);
    }
    hello("", "env:HELLO", &[]).exits(2).says("it is empty");
    hello("{\"bdoy\":1}", "env:HELLO", &[]).exits(2).says("unknown field");
}

#[test]
fn a_header_that_comes_twice_is_refused() {
    let line = HELLO.lines().nth(2).unwrap();
    let twice = HELLO.replace(line, &format!("{line}\r\n{line}"));
    let json = hello(&twice, "env:HELLO", &["--format", "json"]).exits(1).json();
    assert_eq!(json["reason"], "malformed_signature");
}

#[test]
fn every_changed_byte_of_the_body_is_refused() {
    let at = HELLO.len() - 13;
    for index in at..HELLO.len() {
        let mut bytes = HELLO.as_bytes().to_vec();
        bytes[index] ^= 1;
        run_with(
            &["verify", "-", "--preset", "github", "--secret", "env:HELLO"],
            &bytes,
            &[("HELLO", HELLO_SECRET)],
        )
        .exits(1);
    }
}

#[test]
fn a_secret_comes_from_five_places() {
    let folder = Folder::new();
    let request = folder.file("a.http", HELLO);
    let verify = |secret: &str, input: &str| {
        let args = ["verify", &request, "--preset", "github", "--secret", secret];
        run_with(&args, input.as_bytes(), &[("HELLO", HELLO_SECRET)])
    };
    verify("env:HELLO", "").exits(0);
    verify(&format!("literal:{HELLO_SECRET}"), "").exits(0);
    // White space belongs to this secret, which a file, a command or a pipe may not have.
    verify("cmd:printf %s \"$HELLO\"", "").exits(4).says("holds white space");
    verify("-", HELLO_SECRET).exits(4).says("holds white space");

    let scheme = folder.file("acme.toml", ACME);
    let signed =
        ["sign", "--scheme", &scheme, "--secret", "literal:hunter2", "--body", "x", "--format", "http"];
    let request = folder.file("b.http", run(&signed).exits(0).out);
    let verify = |secret: &str, input: &str| {
        run_with(&["verify", &request, "--scheme", &scheme, "--secret", secret], input.as_bytes(), &[])
    };
    let (file, crlf) = (folder.file("s", "hunter2\n"), folder.file("crlf", "hunter2\r\n"));
    verify(&format!("file:{file}"), "").exits(0).says("a newline at the end");
    verify(&format!("file:{crlf},not_after=2099-01-01T00:00:00Z"), "").exits(0);
    verify("cmd:echo hunter2", "").exits(0).says("was dropped");
    verify("-", "hunter2").exits(0);
    verify("-", "hunter2\n\n").exits(4);
    verify("env:NOT_SET_AT_ALL", "").exits(4).says("`NOT_SET_AT_ALL` is not set");
    verify("file:/not/there", "").exits(5);
    verify("cmd:exit 3", "").exits(4);
    verify("literal:changeme", "").exits(4);
    verify("-", "").exits(4);
    run_with(&["verify", "-", "--scheme", &scheme, "--secret", "-"], b"x", &[])
        .exits(2)
        .says("standard input");
}

#[cfg(unix)]
#[test]
fn a_secret_that_all_can_read_is_remarked_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let scheme = folder.file("acme.toml", ACME);
    let file = folder.file("s", "hunter2");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let spec = format!("file:{file}");
    run(&["sign", "--scheme", &scheme, "--secret", &spec, "--body", "x"])
        .exits(0)
        .says("every user of this machine");
}

#[test]
fn keys_have_names_and_windows() {
    let folder = Folder::new();
    let scheme = folder.file("acme.toml", ACME);
    let sign =
        ["sign", "--scheme", &scheme, "--secret", "literal:old-one", "--body", "x", "--format", "json"];
    let request = folder.file("r.json", run(&sign).exits(0).out);
    let verify = |secrets: &[&str]| {
        let secrets = secrets.iter().flat_map(|secret| ["--secret", secret]);
        let args = ["verify", &request, "--scheme", &scheme, "--format", "json"];
        run(&args.into_iter().chain(secrets).collect::<Vec<_>>())
    };
    assert_eq!(verify(&["literal:new-one", "id=old@literal:old-one"]).exits(0).json()["key_id"], "old");
    assert_eq!(verify(&["id=x@literal:new-one", "literal:old-one"]).exits(0).json()["key_id"], "main");
    let over = "id=old,not_after=2001-01-01T00:00:00Z@literal:old-one";
    assert_eq!(verify(&["literal:new-one", over]).exits(1).json()["reason"], "expired_secret");
    assert_eq!(
        verify(&["id=n,not_before=4000000000@literal:new-one"]).exits(1).json()["reason"],
        "no_active_secret"
    );
    verify(&["id=a@literal:x1", "id=a@literal:x2"]).exits(4).says("two keys have this name");
    verify(&[]).exits(4).says("--secret env:NAME");
}

#[test]
fn a_secret_is_never_printed_whatever_goes_wrong() {
    let folder = Folder::new();
    let scheme = folder.file("acme.toml", ACME);
    let request = folder.file("r.json", "{}");
    let file = folder.file("two", "hunter2 hunter2");
    let file = format!("file:{file}");
    let base = ["verify", &request, "--scheme", &scheme];
    for spec in [
        "hunter2",
        "hunter2:x",
        "x:hunter2",
        "id=hunter2",
        "idd=a@literal:hunter2",
        "id=a,hunter2@env:X",
        "literal:hunter2",
        "id=a b@literal:hunter2",
        "env:$hunter2",
        "hunter2@env:X",
        "cmd:echo hunter2; exit 1",
        &file,
        "not_after=hunter2@env:X",
        "id=a,id=hunter2@-",
    ] {
        for more in
            [&[][..], &["--format", "json"], &["--now", "x"], &["--var", "hunter2"], &["--var", "x=hunter2"]]
        {
            let Ran { exit, out, err } = run(&[&base[..], &["--secret", spec], more].concat());
            assert_ne!(exit, 0, "{spec}");
            assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{spec} {more:?}:\n{out}\n{err}");
        }
    }
    for args in [
        ["verify", "a", "literal:hunter2"],
        ["verify", "--secrt", "literal:hunter2"],
        ["x", "y", "--s=literal:hunter2"],
    ] {
        let ran = run(&args).exits(2);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    let bare = run(&[&base[..], &["--secret", "hunter2"]].concat()).exits(2);
    bare.says("env:NAME, file:PATH, cmd:COMMAND, - for standard input, or literal:VALUE");
}

#[test]
fn the_url_is_said_or_assumed_aloud() {
    let folder = Folder::new();
    let scheme = folder.file("urls.toml", URLS);
    let scheme = ["--scheme", &scheme, "--secret", "literal:hunter2"];
    let sign = |more: &[&str]| run(&[&["sign"], &scheme[..], more].concat());
    sign(&[]).exits(2).says("--url URL");
    sign(&["--url", "example.com"]).exits(2);
    let http = sign(&["--url", "https://example.com/a?b=c", "--format", "http"]).exits(0).out;
    let verify = |input: &str, more: &[&str]| {
        run_with(&[&["verify", "-"], &scheme[..], more].concat(), input.as_bytes(), &[])
    };
    let ran = verify(&http, &[]).exits(0).says("assumed https://example.com/a?b=c");
    assert!(ran.out.contains("the BODY is not covered"), "{}", ran.out);
    assert!(verify(&http, &["--url", "https://example.com/a?b=c"]).exits(0).err.is_empty());
    verify(&http, &["--url", "https://example.com/a?b=d"]).exits(1);
    verify(&http.replace("/a?b=c", "https://example.com/a?b=c"), &[]).exits(0);
    verify(&http.replace("Host: example.com\r\n", ""), &[]).exits(2).says("--url URL");
}

/// Of one preset in eight: the core asks all of them, and a process for each would take minutes. `EVERY=1` takes them.
#[test]
fn what_every_preset_signs_it_verifies() {
    let list = run(&["preset", "list", "--format", "json"]).exits(0).json();
    let (mut signed_by, every) = (0, if std::env::var_os("EVERY").is_some() { 1 } else { 8 });
    for preset in list.as_array().unwrap().iter().step_by(every) {
        let name = preset["name"].as_str().unwrap();
        let resolved = run(&["preset", "show", name, "--format", "json"]).exits(0).json();
        let role = resolved["resolved"][preset["mode"].as_str().unwrap()]["key"]["roles"][0].as_str();
        let role = role.map_or_else(String::new, |role| format!("role={role}@"));
        let (private, public) = keys_for(&resolved);
        let (secret, public) = (role.clone() + &private, role + &public);
        let (body, headers) = delivery(name);
        let vars: Vec<String> = resolved["vars"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|var| var["required"] == true)
            .map(|var| format!("{}=x", var["name"].as_str().unwrap()))
            .collect();
        let mut scheme = vec!["--preset", name];
        vars.iter().for_each(|var| scheme.extend(["--var", var]));
        let mut verifier = scheme.clone();
        verifier.extend(["--secret", &public]);
        scheme.extend(["--secret", &secret]);
        let mut args = [&["sign", "--url", "https://example.com/hook?a=b"], &scheme[..]].concat();
        args.extend(["--body", body, "--format", "json"]);
        headers.iter().for_each(|header| args.extend(["--header", header]));
        let signed = run(&args);
        assert_eq!(preset["signs"], !signed.err.contains("verifies only"), "{name}: {}", signed.err);
        if signed.exit == 4 {
            assert!(signed.err.contains("verifies only"), "{name}: {}", signed.err);
            continue;
        }
        if signed.exit == 1 {
            // It wants more of a message than this one has: what each signs is looked at in the core, over its own cases.
            assert!(signed.err.contains("not signed: "), "{name}: {}", signed.err);
            continue;
        }
        let signed = signed.exits(0).out;
        let verify =
            |input: &str| run_with(&[&["verify", "-"], &verifier[..]].concat(), input.as_bytes(), &[]);
        verify(&signed).exits(0);
        signed_by += 1;
        if preset["binds"].as_array().unwrap().contains(&json!("body")) {
            let mut changed: Value = serde_json::from_str(&signed).unwrap();
            changed["body"] = (changed["body"].as_str().unwrap().replacen('a', "b", 1)).into();
            verify(&changed.to_string()).exits(1);
        }
    }
    assert!(signed_by * every > 200, "{signed_by}");
}

/// The seed `7777…` of RFC 8032's Ed25519, and its public key.
const ED25519: ([u8; 32], [u8; 32]) = (
    [7; 32],
    [
        0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c, 0x52, 0x0a, 0xbe, 0xf5, 0x50, 0x7b, 0x13, 0x2e, 0xc5, 0xf9, 0x95,
        0x47, 0x76, 0xae, 0xbe, 0xbe, 0x7b, 0x92, 0x42, 0x1e, 0xea, 0x69, 0x14, 0x46, 0xd2, 0x2c,
    ],
);

/// A key for a preset's signer and one for its verifier, as its forms want them written. In PEM the private half stands for
/// the public one as well.
fn keys_for(shown: &Value) -> (String, String) {
    let has = |kind: &str| shown["keys"].as_array().unwrap().contains(&json!(kind));
    let one = |spec: String| (spec.clone(), spec);
    let table = &shown["resolved"][shown["mode"].as_str().unwrap()];
    // In PEM if it takes that; else the form that needs the least around a key stands last.
    let forms = table["key"]["forms"].as_array().map(Vec::as_slice).unwrap_or_default();
    let form = forms.iter().find(|form| form["decode"] == "pem").or(forms.last());
    let of_form = |key: &str| form.and_then(|form| form[key].as_str()).unwrap_or_default();
    if !has("private") {
        return one(format!("literal:{}{SECRET}", of_form("prefix")));
    }
    let algorithm = table.get("algorithm").or_else(|| table["algorithms"].get(0)).unwrap().to_string();
    let pem = |file: &str| format!("file:{}/tests/common/{file}.pem", env!("CARGO_MANIFEST_DIR"));
    match (algorithm.to_lowercase(), of_form("decode")) {
        (name, decode) if name.contains("ed25519") && decode != "pem" => {
            let written = |key: [u8; 32]| match decode {
                "hex" => key.iter().map(|byte| format!("{byte:02x}")).collect(),
                "base64url" => base64_simd::URL_SAFE_NO_PAD.encode_to_string(key),
                _ => base64_simd::STANDARD.encode_to_string(key),
            };
            (format!("literal:{}", written(ED25519.0)), format!("literal:{}", written(ED25519.1)))
        }
        (name, _) if name.contains("ed25519") => one(pem("ed25519")),
        (name, _) if name.contains("rs") || name.contains("ps") => one(pem("rsa")),
        _ => one(pem("p256")),
    }
}

/// What a preset needs besides any body.
fn delivery(preset: &str) -> (&'static str, &'static [&'static str]) {
    match preset {
        "adyen-standard" => (
            r#"{"notificationItems":[{"NotificationRequestItem":{"pspReference":"a","merchantAccountCode":"b",
                "merchantReference":"c","amount":{"value":1,"currency":"EUR"},"eventCode":"X","success":"true",
                "additionalData":{}}}]}"#,
            &[],
        ),
        "contentful" => (
            r#"{"a":1}"#,
            &["X-Contentful-Signed-Headers: x-contentful-signed-headers,x-contentful-timestamp"],
        ),
        "alipay-cn" => (
            "app_id=x&notify_id=1&sign_type=RSA2",
            &["Content-Type: application/x-www-form-urlencoded; charset=utf-8"],
        ),
        "fireblocks-v1" => (r#"{"tenantId":"x"}"#, &[]),
        "twilio" => ("a=1&b=2", &["Content-Type: application/x-www-form-urlencoded"]),
        _ => (r#"{"a":1}"#, &[]),
    }
}

#[test]
fn a_signed_request_comes_in_four_forms() {
    let folder = Folder::new();
    let scheme = folder.file("acme.toml", ACME);
    let base =
        ["sign", "--scheme", &scheme, "--secret", "literal:hunter2", "--at", "1767323045", "--body", "it's"];
    let sign = |more: &[&str]| run(&[&base[..], more].concat());
    let headers = sign(&[]).exits(0).out;
    assert!(
        headers.starts_with("acme-time: 1767323045\nacme-signature: ") && headers.lines().count() == 2,
        "{headers}"
    );
    let signature = headers.lines().nth(1).unwrap();
    let curl = sign(&["--format", "curl", "--url", "https://example.com/a"]).exits(0).out;
    assert!(curl.contains(&format!("-H '{signature}'")) && curl.contains(r"--data-raw 'it'\''s'"), "{curl}");
    let http = sign(&["--format", "http", "--header", "X-A: 1"]).exits(0).out;
    assert!(http.starts_with("POST /webhook HTTP/1.1\r\nHost: example.com\r\nX-A: 1\r\n"), "{http}");
    assert!(http.ends_with("Content-Length: 4\r\n\r\nit's") && http.contains(signature));
    let json = sign(&["--format", "json", "--method", "put"]).exits(0).json();
    assert_eq!((&json["method"], &json["body"]), (&json!("PUT"), &json!("it's")));
    sign(&["--header", "Acme-Time: 1"]).exits(2).says("--at and --id");
    sign(&["--format", "http", "--header", "Content-Length: 5"]).exits(2);
}

#[test]
fn values_of_a_preset_can_be_overridden_and_mistakes_in_that_are_shown() {
    let folder = Folder::new();
    let scheme = folder.file("acme.toml", ACME);
    let base = ["--scheme", &scheme, "--secret", "literal:hunter2", "--override", "hmac.algorithm=sha512"];
    let signed = run(&[&["sign", "--body", "x", "--format", "json"], &base[..]].concat()).exits(0).out;
    run_with(&[&["verify", "-"], &base[..]].concat(), signed.as_bytes(), &[]).exits(0);
    run_with(&[&["verify", "-"], &base[..4]].concat(), signed.as_bytes(), &[]).exits(1);
    let wrong = ["--override", "hmac.encodng=1", "--override", "freshness.tolerance_seconds=true"];
    let ran = run(&[&["sign"], &base[..4], &wrong].concat()).exits(3);
    ran.says("--override:2:").says("^");
    run(&[&["sign"], &base[..4], &["--override", "x"]].concat()).exits(2);
}

#[test]
fn an_unknown_preset_is_told_with_the_nearest() {
    run(&["verify", "-", "--preset", "strip", "--secret", "literal:x"])
        .exits(3)
        .says("did you mean `stripe`?");
    run(&["verify", "-", "--preset", "../stripe", "--secret", "literal:x"]).exits(2).says("--scheme FILE");
    run(&["verify", "-", "--secret", "literal:x"]).exits(2);
    run(&["verify", "/not/there", "--preset", "stripe", "--secret", "literal:x"]).exits(5);
}

#[test]
fn nothing_in_a_request_can_steer_the_terminal() {
    let ran = hello("{\"a\x1b[31m\":1}", "env:HELLO", &[]).exits(2);
    assert!(!ran.err.contains('\x1b'));
    let ran = hello(r#"{"a\u001b[31m":1}"#, "env:HELLO", &[]).exits(2);
    assert!(!ran.err.contains('\x1b'));
}
