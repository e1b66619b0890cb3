//! What a preset answers is held against what a case says of it.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, Report, VectorFile, run};

const PRESET: &str = r#"
schema = 1
name = "acme"
mode = "hmac"
[hmac]
algorithm = "sha256"
signed_template = "{timestamp}.{body}"
timestamp_source = { header = "x-acme-time", format = "unix" }
signature_source = { header = "x-acme-signature", extract = "kv_pairs", key = "v1", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

/// `{"a":1}`, signed with `first-secret`.
const CASES: &str = r#"
schema = 1
preset = "acme"
[[case]]
name = "good"
source = "generated"
secrets = [{ id = "old", value = "first-secret" }]
headers = [["X-Acme-Time", "1767225600"], ["X-Acme-Signature", "v1=028c6f17cc8c46659098705cc401c026ebdb4ff1aec8e2e17118ad42ea31085d"]]
body = '{"a":1}'
expect = "ok"
"#;

fn report(preset: &str, vectors: &str) -> Report {
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", preset).unwrap();
    let file = VectorFile::parse("acme.vectors.toml", vectors).unwrap_or_else(|errors| panic!("{errors}"));
    let mut options = Options::default();
    options.mutants = false;
    run(&registry, &file, &options)
}

/// A challenge, and one that comes signed.
const ANSWERING: &str = r#"
[[handshake]]
kind = "learn"
when = [{ value = "{header:x-hook-secret}", matches = "[a-z0-9]{8,64}" }, { value = "{body}", equals = "" }]
secret = "{header:x-hook-secret}"
answer = { status = 204, headers = { X-Hook-Secret = "{header:x-hook-secret}" } }
[[handshake]]
kind = "ignore"
signed = true
when = [{ value = "{json:/a}", equals = "1" }]
answer = { body = "pong" }
[response]
accepted = { body = "OK" }
"#;

const CHALLENGE: &str = r#"
[[case]]
name = "challenge"
source = "generated"
secrets = [{ id = "old", value = "first-secret" }]
headers = [["X-Hook-Secret", "abcd1234"]]
body = ""
expect = "handshake"
handshake = { kind = "learn", status = 204, headers = { x-hook-secret = "abcd1234" }, secret = "abcd1234" }
"#;

#[test]
fn what_is_answered_is_held_against_the_case() {
    let preset = format!("{PRESET}{ANSWERING}");
    let heard = "handshake = { kind = \"ignore\", body = \"pong\" }\naccepted = { body = \"OK\" }";
    let good = CASES.replacen("expect = \"ok\"", &format!("expect = \"ok\"\n{heard}"), 1);
    let right = report(&preset, &format!("{good}{CHALLENGE}"));
    assert!(right.is_ok(), "{right}");
    for (what, vectors, says) in [
        (
            "a challenge unmentioned",
            good.replace("handshake =", "provider_says =\"\"\nwhy =\"\" # "),
            "after it is verified, no answer",
        ),
        (
            "another kind",
            good.replace("\"ignore\"", "\"answer\""),
            "after it is verified, answer: 200 text/plain, 4 bytes",
        ),
        ("another body", good.replace("pong", "ping"), "got ignore: 200 text/plain, 4 bytes (another body)"),
        (
            "another acknowledgement",
            good.replace("\"OK\"", "\"ok\""),
            "got ignore: 200 text/plain, 2 bytes (another body)",
        ),
        ("an acknowledgement that is not there", good.replace("accepted", "refused"), "when it is refused"),
        (
            "another secret",
            CHALLENGE.replace("secret = \"abcd1234\" }", "secret = \"abcd1235\" }"),
            "and a secret (another headers, secret)",
        ),
        (
            "another header",
            CHALLENGE.replace("{ x-hook", "{ y-hook"),
            "x-hook-secret, 0 bytes, and a secret (another headers)",
        ),
        ("no challenge", CHALLENGE.replace("abcd1234", "abcd"), "got no answer"),
    ] {
        let head = if what.contains("secret") || what.contains("header") || what == "no challenge" {
            "schema = 1\npreset = \"acme\""
        } else {
            ""
        };
        let report = report(&preset, &format!("{head}{vectors}")).to_string();
        assert!(report.contains(says), "{what}: {report}");
    }
    // A delivery that a preset takes for a challenge is answered before it is verified.
    let greedy = ANSWERING.replace(r#", { value = "{body}", equals = "" }"#, "");
    let hooked =
        good.replacen("[[\"X-Acme-Time\"", "[[\"X-Hook-Secret\", \"abcd1234\"], [\"X-Acme-Time\"", 1);
    assert!(report(&format!("{PRESET}{ANSWERING}"), &hooked).is_ok());
    let said = report(&format!("{PRESET}{greedy}"), &hooked).to_string();
    assert!(said.contains("before it is verified, no answer"), "{said}");
}
