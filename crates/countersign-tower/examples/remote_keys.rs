//! A receiver whose sender publishes its keys: they are fetched when a request wants them, and kept.
//!
//! `cargo run -p countersign-tower --features fetch --example remote_keys` asks for a key set that is nowhere, and prints
//! what the sender and the log would hear of it.

#![allow(clippy::print_stdout)] // an example may speak

use countersign::{Clock, Head, Keyring, Registry, Request, Timestamp, Vars};
use countersign_egress::Client;
use countersign_tower::KeyFetcher;
use std::sync::Arc;
use std::time::SystemTime;

const PRESET: &str = r#"
schema = 1
name = "acme"
mode = "jwt"

[jwt]
token_source = { header = "authorization", extract = "scheme", scheme = "Bearer" }
algorithms = ["RS256"]
jwks = { url = "https://keys.acme.invalid/.well-known/jwks.json" }
"#;

/// The core has no clock: this is the one of the system.
struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix(since.as_secs().try_into().unwrap_or(i64::MAX))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::new();
    registry.register(countersign_jwt::mode())?.add_preset("acme.toml", PRESET)?;
    // Once, when the program starts: every clone of the fetcher shares what is kept.
    let verifier = registry.named("acme")?.verifier("acme", &Keyring::new(), &Vars::new())?;
    let fetcher = KeyFetcher::builder(Client::builder().build()?, Arc::new(System)).build();

    // For each request: its head, and the bytes of its body as they came.
    let token = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpYXQiOjE3NjcyMjU2MDB9.AAAA";
    let headers = [("authorization", token)];
    let request = Request::new(Head::new("POST", "https://example.com/hooks", &headers), b"{}");
    match fetcher.resolve(&verifier, &request, System.now()).await {
        Ok(verified) => println!("verified by the key {}", verified.key().as_str()),
        Err(rejection) => println!("{}: {:?}", rejection.reason.code(), rejection.detail),
    }
    Ok(())
}
