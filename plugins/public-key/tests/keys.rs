//! Every algorithm of the mode, with keys made by OpenSSL: what is signed is verified, and what only verifies says so.
#![allow(clippy::unwrap_used)]

use countersign::{
    Compiled, Context, Draft, Head, Key, KeyId, KeyKind, Keyring, Registry, Request, Secret, Timestamp, Vars,
};
use serde_json::Value;
use std::sync::Arc;

const URL: &str = "https://example.com/hook";

fn compiled(algorithm: &str) -> Arc<Compiled> {
    let mut registry = Registry::new();
    registry.register(countersign_public_key::mode()).unwrap();
    let text = format!(
        "schema = 1\nname = \"acme\"\nmode = \"public-key\"\n[public-key]\nalgorithm = \"{algorithm}\"\n\
         signed_template = \"{{body}}\"\nsignature_source = {{ header = \"x-signature\", encoding = \"base64\" }}\n\
         key = {{ forms = [{{ decode = \"pem\" }}, {{ decode = \"jwk\" }}, {{ decode = \"base64\" }}] }}\n"
    );
    registry.add_preset("acme.toml", text).unwrap();
    registry.named("acme").unwrap()
}

fn key(name: &str) -> Value {
    let text = include_str!("../../../crates/countersign-keys/tests/keys.json");
    let fixture: Value = serde_json::from_str(text).unwrap();
    fixture["keys"].as_array().unwrap().iter().find(|key| key["name"] == name).unwrap().clone()
}

fn ring(kind: KeyKind, text: &Value) -> Keyring {
    let mut keys = Keyring::new();
    let material = Secret::new(text.as_str().unwrap().as_bytes()).unwrap();
    keys.add(Key::new(KeyId::new("main"), kind, material)).unwrap();
    keys
}

/// Whether a body and its signature verify.
fn verifies(compiled: &Arc<Compiled>, keys: &Keyring, signature: &[u8], body: &[u8]) -> bool {
    let verifier = compiled.verifier("hooks", keys, &Vars::new()).unwrap();
    let headers = [("x-signature", signature)];
    let request = Request::new(Head::new("POST", URL, &headers), body);
    verifier.verify(&request, &Context::at(Timestamp::from_unix(0))).into_verified().is_ok()
}

const OF_KEYS: [(&str, &[&str]); 4] = [
    (
        "p256",
        &[
            "ecdsa-p256-sha256",
            "ecdsa-p256-sha256-p1363",
            "ecdsa-p256-sha384",
            "ecdsa-p256-sha512",
            "ecdsa-p256-sha1",
        ],
    ),
    ("p384", &["ecdsa-p384-sha256", "ecdsa-p384-sha384", "ecdsa-p384-sha384-p1363", "ecdsa-p384-sha512"]),
    ("p521", &["ecdsa-p521-sha512", "ecdsa-p521-sha512-p1363"]),
    (
        "rsa-2048",
        &[
            "rsa-pkcs1-sha1",
            "rsa-pkcs1-sha256",
            "rsa-pkcs1-sha384",
            "rsa-pkcs1-sha512",
            "rsa-pss-sha256",
            "rsa-pss-sha384",
            "rsa-pss-sha512",
        ],
    ),
];

#[test]
fn what_openssl_has_signed_is_verified_by_either_half_of_the_key() {
    for (name, words) in OF_KEYS {
        let key = key(name);
        for word in words {
            let compiled = compiled(word);
            let signature = const_hex::decode(key["signatures"][*word].as_str().unwrap()).unwrap();
            let signature = base64_simd::STANDARD.encode_to_string(signature);
            for (kind, half) in [(KeyKind::Public, "public"), (KeyKind::Private, "private")] {
                for form in ["pem", "jwk"] {
                    let keys = ring(kind, &key[half][form]);
                    let body = br#"{"test": 2432232314}"#;
                    assert!(
                        verifies(&compiled, &keys, signature.as_bytes(), body),
                        "{word} by the {half} {form}"
                    );
                    assert!(!verifies(&compiled, &keys, signature.as_bytes(), b"{}"), "{word}");
                }
            }
        }
    }
}

#[test]
fn what_is_signed_is_verified_and_what_only_verifies_signs_nothing() {
    let mut only_verify = Vec::new();
    for (name, words) in OF_KEYS {
        let key = key(name);
        let (private, public) =
            (ring(KeyKind::Private, &key["private"]["pem"]), ring(KeyKind::Public, &key["public"]["pem"]));
        for word in words {
            let compiled = compiled(word);
            let draft = Draft::new("1", Timestamp::from_unix(0), URL, b"content");
            let sign = |keys: &Keyring| {
                let signer = compiled.signer(keys, &Vars::new()).ok()?;
                signer.sign(&draft).ok()
            };
            assert!(sign(&public).is_none(), "{word}: a public key signs nothing");
            match sign(&private) {
                Some(signed) => {
                    let (_, signature) = &signed.headers[0];
                    assert!(verifies(&compiled, &public, signature, b"content"), "{word}");
                }
                None => only_verify.push(*word),
            }
        }
    }
    assert_eq!(
        only_verify,
        [
            "ecdsa-p256-sha384",
            "ecdsa-p256-sha512",
            "ecdsa-p256-sha1",
            "ecdsa-p384-sha256",
            "ecdsa-p384-sha512",
            "rsa-pkcs1-sha1"
        ]
    );
}

#[test]
fn a_weak_key_is_taken_only_where_the_preset_spells_it_and_says_so() {
    for (name, word, good) in [
        ("rsa-1024", "rsa-pkcs1-sha1", false),
        ("rsa-1024", "rsa-pkcs1-sha256", false),
        ("rsa-1024", "rsa-pkcs1-sha1-weak-key", true),
        ("rsa-1024", "rsa-pkcs1-sha256-weak-key", true),
        ("rsa-1024", "rsa-pkcs1-sha512-weak-key", true),
        ("rsa-2048-e3", "rsa-pkcs1-sha256", false),
        ("rsa-2048-e3", "rsa-pkcs1-sha256-weak-key", true),
    ] {
        let (key, compiled) = (key(name), compiled(word));
        for (kind, half) in [(KeyKind::Public, "public"), (KeyKind::Private, "private")] {
            let keys = ring(kind, &key[half]["pem"]);
            let made = compiled.verifier("hooks", &keys, &Vars::new());
            assert_eq!(made.is_ok(), good, "{name} for {word}");
        }
        let noted = compiled.needs().notes.iter().any(|note| note.contains("can be broken"));
        assert_eq!(noted, good, "{word}");
        if good {
            let of = word.strip_suffix("-weak-key").unwrap();
            let signature = const_hex::decode(key["signatures"][of].as_str().unwrap()).unwrap();
            let signature = base64_simd::STANDARD.encode_to_string(signature);
            let keys = ring(KeyKind::Public, &key["public"]["pem"]);
            assert!(verifies(&compiled, &keys, signature.as_bytes(), br#"{"test": 2432232314}"#));
        }
    }
    for legacy in ["rsa-pkcs1-sha1", "ecdsa-p256-sha1"] {
        assert!(compiled(legacy).needs().notes.iter().any(|note| note.contains("SHA-1")), "{legacy}");
    }
}

#[test]
fn a_shared_secret_is_no_key_of_this_mode() {
    let compiled = compiled("ecdsa-p256-sha256");
    let keys = Keyring::of("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE").unwrap();
    let refused = compiled.verifier("hooks", &keys, &Vars::new()).err().unwrap().to_string();
    assert_eq!(refused, "key `main`: this mode takes no shared key");
}
