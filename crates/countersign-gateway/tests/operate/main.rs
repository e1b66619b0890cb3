//! What operators do, over HTTP and on a real store: every operation, every refusal, and what must never be told.
#![allow(clippy::unwrap_used)]

mod api;
mod document;
mod keys;
mod leaks;
mod life;
mod logged;
mod own;
mod schemas;
mod sending;
mod two;
#[allow(dead_code)]
#[path = "../gateway/world.rs"]
mod world;
