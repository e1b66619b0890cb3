//! Mode public-key: ECDSA and RSA over a template.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
