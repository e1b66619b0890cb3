//! The other direction: what is signed verifies, and where the mathematics has one answer it is the RFC's own.
#![allow(clippy::unwrap_used)]

mod common;

use common::keys::{ED25519, P256, P384, Pair, RSA};
use common::*;
use countersign::{Context, Draft, Explain, Head, Headers, KeyKind, Keyring, Request, Step, Timestamp, Vars};

const BODY: &[u8] = br#"{"hello": "world"}"#;
const SECRET: &str = "a shared secret of more than 32 bytes";

fn draft(headers: &dyn Headers) -> Draft<'_> {
    let mut draft = Draft::new("msg_1", Timestamp::from_unix(NOW), URL, BODY);
    draft.headers = headers;
    draft
}

/// A table, the keys that sign and those that verify.
type Scheme = (String, Keyring, Keyring);

fn schemes() -> Vec<Scheme> {
    let everything = r#"required = ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "@query-param;name=\"a\"", "content-digest", "content-digest;key=\"sha-256\"", "content-type;bs", "priority;sf", "date"]"#;
    let with =
        |line: &str, decode: &str| format!("{line}\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}");
    let public = |line: &str, key: Pair| {
        let ring = |kind, half| ring(kind, &[("main", half)]);
        (with(line, "pem"), ring(KeyKind::Private, key.0), ring(KeyKind::Public, key.1))
    };
    let shared = |line: &str| {
        let ring = || ring(KeyKind::Shared, &[("main", SECRET)]);
        (with(line, "text"), ring(), ring())
    };
    let standard = |algorithm: &str| format!("algorithms = [\"{algorithm}\"]\n{everything}");
    let old = |words: &str, more: &str| {
        format!(
            "form = \"cavage\"\nalgorithms = [{words}]\nrequired = [\"(request-target)\", \"host\", {more}]"
        )
    };
    vec![
        public(&standard("ed25519"), ED25519),
        public(&standard("ecdsa-p256-sha256"), P256),
        public(&standard("ecdsa-p384-sha384"), P384),
        public(&standard("rsa-pss-sha512"), RSA),
        public(&standard("rsa-v1_5-sha256"), RSA),
        shared(&standard("hmac-sha256")),
        shared(
            "algorithms = [\"hmac-sha256\"]\nrequired = []\nrequired_parameters = [\"created\", \"expires\", \"nonce\", \"alg\", \"keyid\", \"tag\"]",
        ),
        shared("algorithms = [\"hmac-sha256\"]\nrequired = [\"@method\"]\nlabel = \"mine\""),
        shared("algorithms = [\"hmac-sha256\"]\nrequired = [\"@method\"]\ntag = \"hooks of \\\"mine\\\"\""),
        shared(&old("\"hmac-sha256\"", "\"date\", \"digest\"")),
        public(&old("\"rsa-sha256\"", "\"date\", \"digest\", \"content-type\""), RSA),
        public(&old("\"rsa-sha256\", \"hs2019\"", "\"(created)\", \"(expires)\", \"digest\""), RSA),
        public(
            &format!("{}\nsignature_header = \"Acme-Signature\"", old("\"ed25519\"", "\"date\", \"digest\"")),
            ED25519,
        ),
        public(
            &format!(
                "{}\nsignature_header = \"authorization\"",
                old("\"ed25519\"", "\"(created)\", \"digest\"")
            ),
            ED25519,
        ),
    ]
}

#[test]
fn what_it_signs_it_verifies_and_with_one_byte_changed_does_not() {
    let headers = vec![("Content-Type", "application/json"), ("Priority", "u=1,  i")];
    for (table, signing, verifying) in schemes() {
        let sent = send(&table, &signing, &draft(&headers));
        assert_eq!(judge_with(&table, &verifying, &sent, NOW), Ok("main".into()), "{table}");
        if compile(&table).unwrap().needs().binds.contains(countersign::Binds::BODY) {
            let other = Sent { body: b"{}".to_vec(), ..sent.clone() };
            assert_eq!(
                judge_with(&table, &verifying, &other, NOW),
                refused("bad_signature", "digest-other"),
                "{table}"
            );
        }
        if compile(&table).unwrap().needs().binds.contains(countersign::Binds::QUERY) {
            let other = Sent { url: sent.url.replace("a=b", "a=c"), ..sent };
            assert_eq!(judge_with(&table, &verifying, &other, NOW), refused("bad_signature", ""), "{table}");
        }
    }
}

