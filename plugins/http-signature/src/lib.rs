//! Mode http-signature: RFC 9421, and the draft before it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
