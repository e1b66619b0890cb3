//! What the C door costs: the same mode linked and loaded, asked in turn about the same request.
//!
//! The mode is the example of a third party's, keyed BLAKE3, and the request carries a dozen headers, a signed time and a
//! signed id. Its shared library is built first, by the same cargo. `cargo bench -p countersign-plugin`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "what other benches show of a pair")]
#[path = "../../countersign/benches/pair/mod.rs"]
mod pair;

use countersign::{Context, Draft, Head, Headers, Keyring, Registry, Request, Timestamp, Vars, Verifier};
use countersign_plugin::host::{Isolation, Loader, Pin, Spec};
use pair::{HEADERS, Pair};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const NOW: i64 = 1_760_000_000;
const URL: &str = "https://hooks.example.com/in";
const SECRET: &str = "77686174732074686520456c7669736820776f726420666f7220667269656e64";
const PRESET: (&str, &str) =
    ("example-blake3.toml", include_str!("../../../plugins/example-rust/example-blake3.toml"));

/// How many nanoseconds more than the linked mode an inline call may take.
const ALLOWED: f64 = 100.0;

fn main() {
    let library = library();
    let mut linked = Registry::new();
    linked.register(example_rust::mode()).unwrap().add_preset(PRESET.0, PRESET.1).unwrap();
    let linked = verifier(&linked);
    println!(
        "{:10} {:>7} {:8} {:>10} {:>10} {:>6} {:>9} {:>17}  target",
        "the door", "body", "headers", "linked ns", "loaded ns", "ratio", "more ns", "its quartiles"
    );
    for (word, isolation) in [("inline", Isolation::Inline), ("thread", Isolation::Thread)] {
        let loaded = verifier(&loaded(&library, isolation));
        for (size, bytes) in [("200 B", 200), ("2 KiB", 2 << 10), ("20 KiB", 20 << 10), ("1 MiB", 1 << 20)] {
            row(
                word,
                size,
                &body(bytes),
                &linked,
                &loaded,
                (isolation == Isolation::Inline).then_some(ALLOWED),
            );
        }
    }
}

fn row(
    word: &str,
    size: &str,
    body: &[u8],
    linked: &Arc<Verifier>,
    loaded: &Arc<Verifier>,
    allowed: Option<f64>,
) {
    let signer = linked.compiled().signer(&Keyring::of(SECRET).unwrap(), &Vars::new()).unwrap();
    let draft = Draft::new("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", Timestamp::from_unix(NOW), URL, body);
    let signed = signer.sign(&draft).unwrap();
    let mut headers: Vec<(String, Vec<u8>)> =
        HEADERS.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    headers.extend(signed.headers.into_iter().map(|(name, value)| (name.to_string(), value)));
    let map: http::HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value[..].try_into().unwrap()))
        .collect();
    let cx = Context::at(Timestamp::from_unix(NOW));
    for (kind, headers) in [("array", &headers as &dyn Headers), ("http", &map)] {
        let request = Request::new(Head::new("POST", URL, headers), body);
        assert_eq!((linked.verify(&request, &cx).code(), loaded.verify(&request, &cx).code()), ("ok", "ok"));
        let pair = Pair::measure(
            || linked.verify(black_box(&request), &cx),
            || loaded.verify(black_box(&request), &cx),
        );
        let target = match allowed {
            None => "none: a copy of the body and two threads".to_owned(),
            Some(most) if pair.more <= most => format!("at most {most} more: met"),
            Some(most) if pair.quartiles.0 <= most => format!("at most {most} more: within the noise"),
            Some(most) => format!("at most {most} more: MISSED"),
        };
        println!(
            "{word:10} {size:>7} {kind:8} {:>10.0} {:>10.0} {:>6.3} {:>9.0} {:>17}  {target}",
            pair.a,
            pair.b,
            pair.b / pair.a,
            pair.more,
            format!("{:.0} to {:.0}", pair.quartiles.0, pair.quartiles.1),
        );
    }
}

fn verifier(registry: &Registry) -> Arc<Verifier> {
    registry
        .named("example-blake3")
        .unwrap()
        .verifier("bench", &Keyring::of(SECRET).unwrap(), &Vars::new())
        .unwrap()
}

fn loaded(library: &Path, isolation: Isolation) -> Registry {
    let mut spec = Spec::new(library, Pin::of(&std::fs::read(library).unwrap()));
    spec.isolation = isolation;
    let module = Loader::new().load(&spec).unwrap_or_else(|error| panic!("{error}"));
    let mut registry = Registry::new();
    module.register(&mut registry).unwrap();
    registry
}

/// The module, built as it ships.
fn library() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--release", "--package=countersign-module-example-rust"])
        .status()
        .unwrap();
    assert!(built.success());
    let own = std::env::current_exe().unwrap();
    let target =
        own.ancestors().find(|folder| folder.ends_with("deps")).and_then(Path::parent).and_then(Path::parent);
    target.unwrap().join("release/libcountersign_module_example_rust.so")
}

fn body(bytes: usize) -> Vec<u8> {
    let text = br#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":4200,"currency":"eur"}}}"#;
    text.iter().copied().cycle().take(bytes).collect()
}
