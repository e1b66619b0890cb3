//! What verifying here costs beside a handler that does the same by hand.
//!
//! Four axum routers in one process, called directly and without sockets, over the same signed requests of 2 KiB: a handler
//! that computes the HMAC itself and one with the extractor; a middleware that computes it itself, as axum's `from_fn` makes
//! one, and the layer. Requests are made before the clock runs. The four take turns in one round, and what counts is the
//! median of the rounds' ratios: the machine's speed drifts and hits all alike.
//!
//! `cargo bench -p countersign-tower --all-features --bench receivers`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::post};
use bytes::Bytes;
use countersign::{Draft, Keyring, Registry, Timestamp, Vars, Verifier};
use countersign_tower::axum::Verified;
use countersign_tower::{Proof, Receiver, VerifyLayer};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tower_service::Service;

const BODY: usize = 2 * 1024;
const ROUNDS: usize = 41;
const REQUESTS: usize = 512;
const SECRET: &str = "It's a Secret to Everybody";
const AT_MOST: f64 = 1.15;

fn main() {
    // Cargo hands `--bench` to a harness; a bare `cargo test --benches` is only asked whether it runs.
    let rounds = if std::env::args().any(|arg| arg == "--bench") { ROUNDS } else { 3 };
    let (verifier, headers, body) = source();
    let receiver = Receiver::builder(verifier, "https://hooks.example.com").build().unwrap();
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let middleware = axum::middleware::from_fn_with_state(key.clone(), middleware_by_hand);
    let mut routers = [
        ("by hand", Router::new().route("/in", post(by_hand)).with_state(key)),
        ("extractor", Router::new().route("/in", post(extractor)).with_state(receiver.clone())),
        ("middleware", Router::new().route("/in", post(trusting).layer(middleware))),
        ("layer", Router::new().route("/in", post(behind).layer(VerifyLayer::new(receiver)))),
    ];
    for (name, router) in &mut routers {
        assert_eq!(call(router, request(&headers, &body)), StatusCode::NO_CONTENT, "{name}");
        assert_eq!(call(router, request(&headers, &body.slice(1..))), StatusCode::UNAUTHORIZED, "{name}");
    }
    let mut times = vec![[0.0; 4]; rounds];
    for (round, row) in times.iter_mut().enumerate() {
        // Whoever begins has cold caches: that goes round.
        for turn in 0..4 {
            let which = (round + turn) % 4;
            row[which] = time(&mut routers[which].1, &headers, &body);
        }
    }
    println!("{:10} {:>9} {:>16} {:>18}", "", "ns", "against", "quartiles");
    for (which, (name, _)) in routers.iter().enumerate() {
        let nanoseconds = sorted(times.iter().map(|row| row[which]))[rounds / 2];
        if which % 2 == 0 {
            println!("{name:10} {nanoseconds:>9.0}");
            continue;
        }
        let ratios = sorted(times.iter().map(|row| row[which] / row[which - 1]));
        let (low, median, high) = (ratios[rounds / 4], ratios[rounds / 2], ratios[rounds * 3 / 4]);
        let met = if median <= AT_MOST { "met" } else { "MISSED" };
        let (by_hand, quartiles) = (routers[which - 1].0, format!("{low:.3} to {high:.3}"));
        println!(
            "{name:10} {nanoseconds:>9.0} {by_hand:>10} {median:.3} {quartiles:>18}  at most {AT_MOST}: {met}"
        );
    }
}

/// As one writes it: the state of the key is kept, the tag is compared in constant time.
async fn by_hand(State(key): State<Hmac<Sha256>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if genuine(key, &headers, &body) { handle(&body) } else { StatusCode::UNAUTHORIZED }
}

async fn middleware_by_hand(State(key): State<Hmac<Sha256>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1024 * 1024).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if !genuine(key, &parts.headers, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(Request::from_parts(parts, body.into())).await
}

/// Behind a middleware one has to trust that it is there.
async fn trusting(body: Bytes) -> StatusCode {
    handle(&body)
}

fn genuine(mut key: Hmac<Sha256>, headers: &HeaderMap, body: &Bytes) -> bool {
    let value = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let mut tag = [0; 32];
    match value.and_then(|value| value.strip_prefix("sha256=")) {
        Some(hex) if const_hex::decode_to_slice(hex, &mut tag).is_ok() => {
            key.update(body);
            key.verify_slice(&tag).is_ok()
        }
        _ => false,
    }
}

async fn extractor(delivery: Verified<Bytes>) -> StatusCode {
    handle(delivery.body())
}

async fn behind(proof: Proof) -> StatusCode {
    handle(proof.body())
}

fn handle(body: &Bytes) -> StatusCode {
    black_box(body);
    StatusCode::NO_CONTENT
}

fn source() -> (Arc<Verifier>, HeaderMap, Bytes) {
    let mut registry = Registry::new();
    registry.add_preset("github.toml", include_str!("../../../presets/github.toml")).unwrap();
    let (compiled, keys, vars) =
        (registry.named("github").unwrap(), Keyring::of(SECRET).unwrap(), Vars::new());
    let text = br#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":4200,"currency":"eur"}}}"#;
    let body: Bytes = text.iter().copied().cycle().take(BODY).collect();
    let draft = Draft::new("id", Timestamp::from_unix(0), "https://hooks.example.com/in", &body);
    let signed = compiled.signer(&keys, &vars).unwrap().sign(&draft).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "hooks.example.com"),
        ("user-agent", "Provider-Hookshot/1.0 (+https://example.com/webhooks)"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate"),
        ("content-type", "application/json; charset=utf-8"),
        ("content-length", "2048"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-request-id", "4c8a2b1e-6a1d-4b0f-9b9e-3f1f8f6a9a10"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in signed.headers {
        let name: axum::http::HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
    }
    (compiled.verifier("bench", &keys, &vars).unwrap(), headers, body)
}

/// As a server makes it: a body of its own, in one piece.
fn request(headers: &HeaderMap, body: &Bytes) -> Request {
    let mut request = Request::new(Body::from(Bytes::copy_from_slice(body)));
    *request.method_mut() = axum::http::Method::POST;
    *request.uri_mut() = "/in".parse().unwrap();
    *request.headers_mut() = headers.clone();
    request
}

/// Nanoseconds a request.
fn time(router: &mut Router, headers: &HeaderMap, body: &Bytes) -> f64 {
    let requests: Vec<_> = (0..REQUESTS).map(|_| request(headers, body)).collect();
    let start = Instant::now();
    for request in requests {
        black_box(call(router, request));
    }
    start.elapsed().as_nanos() as f64 / REQUESTS as f64
}

/// All is here, so that nothing waits: no runtime is measured.
fn call(router: &mut Router, request: Request) -> StatusCode {
    let mut answer = pin!(router.call(request));
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response.unwrap().status(),
        Poll::Pending => panic!("something waits"),
    }
}

fn sorted(all: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    all
}
