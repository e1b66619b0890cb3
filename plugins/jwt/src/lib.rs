//! Mode jwt: compact JWS with claims.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
