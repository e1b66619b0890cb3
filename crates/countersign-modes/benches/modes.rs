//! What a verification costs in each mode beside the raw primitive of its library, in one run and in turn.
//!
//! The raw side has its key parsed and kept, and its content in one piece; it reads no header, decodes no signature and
//! compares nothing else. Ours is `Verifier::verify` on a request of a dozen headers, all the way to the proof.
//!
//! `cargo bench -p countersign-modes`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "what other benches show of a pair")]
#[path = "../../countersign/benches/pair/mod.rs"]
mod pair;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use base64_simd::STANDARD;
use countersign::{Context, Head, Key, KeyId, Keyring, Registry, Request, Secret, Timestamp, Vars, Verifier};
use ed25519_dalek::{Signer, SigningKey};
use pair::Pair;
use std::hint::black_box;
use std::sync::Arc;

const NOW: i64 = 1_760_000_000;
const URL: &str = "https://hooks.example.com/in";
const SIZES: [(&str, usize); 2] = [("200 B", 200), ("20 KiB", 20 << 10)];

/// What else a delivery carries.
const HEADERS: [(&str, &str); 9] = [
    ("host", "hooks.example.com"),
    ("user-agent", "Provider-Hookshot/1.0 (+https://example.com/webhooks)"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("content-type", "application/json; charset=utf-8"),
    ("content-length", "2048"),
    ("cache-control", "no-cache"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-request-id", "4c8a2b1e-6a1d-4b0f-9b9e-3f1f8f6a9a10"),
];

fn main() {
    println!(
        "{:30} {:>6} {:>10} {:>10} {:>6}  at most",
        "mode, beside the raw primitive", "size", "raw ns", "ours ns", "ratio"
    );
    for (size, bytes) in SIZES {
        let body = body(bytes);
        ed25519(size, &body);
        ecdsa(size, &body);
        rsa(size, &body);
    }
}

fn ed25519(size: &str, body: &[u8]) {
    let pair = SigningKey::from_bytes(&[7; 32]);
    let content = timed(body);
    let signature = pair.sign(&content);
    let public = pair.verifying_key();
    let ours = Ours::new("ed25519", "ed25519", public.as_bytes(), signature.to_bytes());
    let raw = || public.verify_strict(black_box(&content), &signature).is_ok();
    ours.row("ed25519: verify_strict", size, body, 1.15, raw);
}

fn ecdsa(size: &str, body: &[u8]) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let content = timed(body);
    let signature = pair.sign(&SystemRandom::new(), &content).unwrap().as_ref().to_vec();
    let public = pair.public_key().as_ref().to_vec();
    let ours = Ours::new("public-key", "ecdsa-p256-sha256", &public, &signature);
    let raw = kept(&ECDSA_P256_SHA256_ASN1, &public);
    ours.row("public-key: P-256", size, body, 1.15, || {
        raw.verify_sig(black_box(&content), &signature).is_ok()
    });
}

fn rsa(size: &str, body: &[u8]) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let content = timed(body);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &content, &mut signature).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let ours = Ours::new("public-key", "rsa-pkcs1-sha256", &public, &signature);
    let raw = kept(&RSA_PKCS1_2048_8192_SHA256, &public);
    ours.row("public-key: RSA-2048", size, body, 1.15, || {
        raw.verify_sig(black_box(&content), &signature).is_ok()
    });
}

fn kept(algorithm: &'static dyn VerificationAlgorithm, public: &[u8]) -> ParsedPublicKey {
    ParsedPublicKey::new(algorithm, public).unwrap()
}

/// A template mode with a time and the body, and a request that it verifies.
struct Ours {
    verifier: Arc<Verifier>,
    headers: Vec<(String, String)>,
}

impl Ours {
    fn new(mode: &str, algorithm: &str, key: &[u8], signature: impl AsRef<[u8]>) -> Self {
        let text = format!(
            "schema = 1\nname = \"bench\"\nmode = \"{mode}\"\n[{mode}]\nalgorithm = \"{algorithm}\"\n\
             signed_template = \"{{timestamp}}.{{body}}\"\n\
             timestamp_source = {{ header = \"x-time\", format = \"unix\" }}\n\
             signature_source = {{ header = \"x-signature\", encoding = \"base64\" }}\n\
             key = {{ forms = [{{ decode = \"base64\" }}] }}\n"
        );
        let signature = STANDARD.encode_to_string(signature);
        let own = [("x-time", NOW.to_string()), ("x-signature", signature)];
        let verifier = verifier(&text, &STANDARD.encode_to_string(key));
        Ours { verifier, headers: headers(own) }
    }

    fn row(&self, what: &str, size: &str, body: &[u8], most: f64, raw: impl Fn() -> bool) {
        assert!(raw(), "{what}");
        let request = Request::new(Head::new("POST", URL, &self.headers), body);
        let cx = Context::at(Timestamp::from_unix(NOW));
        assert_eq!(self.verifier.verify(&request, &cx).code(), "ok", "{what}");
        let pair = Pair::measure(raw, || self.verifier.verify(black_box(&request), &cx));
        row(what, size, &pair, most);
    }
}

fn row(what: &str, size: &str, pair: &Pair, most: f64) {
    let ratio = pair.b / pair.a;
    let met = if ratio <= most { "met" } else { "MISSED" };
    println!("{what:30} {size:>6} {:>10.0} {:>10.0} {ratio:>6.3}  {most}: {met}", pair.a, pair.b);
}

fn verifier(text: &str, key: &str) -> Arc<Verifier> {
    let mut registry: Registry = countersign_modes::without_presets().unwrap();
    registry.add_preset("bench.toml", text).unwrap();
    let compiled = registry.named("bench").unwrap();
    let mut ring = Keyring::new();
    let secret = Secret::new(key.as_bytes()).unwrap();
    ring.add(Key::new(KeyId::new("main"), compiled.needs().key_kind(false), secret)).unwrap();
    compiled.verifier("bench", &ring, &Vars::new()).unwrap()
}

fn headers<const N: usize>(own: [(&str, String); N]) -> Vec<(String, String)> {
    let all = HEADERS.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(own);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn timed(body: &[u8]) -> Vec<u8> {
    [NOW.to_string().as_bytes(), b".", body].concat()
}

fn body(bytes: usize) -> Vec<u8> {
    let text = br#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":4200,"currency":"eur"}}}"#;
    text.iter().copied().cycle().take(bytes).collect()
}
