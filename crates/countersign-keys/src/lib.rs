//! Public keys and signatures, for the modes that have them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod remote;
