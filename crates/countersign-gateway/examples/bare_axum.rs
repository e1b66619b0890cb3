//! What a person would write without us: an axum handler that computes one HMAC and compares it. The load run measures
//! the gateway beside it.
//!
//! `cargo run --release -p countersign-gateway --example bare_axum 127.0.0.1:8081`
#![allow(clippy::unwrap_used)]

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".into());
    let key = Hmac::<Sha256>::new_from_slice(b"github-secret-of-the-load").unwrap();
    let judge = move |headers: HeaderMap, body: Bytes| async move {
        let signature =
            headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok()?.strip_prefix("sha256="));
        let mut wanted = [0; 32];
        match signature.map(|signature| const_hex::decode_to_slice(signature, &mut wanted)) {
            Some(Ok(())) if key.clone().chain_update(&body).verify_slice(&wanted).is_ok() => {
                StatusCode::NO_CONTENT
            }
            _ => StatusCode::UNAUTHORIZED,
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        axum::serve(listener, axum::Router::new().route("/pure", post(judge))).await.unwrap();
    });
}
