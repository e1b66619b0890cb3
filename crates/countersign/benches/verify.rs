//! What a verification costs beside the hashing it cannot do without.
//!
//! The raw side clones a kept `hmac` state, updates it with the pieces of the signed content and finalizes: no headers
//! are looked at, nothing is compared. Both sides run interleaved in one process, and what counts is their difference
//! round by round, because the machine's speed drifts and hits both alike. One run is one sample: processes differ by more
//! than rounds do, so compare medians of several runs.
//!
//! `cargo bench -p countersign --bench verify --features http`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod pair;

use countersign::{
    Context, Draft, Head, Headers, Key, Keyring, Outcome, Registry, Request, Timestamp, Vars, Verifier,
};
use hmac::{Hmac, KeyInit, Mac};
use pair::{HEADERS, Pair};
use sha2::Sha256;
use std::hint::black_box;
use std::sync::Arc;

const SIZES: [(&str, usize); 4] =
    [("200 B", 200), ("2 KiB", 2 << 10), ("20 KiB", 20 << 10), ("1 MiB", 1 << 20)];
const NOW: i64 = 1_760_000_000;
const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";

/// A preset to measure: its text, a secret for it, the bytes that secret stands for, what is signed before the body,
/// and how many nanoseconds more than the raw hash it may take.
struct Shape {
    name: &'static str,
    text: &'static str,
    secret: &'static str,
    key: &'static [u8],
    before: &'static [&'static [u8]],
    allowed: f64,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "github",
        text: include_str!("../../../presets/github.toml"),
        secret: "It's a Secret to Everybody",
        key: b"It's a Secret to Everybody",
        before: &[],
        allowed: 90.0,
    },
    Shape {
        name: "stripe",
        text: include_str!("../../../presets/stripe.toml"),
        secret: "whsec_not_decoded_at_all_by_this_one",
        key: b"whsec_not_decoded_at_all_by_this_one",
        before: &[b"1760000000", b"."],
        allowed: 180.0,
    },
    Shape {
        name: "standard-webhooks",
        text: include_str!("../../../presets/standard-webhooks.toml"),
        secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        key: b"0123456789abcdef0123456789abcdef",
        before: &[ID.as_bytes(), b".", b"1760000000", b"."],
        allowed: 180.0,
    },
];

fn main() {
    // Cargo hands `--bench` and filters to a harness; a bare `cargo test --benches` is only asked whether it runs.
    let quick = !std::env::args().any(|arg| arg == "--bench");
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    println!(
        "{:18} {:>6} {:8} {:>10} {:>10} {:>6} {:>9} {:>17}  target",
        "", "size", "headers", "raw ns", "ours ns", "ratio", "more ns", "its quartiles"
    );
    // `-- stripe` or `-- 200B` measures only those.
    let wanted = |name: &str| {
        only.is_empty() || only.iter().any(|word| word == name || *word == name.replace(' ', ""))
    };
    for shape in &SHAPES {
        for (size, bytes) in SIZES.iter().take(if quick { 1 } else { SIZES.len() }) {
            if !wanted(shape.name) && !wanted(size) {
                continue;
            }
            let body = body(*bytes);
            let delivery = Delivery::new(shape, &body, &[("main", shape.secret)]);
            shape.row(size, "array", &delivery.verifier, &delivery.headers, &body);
            #[cfg(feature = "http")]
            shape.row(size, "http", &delivery.verifier, &delivery.map(), &body);
        }
    }
    if !quick && only.is_empty() {
        println!();
        candidates();
        keys();
        streamed();
    }
}

impl Shape {
    /// One line of the table.
    fn row(&self, size: &str, kind: &str, verifier: &Arc<Verifier>, headers: &dyn Headers, body: &[u8]) {
        let keyed = Hmac::<Sha256>::new_from_slice(self.key).unwrap();
        let raw = || {
            let mut mac = keyed.clone();
            self.before.iter().for_each(|piece| mac.update(piece));
            mac.update(black_box(body));
            mac.finalize().into_bytes()
        };
        let request = Request::new(Head::new("POST", "https://hooks.example.com/in", headers), body);
        let cx = Context::at(Timestamp::from_unix(NOW));
        assert_eq!(verifier.verify(&request, &cx).code(), "ok", "{}", self.name);
        let pair = Pair::measure(raw, || verifier.verify(black_box(&request), &cx));
        let met = match (pair.more <= self.allowed, pair.quartiles.0 <= self.allowed) {
            (true, _) => "met",
            (false, true) => "within the noise",
            (false, false) => "MISSED",
        };
        println!(
            "{:18} {size:>6} {kind:8} {:>10.0} {:>10.0} {:>6.3} {:>9.0} {:>17}  at most {}: {met}",
            self.name,
            pair.a,
            pair.b,
            pair.b / pair.a,
            pair.more,
            format!("{:.0} to {:.0}", pair.quartiles.0, pair.quartiles.1),
            self.allowed,
        );
    }
}

