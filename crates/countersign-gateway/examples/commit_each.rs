//! The gateway with a commit for every request, instead of one for all that came meanwhile: what the load run measures
//! groups beside.
//!
//! `cargo run --release -p countersign-gateway --example commit_each countersign.toml`
#![allow(clippy::unwrap_used)]

use countersign_gateway::Gateway;
use countersign_store::Options;

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _gateway =
        runtime.block_on(Gateway::start_with(file.as_ref(), Options::default().commit_each())).unwrap();
    loop {
        std::thread::park();
    }
}
