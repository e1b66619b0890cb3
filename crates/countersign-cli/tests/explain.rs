//! `explain` and `infer`: what they find, how they end, and that nothing of a secret or of the right signature is told.

#![allow(clippy::unwrap_used)]

mod common;
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use common::{Folder, Ran, run_with};
use serde_json::json;
use std::fmt::Write as _;

const SECRET: &str = "correct horse battery staple";
const BODY: &str = r#"{"id": "evt_1", "amount": 12.50}"#;

/// A delivery, as a raw message, with its signature in hexadecimal digits.
fn delivery(preset: &str, body: &str) -> (String, String) {
    let args = [
        "sign",
        "--preset",
        preset,
        "--secret",
        "env:S",
        "--body",
        body,
        "--format",
        "http",
        "--at",
        "1700000000",
    ];
    let message = run_with(&args, b"", &[("S", SECRET)]).exits(0).out;
    let digits = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let signature =
        message.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| digits(word)).unwrap().to_owned();
    (message, signature)
}

fn explain(request: &str, preset: &str, secret: &str, more: &[&str]) -> Ran {
    let now = ["--now", "1700000000"];
    let args = [&["explain", "-", "--preset", preset, "--secret", "env:S"], &now[..], more].concat();
    run_with(&args, request.as_bytes(), &[("S", secret)])
}

#[test]
fn what_is_right_verifies() {
    let (message, _) = delivery("stripe", BODY);
    let ran = explain(&message, "stripe", SECRET, &[]).exits(0);
    assert!(ran.out.starts_with("✓ it verifies"), "{}", ran.out);
}

#[test]
fn a_cause_is_told_with_its_proof_and_what_was_signed() {
    let (message, _) = delivery("stripe", BODY);
    let ran = explain(&message, "stripe", &format!("{SECRET}\n"), &[]).exits(6);
    for part in [
        "secret/trailing-newline",
        "fits exactly",
        "trial",
        "store the secret again",
        "{timestamp}  1700000000",
        "evt_1",
    ] {
        assert!(ran.out.contains(part), "{part} is not in\n{}", ran.out);
    }
    let told = explain(&message, "stripe", &format!("{SECRET}\n"), &["--format", "json"]).exits(6).json();
    assert_eq!(told["state"], "explained");
    assert_eq!(told["cause"][0]["code"], "secret/trailing-newline");
    assert_eq!(told["cause"][0]["proof"], "match");
}

#[test]
fn what_mends_a_preset_is_printed_and_mends_it() {
    let (message, _) = delivery("stripe", BODY);
    let wrong = ["--override", "hmac.algorithm=sha512"];
    let fix = explain(&message, "stripe", SECRET, &[&wrong[..], &["--fix"]].concat()).exits(6).out;
    assert!(fix.contains("[hmac]\nalgorithm = \"sha256\""), "{fix}");
    let mended = ["--override", "hmac.algorithm=sha256"];
    explain(&message, "stripe", SECRET, &mended).exits(0);
}

#[test]
fn what_mends_two_mistakes_is_one_text_of_toml() {
    let (message, _) = delivery("stripe", BODY);
    let wrong = [
        "--override",
        "hmac.algorithm=sha512",
        "--override",
        "hmac.signature_source.encoding=base64",
        "--fix",
    ];
    let fix = explain(&message, "stripe", SECRET, &wrong).exits(6).out;
    let mut sources = countersign::Sources::new();
    let file = sources.add("fix.toml", fix.as_str());
    let layer = countersign::Layer::parse(&sources, file).unwrap_or_else(|errors| panic!("{errors}\n{fix}"));
    let text = |path: &[&str]| layer.get(path).and_then(|node| node.text()).map(|text| text.to_string());
    assert_eq!(text(&["hmac", "algorithm"]).as_deref(), Some("sha256"), "{fix}");
    assert_eq!(text(&["hmac", "signature_source", "encoding"]).as_deref(), Some("hex"), "{fix}");
}

#[test]
fn where_nothing_fits_the_control_tells_the_secret_from_the_body() {
    let folder = Folder::new();
    let (message, _) = delivery("stripe", BODY);
    let good = folder.file("good.http", &message);
    let altered = message.replace("12.50", "99.99");
    let ran = explain(&altered, "stripe", SECRET, &["--control", &good]).exits(7);
    assert!(ran.out.contains("control/verifies"), "{}", ran.out);
    let ran = explain(&message, "stripe", "some other secret", &["--control", &good]).exits(7);
    assert!(ran.out.contains("control/fails"), "{}", ran.out);
}

#[test]
fn another_endpoints_secret_is_known() {
    let (message, _) = delivery("stripe", BODY);
    let args = [
        "explain",
        "-",
        "--preset",
        "stripe",
        "--secret",
        "env:A",
        "--other",
        "id=staging@env:S",
        "--now",
        "1700000000",
    ];
    let ran =
        run_with(&args, message.as_bytes(), &[("S", SECRET), ("A", "a secret of another endpoint")]).exits(6);
    assert!(ran.out.contains("secret/other-source") && ran.out.contains("staging"), "{}", ran.out);
}