/// What a hundred wrong signatures cost against one.
fn candidates() {
    let shape = &SHAPES[2];
    let body = body(2 << 10);
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let with = |count: usize| {
        let mut delivery = Delivery::new(shape, &body, &[("main", shape.secret)]);
        let text = vec![wrong; count].join(" ");
        delivery
            .headers
            .iter_mut()
            .filter(|(name, _)| name == "webhook-signature")
            .for_each(|(_, v)| *v = text.clone().into());
        delivery
    };
    let cx = Context::at(Timestamp::from_unix(NOW));
    let one = with(1);
    for count in [8, 100] {
        let many = with(count);
        let (a, b) = (one.request(&body), many.request(&body));
        let (first, second) = (one.verifier.verify(&a, &cx).code(), many.verifier.verify(&b, &cx).code());
        let pair = Pair::measure(|| one.verifier.verify(&a, &cx), || many.verifier.verify(&b, &cx));
        pair.say(&format!("1 wrong signature ({first}) against {count} ({second}), 2 KiB"));
    }
}

/// What more keys cost: each is another hash of the content.
fn keys() {
    for (size, bytes) in [("200 B", 200), ("20 KiB", 20 << 10)] {
        let shape = &SHAPES[0];
        let body = body(bytes);
        let one = Delivery::new(shape, &body, &[("main", shape.secret)]);
        let others =
            [("k1", "another one"), ("k2", "and another"), ("k3", "and a third"), ("main", shape.secret)];
        let four = Delivery { verifier: shape.verifier(&others), headers: one.headers.clone() };
        let cx = Context::at(Timestamp::from_unix(NOW));
        let request = one.request(&body);
        let pair =
            Pair::measure(|| one.verifier.verify(&request, &cx), || four.verifier.verify(&request, &cx));
        pair.say(&format!("1 key against 4, {size}"));
    }
}

/// What a body costs that comes in pieces. A stream keeps the body that it will vouch for, so its copy is in it.
fn streamed() {
    let (shape, body) = (&SHAPES[1], body(1 << 20));
    let delivery = Delivery::new(shape, &body, &[("main", shape.secret)]);
    let cx = Context::at(Timestamp::from_unix(NOW));
    let request = delivery.request(&body);
    let copied = || {
        // What a host does that collects first and verifies then.
        let mut whole = Vec::new();
        body.chunks(16 << 10).for_each(|piece| whole.extend_from_slice(piece));
        let request = Request::new(request.head, &whole);
        matches!(delivery.verifier.verify(&request, &cx), Outcome::Verified(_))
    };
    let pieces = || {
        let mut stream = delivery.verifier.begin(&request.head, &cx, 1 << 20).ok().unwrap();
        body.chunks(16 << 10).for_each(|piece| stream.update(piece).unwrap());
        matches!(stream.finish(&cx), countersign::Finish::Verified(_))
    };
    assert!(copied() && pieces());
    Pair::measure(|| delivery.verifier.verify(&request, &cx), pieces)
        .say("1 MiB at once against 16 KiB pieces");
    Pair::measure(copied, pieces).say("1 MiB collected, then verified, against 16 KiB pieces");
}

/// A signed request.
struct Delivery {
    verifier: Arc<Verifier>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Delivery {
    fn new(shape: &Shape, body: &[u8], keys: &[(&str, &str)]) -> Self {
        let compiled = shape.registry().named(shape.name).unwrap();
        let draft = Draft::new(ID, Timestamp::from_unix(NOW), "https://hooks.example.com/in", body);
        let signed = compiled.signer(&ring(keys), &Vars::new()).unwrap().sign(&draft).unwrap();
        let mut headers: Vec<(String, Vec<u8>)> =
            HEADERS.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect();
        headers.extend(signed.headers.into_iter().map(|(name, value)| (name.to_string(), value)));
        Delivery { verifier: shape.verifier(keys), headers }
    }

    fn request<'r>(&'r self, body: &'r [u8]) -> Request<'r> {
        Request::new(Head::new("POST", "https://hooks.example.com/in", &self.headers), body)
    }

    #[cfg(feature = "http")]
    fn map(&self) -> http::HeaderMap {
        let entry = |(name, value): &(String, Vec<u8>)| {
            (name.parse::<http::HeaderName>().unwrap(), http::HeaderValue::from_bytes(value).unwrap())
        };
        self.headers.iter().map(entry).collect()
    }
}

impl Shape {
    fn registry(&self) -> Registry {
        let mut registry = Registry::new();
        registry.add_preset(self.name, self.text).unwrap();
        registry
    }

    fn verifier(&self, keys: &[(&str, &str)]) -> Arc<Verifier> {
        self.registry().named(self.name).unwrap().verifier("bench", &ring(keys), &Vars::new()).unwrap()
    }
}

fn ring(keys: &[(&str, &str)]) -> Keyring {
    let mut ring = Keyring::new();
    for (id, secret) in keys {
        ring.add(Key::shared(*id, secret).unwrap()).unwrap();
    }
    ring
}

fn body(bytes: usize) -> Vec<u8> {
    let text = br#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":4200,"currency":"eur"}}}"#;
    text.iter().copied().cycle().take(bytes).collect()
}
