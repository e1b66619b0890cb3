//! The gateway over real sockets: what each check does, what senders hear, what is kept and handed on.
#![allow(clippy::unwrap_used)]

mod attacks;
mod bad_input;
mod checks;
mod defects;
mod world;