/// Ed25519 and HMAC have one signature of one content.
#[test]
fn the_signatures_of_the_rfc_are_made_to_the_byte() {
    let headers = vec![
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "18"),
    ];
    let mut draft = draft(&headers);
    draft.at = Timestamp::from_unix(1_618_884_473);
    draft.url = "https://example.com/foo?param=Value&Pet=dog";
    let ed25519 = "algorithms = [\"ed25519\"]\nlabel = \"sig-b26\"\nrequired = [\"date\", \"@method\", \"@path\", \"@authority\", \"content-type\", \"content-length\"]\nkey = { forms = [{ decode = \"pem\" }] }";
    let sent = send(ed25519, &ring(KeyKind::Private, &[("test-key-ed25519", ED25519.0)]), &draft);
    assert_eq!(
        sent.header("signature-input"),
        "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\""
    );
    assert_eq!(
        sent.header("signature"),
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    );
    let hmac = "algorithms = [\"hmac-sha256\"]\nlabel = \"sig-b25\"\nrequired = [\"date\", \"@authority\", \"content-type\"]\nkey = { forms = [{ decode = \"base64\" }] }";
    let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let sent = send(hmac, &ring(KeyKind::Shared, &[("test-shared-secret", secret)]), &draft);
    assert_eq!(sent.header("signature"), "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:");
}

#[test]
fn a_draft_that_lacks_what_must_be_covered_is_not_signed() {
    let table = "algorithms = [\"hmac-sha256\"]\nrequired = [\"x-absent\"]\nkey = { forms = [{ decode = \"text\" }] }";
    let signer =
        compile(table).unwrap().signer(&ring(KeyKind::Shared, &[("main", SECRET)]), &Vars::new()).unwrap();
    let refused = signer.sign(&draft(&())).unwrap_err();
    assert_eq!(refused.reason.code(), "missing_header");
    let named = |table: &str, id: &str, name: &str| {
        let keys = ring(KeyKind::Shared, &[(name, SECRET)]);
        let signer = compile(table).unwrap().signer(&keys, &Vars::new()).unwrap();
        let mut draft = draft(&());
        draft.id = id;
        signer.sign(&draft).map(drop).map_err(|refused| refused.reason.code())
    };
    let standard = "algorithms = [\"hmac-sha256\"]\nrequired = []\nrequired_parameters = [\"nonce\"]\nkey = { forms = [{ decode = \"text\" }] }";
    let old = "form = \"cavage\"\nalgorithms = [\"hmac-sha256\"]\nrequired = [\"date\"]\nkey = { forms = [{ decode = \"text\" }] }";
    assert_eq!(named(standard, "msg", "main"), Ok(()));
    assert_eq!(named(standard, "caf\u{e9}", "main"), Err("malformed_signature"));
    assert_eq!(named(standard, "msg", "caf\u{e9}"), Err("malformed_signature"));
    assert_eq!(named(old, "msg", "a\"b"), Err("malformed_signature"));
}

/// A head decides before the body is there, and a body that never comes costs nothing.
#[test]
fn a_signature_that_is_no_good_is_refused_before_the_body() {
    let compiled = compile(ED25519_TABLE).unwrap();
    let verifier =
        compiled.verifier("test", &ring(KeyKind::Public, &[("main", ED25519.1)]), &Vars::new()).unwrap();
    let begin = |sent: &Sent| {
        let head = Head::new(&sent.method, &sent.url, &sent.headers);
        verifier.begin(&head, &Context::at(Timestamp::from_unix(NOW)), 100).is_ok()
    };
    let good = signed(BODY, &sha256_of(BODY), &[], PARAMS);
    assert!(begin(&good));
    assert!(!begin(&Sent { method: "PUT".into(), ..good }));
}

#[test]
fn explaining_shows_what_was_signed_and_what_was_tried_and_no_secret() {
    struct Heard(String);
    impl Explain for Heard {
        fn step(&mut self, step: Step<'_>) {
            self.0.push_str(&match step {
                Step::Part { name, bytes } => format!("{name}: {}\n", String::from_utf8_lossy(bytes)),
                Step::Tried { key, matched } => format!("{key} {matched}\n"),
                Step::Candidate { place, bytes } => format!("{place} of {}\n", bytes.len()),
                other => format!("{other:?}\n"),
            });
        }
    }
    let table = "algorithms = [\"hmac-sha256\"]\nrequired = [\"@method\", \"@path\"]\nkeyid = \"ignored\"\nkey = { forms = [{ decode = \"text\" }] }";
    let sent = send(table, &ring(KeyKind::Shared, &[("main", SECRET)]), &draft(&()));
    let other = "another secret of more than 32 bytes!";
    let keys = ring(KeyKind::Shared, &[("other", other), ("main", SECRET)]);
    let verifier = compile(table).unwrap().verifier("test", &keys, &Vars::new()).unwrap();
    let request = Request::new(Head::new(&sent.method, &sent.url, &sent.headers), &sent.body);
    let mut heard = Heard(String::new());
    verifier.explain(&request, &Context::at(Timestamp::from_unix(NOW)), &mut heard);
    assert_eq!(
        heard.0,
        "\"@method\": POST\n\"@path\": /hook\n\"@signature-params\": (\"@method\" \"@path\");created=1700000000;keyid=\"main\"\nheader signature of 32\nother false\nmain true\n"
    );
}
