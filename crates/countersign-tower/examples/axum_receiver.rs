//! An axum application with two sources, each received by its own preset and secret.
//!
//! ```sh
//! ACME_SECRET=… SHOP_SECRET=… cargo run -p countersign-tower --features axum --example axum_receiver -- 127.0.0.1:8080
//! ```
//!
//! It prints where it listens, and a line for each request.

#![allow(clippy::print_stdout)] // an example may speak

use axum::extract::State;
use axum::response::Response;
use axum::{Router, middleware, routing::any};
use bytes::Bytes;
use countersign::{Keyring, MemoryGuard, Registry, Vars};
use countersign_tower::axum::{Verified, VerifiedJson};
use countersign_tower::{Receiver, Why};
use std::sync::Arc;
use tokio::net::TcpListener;

const ACME: &str = r#"
schema = 1
name = "acme"
mode = "hmac"

[freshness]
tolerance_seconds = 300

[hmac]
algorithm = "sha256"
signed_template = "{id}.{timestamp}.{body}"
id_source = { header = "acme-id" }
timestamp_source = { header = "acme-time", format = "unix" }
signature_source = { header = "acme-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

const SHOP: &str = r#"
schema = 1
name = "shop"
mode = "hmac"

[hmac]
algorithm = "sha256"
signed_template = "{body}"
signature_source = { header = "shop-signature", extract = "prefix", prefix = "sha256=", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

#[derive(serde::Deserialize)]
struct Invoice {
    invoice: String,
    amount: u64,
}

/// A handler that has its argument was called with a genuine request.
async fn acme(delivery: VerifiedJson<Invoice>) -> Response {
    let Invoice { invoice, amount } = delivery.value();
    println!("{}: invoice {invoice} of {amount}", delivery.message_id().unwrap_or("?"));
    delivery.acknowledge()
}

async fn shop(State(_receiver): State<Receiver>, delivery: Verified<Bytes>) -> Response {
    println!("{} bytes, signed by {}", delivery.body().len(), delivery.key());
    delivery.acknowledge()
}

/// Why a request was answered and not handled is for us; its sender heard a status.
async fn log(response: Response) -> Response {
    if let Some(why) = response.extensions().get::<Why>() {
        println!("{}: {why:?}", response.status());
    }
    response
}

/// `any`, not `post`: some providers set a webhook up by GET.
fn app() -> Result<Router, Box<dyn std::error::Error>> {
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", ACME)?.add_preset("shop.toml", SHOP)?;
    let receiver = |preset: &str, secret: &str| -> Result<Receiver, Box<dyn std::error::Error>> {
        let keys = Keyring::of(std::env::var(secret).map_err(|_| format!("set {secret}"))?)?;
        let verifier = registry.named(preset)?.verifier(preset, &keys, &Vars::new())?;
        let receiver = Receiver::builder(verifier, "https://hooks.example.com");
        Ok(receiver.replay_guard(Arc::new(MemoryGuard::default())).build()?)
    };
    let acme = Router::new().route("/in/acme", any(acme)).with_state(receiver("acme", "ACME_SECRET")?);
    let shop = Router::new().route("/in/shop", any(shop)).with_state(receiver("shop", "SHOP_SECRET")?);
    Ok(acme.merge(shop).layer(middleware::map_response(log)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    let app = app()?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
