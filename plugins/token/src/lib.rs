//! Mode token: a secret the sender presents.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
