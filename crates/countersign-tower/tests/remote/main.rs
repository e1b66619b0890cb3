//! Remote keys over real sockets: a server on this machine counts what is fetched, a clock is moved by hand, and a small
//! mode asks for documents as others do.
#![allow(clippy::unwrap_used)]

mod attacks;
mod harness;
mod rules;
