//! Keys that are found and keys that are given: what `verify`, `sign` and `preset show` say of them, and of the wrong ones.

#![allow(clippy::unwrap_used)]

mod common;
use common::{Folder, run};

const KID: &str = "bfbd5111-8e33-4643-8ced-b2e642a72f3c";
const SET: &str = r#"{"key":{"kty":"EC","crv":"P-256","kid":"bfbd5111-8e33-4643-8ced-b2e642a72f3c","use":"sig","alg":"ES256","x":"rzqdtgMaWokialbxyBxzQkkwSxf9SvOEcaH6IrPbXFk","y":"ay6Jr0KZ0oqX3sjeiYdktwb7841Pt3dGTVVvyuFxkqQ"}}"#;
const TOKEN: &str = "Plaid-Verification: eyJhbGciOiJFUzI1NiIsImtpZCI6ImJmYmQ1MTExLThlMzMtNDY0My04Y2VkLWIyZTY0MmE3MmYzYyIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiIzYjRkZjBiOTg2ODMzMDkwNDYzMjg2ZDk5Mzc4ODAxMDg0YTk1ZDI0NDZmZGIxNzlhOTA1ZWVhYTIyNzQ3ZTA2In0.g1hzWxUJw7UpH-YBo_5Vn2k3JUdw6WOeqrjqng0imWb22gH4o9vu5YCPqqt0J5EtQ7GCYZdBJN08vEdvxWe2NQ";
const BODY: &str = "{\n  \"webhook_type\": \"ITEM\",\n  \"webhook_code\": \"ERROR\"\n}";
const PLAID: [&str; 9] =
    ["verify", "--preset", "plaid", "--now", "1767225600", "--header", TOKEN, "--body", BODY];

#[test]
fn a_key_that_is_not_here_is_asked_for_and_one_that_is_given_is_used() {
    let folder = Folder::new();
    let set = folder.file("set.json", SET);
    let given = |name: &str, file: &str| {
        let document = format!("{name}={file}");
        run(&[&PLAID[..], &["--document", &document]].concat())
    };
    let name = format!("plaid/{KID}");
    let asked = run(&PLAID).exits(4).out;
    assert!(
        asked.contains(&format!("--document '{name}=FILE'")) && asked.contains("have it from the provider")
    );
    assert!(given(&name, &set).exits(0).out.contains("covers       body, time"));
    given("plaid/other", &set).exits(4).says("--document 'plaid/other=…' was not asked for");
    let other = folder.file("other.json", SET.replace(KID, "another"));
    let unknown = given(&name, &other).exits(1).out;
    assert!(unknown.contains("(jwt/kid-unknown)") && unknown.contains("is it of today?"), "{unknown}");
    let page = folder.file("page.html", "<html>");
    let unread = given(&name, &page).exits(1).out;
    assert!(unread.contains("(jwt/no-key-set)") && unread.contains("what is in the FILE"), "{unread}");
    let none = "Plaid-Verification: eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.";
    let none = run(&["verify", "--preset", "plaid", "--header", none, "--body", "x"]).exits(1).out;
    assert!(none.contains("(jwt/algorithm)") && none.contains("which algorithms it allows"), "{none}");
    run(&["sign", "--preset", "plaid", "--body", "x"]).exits(4).says("`plaid` verifies only");
}

#[test]
fn all_wrong_variables_are_told_at_once_with_what_to_type() {
    let verify = |vars: &[&str]| {
        let args = ["verify", "--preset", "google-pubsub", "--header", "a: b", "--body", "x"];
        run(&[&args[..], vars].concat()).exits(4)
    };
    verify(&[]).says("--var audience=… --var service_account=…");
    let misspelt = verify(&["--var", "audiense=x", "--var", "service_account=x"]);
    misspelt.says("declares no variable `audiense`: did you mean `audience`?");
    run(&["verify", "--preset", "github", "--var", "a=b", "--secret", "literal:x", "--body", "x"])
        .exits(4)
        .says("leave --var out");
}

#[test]
fn a_key_of_the_wrong_sort_says_which_is_wanted() {
    let pem = |name: &str| format!("file:{}/tests/common/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    let (rsa, p256) = (pem("rsa"), pem("p256"));
    let sign =
        |preset: &str, secret: &str| run(&["sign", "--preset", preset, "--secret", secret, "--body", "{}"]);
    sign("sendgrid", &rsa).exits(4).says("this is an RSA key, and `ecdsa-p256-sha256` is asked for");
    let signed = sign("sendgrid", &p256).exits(0);
    assert!(!signed.err.contains("newline"), "the newlines of PEM are its own: {}", signed.err);
    run(&["sign", "--preset", "sendgrid", "--body", "x"]).exits(4).says("a private key");
    run(&["verify", "--preset", "sendgrid", "--body", "x"]).exits(4).says("a public key");
    run(&["verify", "--preset", "github", "--body", "x"]).exits(4).says("a secret");
}

#[test]
fn a_key_is_named_as_its_sender_names_it() {
    let key = format!(
        "id=https://example.social/users/alice#main-key@file:{}/tests/common/rsa.pem",
        env!("CARGO_MANIFEST_DIR")
    );
    let sign = ["sign", "--preset", "mastodon", "--secret", &key, "--body", "{}"];
    run(&sign).exits(2).says("this scheme signs the URL");
    let url = ["--url", "https://example.com/inbox", "--format", "json"];
    let signed = run(&[&sign[..], &url].concat()).exits(0);
    assert!(signed.out.contains("https://example.social/users/alice#main-key"), "{}", signed.out);
}

#[test]
fn what_is_signed_and_where_keys_are_is_said_of_every_mode() {
    for (preset, all) in [
        (
            "plaid",
            &[
                "the token's header and its claims",
                "iat in its claims",
                "plaid/{claim:kid}",
                "/key/expired_at",
            ][..],
        ),
        (
            "google-pubsub",
            &["\"{var:audience}\", and nobody else", "exp, iat", "30 s of leeway", "oauth2/v3/certs"],
        ),
        ("saleor", &["{body} and the token's own header", "RFC 7797", "{var:instance}/.well-known"]),
        ("wix", &["the whole body", "PEM: -----BEGIN"]),
        ("apple-app-store", &["a root that you give", "of 3 certificates", "base64 of the certificate"]),
        (
            "aws-sns",
            &["\"sns.*.amazonaws.com\"", "a root of the web", "made out to", "a certificate, from the URL"],
        ),
        (
            "mastodon",
            &["method, path and query", "id=KEYID@…", "header signature\n", "compared with the body"],
        ),
        ("drone", &["every key is tried"]),
        ("gitlab-token", &["the token is the secret itself"]),
    ] {
        let words = run(&["preset", "show", preset]).exits(0).out;
        for text in all {
            assert!(words.contains(text), "{text:?} is not in:\n{words}");
        }
        assert!(!words.contains("no template"), "{preset}");
    }
}
