//! Messages over real sockets, to receivers that do what a script says.
#![allow(clippy::unwrap_used)]

mod attacks;
mod deliver;
mod endpoints;
mod receiver;
mod target;
mod workers;
mod world;
