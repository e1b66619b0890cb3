//! Mode ed25519: Ed25519 over a template.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
