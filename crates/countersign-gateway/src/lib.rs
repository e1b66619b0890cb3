//! The gateway: what an operator puts in front of anything that webhooks reach.
//!
//! What it does and in which order is [`config`]'s to say and nobody's to guess: one file of TOML, read whole or not at
//! all. Where secrets are is part of it; what they are is read by [`secrets`], kept by nobody else, and never printed.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod admin;
mod books;
mod calls;
pub mod config;
mod forward;
mod gate;
mod ids;
mod kept;
pub mod operate;
mod outbound;
mod receive;
mod run;
pub mod secrets;
pub mod server;
mod sources;

pub use forward::{FORWARD_SCHEME, escaped};
pub use receive::{OURS, passed_on};
pub use run::{Gateway, StartError, own_secrets};
