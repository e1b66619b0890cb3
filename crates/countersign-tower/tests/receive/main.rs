//! Receivers over real sockets: what reaches a handler, what does not, and what senders are told.
#![allow(clippy::unwrap_used)]

mod bodies;
mod doors;
mod example;
mod handshakes;
mod remote;
mod replay;
mod setup;
mod urls;
mod world;
