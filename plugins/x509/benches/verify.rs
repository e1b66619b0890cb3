//! What a request under a certificate costs beside the verification of its signature, which it cannot do without.
//!
//! The raw side hashes the signed content and verifies with a key that `aws-lc-rs` has parsed: no header is looked at, no
//! JSON, no URL, no certificate. Both sides run interleaved in one process, fifteen rounds. A remembered certificate may make
//! a request cost 1.3 times the raw side; one that is seen for the first time costs its chain as well, and is shown beside.
//!
//! `cargo bench -p countersign-x509 --bench verify`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "what other benches show of a pair")]
#[path = "../../../crates/countersign/benches/pair/mod.rs"]
mod pair;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
};
use countersign::{Context, Document, KeyCache, Registry, RequestKind, Verifier};
use countersign_keys::chain::certificates;
use countersign_testkit::{Case, SecretSpec, VectorFile};
use pair::Pair;
use std::hint::black_box;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How much more than its raw verification a request may cost.
const ALLOWED: f64 = 1.3;

/// A preset to measure by one of its vectors: what is signed of a request, and how.
struct Shape {
    name: &'static str,
    preset: &'static str,
    vectors: &'static str,
    case: &'static str,
    parameters: &'static RsaParameters,
    content: fn(&Case) -> Vec<u8>,
    signature: fn(&Case) -> String,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "sns, SHA-256",
        preset: include_str!("../../../presets/aws-sns.toml"),
        vectors: include_str!("../../../presets/aws-sns.vectors.toml"),
        case: "v2",
        parameters: &RSA_PKCS1_2048_8192_SHA256,
        content: sns,
        signature: |case| field(case, "Signature"),
    },
    Shape {
        name: "sns, SHA-1",
        preset: include_str!("../../../presets/aws-sns.toml"),
        vectors: include_str!("../../../presets/aws-sns.vectors.toml"),
        case: "hello-v1",
        parameters: &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        content: sns,
        signature: |case| field(case, "Signature"),
    },
    Shape {
        name: "alexa, 4096 bits",
        preset: include_str!("../../../presets/alexa.toml"),
        vectors: include_str!("../../../presets/alexa.vectors.toml"),
        case: "hello",
        parameters: &RSA_PKCS1_2048_8192_SHA256,
        content: |case| case.request.body.clone(),
        signature: |case| {
            let headers = &case.request.headers;
            let (_, value) = headers.iter().find(|(name, _)| name == "Signature-256").unwrap();
            String::from_utf8(value.clone()).unwrap()
        },
    },
];

fn main() {
    println!("{:18} {:>10} {:>10} {:>6}  target", "", "raw ns", "ours ns", "ratio");
    SHAPES.iter().for_each(Shape::row);
}

impl Shape {
    /// One line of the table, and a line for a certificate that is new.
    fn row(&self) {
        let case = VectorFile::parse("v", self.vectors).unwrap().case(self.case).unwrap().clone();
        let (url, text) = &case.documents[0];
        let der = certificates(text.as_bytes()).unwrap().remove(0);
        let (_, leaf) = X509Certificate::from_der(&der).unwrap();
        let key = ParsedPublicKey::new(self.parameters, leaf.public_key().raw).unwrap();
        let content = (self.content)(&case);
        let signature = base64_simd::STANDARD.decode_to_vec((self.signature)(&case)).unwrap();
        let raw = || key.verify_sig(black_box(&content), &signature).unwrap();

        let verifier = self.verifier(&case);
        let held = One(url, Document::new(text.as_bytes(), case.now));
        let request = case.request.request();
        let cx = Context::new(case.now, &held);
        assert_eq!(verifier.verify(&request, &cx).code(), "ok", "{}", self.name);
        let pair = Pair::measure(raw, || verifier.verify(black_box(&request), &cx));
        let met = if pair.b <= pair.a * ALLOWED { "met" } else { "MISSED" };
        let ratio = pair.b / pair.a;
        println!("{:18} {:>10.0} {:>10.0} {ratio:>6.3}  at most {ALLOWED}: {met}", self.name, pair.a, pair.b);

        let fresh = || {
            let held = One(url, Document::new(text.as_bytes(), case.now));
            verifier.verify(black_box(&request), &Context::new(case.now, &held)).code()
        };
        let pair = Pair::measure(raw, fresh);
        println!("{:18} {:>10.0} {:>10.0} {:>6.3}  a copy that is new", "", pair.a, pair.b, pair.b / pair.a);
    }

    fn verifier(&self, case: &Case) -> Arc<Verifier> {
        let mut registry = Registry::new();
        registry.register(countersign_x509::mode()).unwrap().add_preset("p.toml", self.preset).unwrap();
        let compiled = registry.named_with(&case.preset, case.overrides.clone().unwrap()).unwrap();
        let keys = SecretSpec::ring(&case.secrets, compiled.needs().key_kind(false)).unwrap();
        compiled.verifier("bench", &keys, &case.vars).unwrap()
    }
}

/// The one document there is.
struct One<'d>(&'d str, Document);

impl KeyCache for One<'_> {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        (name == self.0).then(|| self.1.clone())
    }
}

/// What is signed of a notification.
fn sns(case: &Case) -> Vec<u8> {
    let keys = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
    keys.map(|key| format!("{key}\n{}\n", field(case, key))).concat().into_bytes()
}

/// A member of a flat body whose strings have no escapes but `\"`.
fn field(case: &Case, name: &str) -> String {
    let body = std::str::from_utf8(&case.request.body).unwrap();
    let (_, rest) = body.split_once(&format!("\"{name}\": \"")).unwrap();
    let rest = rest.replace("\\\"", "\u{1}");
    rest.split_once('"').unwrap().0.replace('\u{1}', "\"")
}
