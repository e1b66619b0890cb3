//! Over real sockets on this machine: what is called, what is not, and what one call may take.
#![allow(clippy::unwrap_used)]

mod attacks;
mod authority;
mod calls;
mod identity;
mod proxy;
mod server;
