//! What a verification costs in each mode beside the raw primitive of its library, in one run and in turn.
//!
//! The raw side has its key parsed and kept, and its content in one piece; it reads no header, decodes no signature and
//! compares nothing else. Ours is `Verifier::verify` on a request of a dozen headers, all the way to the proof. What the
//! `x509` mode costs stands beside its own tests: `cargo bench -p countersign-x509`.
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
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use countersign::{Context, Head, Key, KeyId, Keyring, Registry, Request, Secret, Timestamp, Vars, Verifier};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use pair::{HEADERS, Pair};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::sync::Arc;

const NOW: i64 = 1_760_000_000;
const URL: &str = "https://hooks.example.com/in";
const SIZES: [(&str, usize); 2] = [("200 B", 200), ("20 KiB", 20 << 10)];

fn main() {
    println!(
        "{:34} {:>6} {:>10} {:>10} {:>6}  at most",
        "mode, beside the raw primitive", "size", "raw ns", "ours ns", "ratio"
    );
    for (size, bytes) in SIZES {
        let body = body(bytes);
        ed25519(size, &body);
        ecdsa(size, &body);
        rsa(size, &body);
        http_signature(size, &body);
    }
    // No body is read for these.
    jwt();
    token();
}

fn ed25519(size: &str, body: &[u8]) {
    let pair = SigningKey::from_bytes(&[7; 32]);
    let content = timed(body);
    let signature = pair.sign(&content);
    let public = pair.verifying_key();
    let ours = Ours::new("ed25519", "ed25519", public.as_bytes(), signature.to_bytes());
    let raw = || public.verify_strict(black_box(&content), &signature).is_ok();
    ours.row("ed25519: verify_strict", size, body, Some(1.15), raw);
}

fn ecdsa(size: &str, body: &[u8]) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let content = timed(body);
    let signature = pair.sign(&SystemRandom::new(), &content).unwrap().as_ref().to_vec();
    let public = pair.public_key().as_ref().to_vec();
    let ours = Ours::new("public-key", "ecdsa-p256-sha256", &public, &signature);
    let raw = kept(&ECDSA_P256_SHA256_ASN1, &public);
    ours.row("public-key: P-256", size, body, Some(1.15), || {
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
    ours.row("public-key: RSA-2048", size, body, Some(1.15), || {
        raw.verify_sig(black_box(&content), &signature).is_ok()
    });
}

fn kept(algorithm: &'static dyn VerificationAlgorithm, public: &[u8]) -> ParsedPublicKey {
    ParsedPublicKey::new(algorithm, public).unwrap()
}

fn http_signature(size: &str, body: &[u8]) {
    let pair = SigningKey::from_bytes(&[7; 32]);
    let public = pair.verifying_key();
    let digest = format!("sha-256=:{}:", STANDARD.encode_to_string(Sha256::digest(body)));
    let parameters = format!("(\"@method\" \"@target-uri\" \"content-digest\");created={NOW};keyid=\"main\"");
    let base = format!(
        "\"@method\": POST\n\"@target-uri\": {URL}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}"
    );
    let signature = pair.sign(base.as_bytes());
    let ours = Ours::of(
        "http-signature",
        "algorithms = [\"ed25519\"]\nrequired = [\"@method\", \"@target-uri\", \"content-digest\"]",
        public.as_bytes(),
        headers([
            ("content-digest", digest),
            ("signature-input", format!("sig1={parameters}")),
            ("signature", format!("sig1=:{}:", STANDARD.encode_to_string(signature.to_bytes()))),
        ]),
    );
    let whole = Sha256::digest(body);
    ours.row("http-signature: Ed25519, SHA-256", size, body, None, || {
        Sha256::digest(black_box(body)) == whole
            && public.verify_strict(black_box(base.as_bytes()), &signature).is_ok()
    });
}

fn jwt() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let claims = format!("{{\"iss\":\"https://issuer.example\",\"iat\":{NOW},\"exp\":{}}}", NOW + 300);
    let content =
        [r#"{"alg":"RS256","typ":"JWT"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode_to_string(part));
    let content = content.join(".");
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content.as_bytes(), &mut signature).unwrap();
    let ours = Ours::of(
        "jwt",
        "token_source = { header = \"authorization\", extract = \"scheme\", scheme = \"Bearer\" }\n\
         algorithms = [\"RS256\"]\nissuer = \"https://issuer.example\"",
        &public,
        headers([(
            "authorization",
            format!("Bearer {content}.{}", URL_SAFE_NO_PAD.encode_to_string(&signature)),
        )]),
    );
    let raw = kept(&RSA_PKCS1_2048_8192_SHA256, &public);
    ours.row("jwt: RSA-2048", "-", b"", None, || {
        raw.verify_sig(black_box(content.as_bytes()), &signature).is_ok()
    });
}

fn token() {
    let token = "5f4dcc3b5aa765d61d8327deb882cf99";
    let table = "token_source = { header = \"x-token\" }";
    let ours = Ours::of("token", table, token.as_bytes(), headers([("x-token", token.to_owned())]));
    let under = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    let hash = |text: &str| under.clone().chain_update(text).finalize();
    let kept = hash(token);
    ours.row("token: HMAC-SHA256 of it", "-", b"", None, || hash(black_box(token)) == kept);
}

/// A verifier, and the headers of a request that it verifies.
struct Ours {
    verifier: Arc<Verifier>,
    headers: Vec<(String, String)>,
}

impl Ours {
    fn new(mode: &str, algorithm: &str, key: &[u8], signature: impl AsRef<[u8]>) -> Self {
        let table = format!(
            "algorithm = \"{algorithm}\"\n\
             signed_template = \"{{timestamp}}.{{body}}\"\n\
             timestamp_source = {{ header = \"x-time\", format = \"unix\" }}\n\
             signature_source = {{ header = \"x-signature\", encoding = \"base64\" }}"
        );
        let own =
            [("x-time", NOW.to_string()), ("x-signature", STANDARD.encode_to_string(signature.as_ref()))];
        Self::of(mode, &table, key, headers(own))
    }

    fn of(mode: &str, table: &str, key: &[u8], headers: Vec<(String, String)>) -> Self {
        let text = format!(
            "schema = 1\nname = \"bench\"\nmode = \"{mode}\"\n[{mode}]\n{table}\n\
             key = {{ forms = [{{ decode = \"base64\" }}] }}\n"
        );
        Ours { verifier: verifier(&text, &STANDARD.encode_to_string(key)), headers }
    }

    fn row(&self, what: &str, size: &str, body: &[u8], most: Option<f64>, raw: impl Fn() -> bool) {
        assert!(raw(), "{what}");
        let request = Request::new(Head::new("POST", URL, &self.headers), body);
        let cx = Context::at(Timestamp::from_unix(NOW));
        assert_eq!(self.verifier.verify(&request, &cx).code(), "ok", "{what}");
        let pair = Pair::measure(raw, || self.verifier.verify(black_box(&request), &cx));
        row(what, size, &pair, most);
    }
}

fn row(what: &str, size: &str, pair: &Pair, most: Option<f64>) {
    let ratio = pair.b / pair.a;
    let aim = most.map_or(String::new(), |most| {
        let met = if ratio <= most { "met" } else { "MISSED" };
        format!("  {most}: {met}")
    });
    println!("{what:34} {size:>6} {:>10.0} {:>10.0} {ratio:>6.3}{aim}", pair.a, pair.b);
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
