//! Calling out: the one client, by which no private address is reached.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