#[test]
fn a_mistake_on_the_command_line_is_told() {
    let (message, _) = delivery("stripe", BODY);
    explain(&message, "stripe", SECRET, &["--budget", "soon"]).exits(2).says("write 500ms, 2s or 1m");
    explain(&message, "stripe", SECRET, &["--fix", "--format", "json"]).exits(2);
    explain("", "stripe", SECRET, &[]).exits(2).says("it is empty");
    run_with(&["infer", "nowhere.http", "--secret", "env:S"], b"", &[("S", SECRET)])
        .exits(5)
        .says("nowhere.http");
    run_with(&["infer", "-"], b"", &[]).exits(4).says("no --secret is given");
}

/// Every spelling in which something secret could slip out.
fn spellings(bytes: &[u8]) -> Vec<String> {
    let mut hex = String::new();
    bytes.iter().for_each(|byte| write!(hex, "{byte:02x}").unwrap());
    let list = bytes.iter().map(u8::to_string).collect::<Vec<_>>();
    vec![
        String::from_utf8_lossy(bytes).into_owned(),
        hex.to_uppercase(),
        hex,
        STANDARD.encode_to_string(bytes).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode_to_string(bytes),
        list.join(", "),
        list.join(","),
    ]
}

#[test]
fn nothing_printed_holds_the_secret_or_the_right_signature() {
    let (message, signature) = delivery("stripe", BODY);
    let mac: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&signature[2 * at..2 * at + 2], 16).unwrap()).collect();
    let forged = message.replace(&signature, &"0".repeat(64));
    let altered = message.replace("12.50", "99.99");
    let stripped: String = message
        .lines()
        .filter(|line| !line.to_lowercase().starts_with("stripe-signature"))
        .fold(String::new(), |text, line| text + line + "\r\n");
    let mut asked = 0;
    for (request, secret) in [
        (&forged, SECRET.to_owned()),
        (&forged, format!("{SECRET}\n")),
        (&forged, format!("\"{SECRET}\"")),
        (&altered, SECRET.to_owned()),
        (&stripped, SECRET.to_owned()),
        (&message, format!("{SECRET}\n")),
        (&message, STANDARD.encode_to_string(SECRET.as_bytes())),
    ] {
        for more in [&[][..], &["--format", "json"], &["--fix"], &["--override", "hmac.algorithm=sha1"]] {
            let ran = explain(request, "stripe", &secret, more);
            assert!([6, 7].contains(&ran.exit), "{}{}", ran.out, ran.err);
            let told = format!("{}{}", ran.out, ran.err);
            let mut hidden: Vec<String> =
                [SECRET.as_bytes(), secret.as_bytes()].into_iter().flat_map(spellings).collect();
            // What stands in the request is no news.
            hidden.extend(spellings(&mac).into_iter().filter(|spelt| !request.contains(spelt.as_str())));
            for spelt in hidden {
                assert!(!told.contains(&spelt), "{spelt:?} is told in\n{told}");
            }
            asked += 1;
        }
    }
    assert_eq!(asked, 28);
}

#[test]
fn a_preset_and_its_vectors_are_made_of_deliveries_and_pass() {
    let folder = Folder::new();
    // A sender that nobody knows: the way of one, under names of its own.
    let kept = |name: &str, body: &str| {
        let (message, _) = delivery("slack", body);
        let message = message.replace("X-Slack-", "X-Acme-").replace("x-slack-", "x-acme-");
        folder.file(name, message)
    };
    let (one, two) = (kept("one.http", r#"{"n":1}"#), kept("two.http", r#"{"n":2}"#));
    let dir = folder.path().to_str().unwrap();
    let args =
        ["infer", &one, &two, "--secret", "env:S", "--name", "acme", "--dir", dir, "--now", "1700000000"];
    run_with(&args, b"", &[("S", SECRET)])
        .exits(0)
        .says("v0:{timestamp}:{body}")
        .says("the vectors hold the secret");
    let preset = std::fs::read_to_string(folder.path().join("acme.toml")).unwrap();
    assert!(
        preset.contains("signed_template = \"v0:{timestamp}:{body}\"") && preset.contains("x-acme-signature"),
        "{preset}"
    );
    let tested = run_with(&["preset", "test", "acme", "--presets", dir], b"", &[]).exits(0);
    assert!(tested.out.contains("0 failures"), "{}", tested.out);
    // Nothing is written over.
    run_with(&args, b"", &[("S", SECRET)]).exits(2).says("nothing is ever written over");

    let known = run_with(
        &["infer", &one, &two, "--secret", "env:S", "--now", "1700000000", "--format", "json"],
        b"",
        &[("S", SECRET)],
    );
    let known = known.exits(0);
    assert_eq!(known.json()["presets"][0]["like"], json!(null));
    assert!(spellings(SECRET.as_bytes()).iter().all(|spelt| !known.out.contains(spelt)));
    let nothing =
        run_with(&["infer", &one, "--secret", "env:S", "--budget", "300ms"], b"", &[("S", "another secret")])
            .exits(7);
    assert!(nothing.out.contains("a second delivery"), "{}", nothing.out);
}
