//! What the mode refuses to be used for, and what it can do nothing about and says.
#![allow(clippy::unwrap_used)]

use countersign::{Context, Draft, Head, Keyring, Registry, Request, Timestamp, Vars, Verifier};
use sha2::Digest;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_unix(1_767_225_600);
const URL: &str = "https://example.com/hook";

fn with(table: &str) -> Result<Arc<countersign::Compiled>, String> {
    let mut registry = Registry::new();
    registry.register(countersign_digest::mode()).unwrap();
    let text = format!(
        "schema = 1\nname = \"acme\"\nmode = \"digest\"\n[digest]\nalgorithm = \"sha256\"\n\
        signature_source = {{ header = \"x-signature\", encoding = \"hex\" }}\n{table}\n"
    );
    registry.add_preset("acme.toml", text).map_err(|errors| errors.to_string())?;
    registry.named("acme").map_err(|errors| errors.to_string())
}

const KEY: &str = "key = { forms = [{ decode = \"text\" }] }";

fn verifier(table: &str, secret: &str) -> Arc<Verifier> {
    let compiled = with(&format!("{KEY}\n{table}")).unwrap();
    compiled.verifier("mine", &Keyring::of(secret).unwrap(), &Vars::new()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn said(verifier: &Verifier, signature: &str, body: &[u8]) -> &'static str {
    let headers = [("x-signature", signature)];
    verifier.verify(&Request::new(Head::new("POST", URL, &headers), body), &Context::at(NOW)).code()
}

#[test]
fn content_that_anybody_could_make_is_refused_when_it_is_written() {
    for good in [
        r#"signed_template = "{body}{secret}""#,
        r#"signed_template = "{secret|upper}{body}""#,
        r#"signed_template = "{body|sha256|hex}{secret|md5|hex}""#,
        r#"signed_template = ["{body}{secret}", "{body}\n{secret}"]"#,
        "parts = { all = \"{method} {secret}\" }\nsigned_template = \"{part:all|split: |sort|join}\"",
        "parts = { inner = \"{body}{secret}\", outer = \"{part:inner|sha256|hex}\" }\nsigned_template = \"{part:outer|upper}\"",
    ] {
        with(&format!("{KEY}\n{good}")).unwrap_or_else(|says| panic!("{good}: {says}"));
    }
    for bad in [
        r#"signed_template = "{body}""#,
        r#"signed_template = "{body}[{secret}{header:x-a}]""#,
        r#"signed_template = "{body}{secret|slice:0:4}""#,
        r#"signed_template = "{body}{secret|before:-}""#,
        r#"signed_template = "{body}{secret|crc32}""#,
        r#"signed_template = ["{body}{secret}", "{body}"]"#,
        "parts = { all = \"{method}{secret}\" }\nsigned_template = \"{body}[{part:all}{header:x-a}]\"",
        "parts = { all = \"{method}{secret}\" }\nsigned_template = \"{body}{part:all|slice:0:4}\"",
        "parts = { all = \"{method}{secret}\" }\nsigned_template = \"{body}\"",
        "signed_template = \"{body}{secret}\"\n[[digest.case]]\nwhen = [{ value = \"{method}\", equals = \"GET\" }]\nsigned_template = \"{url}\"",
    ] {
        let says = with(&format!("{KEY}\n{bad}")).err().unwrap_or_else(|| panic!("{bad}"));
        assert!(says.contains("anybody could make this content: it lacks the secret"), "{bad}: {says}");
    }
    let derived = "key = { forms = [{ decode = \"text\" }], derive = \"{secret|md5|hex}\" }\nsigned_template = \"{body}{secret}\"";
    let says = with(derived).err().unwrap();
    assert!(says.contains("this mode hashes the secret as content"), "{says}");
    let says = with(&format!("{KEY}\nsecret_in_content = true\nsigned_template = \"{{body}}{{secret}}\""))
        .err()
        .unwrap();
    assert!(says.contains("unknown key `secret_in_content`"), "{says}");
}

/// Whoever knows the hash of secret and body, and how long they are, knows the hash of them, the padding and anything behind it.
#[test]
fn nobody_goes_on_with_a_hash_that_was_seen() {
    let verifier = verifier(r#"signed_template = "{secret}{body}""#, "s3cr3t");
    let body = br#"{"paid":false}"#;
    let sign = |body: &[u8]| hex(&sha2::Sha256::new().chain_update("s3cr3t").chain_update(body).finalize());
    assert_eq!(said(&verifier, &sign(body), body), "ok");

    let mut longer = body.to_vec();
    longer.push(0x80);
    longer.resize(64 - "s3cr3t".len() - 8, 0);
    longer.extend_from_slice(&(8 * ("s3cr3t".len() as u64 + body.len() as u64)).to_be_bytes());
    longer.extend_from_slice(br#"{"paid":true}"#);
    // The hash is right, and whoever makes it needs no secret.
    assert_eq!(said(&verifier, &sign(&longer), &longer), "bad_signature");
    let mut stream = Verifier::begin(
        &verifier,
        &Head::new("POST", URL, &[("x-signature", &*sign(&longer))]),
        &Context::at(NOW),
        1000,
    )
    .unwrap();
    for byte in &longer {
        stream.update(std::slice::from_ref(byte)).unwrap();
    }
    assert!(!matches!(stream.finish(&Context::at(NOW)), countersign::Finish::Verified(_)));
}

#[test]
fn what_would_never_verify_is_never_signed() {
    let compiled = with(&format!("{KEY}\nsigned_template = \"{{body}}{{secret}}\"")).unwrap();
    let signer = compiled.signer(&Keyring::of("s3cr3t").unwrap(), &Vars::new()).unwrap();
    assert!(signer.sign(&Draft::new("msg_1", NOW, URL, b"{}")).is_ok());
    assert!(signer.sign(&Draft::new("msg_1", NOW, URL, b"{\0}")).is_err());
    let hexed =
        with("key = { forms = [{ decode = \"hex\" }] }\nsigned_template = \"{body}{secret}\"").unwrap();
    let nul = hexed.verifier("mine", &Keyring::of("00ff00ff00ff00ff").unwrap(), &Vars::new());
    assert!(nul.err().unwrap().to_string().contains("NUL"));
}

/// Known answers of each hash, made by `openssl dgst` and, for Keccak, of its authors' vectors.
#[test]
fn each_hash_is_the_one_that_its_word_says() {
    let of = |algorithm: &str| {
        let table = format!("{KEY}\nsigned_template = \"{{body}}{{secret}}\"");
        let mut registry = Registry::new();
        registry.register(countersign_digest::mode()).unwrap();
        let text = format!(
            "schema = 1\nname = \"acme\"\nmode = \"digest\"\n[digest]\nalgorithm = \"{algorithm}\"\n\
            signature_source = {{ header = \"x-signature\", encoding = \"hex\" }}\n{table}\n"
        );
        registry.add_preset("acme.toml", text).unwrap();
        let compiled = registry.named("acme").unwrap();
        assert!(compiled.needs().notes.iter().any(|note| note.starts_with("weaker than HMAC")));
        compiled.verifier("mine", &Keyring::of("c").unwrap(), &Vars::new()).unwrap()
    };
    // `ab`, and the secret `c`.
    for (algorithm, hash) in [
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "sha384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "sha512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        ("keccak256", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ] {
        let verifier = of(algorithm);
        assert_eq!(said(&verifier, hash, b"ab"), "ok", "{algorithm}");
        assert_eq!(said(&verifier, &hash[2..], b"ab"), "bad_signature", "{algorithm}, cut");
        assert_eq!(said(&verifier, hash, b"aB"), "bad_signature", "{algorithm}");
    }
}
